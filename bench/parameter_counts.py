"""Parameters counted from config.json beside those of transformers' own classes, for published checkpoints.

The configurations of bench/checkpoints.json are keyed from the published checkpoints, from memory; the counts beside
them are what transformers 5.24 builds from the same configuration: independent of this project's formulas. `--recount`
builds every network again, without weights.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frame import Inputs, Page
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from prose import paragraph, table

FILE = Path(__file__).with_name("checkpoints.json")
_SPELT_DIFFERENTLY = {"kimi_k2": "deepseek_v3"}


@dataclass(frozen=True)
class Row:
    """One checkpoint.

    Attributes:
        name: as published.
        family: its `model_type`.
        counted: parameters by this project.
        reference: parameters by transformers; none where it cannot build the configuration.
    """

    name: str
    family: str
    counted: int
    reference: int | None

    @property
    def gap(self) -> float | None:
        """Relative difference."""
        return None if self.reference is None else self.counted / self.reference - 1


def rows() -> list[Row]:
    """Returns every checkpoint of bench/checkpoints.json."""
    table = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        Row(
            name,
            entry["config"]["model_type"],
            architecture_of(Fields(entry["config"], name)).total_parameters(),
            entry["counted_by_transformers"],
        )
        for name, entry in table.items()
    ]


def recount(config: dict[str, Any]) -> int:
    """Returns the parameters of the network that transformers builds from a configuration, without weights."""
    import torch
    import transformers

    options = copy.deepcopy(config)
    family = options.pop("model_type")
    built = transformers.AutoConfig.for_model(_SPELT_DIFFERENTLY.get(family, family), **options)
    with torch.device("meta"):
        network = transformers.AutoModelForCausalLM.from_config(built)
    return sum(weights.numel() for weights in network.parameters())


def recounted() -> list[str]:
    """Returns how transformers' counts of now lie beside the stored ones, line by line."""
    lines = []
    for name, entry in json.loads(FILE.read_text(encoding="utf-8")).items():
        try:
            found = recount(entry["config"])
        except (AttributeError, KeyError, ValueError) as error:
            lines.append(f"- {name}: transformers does not build it ({type(error).__name__})")
            continue
        lines.append(f"- {name}: {found:,}{'' if found == entry['counted_by_transformers'] else ' DIFFERS'}")
    return lines


def measure(inputs: Inputs) -> Page:
    """Counts every checkpoint."""
    found = rows()
    compared = [row for row in found if row.gap is not None]
    cells = []
    for row in found:
        reference = "-" if row.reference is None else f"{row.reference:,}"
        gap = "-" if row.gap is None else f"{100 * row.gap:+.5f} %" if row.gap else "0"
        cells.append((row.name, row.family, f"{row.counted:,}", reference, gap))
    text = [
        "# Benchmark: parameters from config.json",
        paragraph(
            f"{sum(row.gap == 0 for row in compared)} of {len(compared)} checkpoints of "
            f"{len({row.family for row in found})} families are counted to the last weight beside transformers' own "
            "classes, built from the same configuration; the largest gap is "
            f"{100 * max(abs(row.gap or 0) for row in compared):.5f} %. The formulas were written with these networks "
            "at hand; their configurations are keyed from the published checkpoints, from memory."
        ),
        table(("checkpoint", "family", "counted", "transformers", "gap"), cells),
    ]
    if inputs["recount"]:
        text += ["## Counted again", "\n".join(recounted())]
    return Page("\n\n".join(text))
