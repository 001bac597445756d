"""Parameters counted from config.json beside those of transformers' own classes, for published checkpoints.

python bench/parameter_counts.py             # beside the counts stored in bench/checkpoints.json
python bench/parameter_counts.py --recount   # builds every network without weights (needs torch and transformers)

The configurations of bench/checkpoints.json are keyed from the published checkpoints, from memory; the counts beside
them are what transformers 5.24 builds from the same configuration: independent of this project's formulas.
"""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of

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


def main() -> None:
    """Prints the table, or stores the counts anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recount", action="store_true", help="count with transformers and compare with the stored")
    if parser.parse_args().recount:
        for name, entry in json.loads(FILE.read_text(encoding="utf-8")).items():
            try:
                found = recount(entry["config"])
            except (AttributeError, KeyError, ValueError) as error:
                print(f"{name}: transformers does not build it ({type(error).__name__})")
                continue
            print(f"{name}: {found:,}{'' if found == entry['counted_by_transformers'] else ' DIFFERS'}", flush=True)
        return
    print("| checkpoint | family | counted | transformers | gap |")
    print("|---|---|---|---|---|")
    found_rows = rows()
    for row in found_rows:
        reference = "-" if row.reference is None else f"{row.reference:,}"
        gap = "-" if row.gap is None else f"{100 * row.gap:+.5f} %" if row.gap else "0"
        print(f"| {row.name} | {row.family} | {row.counted:,} | {reference} | {gap} |")
    compared = [row for row in found_rows if row.gap is not None]
    print(
        f"\n{sum(row.gap == 0 for row in compared)} of {len(compared)} to the last weight; "
        f"the largest gap is {100 * max(abs(row.gap or 0) for row in compared):.5f} %; "
        f"{len({row.family for row in found_rows})} families."
    )


if __name__ == "__main__":
    main()
