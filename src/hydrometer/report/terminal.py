"""The audit and its checks in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.audit import Audit
from hydrometer.records.claim_checking import Check
from hydrometer.records.evidence import Evidence, Verdict
from hydrometer.report.words import VERDICT_MARK, VERDICT_WORDS

_COLOUR = {
    Verdict.SUPPORTS: "green",
    Verdict.OPPOSES: "red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_MEASURED: "dim",
}
# Texts come from dossiers and answers, which may be hostile: cut here, whole in the JSON.
_LIMIT = 1000


def _plain(text: str) -> Text:
    """Returns stored text that can neither style nor move the cursor."""
    return Text(printable(text, limit=_LIMIT))


def _verdict(verdict: Verdict) -> Text:
    return Text(f"{VERDICT_MARK[verdict]} {VERDICT_WORDS[verdict]}", style=_COLOUR[verdict])


def print_summary(audit: Audit, *, console: Console) -> None:
    """Prints every question, its answer, how sure it is and what is missing."""
    evidence = {e.id: e for e in audit.evidence}
    console.print(Text.assemble(("Hydrometer ", "bold"), f"{audit.hydrometer_version}  ", _plain(audit.subject)))
    for question in audit.questions:
        console.print()
        console.print(Text(question.title, style="bold"))
        if not question.evidence:
            console.print(Padding(Text.assemble(_verdict(Verdict.NOT_MEASURED), ". ", *question.missing[:1]), (0, 2)))
        for name in question.evidence:
            found = evidence[name]
            console.print(Padding(Text.assemble(_verdict(found.verdict), "  ", _plain(found.proposition)), (0, 2)))
            console.print(Padding(_plain(found.answer), (0, 4)))
            console.print(Padding(Text(printable(found.how_sure, limit=_LIMIT), style="dim"), (0, 4)))
            if found.accuses:
                _print_reservations(found, console)


def _print_reservations(found: Evidence, console: Console) -> None:
    """Prints what an accusation cannot rule out, what would settle it, and its warnings."""
    for title, lines in (
        ("Cannot be ruled out", found.cannot_rule_out),
        ("What would settle it", found.missing if found.verdict is Verdict.INCONCLUSIVE else ()),
        ("Warnings", found.warnings),
    ):
        if lines:
            console.print(Padding(Text(f"{title}:", style="dim"), (0, 4)))
        for line in lines:
            console.print(Padding(Text(f"- {printable(line, limit=_LIMIT)}", style="dim"), (0, 6)))


def print_checks(title: str, checks: Sequence[Check], *, console: Console) -> None:
    """Prints every check: the equation, what was claimed, the tolerance and the verdict."""
    console.print(Text(printable(title), style="bold"))
    for check in checks:
        console.print()
        phase = f" ({check.phase})" if check.phase else ""
        console.print(
            Text.assemble(_verdict(check.verdict), "  ", (printable(check.title + phase, limit=_LIMIT), "bold"))
        )
        sources = "; ".join(dict.fromkeys(f"{s.title}, {s.place}" for s in check.sources))
        for word, text in (
            ("follows", check.left.text if check.left else ""),
            ("must lie in" if check.relation == "within" else "claimed", check.right.text if check.right else ""),
            ("tolerance", check.tolerance_reason),
            ("result", check.explanation),
            ("source", sources),
        ):
            if text:
                console.print(Padding(Text.assemble((f"{word}: ", "dim"), _plain(text)), (0, 0, 0, 4)))
