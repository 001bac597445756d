"""How much of each floor of the house the tests run, from coverage.py's JSON."""

from __future__ import annotations

import json
from pathlib import Path

FLOORS = (
    "cli",
    "report",
    "plots",
    "audit",
    "known_cases",
    "instruments",
    "collect",
    "lab",
    "targets",
    "store",
    "panel",
)
FLOORS += ("stats", "costs", "records")


def floor_of(file: str) -> str:
    """Returns the package right below the root, instruments one by one; what lies on no floor is `the rest`."""
    parts = Path(file).parts
    inside = parts[parts.index("hydrometer") + 1 :]
    if len(inside) == 1 or inside[0] not in FLOORS:
        return "the rest"
    return "/".join(inside[:2]) if inside[0] == "instruments" and len(inside) > 2 else inside[0]


def table(report: Path) -> list[str]:
    """Returns one line for every floor, from the top down, and one for all."""
    counts: dict[str, list[int]] = {}
    keys = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    for file, found in json.loads(report.read_text(encoding="utf-8"))["files"].items():
        for name in (floor_of(file), "all"):
            sums = counts.setdefault(name, [0, 0, 0, 0])
            counts[name] = [a + found["summary"][key] for a, key in zip(sums, keys, strict=True)]
    order = [*FLOORS, "the rest", "all"]
    lines = [f"{'floor':<28}{'lines run':>18}{'branches taken':>18}"]
    for name in sorted(counts, key=lambda name: (order.index(name.partition("/")[0]), name)):
        line, lines_, branch, branches = counts[name]
        lines.append(f"{name:<28}{_share(line, lines_):>18}{_share(branch, branches):>18}")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} of {whole:,}" if whole else "-"
