"""`hydrometer cost ladder`: from the headline to the whole, prior by prior."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def ladder(
    dossier: Path = typer.Argument(..., help="What was published about the model: a TOML file.", metavar="DOSSIER"),
    prior: list[str] = typer.Option(
        [], "--prior", help="Replace a belief: its 5, 50 and 95 % points.", metavar="NAME=LOW,MIDDLE,HIGH"
    ),
    prices: Path | None = typer.Option(None, "--prices", help="Your own prices (TOML or CSV).", metavar="FILE"),
    draws: int = typer.Option(100_000, "--draws", help="Draws of the Monte Carlo."),
    seed: int = typer.Option(0, "--seed", help="Seed of the draws."),
    plot: Path | None = typer.Option(None, "--plot", help="Write the tornado as an SVG picture.", metavar="FILE.svg"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Count the cost five ways: final run, programme, staff, cluster, company.

    Every belief that the ranges rest on is printed with its source and can be replaced, here or in the dossier.
    The tornado says which unknown matters most.

    \b
    Examples:
      hydrometer cost ladder dossiers/deepseek-v3.toml
      hydrometer cost ladder dossiers/deepseek-v3.toml --prior price_per_hour=1.5,2,3 --prior project_years=1,1.5,2
      hydrometer cost ladder dossiers/smollm3-3b.toml --json | jq '.ladder.levels[].usd.middle'
    """
    from hydrometer.instruments.training_cost.checking import ladder_report
    from hydrometer.store.dossiers import read_dossier

    report = ladder_report.ladder_of(
        read_dossier(dossier).dossier, priors=prior, own_prices=prices, draws=draws, seed=seed
    )
    if plot is not None:
        from hydrometer.plots.files import write_svg
        from hydrometer.plots.tornado import tornado_figures

        write_svg(plot, tornado_figures(report.ladder))
    if as_json:
        typer.echo(json.dumps(report.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.ladder import print_ladder

    print_ladder(report, console=Console(file=sys.stdout, highlight=False))
