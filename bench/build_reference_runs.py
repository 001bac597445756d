"""Writes src/hydrometer/data/reference_runs.csv: published pre-training runs and the utilisation they imply.

    python bench/build_reference_runs.py TRAINING_RUNS.csv

TRAINING_RUNS.csv has the columns `model, developer, active_params, tokens, architecture, accelerator,
accelerator_hours, phase, precision, tier, source`. Kept are runs of tier A (every number reported) and B (one
number rounded or bounded), of 1.5 billion active parameters or more, on a single accelerator type. The
utilisation is 6 N_active D over hours times the BF16 peak, for every run alike: exact FLOP would need every
architecture.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.store.reference import find_accelerator

TARGET = Path(__file__).parent.parent / "src/hydrometer/data/reference_runs.csv"
COLUMNS = [
    "model",
    "developer",
    "accelerator",
    "hardware",
    "architecture",
    "precision",
    "active_parameters",
    "tokens",
    "accelerator_hours",
    "mfu",
    "source",
]


def reference_row(row: dict[str, str]) -> dict[str, str] | None:
    """Returns the row for the package, or None where the run cannot be compared."""
    needed = (row["active_params"], row["tokens"], row["accelerator_hours"])
    if row["tier"] not in {"A", "B"} or row["phase"] not in {"pretrain", "all"} or not all(needed):
        return None
    active, tokens, hours = map(float, needed)
    if active < 1.5e9 or row["model"].endswith("total") or tokens < 1e11:
        return None
    try:
        chip = find_accelerator(row["accelerator"])
    except InputError:
        return None
    mfu = 6 * active * tokens / (hours * 3600 * chip.bf16_flop_per_second)
    return {
        "model": row["model"],
        "developer": row["developer"],
        "accelerator": chip.name,
        "hardware": chip.hardware,
        "architecture": "moe" if row["architecture"].startswith("moe") else "dense",
        "precision": row["precision"] or "bf16",
        "active_parameters": f"{active:.6g}",
        "tokens": f"{tokens:.6g}",
        "accelerator_hours": f"{hours:.6g}",
        "mfu": f"{mfu:.4f}",
        "source": row["source"],
    }


def main() -> None:
    """Reads the table named on the command line and writes the package's."""
    with Path(sys.argv[1]).open(newline="") as file:
        rows = [kept for row in csv.DictReader(file) if (kept := reference_row(row)) is not None]
    with TARGET.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} runs written to {TARGET}")


if __name__ == "__main__":
    main()
