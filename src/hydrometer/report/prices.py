"""Prices in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.numbers import usd
from hydrometer.records.prices import PriceListing


def print_prices(listing: PriceListing, *, console: Console) -> None:
    """Prints the quotes with their sources, then the estimates with their intervals and warnings."""
    for q in listing.quotes:
        place = f", {q.region}" if q.region != "any" else ""
        head = f"{q.date}  {q.accelerator}  {q.contract}  {usd(q.usd_per_hour)}  {q.seller} ({q.tier}{place})"
        console.print(Text(printable(head)))
        console.print(Padding(Text(printable(f"{q.grade}: {q.source}", limit=300), style="dim"), (0, 0, 0, 12)))
    if not listing.quotes:
        console.print("No quote passes these filters.", markup=False)
    for e in listing.estimates:
        console.print()
        line = f"{e.accelerator}, {e.contract}, {e.tier}, {e.date}: {usd(e.p50)} an hour "
        console.print(Text.assemble((line, "bold"), f"(80 % interval {usd(e.p10)} to {usd(e.p90)})"))
        console.print(Padding(Text(f"by {e.method}", style="dim"), (0, 2)))
        for warning in e.warnings:
            console.print(Padding(Text(f"warning: {printable(warning)}", style="yellow"), (0, 2)))
    if listing.ownership:
        total = sum(line.usd_per_hour for line in listing.ownership)
        console.print()
        console.print(Text(f"An owner's hour, line by line: {usd(total)}", style="bold"))
        for part in listing.ownership:
            console.print(Padding(Text(f"{part.line:<10}{part.usd_per_hour:>8.3f}"), (0, 2)))
