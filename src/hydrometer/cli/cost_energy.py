"""`hydrometer cost energy`: electricity and emissions of accelerator-hours."""

from __future__ import annotations

import json

import typer


def energy(
    hours: float = typer.Option(..., "--hours", help="Accelerator-hours, as 2.788e6."),
    accelerator: str = typer.Option(..., "--accelerator", help="What ran, as H800."),
    date: str = typer.Option(..., "--date", help="When, as 2024-09-01.", metavar="DATE"),
    region: str = typer.Option("us", "--region", help="Grid: us, china, europe, france, norway, world, ..."),
    owner: str = typer.Option("", "--owner", help="Whose data centre: a hyperscaler's PUE is 1.1, else 1.25."),
    pue: float | None = typer.Option(None, "--pue", help="Power usage effectiveness, if known."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Turn accelerator-hours into kWh, tonnes of CO2 and the price of the electricity.

    \b
    Examples:
      hydrometer cost energy --hours 2.788e6 --accelerator H800 --date 2024-09-01 --region china
      hydrometer cost energy --hours 30.84e6 --accelerator H100 --date 2024-03-01 --owner Meta --json
    """
    from hydrometer.instruments.training_cost.estimating.price_list import checked_date
    from hydrometer.instruments.training_cost.estimating.pricing import energy_of
    from hydrometer.records.numbers import readable, rough_usd

    found = energy_of(hours, accelerator, checked_date(date, "--date"), region=region, owner=owner, pue=pue)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    typer.echo(
        f"{readable(float(f'{found.kwh:.3g}'))} kWh, {readable(float(f'{found.kg_co2 / 1000:.3g}'))} tonnes of CO2, "
        f"{rough_usd(found.usd)} of electricity"
    )
    typer.echo(f"grid: {found.region} {found.year}, {found.grams_co2_per_kwh:g} g/kWh ({found.source})")
    typer.echo(f"method: {found.method}")
    for warning in found.warnings:
        typer.echo(f"warning: {warning}")
