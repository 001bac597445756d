"""What became of mutants, as a page."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hydrometer.stats.proportions import Proportion
from mutate_sites import squash

ENDS = {
    "killed": "killed",
    "late": "killed by time",
    "survived": "survived",
    "not run": "no test runs the line",
    "equivalent": "argued equivalent",
}


@dataclass(frozen=True)
class Fate:
    """What became of one mutant.

    Attributes:
        file: path from the root of the repository.
        line: number of the line.
        before: the line, without the white space around it.
        after: what it became.
        end: one of `ENDS`.
    """

    file: str
    line: int
    before: str
    after: str
    end: str


def argued(path: Path) -> set[tuple[str, str, str]]:
    """Reads the table of mutants that no test can notice: file, line, what it becomes, and why."""
    found = set()
    for row in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        cells = [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if len(cells) == 4:
            file, before, after = (squash(cell.strip().strip("`")) for cell in cells[:3])
            found.add((file, before, after))
    return found


def _counted(fates: list[Fate]) -> Proportion:
    ends = Counter(fate.end for fate in fates)
    return Proportion(ends["killed"] + ends["late"], len(fates) - ends["equivalent"])


def noticed(fates: list[Fate]) -> float:
    """Returns the share of killed mutants among those that are not argued to be equivalent; 1 where there are none."""
    counted = _counted(fates)
    return counted.successes / counted.n if counted.n else 1.0


def page(sizes: dict[str, int], fates: list[Fate], *, seed: int) -> str:
    """Returns the page.

    Args:
        sizes: folder of every area, and how many places it has.
        fates: what became of the mutants.
        seed: that they were drawn with.
    """
    rows = [f"| area | places | tried | {' | '.join(ENDS.values())} | noticed |", "|---|" + "---:|" * 8]
    for area, size in [*sizes.items(), ("all", sum(sizes.values()))]:
        mine = [fate for fate in fates if area == "all" or fate.file.startswith(f"{area}/")]
        ends = Counter(fate.end for fate in mine)
        counts = " | ".join(str(ends[end]) for end in ENDS)
        rows.append(
            f"| {area.removeprefix('src/hydrometer/')} | {size} | {len(mine)} | {counts} | {noticed(mine):.0%} |"
        )
    low, high = _counted(fates).confidence_interval() if fates else (0.0, 1.0)
    lived = []
    for end in ("survived", "not run"):
        for fate in fates:
            if fate.end == end:
                note = "" if end == "survived" else f" ({ENDS[end]})"
                lived += [f"{fate.file}:{fate.line}{note}", f"- {fate.before}", f"+ {fate.after}", ""]
    return "\n".join(
        [
            "# Do the tests notice a change of the program?",
            "",
            f"`make mutate`, seed {seed}, {dt.date.today()}: places were drawn at random where the program compares,",
            "computes, holds a number or combines conditions. Each was changed once, alone, and the tests that run it",
            "were run. Of the mutants that are not argued to be equivalent ([why](../mutants.md))",
            f"**{noticed(fates):.1%} were noticed** (exact 95 % interval {low:.1%} to {high:.1%}).",
            "",
            *rows,
            "",
            "## What lived",
            "",
            "```diff",
            *lived[:-1],
            "```",
            "",
        ]
    )
