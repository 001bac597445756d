"""Token prices and the index trap in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.numbers import estimated, percent
from hydrometer.records.token_prices import IndexTrap, PricesReport
from hydrometer.report.demand import heading, line, print_warnings


def print_index(found: IndexTrap, *, console: Console) -> None:
    """Prints what each index makes of one growth of use."""
    console.print(Text("The index trap", style="bold"))
    line(console, found.in_words)
    line(
        console,
        f"{found.who}: {found.quantity_before:,.4g} to {found.quantity_after:,.4g} {found.unit}; {found.source}",
        style="dim",
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("prices fell a year", "elasticity", "if that were so", "growth that would make it 1"):
        table.add_column(title, overflow="fold")
    for r in found.readings:
        table.add_row(
            f"{r.decline_a_year:g}-fold", f"{r.elasticity:.2f}", r.verdict, f"× {r.growth_for_one:.2g} a year"
        )
    console.print()
    console.print(table)
    for r in found.readings:
        line(console, f"{r.decline_a_year:g}-fold: {r.name}; {r.source}", style="dim")


def print_prices(found: PricesReport, *, console: Console) -> None:
    """Prints the price at a fixed quality over time, and every cut and increase."""
    use = found.use
    console.print(Text("What tokens cost in use", style="bold"))
    peak = "spread over the day" if use.peak_share is None else f"{percent(use.peak_share, 0)} in peak hours"
    cached = percent(use.cache_share, 0)
    line(console, f"a million tokens: {percent(use.output_share, 0)} output, {cached} of input cached, {peak}")
    line(console, use.source, style="dim")
    heading(console, f"The cheapest with {found.benchmark} of {found.at_least:g} or more")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("from", "model", "score", "in use", "without cache", "why"):
        table.add_column(title, overflow="fold")
    for a in found.anchor:
        table.add_row(
            str(a.date), Text(printable(a.model, limit=40)), f"{a.score:g}", f"${a.effective_usd:.3g}",
            f"${a.sticker_usd:.3g}", a.why,
        )  # fmt: skip
    console.print(table)
    for source in dict.fromkeys(a.score_source for a in found.anchor if a.score_source):
        line(console, f"score: {source}", style="dim")
    if found.decline_a_year is not None and found.decline_low is not None and found.decline_high is not None:
        line(
            console,
            f"fell {estimated(found.decline_a_year)}-fold a year from first to last; {estimated(found.decline_low)} to "
            f"{estimated(found.decline_high)} over other uses",
        )
    heading(console, f"Every change of one model's price: {found.n_cuts} cuts, {found.n_increases} increases")
    for c in found.changes:
        if c.direction != "unchanged":
            line(
                console,
                f"{c.date} {c.model}: {c.direction}, ${c.before_usd:.3g} to ${c.after_usd:.3g} in use (× "
                f"{c.effective_ratio:.2f}; input list price × {c.list_ratio:.2f}; {c.date_basis})",
            )
    print_warnings(found.warnings, console)
