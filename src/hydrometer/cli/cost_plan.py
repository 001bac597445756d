"""`hydrometer cost plan` and `hydrometer cost invert`: what to rent, and what a sum could train."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer


def plan(
    model: Path = typer.Option(
        ..., "--model", help="A dossier (.toml), a config.json, or a checkpoint's folder.", metavar="FILE"
    ),
    tokens: float = typer.Option(..., "--tokens", help="Training tokens, as 14.8e12."),
    budget: float | None = typer.Option(None, "--budget", help="Dollars to spend at most."),
    deadline: float | None = typer.Option(None, "--deadline", help="Days to take at most."),
    accelerator: list[str] = typer.Option([], "--accelerator", help="Try this one; may be repeated."),
    count: list[int] = typer.Option([], "--count", help="Try so many; may be repeated."),
    contract: str = typer.Option("1_year", "--contract", help="on_demand, spot, 1_year, 3_year or own."),
    date: str | None = typer.Option(None, "--date", help="When it is paid; today if absent.", metavar="DATE"),
    precision: str = typer.Option("bf16", "--precision", help="bf16 or fp8."),
    sequence_length: int = typer.Option(4096, "--sequence-length", help="Tokens in a sequence."),
    batch: int | None = typer.Option(None, "--batch", help="Sequences in a step; about 16M tokens if absent."),
    prices: Path | None = typer.Option(None, "--prices", help="Your own prices (TOML or CSV).", metavar="FILE"),
    plot: Path | None = typer.Option(None, "--plot", help="Write the frontier as an SVG picture.", metavar="FILE.svg"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Compare accelerators and counts: memory and layout, hours, days, dollars, and the frontier of the last two.

    \b
    Examples:
      hydrometer cost plan --model dossiers/deepseek-v3.toml --tokens 14.8e12 --budget 6e6
      hydrometer cost plan --model config.json --tokens 2e12 --deadline 30 --accelerator H100 --accelerator B200
      hydrometer cost plan --model dossiers/smollm3-3b.toml --tokens 11e12 --deadline 24 --count 384 --json
    """
    from rich.console import Console
    from rich.progress import Progress

    from hydrometer.cli.progress import shown
    from hydrometer.instruments.training_cost.estimating import plan_request

    asked = plan_request.PlanRequest(
        tokens=tokens, budget=budget, deadline=deadline, accelerators=accelerator, counts=count, contract=contract,
        date=date, precision=precision, sequence_length=sequence_length, batch=batch, prices=prices,
    )  # fmt: skip
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        found = plan_request.plan(model, asked, progress=shown(bar))
    if plot is not None:
        from hydrometer.plots.files import write_svg
        from hydrometer.plots.frontier import frontier_figures

        write_svg(plot, frontier_figures(found))
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    from hydrometer.report.plan import print_plan

    print_plan(found, console=Console(file=sys.stdout, highlight=False))


def invert(
    usd: float = typer.Option(..., "--usd", help="The sum, as 5.576e6."),
    accelerator: str = typer.Option("H100", "--accelerator", help="What it rents."),
    contract: str = typer.Option("1_year", "--contract", help="on_demand, spot, 1_year, 3_year or own."),
    date: str | None = typer.Option(None, "--date", help="When it is paid; today if absent.", metavar="DATE"),
    price: float | None = typer.Option(None, "--price", help="A known price of an hour instead of the table's."),
    prices: Path | None = typer.Option(None, "--prices", help="Your own prices (TOML or CSV).", metavar="FILE"),
    moe: bool = typer.Option(False, "--moe", help="A mixture of experts: parameters are the active ones."),
    precision: str = typer.Option("bf16", "--precision", help="bf16 or fp8."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """What could this sum train? The frontier of parameters and tokens, with intervals.

    \b
    Examples:
      hydrometer cost invert --usd 5.576e6 --accelerator H800 --price 2 --moe --precision fp8
      hydrometer cost invert --usd 100e3 --accelerator H100 --contract on_demand --date 2026-06-01 --json
    """
    from hydrometer.instruments.training_cost.estimating import plan_request

    found = plan_request.spend(
        usd, accelerator=accelerator, terms=(contract, date), price=price, prices=prices, moe=moe, precision=precision
    )
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    from hydrometer.report.plan import print_inversion

    print_inversion(found, console=Console(file=sys.stdout, highlight=False))
