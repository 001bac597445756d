"""The machines for a day's load, their cost, and what they earn; DeepSeek's published day as the shipped example."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.costs.serving_days import Day, training_days
from hydrometer.errors import InputError
from hydrometer.instruments.serving.estimate import ask, each_token, find, price_of
from hydrometer.instruments.serving.headline import Named
from hydrometer.instruments.serving.request import ServingRequest
from hydrometer.records.estimates import Quantiles
from hydrometer.records.serving import Fleet

_CASE = "deepseek-day-6"
_SOURCE = "github.com/deepseek-ai/open-infra-index, 202502OpenSourceWeek, day 6 (2025-02-28)"
_HOURS_SOURCE = "arXiv:2412.19437 Table 1 (2.788M H800-hours)"
_DAY = Day(608e9, 342e9, 168e9, 73_700, 14_800, 8, 2.0)
_LIST = {"usd_input": 0.55, "usd_cached": 0.14, "usd_output": 2.19}
"""DeepSeek-R1's prices of that day, which the report applies to all tokens, V3's too."""
_NODES, _USD, _MARGIN = 226.75, 87_072.0, 545.0
_TRAINING_HOURS = 2.788e6
# DeepSeek-V3's config.json.
_LAYERS, _HEADS, _BF16 = 61, 128, 2.0
# By hand: ten thousand times Google's tokens of a day (3,200 trillion a month in 2026, data/index_trap.toml).
_MOST = 1e18


@dataclass(frozen=True)
class DayLoad:
    """A day's load, and what its tokens are sold for.

    Attributes:
        input_tokens: of 24 hours.
        output_tokens: of 24 hours.
        node: accelerators in a node.
        peak_to_mean: machines are bought for the busiest hour: its load over the day's mean.
        usd_input: list price of a million tokens; needs the question's date.
        usd_cached: the same of tokens found in a cache; as `usd_input` where absent.
        usd_output: the same of tokens written.
    """

    input_tokens: float
    output_tokens: float
    node: int = 8
    peak_to_mean: float = 1.0
    usd_input: float | None = None
    usd_cached: float | None = None
    usd_output: float | None = None


def deepseek_day() -> Fleet:
    """Returns DeepSeek's day 6 of the open-infra week, recomputed: nodes, cost, margin, cache and training days."""
    exact = Quantiles.exact
    nodes = _DAY.input_nodes + _DAY.output_nodes
    # The report charges its reported mean of nodes; ours differ in the fourth digit.
    cost = _DAY.cost(_NODES)
    revenue = _DAY.revenue(**_LIST)
    latent = Latent(_HEADS, 1536, 512, 128, 64, 128).cache_values(1) * _LAYERS * _BF16
    full = GroupedQuery(_HEADS, _HEADS, 128).cache_values(1) * _LAYERS * _BF16
    cost_in, cost_out = _DAY.cost(_DAY.input_nodes), _DAY.cost(_DAY.output_nodes)
    return Fleet(
        case=_CASE,
        input_tokens=_DAY.input_tokens, cached_tokens=_DAY.cached_tokens, output_tokens=_DAY.output_tokens,
        input_rate=exact(_DAY.input_rate), output_rate=exact(_DAY.output_rate),
        accelerators_per_node=_DAY.accelerators_per_node,
        input_nodes=exact(_DAY.input_nodes), output_nodes=exact(_DAY.output_nodes), nodes=exact(nodes),
        accelerators=exact(nodes * _DAY.accelerators_per_node),
        usd_per_hour=exact(_DAY.usd_per_hour), price_basis="the report's own assumption of 2025-02-28: $2 an H800-hour",
        cost_usd=exact(cost), revenue_usd=revenue, margin_percent=exact((revenue / cost - 1) * 100),
        usd_per_million_input=exact(cost_in / _DAY.input_tokens * 1e6),
        usd_per_million_output=exact(cost_out / _DAY.output_tokens * 1e6),
        usd_per_million_blended=exact(cost / (_DAY.input_tokens + _DAY.output_tokens) * 1e6),
        reported_nodes=_NODES, reported_cost_usd=_USD, reported_margin_percent=_MARGIN,
        cache_bytes_per_token=latent, multi_head_cache_bytes_per_token=full, cache_ratio=full / latent,
        training_days_of_fleet=training_days(_TRAINING_HOURS, accelerators=_NODES * _DAY.accelerators_per_node),
        sources=(_SOURCE, _HOURS_SOURCE),
        warnings=("R1's list prices on all tokens, as the report does: web use and V3 earned less",),
    )  # fmt: skip


def fleet(model: Named, request: ServingRequest, load: DayLoad) -> Fleet:
    """Returns the fleet for a day's load.

    Args:
        model: as `estimate`.
        request: accelerator, layout and the load of one replica; its `cache_hit` is the share of all input.
        load: the day's tokens and their prices.

    Raises:
        InputError: as `estimate`, and for a load or prices that cannot be.
    """
    _check(load, request)
    asked = ask(model, request)
    found = find(asked)
    each = each_token(asked, found)
    price, _, basis, warned = price_of(asked, request)
    busy = load.peak_to_mean / request.utilisation
    hit = load.input_tokens * asked.load.cache_hit
    seconds_in = ((load.input_tokens - hit) * each.fresh + hit * each.cached) * busy
    seconds_out = load.output_tokens * each.written * busy
    per_node = 86400.0 * load.node
    reading = Quantiles.within(seconds_in / per_node, found.ttft_factor)
    writing = Quantiles.within(seconds_out / per_node, found.tpot_factor)
    nodes = _added(reading, writing)
    accelerators = nodes.scaled(load.node)
    cost = price.times(accelerators.scaled(24.0))
    revenue = _revenue(load, request.cache_hit)
    margin = None
    if revenue is not None:
        low, middle, high = ((revenue / usd - 1) * 100 for usd in (cost.p90, cost.p50, cost.p10))
        margin = Quantiles(p10=low, p50=middle, p90=high)
    per_input, per_output = (load.node * 24e6 / n for n in (load.input_tokens, load.output_tokens))
    tokens = load.input_tokens + load.output_tokens
    return Fleet(
        case=asked.name,
        input_tokens=load.input_tokens, cached_tokens=hit, output_tokens=load.output_tokens,
        input_rate=Quantiles.within(load.input_tokens / (86400.0 * reading.p50), found.ttft_factor),
        output_rate=Quantiles.within(load.output_tokens / (86400.0 * writing.p50), found.tpot_factor),
        accelerators_per_node=load.node, input_nodes=reading, output_nodes=writing, nodes=nodes,
        accelerators=accelerators, usd_per_hour=price, price_basis=basis, cost_usd=cost, revenue_usd=revenue,
        margin_percent=margin,
        usd_per_million_input=price.times(reading.scaled(per_input)),
        usd_per_million_output=price.times(writing.scaled(per_output)),
        usd_per_million_blended=cost.scaled(1e6 / tokens),
        reported_nodes=None, reported_cost_usd=None, reported_margin_percent=None, cache_bytes_per_token=None,
        multi_head_cache_bytes_per_token=None, cache_ratio=None, training_days_of_fleet=None,
        sources=(found.near.basis,),
        warnings=(
            *warned,
            "whole machines and spares are not counted" if load.peak_to_mean > 1 else
            "machines for the day's mean: a fleet that does not shrink at night needs --peak-to-mean",
        ),
    )  # fmt: skip


def _check(load: DayLoad, request: ServingRequest) -> None:
    for value, option in ((load.input_tokens, "--day-input"), (load.output_tokens, "--day-output")):
        if not (math.isfinite(value) and 1 <= value <= _MOST):
            raise InputError(f"{value:g} is out of range", cure="give tokens of a day, as 608e9", where=option)
    if not 1 <= load.node <= 1024:
        raise InputError(f"{load.node} accelerators in a node", cure="give 1 to 1024", where="--node")
    if not (math.isfinite(load.peak_to_mean) and 1 <= load.peak_to_mean <= 1000):
        raise InputError(f"{load.peak_to_mean:g} is out of range", cure="give 1 or more", where="--peak-to-mean")
    given = [v for v in (load.usd_input, load.usd_cached, load.usd_output) if v is not None]
    if any(not (math.isfinite(v) and 0 <= v < 1e6) for v in given):
        raise InputError("a list price is no price", cure="give US dollars of a million tokens", where="--list-input")
    if given and request.date is None:
        raise InputError("list prices without a date", cure="add --date YYYY-MM-DD", where="--list-input")
    if given and (load.usd_input is None or load.usd_output is None):
        raise InputError("one list price is missing", cure="give both --list-input and --list-output",
                         where="--list-input")  # fmt: skip


def _revenue(load: DayLoad, hit: float) -> float | None:
    if load.usd_input is None or load.usd_output is None:
        return None
    cached = load.usd_input if load.usd_cached is None else load.usd_cached
    day = Day(load.input_tokens, load.input_tokens * hit, load.output_tokens, 1.0, 1.0, load.node, 0.0)
    return day.revenue(usd_input=load.usd_input, usd_cached=cached, usd_output=load.usd_output)


def _added(a: Quantiles, b: Quantiles) -> Quantiles:
    """Returns a sum of independent numbers: distances from the middle add as squares."""
    middle = a.p50 + b.p50
    # Reading and writing err by different constants of the fit; that they are independent is an assumption, not
    # measured.
    low = math.hypot(a.p50 - a.p10, b.p50 - b.p10)
    high = math.hypot(a.p90 - a.p50, b.p90 - b.p50)
    return Quantiles(p10=middle - low, p50=middle, p90=middle + high)


def deepseek_request() -> ServingRequest:
    """Returns the layout and load of that day's decoding: 144 H800, 88 sequences each (1,850 tokens/s over 21)."""
    return ServingRequest(
        # Mean context 4,096 + 1,786 / 2 = 4,989 tokens, as the report has it for the cache of an output token.
        "H800", dp=144, ep=144, disaggregated=True, engine="sglang", concurrency=88 * 144, input_tokens=4096,
        output_tokens=1786, cache_precision="bf16",
    )  # fmt: skip
