"""Attribution in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution, AttributionPoint
from hydrometer.records.evidence_base import Verdict
from hydrometer.records.numbers import percent
from hydrometer.report.words import VERDICT_MARK, VERDICT_WORDS

_MOST_CANDIDATES = 6
_LIMIT = 1000


def answer(found: Attribution) -> str:
    """Returns the answer as one plain sentence."""
    asked = "one of the panel's candidates" if len(found.candidates) > 1 else found.candidates[0].name
    if found.verdict is Verdict.NOT_MEASURED:
        return f"Not measured: {found.warnings[-1]}."
    best = max((c for c in found.candidates if c.pvalue is not None), key=lambda c: c.statistic or 0.0)
    rate = f"p = {best.pvalue:.2g} over {found.n_null} untaught models"
    if found.verdict is Verdict.SUPPORTS:
        named = " or ".join(found.attributed)
        return f"The answers resemble {named} and what it taught more than any chance at this level explains: {rate}."
    if found.verdict is Verdict.OPPOSES:
        return f"Hardly any model that is documented to be taught resembles its teacher so little: {rate}."
    return f"Nothing is established about {asked}: the closest is {best.name}, {rate}."


def how_sure(found: Attribution) -> str:
    """Returns the error rates as plain sentences."""
    if found.verdict is Verdict.NOT_MEASURED or found.false_positive_rate is None:
        return "Nothing was measured, so nothing is known."
    rate = percent(found.false_positive_rate)
    text = f"At alpha {found.alpha:g} an untaught model is attributed to somebody in {rate} of cases."
    point = found.operating_point
    if point is None:
        return text + " How often taught models are recognised was not measured at this level on this panel."
    return (
        f"{text} Measured on this panel, kin left out: {percent(point.false_accusation.middle)} of {point.n_controls} "
        f"controls accused ({percent(point.false_accusation.low)} to {percent(point.false_accusation.high)}); the "
        f"documented teacher named for {percent(point.power.middle)} ({percent(point.power.low)} to "
        f"{percent(point.power.high)}, {point.n_sources} data sources); somebody else for "
        f"{percent(point.wrong_teacher)}."
    )


def print_attribution(found: Attribution, *, console: Console) -> None:
    """Prints one subject: the answer, the candidates, the channels and what else could explain it."""
    mark = f"{VERDICT_MARK[found.verdict]} {VERDICT_WORDS[found.verdict]}"
    console.print(Text.assemble((printable(found.subject, limit=200), "bold"), "  was taught by a candidate: ", mark))
    console.print(Padding(Text(printable(answer(found), limit=_LIMIT)), (0, 2)))
    if found.verdict is Verdict.NOT_MEASURED:
        return
    console.print(Padding(Text(printable(how_sure(found), limit=_LIMIT), style="dim"), (0, 2)))
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
        f"Documented teacher named: {percent(point.power.middle)} ({percent(point.power.low)} to "
        f"{percent(point.power.high)}) over {point.n_sources} data sources, {point.n_students} students",
        f"Somebody else named: {percent(point.wrong_teacher)}",
        f"At alpha {point.alpha:g}; every model judged without its kin; {point.created_at}",
    )
    for line in lines:
        console.print(Text(f"  {line}"))
