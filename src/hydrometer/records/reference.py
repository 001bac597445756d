"""Reference tables that ship with the package: accelerators, published runs, priors, operating points."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from hydrometer.records.base import Record, Text
from hydrometer.records.dossier import Precision, PriorName

Positive = Annotated[float, Field(gt=0)]


class Purchase(Record):
    """What one accelerator costs to buy."""

    low: Positive
    high: Positive
    of: Literal["chip", "server"] = "chip"
    """`server`: the prices are a server's share, so no server is added to them."""
    as_of: Text
    source: Text


class Accelerator(Record):
    """A chip that trains models. Peaks are dense, without sparsity, FLOP per second."""

    name: Text
    aliases: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    vendor: Text
    hardware: Text
    """Chips of one peak and generation, as `H100/H800/H200`, compared with each other."""
    launched: dt.date
    bf16_flop_per_second: Positive
    fp8_flop_per_second: Positive | None = None
    fp4_flop_per_second: Positive | None = None
    board_power_watts: Positive | None = None
    purchase: Purchase | None = None
    source: Text

    def peak(self, precision: Precision) -> float | None:
        """Returns the dense peak in FLOP per second, or None where the chip has none at this precision."""
        return {
            "bf16": self.bf16_flop_per_second,
            "fp16": self.bf16_flop_per_second,
            "fp8": self.fp8_flop_per_second,
            "fp4": self.fp4_flop_per_second,
        }[precision]


class ReferenceRun(Record):
    """A published pre-training run whose hours are known."""

    model: Text
    developer: Text
    accelerator: Text
    hardware: Text
    architecture: Literal["dense", "moe"]
    precision: Text
    active_parameters: Positive
    tokens: Positive
    accelerator_hours: Positive
    mfu: Positive
    """6·N_active·D over hours times the BF16 peak."""
    source: Text


class DefaultPrior(Record):
    """A belief used where the dossier states none."""

    name: PriorName
    meaning: Text
    unit: Text
    p5: Positive
    p50: Positive
    p95: Positive
    source: Text


class MachineRow(Record):
    """Memory, links and kernel shares of an accelerator, for plans."""

    accelerator: Text
    memory_gb: Positive
    memory_tb_s: Positive
    link_gb_s: Positive
    """Each way, to accelerators of the same domain."""
    network_gbit_s: Positive
    domain: Annotated[int, Field(ge=1)]
    matrix: Annotated[float, Field(gt=0, le=1)]
    grouped: Annotated[float, Field(gt=0, le=1)]
    attention: Annotated[float, Field(gt=0, le=1)]
    source: Text
