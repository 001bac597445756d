"""What a collecting run did, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hydrometer.errors import printable

if TYPE_CHECKING:
    from hydrometer.collect.money import Estimate
    from hydrometer.collect.run import Collected


def estimate_line(model: str, estimate: Estimate) -> str:
    """Returns what a run will cost, in one sentence."""
    money = "no price given, so dollars are not counted"
    if estimate.usd is not None:
        money = f"about ${estimate.usd:,.2f}, at most ${estimate.most_usd:,.2f} but for faults"
    return (
        f"{printable(model, limit=80)}: {estimate.requests:,} requests, about {estimate.tokens:,} tokens "
        f"(at most {estimate.most_tokens:,}); {money}"
    )


def print_collected(result: Collected, *, console: Console) -> None:
    """Prints counts, costs and what a reader of the answers must know."""
    from hydrometer.collect.run import summary

    found = summary(result)
    table = Table(title=None, show_header=False, box=None, padding=(0, 2, 0, 0))
    for status in ("answered", "truncated", "refused", "empty", "invalid", "failed", "open"):
        if found[status] or status == "answered":
            table.add_row(status, f"{found[status]:,}")
    console.print(f"{printable(result.model, limit=80)}: {found['n_probes']:,} probes", markup=False)
    console.print(table)
    repeats = sum(result.counts.repeats.values())
    paid = f", ${found['usd']:,.4f}" if found["usd"] is not None else ""
    console.print(
        f"Sent now: {result.run_summary.requests_sent:,} requests; in all {result.spend.requests:,}, "
        f"{found['tokens']:,} tokens{paid}. {repeats:,} further samples.",
        markup=False,
        soft_wrap=True,
    )
    if result.watch is not None:
        console.print(result.watch.note, markup=False, soft_wrap=True)
    for warning in found["warnings"]:  # type: ignore[attr-defined]
        if result.watch is None or warning != result.watch.note:
            console.print(f"Note: {printable(warning, limit=400)}", markup=False, soft_wrap=True)
    console.print(f"Store: {result.store}", markup=False, soft_wrap=True)
