"""Attribution in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution, AttributionPoint
from hydrometer.records.evidence import Verdict
from hydrometer.records.numbers import percent
from hydrometer.report.words import VERDICT_MARK, VERDICT_WORDS

# For the reader, by hand, 2026-11-24; the JSON holds all.
_MOST_CANDIDATES = 6
_LIMIT = 1000


def print_attribution(found: Attribution, *, console: Console) -> None:
    """Prints one subject: the answer, the candidates, the channels and what else could explain it."""
    mark = f"{VERDICT_MARK[found.verdict]} {VERDICT_WORDS[found.verdict]}"
    console.print(Text.assemble((printable(found.subject, limit=200), "bold"), "  was taught by a candidate: ", mark))
    console.print(Padding(Text(printable(found.answer, limit=_LIMIT)), (0, 2)))
    if found.verdict is Verdict.NOT_MEASURED:
        return
    console.print(Padding(Text(printable(found.how_sure, limit=_LIMIT), style="dim"), (0, 2)))
    console.print(Padding(_candidates(found), (1, 2, 0, 2)))
    console.print(Padding(_channels(found), (1, 2, 0, 2)))
    for title, lines in (
        ("Cannot be ruled out", found.cannot_rule_out),
        ("What would settle it", found.needs),
        ("Notes", found.warnings),
    ):
        if lines:
            console.print(Padding(Text(title, style="bold"), (1, 2, 0, 2)))
            for line in lines:
                console.print(Padding(Text(f"- {printable(line, limit=_LIMIT)}"), (0, 4)))
    console.print()


def _candidates(found: Attribution) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("candidate", "left"),
        ("statistic", "right"),
        ("p", "right"),
        ("students", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    judged = sorted((c for c in found.candidates if c.statistic is not None), key=lambda c: -(c.statistic or 0.0))
    for c in judged[:_MOST_CANDIDATES]:
        note = "named" if c.name in found.attributed else "passes too" if c.name in found.also_resembles else ""
        table.add_row(printable(c.name, limit=60), f"{c.statistic:.2f}", f"{c.pvalue:.3f}", str(c.n_students), note)
    rest = len(judged) - _MOST_CANDIDATES
    if rest > 0:
        table.add_row(f"{rest} more", "", "", "", "less alike")
    if found.threshold is not None:
        table.add_row(
            "threshold", f"{found.threshold:.2f}", f"{found.alpha:g}", "", f"of {found.n_null} untaught models"
        )
    return table


def _channels(found: Attribution) -> Table:
    best = max((c for c in found.candidates if c.statistic is not None), key=lambda c: c.statistic or 0.0)
    table = Table(box=None, pad_edge=False)
    for name in ("channel", f"likeness to {printable(best.name, limit=40)}", "among the untaught", "most alike to"):
        table.add_column(name, justify="right" if "likeness" in name else "left")
    for c in found.channels:
        counted = "" if c.counted else " (not counted)"
        place = f"{c.rank} of {c.n_null + 1}"
        table.add_row(c.channel + counted, f"{c.value:+.2f}", place, printable(c.nearest, limit=40))
    return table


def print_operating_point(index: Index, point: AttributionPoint | None, *, console: Console) -> None:
    """Prints what was indexed and how often attribution is right on it."""
    record = index.record
    console.print(Text(printable(f"Written {index.folder}: {len(record.models):,} models, {record.n_probes:,} probes")))
    if point is None:
        console.print("No operating point: too few models of documented lineage to support this alpha.")
        return
    lines = (
        f"Controls accused: {percent(point.false_accusation.middle)} of {point.n_controls} from "
        f"{point.n_control_developers} developers ({percent(point.false_accusation.low)} to "
        f"{percent(point.false_accusation.high)})",
        *_hard(point),
        f"Documented teacher named: {percent(point.power.middle)} ({percent(point.power.low)} to "
        f"{percent(point.power.high)}) over {point.n_sources} data sources, {point.n_students} students",
        f"Somebody else named: {percent(point.wrong_teacher)}",
        f"At alpha {point.alpha:g}; every model judged without its kin; {point.created_at}",
    )
    for line in lines:
        console.print(Text(f"  {line}"))


def _hard(point: AttributionPoint) -> tuple[str, ...]:
    found = point.same_text_accusation
    if found is None:
        return ()
    return (
        f"Hard controls accused, which learnt a candidate's own human text: {percent(found.middle)} of "
        f"{point.n_same_text} ({percent(found.low)} to {percent(found.high)})",
    )
