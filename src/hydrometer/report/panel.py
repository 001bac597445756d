"""The check of a panel in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.panel import Finding, PanelCheck

_COLOUR = {"exclude": "red", "caution": "yellow", "note": "dim"}
# For the reader, by hand, 2026-11-24; --all and --json show everything.
_MOST_OF_A_KIND = 8
_MOST_NAMED = 6


def print_panel_check(check: PanelCheck, *, console: Console, everything: bool = False) -> None:
    """Prints what a panel holds, then one line a finding, worst first.

    Args:
        check: the result.
        console: where to print.
        everything: print every finding, not only the first of each kind.
    """
    console.print(Text.assemble(("Panel ", "bold"), printable(check.panel, limit=300)))
    statuses = ", ".join(f"{n:,} {status}" for status, n in check.statuses.items())
    roles = ", ".join(f"{n:,} {role}" for role, n in check.roles.items())
    for name, words in (
        ("models", f"{check.n_models:,} of {len(check.developers):,} developers ({roles})"),
        ("probes", f"{check.n_probes:,}"),
        ("answers", f"{check.n_responses:,} ({statuses})"),
        ("data sources", ", ".join(f"{printable(k, limit=40)} {n}" for k, n in check.data_sources.items()) or "none"),
    ):
        console.print(Text.assemble(("  " + f"{name}: ", "dim"), words), soft_wrap=True)
    for warning in check.warnings:
        console.print(Text.assemble(("  warning: ", "yellow"), printable(warning, limit=300)), soft_wrap=True)
    console.print()
    console.print(_candidates(check))
    console.print()
    _print_findings(check, console, everything)


def _candidates(check: PanelCheck) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title="Candidate teachers", title_justify="left", title_style="bold")
    for name in ("candidate", "models", "students", "their sources", "mixed students"):
        table.add_column(name, justify="left" if name == "candidate" else "right")
    for group in check.candidates:
        counts = (len(group.models), group.n_students, group.n_data_sources, group.n_mixed_students)
        table.add_row(Text(printable(group.name, limit=60)), *(f"{n:,}" for n in counts))
    return table


def _print_findings(check: PanelCheck, console: Console, everything: bool) -> None:
    if not check.findings:
        console.print("No findings.")
        return
    console.print(Text(f"{len(check.findings):,} findings, worst first", style="bold"))
    shown: dict[str, int] = {}
    for finding in check.findings:
        shown[finding.kind] = shown.get(finding.kind, 0) + 1
        if everything or shown[finding.kind] <= _MOST_OF_A_KIND:
            console.print(_line(finding), soft_wrap=True)
    hidden = {kind: n - _MOST_OF_A_KIND for kind, n in shown.items() if n > _MOST_OF_A_KIND}
    if hidden and not everything:
        more = ", ".join(f"{n:,} {kind}" for kind, n in hidden.items())
        console.print(Text(f"and {more}: see them with --all or --json", style="dim"), soft_wrap=True)


def _line(finding: Finding) -> Text:
    named = ", ".join(printable(model, limit=60) for model in finding.models[:_MOST_NAMED])
    rest = len(finding.models) - _MOST_NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return Text.assemble(
        (f"{finding.level:<8}", _COLOUR[finding.level]),
        f"{finding.kind.replace('_', ' '):<16}",
        (f"{named}{more}: ", "bold"),
        printable(finding.text, limit=400),
    )
