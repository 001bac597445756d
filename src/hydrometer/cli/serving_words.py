"""Serving in words: what a person reads in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from hydrometer.errors import printable
from hydrometer.records.base import Record
from hydrometer.records.estimates import Quantiles
from hydrometer.records.serving import Comparison, Fleet, InformingRows, Life, ServingEstimate


def lines(found: Record) -> Iterator[str]:
    """Yields the lines of an answer."""
    if isinstance(found, ServingEstimate):
        yield from _estimate(found)
    elif isinstance(found, Fleet):
        yield from _fleet(found)
    elif isinstance(found, Comparison):
        yield from _comparison(found)
    elif isinstance(found, Life):
        yield from _life(found)


def _number(value: float) -> str:
    if value != 0 and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.3g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def _q(label: str, value: Quantiles, unit: str = "") -> str:
    middle = _number(value.p50)
    if value.p10 == value.p90:
        return f"  {label:<34} {middle} {unit}".rstrip()
    return f"  {label:<34} {middle} {unit}  (80 %: {_number(value.p10)} to {_number(value.p90)})"


def _warnings(found: tuple[str, ...]) -> Iterator[str]:
    for warning in found:
        yield f"  note: {printable(warning, limit=300)}"


def _rows(rows: tuple[InformingRows, ...]) -> Iterator[str]:
    for row in rows:
        models = printable(" and ".join(row.models[:2]), limit=60)
        yield (
            f"    {row.how}: {row.rows} rows of {models} on {row.accelerator}, {row.engine}, {row.precision}, "
            f"{row.layout}, {row.concurrency[0]:g} to {row.concurrency[1]:g} at once"
        )


def _estimate(e: ServingEstimate) -> Iterator[str]:
    pieces = [f"tp {e.tp}", *(f"{n} {v}" for n, v in (("dp", e.dp), ("ep", e.ep), ("pp", e.pp)) if v > 1)]
    reading = "prompts read elsewhere" if e.disaggregated else "prompts read by the same accelerators"
    yield (
        f"{printable(e.model)} on {e.accelerators} {e.accelerator} ({e.precision}, {', '.join(pieces)}, {reading}), "
        f"{e.concurrency:g} at once, {e.input_tokens:g} tokens in, {e.output_tokens:g} out"
    )
    yield _q("time per output token", e.tpot_ms, "ms")
    yield _q("time to first token", e.ttft_ms, "ms")
    yield _q("tokens a second, one user", e.tokens_per_second_per_user)
    yield _q("output tokens a second, accelerator", e.output_tokens_per_second_per_accelerator)
    yield _q("input tokens a second, if only read", e.input_tokens_per_second_per_accelerator)
    yield _q("US dollars a million output", e.usd_per_million_output)
    yield _q("US dollars a million input", e.usd_per_million_input)
    yield _q("US dollars a million cached input", e.usd_per_million_cached_input)
    yield _q("US dollars a million, all tokens", e.usd_per_million_blended)
    yield _q("US dollars an accelerator-hour", e.usd_per_hour)
    if e.joules_per_output_token is not None:
        yield _q("joules an output token", e.joules_per_output_token)
    yield (
        f"  memory: {e.memory_gb_per_accelerator:.1f} GB an accelerator, {e.weight_gb_per_accelerator:.1f} of them "
        f"weights; cache {e.cache_bytes_per_token:,.0f} bytes a token; at most {e.maximum_concurrency:,} at once"
    )
    if e.guessed is not None:
        g = e.guessed
        experts = f", {g.n_experts} experts, {g.per_token} of a token" if g.n_experts > 1 else ""
        yield f"  guessed: {g.layers} layers of width {g.hidden_size:,}{experts}"
        yield _q("guessed cache bytes a token", g.cache_bytes_per_token)
        yield _q("sequences that fit", g.maximum_concurrency)
    p = e.parts
    yield (
        f"  where the time goes: matrices {p.matrices_ms:.2f}, attention {p.attention_ms:.2f}, launches "
        f"{p.launches_ms:.2f}, exchange {p.exchange_ms:.2f}, prompts in between {p.prompts_in_between_ms:.2f} ms"
    )
    yield f"  price: {printable(e.price_basis, limit=200)}"
    yield f"  interval: {printable(e.interval_basis, limit=300)}"
    yield "  informed by:"
    yield from _rows(e.informed_by)
    yield from _warnings(e.warnings)


def _fleet(f: Fleet) -> Iterator[str]:
    tokens = f"{f.input_tokens:.4g} tokens in ({f.cached_tokens:.4g} cached), {f.output_tokens:.4g} out"
    yield f"{printable(f.case)}: {tokens}, in 24 hours"
    yield _q(f"nodes of {f.accelerators_per_node}", f.nodes) + _reported(f.reported_nodes)
    yield _q("  that read", f.input_nodes)
    yield _q("  that write", f.output_nodes)
    yield _q("input tokens a second, node", f.input_rate)
    yield _q("output tokens a second, node", f.output_rate)
    yield _q("US dollars a day", f.cost_usd) + _reported(f.reported_cost_usd)
    if f.revenue_usd is not None:
        yield f"  {'US dollars of revenue at list prices':<34} {f.revenue_usd:,.0f}"
    if f.margin_percent is not None:
        yield _q("margin over cost", f.margin_percent, "%") + _reported(f.reported_margin_percent)
    yield _q("US dollars a million input", f.usd_per_million_input)
    yield _q("US dollars a million output", f.usd_per_million_output)
    yield _q("US dollars a million, all tokens", f.usd_per_million_blended)
    if f.cache_ratio is not None and f.cache_bytes_per_token and f.multi_head_cache_bytes_per_token:
        yield (
            f"  cache: {f.cache_bytes_per_token:,.0f} bytes a token, {f.cache_ratio:.1f} times smaller than "
            f"{f.multi_head_cache_bytes_per_token:,.0f} with every head cached"
        )
    if f.training_days_of_fleet is not None:
        yield f"  the training's accelerator-hours are {f.training_days_of_fleet:.1f} days of this fleet"
    yield f"  price: {printable(f.price_basis, limit=200)}"
    for source in f.sources:
        yield f"  source: {printable(source, limit=300)}"
    yield from _warnings(f.warnings)


def _reported(value: float | None) -> str:
    return "" if value is None else f"  reported: {value:,.6g}"


def _comparison(c: Comparison) -> Iterator[str]:
    yield f"{printable(c.model)} on {c.accelerator}, one thing changed at a time"
    yield f"  {'without':<46} {'ms a token':>10} {'at once':>8} {'cost of an output token (80 %)':>32}"
    for row in c.rows:
        cost = f"{row.cost_ratio.p50:.2f}x"
        if row.cost_ratio.p10 != row.cost_ratio.p90:
            cost += f" ({row.cost_ratio.p10:.2f} to {row.cost_ratio.p90:.2f})"
        name = printable(row.without, limit=46)
        note = "" if row.fits else "  does not fit"
        yield f"  {name:<46} {row.tpot_ms.p50:>10.1f} {row.concurrency:>8,.0f} {cost:>32}{note}"
    yield from _warnings(c.warnings)


def _life(life: Life) -> Iterator[str]:
    weights = f"{life.active_parameters / 1e9:.1f} billion active weights"
    yield f"{printable(life.model)}: {weights}, {life.training_tokens:.3g} tokens of training"
    yield f"  {'FLOP of the final run':<34} {life.training_flop:.3g}"
    yield _q("all development over the final run", life.research_factor)
    yield _q("FLOP of all development", life.development_flop)
    if life.inference_flop is not None and life.inference_share is not None:
        yield f"  {'FLOP of serving':<34} {life.inference_flop:.3g}"
        yield _q("share of serving, development in", life.inference_share)
    yield f"  {'tokens served that equal the run':<34} {life.break_even_tokens_flop:.3g}"
    yield _q("with all development", life.break_even_tokens_with_research)
    if life.break_even_tokens_hours is not None:
        yield _q("in accelerator-hours of the run", life.break_even_tokens_hours)
    for source in life.sources:
        yield f"  source: {printable(source, limit=200)}"
    yield from _warnings(life.warnings)
