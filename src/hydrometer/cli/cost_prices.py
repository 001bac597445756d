"""`hydrometer cost prices`: dated prices with their sources, and the price of any day."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def prices(
    accelerator: str | None = typer.Option(None, "--accelerator", help="Only this accelerator, as H100."),
    contract: str | None = typer.Option(None, "--contract", help="on_demand, spot, 1_year, 3_year or own."),
    tier: str | None = typer.Option(None, "--tier", help="Kind of seller: hyperscaler, neocloud or marketplace."),
    region: str | None = typer.Option(None, "--region", help="us, europe, asia or any."),
    since: str | None = typer.Option(None, "--since", help="First day, as 2024-01-01.", metavar="DATE"),
    until: str | None = typer.Option(None, "--until", help="Last day.", metavar="DATE"),
    at: str | None = typer.Option(None, "--at", help="Also estimate the price of this day.", metavar="DATE"),
    own: Path | None = typer.Option(
        None, "--prices", help="Your own prices (TOML or CSV); they override.", metavar="FILE"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """List dated prices of accelerator-hours with their sources, and estimate the price of a day.

    \b
    Examples:
      hydrometer cost prices --accelerator H100 --contract 1_year
      hydrometer cost prices --accelerator H800 --at 2024-09-01
      hydrometer cost prices --accelerator B200 --contract on_demand --at 2026-12-01 --prices my-prices.csv --json
    """
    from hydrometer.instruments.training_cost.estimating import price_list

    listing = price_list.list_prices(
        accelerator=accelerator, contract=contract, tier=tier, region=region, between=(since, until), at=at, own=own
    )
    if as_json:
        typer.echo(json.dumps(listing.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.prices import print_prices

    print_prices(listing, console=Console(file=sys.stdout, highlight=False))
