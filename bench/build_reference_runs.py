"""Makes src/hydrometer/data/reference_runs.csv: published pre-training runs and the utilisation they imply.

The table of runs has the columns `model, developer, active_params, tokens, architecture, accelerator,
accelerator_hours, phase, precision, tier, source`. Kept are runs of tier A (every number reported) and B (one
number rounded or bounded), of 1.5 billion active parameters or more, on a single accelerator type. The
utilisation is 6 N_active D over hours times the BF16 peak, for every run alike: exact FLOP would need every
architecture.
"""

from __future__ import annotations

import csv
import io

from frame import Inputs, Page
from hydrometer.errors import InputError
from hydrometer.store.reference import find_accelerator

TARGET = "src/hydrometer/data/reference_runs.csv"
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


def measure(inputs: Inputs) -> Page:
    """Reads the table of runs and makes the package's."""
    with inputs["runs"].open(newline="") as file:
        rows = [kept for row in csv.DictReader(file) if (kept := reference_row(row)) is not None]
    made = io.StringIO()
    writer = csv.DictWriter(made, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Page(f"{len(rows)} runs", ships={TARGET: made.getvalue().encode()})
