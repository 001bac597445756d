"""The ladder in a terminal: levels, readings, priors, and which unknown matters most."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.cost_ladder import LadderReport
from hydrometer.records.numbers import amount, rough_usd, usd, usd_range

_SIGN = {"equals": "", "at_most": "at most ", "at_least": "at least ", "about": "about "}


def _line(console: Console, text: str | Text, indent: int = 2) -> None:
    console.print(Padding(text if isinstance(text, Text) else Text(printable(text, limit=1000)), (0, 0, 0, indent)))


def print_ladder(report: LadderReport, *, console: Console) -> None:
    """Prints the whole ladder of one model."""
    ladder = report.ladder
    console.print(Text(printable(report.subject), style="bold"))
    if ladder.headline is not None:
        _line(console, f"headline: {_SIGN[ladder.headline.relation]}{usd(ladder.headline.usd)}")
    if not ladder.levels:
        _line(console, "No accelerator-hours, cluster or company figure was published: no level can be computed.")
    for level in ladder.levels:
        console.print()
        middle = f", {rough_usd(level.usd.middle)} in the middle" if level.usd.level is not None else ""
        _line(console, Text.assemble((level.title, "bold"), f": {usd_range(level.usd.low, level.usd.high)}{middle}"))
        _line(console, level.question, 4)
        for source in level.sources:
            _line(console, Text(printable(source, limit=1000), style="dim"), 4)
    if ladder.readings:
        console.print()
        console.print(Text("Every published reading of the company's spending", style="bold"))
        for r in ladder.readings:
            _line(console, f"{_SIGN[r.relation]}{usd(r.usd)}: {r.text} ({r.citation.title}, {r.citation.place})")
    if ladder.priors:
        console.print()
        console.print(Text("Beliefs that the ranges rest on: 5 %, 50 %, 95 % points", style="bold"))
    for p in ladder.priors:
        points = " · ".join(amount(v, p.unit) for v in (p.p5, p.p50, p.p95))
        _line(console, f"{p.name}: {points}")
        _line(console, Text(printable(f"{p.meaning}; {p.source}", limit=1000), style="dim"), 4)
    if ladder.swings:
        console.print()
        console.print(Text("Which unknown matters most: median cost at its lowest and highest tenth", style="bold"))
    for s in ladder.swings:
        swing = f"{rough_usd(s.low)} to {rough_usd(s.high)}"
        _line(console, f"{s.prior}: {swing} (rank correlation {s.rank_correlation:+.2f})")
