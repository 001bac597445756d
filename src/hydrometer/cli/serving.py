"""`hydrometer serving`: what it takes to serve a model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hydrometer.cli.groups import group

if TYPE_CHECKING:
    from hydrometer.instruments.serving import Headline, ServingRequest
    from hydrometer.records.base import Record

app = group("Serving: speed, memory, dollars and energy of running a model; fleets, comparisons, a model's life.")

MODEL_HELP = "A dossier (.toml), a config.json, a checkpoint's folder, or a shipped model as DeepSeek-V3."
MODEL = typer.Option(..., "--model", help=MODEL_HELP, metavar="MODEL")
ACCELERATOR = typer.Option("H100", "--accelerator", help="What serves it.")
PRECISION = typer.Option("fp8", "--precision", help="Of the weights: bf16, fp8, fp4 or int4.")
TP = typer.Option(8, "--tp", help="Tensor parallel.")
DP = typer.Option(1, "--dp", help="Data-parallel attention; a replica is tp x dp x pp accelerators.")
EP = typer.Option(None, "--ep", help="Expert-parallel groups over tp x dp.")
ENGINE = typer.Option("", "--engine", help="trtllm, sglang or vllm; none: a third each.")
CONCURRENCY = typer.Option(16, "--concurrency", help="Sequences at once on one replica.")
INPUT = typer.Option(1024, "--input", help="Tokens of a prompt.")
OUTPUT = typer.Option(1024, "--output", help="Tokens of an answer.")
TOTAL = typer.Option(None, "--total-params", help="In the place of --model, where only headline figures are known.")
ACTIVE = typer.Option(None, "--active-params", help="Of a mixture: weights of one token.")
ARCHITECTURE = typer.Option("dense", "--architecture", help="Of --total-params: dense, dense_gqa, moe, moe_mla, ...")
PP = typer.Option(1, "--pp", help="Pipeline stages.")
DISAGGREGATED = typer.Option(False, "--disaggregated", help="Prompts are read by other accelerators.")
CACHE_HIT = typer.Option(0.0, "--cache-hit", help="Share of input tokens found in a cache.")
DRAFTED = typer.Option(0, "--draft-tokens", help="Speculative decoding: tokens proposed for each step.")
ACCEPTED = typer.Option(0.0, "--accepted", help="Share of proposals that hold, each after those before it held.")
CACHE_PRECISION = typer.Option("auto", "--kv-cache", help="bf16 or fp8; auto: fp8 with fp8 and fp4 weights, else bf16.")
PRICE = typer.Option(None, "--price", help="US dollars of an accelerator-hour; needs --date.")
DATE = typer.Option(None, "--date", help="When it is paid; today if absent.", metavar="DATE")
CONTRACT = typer.Option("1_year", "--contract", help="on_demand, spot, 1_year, 3_year or own.")
UTILISATION = typer.Option(1.0, "--utilisation", help="Share of paid hours in which the load is there.")
PLOT = typer.Option(None, "--plot", help="Also draw it into a new SVG file.", metavar="FILE.svg")
AS_JSON = typer.Option(False, "--json", help="Print everything as one line of JSON.")


def _request(context: typer.Context, **more: Any) -> ServingRequest:
    """Returns what the options of a command ask: each is named as the field that it sets."""
    from dataclasses import fields

    from hydrometer.instruments.serving import ServingRequest
    from hydrometer.instruments.training_cost.estimating.price_list import checked_date
    from hydrometer.instruments.training_cost.estimating.pricing import contract_type
    from hydrometer.store.prices import find_contract

    names = {field.name for field in fields(ServingRequest)}
    given = {name: value for name, value in context.params.items() if name in names} | more
    if given.get("date"):
        given["date"] = checked_date(given["date"], "--date")
    if "contract" in given:
        given["contract"] = contract_type(find_contract(given["contract"], where="--contract"))
    return ServingRequest(**given)


def _network(context: typer.Context) -> Path | Headline:
    """Returns what `--model` names, or the headline figures in its place."""
    from hydrometer.instruments.serving import model_from_options

    given = context.params
    if given["total_params"] is None:
        _refuse_without("--total-params", context, ("architecture",))
    return model_from_options(
        None if given["model"] is None else Path(given["model"]),
        total=given["total_params"], active=given["active_params"], kind=given["architecture"],
    )  # fmt: skip


def _refuse_without(needed: str, context: typer.Context, names: Iterable[str]) -> None:
    """Refuses options that do nothing where another is not given."""
    from hydrometer.errors import InputError

    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            option = next(o.opts[0] for o in context.command.params if o.name == name)
            raise InputError(f"does nothing without {needed}", cure=f"add {needed}, or leave it out", where=option)


def _print(found: Record, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    from hydrometer.cli.serving_words import lines

    for line in lines(found):
        typer.echo(line)


@app.command("estimate")
def estimate(
    context: typer.Context,
    model: str | None = typer.Option(None, "--model", help=MODEL_HELP, metavar="MODEL"),
    target_tpot: float | None = typer.Option(
        None, "--target-tpot", help="Find the most sequences within these ms a token."
    ),
    target_ttft: float | None = typer.Option(None, "--target-ttft", help="The same of ms to the first token."),
    plot: Path | None = PLOT,
    as_json: bool = AS_JSON,
    total_params: float | None = TOTAL,
    active_params: float | None = ACTIVE,
    architecture: str = ARCHITECTURE,
    accelerator: str = ACCELERATOR,
    precision: str = PRECISION,
    tp: int = TP,
    dp: int = DP,
    ep: int | None = EP,
    pp: int = PP,
    disaggregated: bool = DISAGGREGATED,
    engine: str = ENGINE,
    concurrency: float = CONCURRENCY,
    input_tokens: float = INPUT,
    output_tokens: float = OUTPUT,
    cache_hit: float = CACHE_HIT,
    drafted: int = DRAFTED,
    accepted: float = ACCEPTED,
    cache_precision: str = CACHE_PRECISION,
    price: float | None = PRICE,
    date: str | None = DATE,
    contract: str = CONTRACT,
    utilisation: float = UTILISATION,
) -> None:
    """Estimate time per token, throughput, memory, dollars and energy; every number with its 10, 50 and 90 % points.

    \b
    Examples:
      hydrometer serving estimate --model DeepSeek-V3 --accelerator H200 --tp 8 --concurrency 64
      hydrometer serving estimate --model config.json --accelerator B200 --precision fp4 --tp 4 --json
      hydrometer serving estimate --total-params 671e9 --active-params 37e9 --architecture moe_mla --accelerator H200
      hydrometer serving estimate --model gpt-oss-120b --accelerator B200 --precision fp4 --tp 2 --target-tpot 20
      hydrometer serving estimate --model DeepSeek-V3 --accelerator H200 --tp 8 --plot speed-and-cost.svg
    """
    from hydrometer.instruments import serving

    asked = _request(context)
    what = _network(context)
    found = serving.estimate(what, asked, target_tpot_ms=target_tpot, target_ttft_ms=target_ttft)
    if plot is not None:
        from dataclasses import replace

        from hydrometer.plots.files import write_svg
        from hydrometer.plots.serving import frontier_figures

        write_svg(plot, frontier_figures(serving.frontier(what, replace(asked, concurrency=found.concurrency))))
    _print(found, as_json=as_json)


@app.command("fleet")
def fleet(
    context: typer.Context,
    model: str | None = typer.Option(
        None, "--model", help="As in estimate; none: DeepSeek's published day.", metavar="MODEL"
    ),
    day_input: float = typer.Option(1e9, "--day-input", help="Input tokens of 24 hours."),
    day_output: float = typer.Option(1e9, "--day-output", help="Output tokens of 24 hours."),
    node: int = typer.Option(8, "--node", help="Accelerators in a node."),
    peak_to_mean: float = typer.Option(1.0, "--peak-to-mean", help="The busiest hour's load over the day's mean."),
    list_input: float | None = typer.Option(None, "--list-input", help="Sold at, US dollars a million; needs --date."),
    list_cached: float | None = typer.Option(None, "--list-cached", help="The same of input found in a cache."),
    list_output: float | None = typer.Option(None, "--list-output", help="The same of output."),
    as_json: bool = AS_JSON,
    total_params: float | None = TOTAL,
    active_params: float | None = ACTIVE,
    architecture: str = ARCHITECTURE,
    accelerator: str = ACCELERATOR,
    precision: str = PRECISION,
    tp: int = TP,
    dp: int = DP,
    ep: int | None = EP,
    pp: int = PP,
    disaggregated: bool = DISAGGREGATED,
    engine: str = ENGINE,
    concurrency: float = CONCURRENCY,
    input_tokens: float = INPUT,
    output_tokens: float = OUTPUT,
    cache_hit: float = CACHE_HIT,
    drafted: int = DRAFTED,
    accepted: float = ACCEPTED,
    cache_precision: str = CACHE_PRECISION,
    price: float | None = PRICE,
    date: str | None = DATE,
    contract: str = CONTRACT,
    utilisation: float = UTILISATION,
) -> None:
    """Size the machines for a day's tokens, with dollars and margin; without --model, DeepSeek's published day.

    \b
    Examples:
      hydrometer serving fleet
      hydrometer serving fleet --json | jq .margin_percent.p50
      hydrometer serving fleet --model DeepSeek-V3 --accelerator H200 --tp 8 --concurrency 64 --day-input 50e9
        --day-output 10e9 --cache-hit 0.5 --list-input 0.55 --list-cached 0.14 --list-output 2.19 --date 2025-02-28
    """
    from hydrometer.instruments import serving

    if model is None and context.params["total_params"] is None:
        _refuse_without("--model", context, context.params.keys() - {"model", "as_json"})
        _print(serving.deepseek_day(), as_json=as_json)
        return
    asked = _request(context)
    load = serving.DayLoad(day_input, day_output, node, peak_to_mean, list_input, list_cached, list_output)
    what = _network(context)
    _print(serving.fleet(what, asked, load), as_json=as_json)


@app.command("compare")
def compare(
    context: typer.Context,
    model: str = MODEL,
    against: list[str] = typer.Option(
        [], "--against", help="Another model in its place; may be repeated.", metavar="MODEL"
    ),
    accelerator: str = typer.Option("H800", "--accelerator", help="What serves it."),
    precision: str = PRECISION,
    tp: int = typer.Option(1, "--tp", help="Tensor parallel."),
    dp: int = typer.Option(144, "--dp", help="Data-parallel attention; experts spread over tp x dp."),
    ep: int | None = EP,
    engine: str = ENGINE,
    aggregated: bool = typer.Option(False, "--aggregated", help="Prompts are read by the same accelerators."),
    concurrency: float = typer.Option(12672, "--concurrency", help="Sequences at once on one replica."),
    input_tokens: float = typer.Option(4096, "--input", help="Tokens of a prompt."),
    output_tokens: float = typer.Option(1786, "--output", help="Tokens of an answer."),
    cache_precision: str = typer.Option("bf16", "--kv-cache", help="bf16, fp8 or auto."),
    plot: Path | None = PLOT,
    as_json: bool = AS_JSON,
) -> None:
    """Remove one technique at a time: latent attention, experts, narrow weights, width. Or compare models.

    The defaults are DeepSeek's published decoding of 2025-02-27: 144 H800, 88 sequences each.

    \b
    Examples:
      hydrometer serving compare --model DeepSeek-V3
      hydrometer serving compare --model DeepSeek-V3 --accelerator H200 --tp 8 --dp 1 --concurrency 64 --plot cache.svg
      hydrometer serving compare --model DeepSeek-V3 --against Llama-3.1-405B --accelerator H200 --tp 8 --dp 1
        --concurrency 16
    """
    from hydrometer.instruments import serving

    asked = _request(context, disaggregated=not aggregated)
    found = serving.compare(Path(model), asked, against=[Path(name) for name in against])
    if plot is not None:
        from hydrometer.plots.files import write_svg
        from hydrometer.plots.serving import cache_figures

        write_svg(plot, cache_figures(serving.cache_sizes(found)))
    _print(found, as_json=as_json)


@app.command("life")
def life(
    context: typer.Context,
    model: str = MODEL,
    training_tokens: float = typer.Option(..., "--training-tokens", help="Tokens of its training, as 14.8e12."),
    served_tokens: float | None = typer.Option(None, "--served-tokens", help="Tokens read and written over its life."),
    training_hours: float | None = typer.Option(None, "--training-hours", help="Accelerator-hours of the final run."),
    research_factor: float | None = typer.Option(
        None, "--research-factor", help="All development compute over the final run's; 3.3 to 10 if absent."
    ),
    accelerator: str = ACCELERATOR,
    precision: str = PRECISION,
    tp: int = TP,
    dp: int = DP,
    concurrency: float = CONCURRENCY,
    input_tokens: float = INPUT,
    output_tokens: float = OUTPUT,
    as_json: bool = AS_JSON,
) -> None:
    """Set training compute against inference compute: shares, and the tokens at which they are equal.

    \b
    Examples:
      hydrometer serving life --model DeepSeek-V3 --training-tokens 14.8e12 --served-tokens 283e12
      hydrometer serving life --model DeepSeek-V3 --training-tokens 14.8e12 --training-hours 2.788e6 --accelerator H800
        --tp 16 --concurrency 128
    """
    from hydrometer.instruments import serving

    how = None
    if training_hours is not None:
        how = _request(context)
    else:
        _refuse_without("--training-hours", context, ("accelerator", "precision", "tp", "dp", "concurrency",
                        "input_tokens", "output_tokens"))  # fmt: skip
    asked = serving.LifeRequest(training_tokens, served_tokens, training_hours, research_factor)
    _print(serving.life(Path(model), asked, how), as_json=as_json)
