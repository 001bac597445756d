"""`hydrometer demand`: does a gain in efficiency lower or raise the demand for compute?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from hydrometer.cli.groups import group

if TYPE_CHECKING:
    from hydrometer.records.base import Record


class _VerdictFirst(TyperGroup):
    """A group that takes options without a command for those of `verdict`: `hydrometer demand --gain 10`."""

    def parse_args(self, context: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0].startswith("-") and args[0] not in {"-h", "--help"}:
            args = ["verdict", *args]
        return super().parse_args(context, args)


app = group("Does cheaper AI need less compute, or more? Verdict on a gain, elasticity from data, price index, prices.")
app.info.cls = _VerdictFirst


def _show(found: Record, as_json: bool, print_it: Callable[..., None]) -> None:
    """Prints a result as one line of JSON, or for people by `print_it(found, console=...)`."""
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    from rich.console import Console

    print_it(found, console=Console(file=sys.stdout, highlight=False))


def _draw(path: Path | None, figures: Callable[..., list[str]], found: Record) -> None:
    """Writes the picture that `figures(found)` draws, if one is asked for."""
    if path is not None:
        from hydrometer.plots.files import write_svg

        write_svg(path, figures(found))


@app.command("verdict")
def verdict(
    gain: float = typer.Option(..., "--gain", help="Tokens per unit of compute, after over before, as 10."),
    prior: list[str] = typer.Option(
        [],
        "--prior",
        help="Replace a belief: a value, or uniform:LOW,HIGH, triangular:LOW,MODE,HIGH, normal:MEAN,SD.",
        metavar="NAME=VALUE",
    ),
    priors: Path | None = typer.Option(
        None, "--priors", help="Your own [[priors]] and [[estimates]], each with its source.", metavar="FILE.toml"
    ),
    estimate: list[str] = typer.Option(
        [], "--estimate", help="An elasticity measured in your market, with its standard error.", metavar="NAME=E,SE"
    ),
    data: Path | None = typer.Option(
        None, "--data", help="Dates, prices, quantities: measured first, as `demand elasticity` does.", metavar="FILE"
    ),
    draws: int = typer.Option(100_000, "--draws", help="Draws of the Monte Carlo."),
    seed: int = typer.Option(0, "--seed", help="Seed of the draws."),
    plot: Path | None = typer.Option(
        None, "--plot", help="Draw the probability of a rise against the elasticity.", metavar="FILE.svg"
    ),
    tornado: Path | None = typer.Option(
        None, "--tornado", help="Draw which number moves the answer the most.", metavar="FILE.svg"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """Does compute fall or rise when it yields so many times the tokens? Short and long run, before and after evidence.

    Names of beliefs: own_elasticity, business_stealing, inertia, pass_through, token_intensity, supply_elasticity; and
    short_run_elasticity or long_run_elasticity of the whole market, to give those outright.

    \b
    Examples:
      hydrometer demand --gain 10
      hydrometer demand --gain 10 --prior long_run_elasticity=0.76 --prior pass_through=0.7
      hydrometer demand --gain 4 --prior token_intensity=uniform:0,0.6 --plot backfire.svg --tornado tornado.svg
      hydrometer demand --gain 10 --priors my-priors.toml --estimate our-api=0.8,0.2 --json
    """
    from hydrometer.instruments.demand.run import judge_gain_from_options
    from hydrometer.plots.backfire import backfire_figures
    from hydrometer.plots.tornado import demand_tornado_figures
    from hydrometer.report.demand import print_verdict

    found = judge_gain_from_options(
        gain, prior=prior, priors=priors, estimate=estimate, data=data, draws=draws, seed=seed
    )
    _draw(plot, backfire_figures, found)
    _draw(tornado, demand_tornado_figures, found)
    _show(found, as_json, print_verdict)


@app.command("elasticity")
def elasticity(
    file: Path | None = typer.Argument(
        None, help="CSV: date, price, quantity; the shipped price changes if absent.", metavar="[FILE]"
    ),
    seed: int = typer.Option(0, "--seed", help="Seed of the bootstrap."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """How does use answer to price? Measured at price changes, with the reasons to doubt it.

    Columns: date, price, quantity; optional: model, vendor, event (names an announced price change),
    effective_price (what was paid on average), platform (quantity of the whole market), launched (date), rationed.

    \b
    Examples:
      hydrometer demand elasticity
      hydrometer demand elasticity usage.csv
      hydrometer demand elasticity usage.csv --json | jq .recommended
    """
    from rich.console import Console

    from hydrometer.instruments.demand.run import measure_elasticity
    from hydrometer.report.demand import print_elasticity

    with Console(stderr=True).status("measuring"):
        found = measure_elasticity(file, seed=seed)
    _show(found, as_json, print_elasticity)


@app.command("index")
def index(
    before: float | None = typer.Option(None, "--before", help="Tokens at first, as 9.7e12; Google's if absent."),
    after: float | None = typer.Option(None, "--after", help="Tokens at last, in the same unit."),
    months: float | None = typer.Option(None, "--months", help="Months between the two."),
    decline: list[float] = typer.Option(
        [], "--decline", help="Price before over after, a year; may be repeated; 9, 10, 40 and 900 if absent."
    ),
    growth: float = typer.Option(1.0, "--growth", help="Yearly growth that would have come at constant prices."),
    plot: Path | None = typer.Option(None, "--plot", help="Draw it as an SVG picture.", metavar="FILE.svg"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """The index trap: one growth of use, and the elasticity that each way of counting prices makes of it.

    \b
    Examples:
      hydrometer demand index
      hydrometer demand index --growth 3
      hydrometer demand index --before 0.56e12 --after 80.7e12 --months 18.5 --decline 2 --decline 10 --plot trap.svg
    """
    from hydrometer.instruments.demand.prices import read_index
    from hydrometer.plots.index_trap import index_trap_figures
    from hydrometer.report.token_prices import print_index

    found = read_index(before=before, after=after, months=months, declines=decline, growth=growth)
    _draw(plot, index_trap_figures, found)
    _show(found, as_json, print_index)


@app.command("prices")
def prices(
    benchmark: str = typer.Option(
        "AA Intelligence Index", "--benchmark", help="Whose score fixes the quality; or MMLU."
    ),
    at_least: float | None = typer.Option(None, "--at-least", help="The score; that of the first model if absent."),
    output_share: float | None = typer.Option(None, "--output", help="Output tokens over all tokens, 0 to 1."),
    cache_share: float | None = typer.Option(None, "--cache", help="Share of input tokens read from the cache."),
    peak_share: float | None = typer.Option(None, "--peak", help="Share of tokens in peak hours; even if absent."),
    until: str | None = typer.Option(None, "--until", help="Last day; today if absent.", metavar="DATE"),
    own: Path | None = typer.Option(None, "--prices", help="Your own dated prices instead.", metavar="FILE.csv"),
    plot: Path | None = typer.Option(None, "--plot", help="Draw the price at that quality.", metavar="FILE.svg"),
    as_json: bool = typer.Option(False, "--json", help="Print everything as one line of JSON."),
) -> None:
    """What do tokens cost in use, at a fixed quality, over time? Cuts and increases, from dated list prices.

    The use (input, cache hits, output) is DeepSeek's reported day where you give none.

    \b
    Examples:
      hydrometer demand prices
      hydrometer demand prices --benchmark MMLU --at-least 83
      hydrometer demand prices --cache 0.9 --output 0.03 --plot prices.svg
      hydrometer demand prices --prices my-prices.csv --benchmark MMLU --json
    """
    from hydrometer.instruments.demand.run import price_tokens
    from hydrometer.plots.token_prices import token_price_figures
    from hydrometer.report.token_prices import print_prices

    found = price_tokens(
        benchmark=benchmark, at_least=at_least, shares=(output_share, cache_share, peak_share), until=until, own=own
    )
    _draw(plot, token_price_figures, found)
    _show(found, as_json, print_prices)
