"""FLOP per token, counted from the shape, beside what published throughput tables imply, and beside 6·N."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frame import Inputs, Page
from hydrometer.costs.architecture import Architecture
from hydrometer.costs.flop import training_flop_per_token
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from prose import paragraph, table

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes:
        name: as published.
        architecture: its shape.
        counted_gflop: GFLOP per token of training, from the shape.
        by_their_conventions: the same, with what the publisher's counter is known to do otherwise.
        published_gflop: the publisher's.
    """

    name: str
    architecture: Architecture
    counted_gflop: float
    by_their_conventions: float
    published_gflop: float

    @property
    def short_form_gflop(self) -> float:
        """6·N_active, the short form that leaves out the attention core."""
        return 6 * self.architecture.active_parameters()["with_both_embeddings"] / 1e9


def _projections(network: Architecture) -> float:
    """Returns the GFLOP of the 2d·d projections of MTP modules, which Megatron's counter leaves out in hybrids."""
    return 6 * 2 * network.hidden_size**2 * network.mtp_layers / 1e9


def rows() -> list[Row]:
    """Returns every network of bench/flop_cases.toml."""
    cases: dict[str, dict[str, Any]] = tomllib.loads((_HERE / "flop_cases.toml").read_text(encoding="utf-8"))
    checkpoints = json.loads((_HERE / "checkpoints.json").read_text(encoding="utf-8"))
    found = []
    for name, case in cases.items():
        mpt = name.startswith("MPT")
        known = checkpoints[case.get("checkpoint", "MPT-7B" if mpt else name)]["config"] | case.get("add", {})
        network = architecture_of(Fields(known, name))
        theirs = architecture_of(Fields(known | case.get("conventions", {}), name))
        counted, other = (
            training_flop_per_token(shape, sequence_length=case["sequence_length"], causal=not mpt) / 1e9
            for shape in (network, theirs)
        )
        other -= _projections(theirs) if theirs.mtp_module else 0.0
        found.append(Row(name, network, counted, other, case["published_gflop"]))
    return found


def measure(inputs: Inputs) -> Page:
    """Counts every network."""
    del inputs
    found = rows()
    cells = []
    for row in found:
        gaps = (row.counted_gflop, row.by_their_conventions, row.short_form_gflop)
        own, theirs, short = (100 * (x / row.published_gflop - 1) for x in gaps)
        total = row.architecture.total_parameters() / 1e9
        cells.append((row.name, f"{total:.2f}", f"{row.counted_gflop:.2f}", row.published_gflop, f"{own:+.2f} %",
                      f"{theirs:+.2f} %", f"{short:+.1f} %"))  # fmt: skip
    own = sorted(100 * abs(row.counted_gflop / row.published_gflop - 1) for row in found)
    theirs = [100 * abs(row.by_their_conventions / row.published_gflop - 1) for row in found]
    text = [
        "# Benchmark: FLOP per token",
        paragraph(
            "Counted from the shape beside what publishers' throughput tables imply (NVIDIA Megatron-Bridge: TFLOP/s "
            "over tokens/s; MosaicML's table of MPT, attention in full), and beside 6·N. *By their conventions*: with "
            "what the publisher's counter is known to do otherwise, which was found by looking at these rows."
        ),
        paragraph(
            f"All {len(found)} networks lie within {max(theirs):.2f} % by the publishers' conventions. From the shape "
            f"alone all but 2 lie within {own[-3]:.1f} %."
        ),
        table(
            ("network", "parameters (billion)", "GFLOP per token", "published", "gap", "by their conventions",
             "gap of 6·N"),
            cells,
        ),
    ]  # fmt: skip
    return Page("\n\n".join(text))
