"""From a network, an accelerator and a load to times, dollars and joules."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from functools import cache

from hydrometer.costs import money
from hydrometer.costs.serving import Load, cache_bytes_per_sequence, terms, weight_bytes_per_accelerator
from hydrometer.costs.serving_time import Speeds, speeds
from hydrometer.errors import InputError
from hydrometer.instruments.serving.headline import CACHE, MEASURED, Headline, Named, find_served
from hydrometer.instruments.serving.measured import LONGEST, MOST_NAMED, Near, constants, measured_engines, near
from hydrometer.instruments.serving.request import (
    ENGINES,
    Asked,
    ServingRequest,
    check,
    check_memory,
    chip_of,
    deployment,
)
from hydrometer.instruments.training_cost.estimating.pricing import usd_for
from hydrometer.records.estimates import Quantiles
from hydrometer.records.prices import Contract, PriceEstimate
from hydrometer.records.serving import GuessedShape, ServingEstimate, StepParts
from hydrometer.store.reference import find_accelerator

_MILLION, _HOUR = 1e6, 3600.0
_MOST = 10_000_000
_CALIBRATED = ("H100-SXM", "H200", "B200", "B300", "GB200", "GB300")
# By hand, 2026-11-26; nothing was measured there.
_BEYOND_MEASURED = 1.5
"""Widths (of a log) on hardware that no row was measured on, over those on hardware that was: an assumption."""


@dataclass(frozen=True)
class Found:
    """The formula's answer after the offsets of what was measured near; seconds."""

    speeds: Speeds
    near: Near
    tpot: float
    ttft: float
    tpot_factor: float
    ttft_factor: float

    @property
    def correction(self) -> float:
        """What every part of a step is multiplied with."""
        return self.tpot / float(self.speeds.tpot)


def ask(model: Named, request: ServingRequest, *, fit_memory: bool = True, where: str = "--model") -> Asked:
    """Returns a question that can be answered.

    Args:
        model: a dossier, a config.json, a checkpoint's folder, a shipped model's name, or headline figures.
        request: accelerator, layout and load.
        fit_memory: refuse what does not fit.
        where: the option that names the model.

    Raises:
        InputError: for a layout that cannot be, a model or a load that does not fit, or a price without a date.
    """
    check(request)
    name, net = find_served(model, where=where)
    accelerator = find_accelerator(request.accelerator, where="--accelerator")
    way = deployment(net, request)
    chip = chip_of(accelerator, way.precision)
    # Engines read at least the last token of a prompt, whatever a cache holds.
    hit = min(request.cache_hit, 1 - 1 / request.input_tokens)
    load = Load(request.concurrency, request.input_tokens, request.output_tokens, hit,
                request.drafted, request.accepted)  # fmt: skip
    most = check_memory(net, chip, way, load) if fit_memory else math.inf
    return Asked(name, net, accelerator, chip, way, load, most, isinstance(model, Headline))


def find(asked: Asked) -> Found:
    """Returns the times of one replica; of every engine that was measured near, where none is named."""
    if asked.way.engine:
        return _find_engine(asked)
    found = () if asked.guessed else measured_engines(asked.net, asked.way, asked.accelerator.name)
    engines = found or ENGINES
    each = [_find_engine(replace(asked, way=replace(asked.way, engine=engine))) for engine in engines]
    tpot, tpot_factor = _merged([(one.tpot, one.tpot_factor) for one in each])
    ttft, ttft_factor = _merged([(one.ttft, one.ttft_factor) for one in each])
    rows = tuple(dict.fromkeys(row for one in each for row in one.near.rows))
    near_all = replace(each[0].near, rows=rows[:MOST_NAMED])
    return Found(
        speeds(terms(asked.net, asked.chip, asked.way, asked.load), constants()),
        near_all,
        tpot,
        ttft,
        tpot_factor,
        ttft_factor,
    )


def _merged(values: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the geometric mean, and a factor that holds the engines' own and half of what they differ by."""
    logs = [math.log(value) for value, _ in values]
    width = sum(math.log(factor) for _, factor in values) / len(values)
    # Half of the range beside the engines' own width: they are three at most, which give no standard deviation.
    return math.exp(sum(logs) / len(logs)), math.exp(math.hypot(width, (max(logs) - min(logs)) / 2))


def _find_engine(asked: Asked) -> Found:
    at = speeds(terms(asked.net, asked.chip, asked.way, asked.load), constants())
    close = near(asked.net, asked.way, asked.load, asked.accelerator.name, guessed=asked.guessed)
    wider = 1.0 if asked.accelerator.name.startswith(_CALIBRATED) else _BEYOND_MEASURED
    return Found(
        at, close, float(at.tpot) * math.exp(-close.tpot_shift), float(at.ttft) * math.exp(-close.ttft_shift),
        math.exp(close.tpot_width * wider), math.exp(close.ttft_width * wider),
    )  # fmt: skip


def most_within(asked: Asked, *, tpot_ms: float | None, ttft_ms: float | None) -> Asked:
    """Returns the question at the largest concurrency whose middle estimates keep to the targets.

    Raises:
        InputError: for a target that is no number, or one that a single sequence misses.
    """
    for value, option in ((tpot_ms, "--target-tpot"), (ttft_ms, "--target-ttft")):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{value} is not a time", cure="give milliseconds", where=option)

    def at(concurrency: int) -> Asked:
        return replace(asked, load=replace(asked.load, concurrency=float(concurrency)))

    def keeps(concurrency: int) -> bool:
        found = find(at(concurrency))
        return (tpot_ms is None or found.tpot * 1e3 <= tpot_ms) and (ttft_ms is None or found.ttft * 1e3 <= ttft_ms)

    if not keeps(1):
        found = find(at(1))
        late = tpot_ms is not None and found.tpot * 1e3 > tpot_ms
        raise InputError(
            f"one sequence alone takes {found.tpot * 1e3:.3g} ms a token and {found.ttft * 1e3:.3g} ms to the first",
            cure="give a slower target, more or faster accelerators, or fewer bits",
            where="--target-tpot" if late else "--target-ttft",
        )
    low, high = 1, int(min(asked.most, _MOST)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return at(low)


@cache
def _dated_price(accelerator: str, date: dt.date, contract: Contract) -> PriceEstimate:
    # The price model solves for every quote at once: a search over loads asks for one price many times.
    return usd_for(1.0, accelerator, date, contract).price


def price_of(asked: Asked, request: ServingRequest) -> tuple[Quantiles, dt.date, str, tuple[str, ...]]:
    """Returns USD of an accelerator-hour, its day, what it rests on, and warnings."""
    date = request.date or dt.date.today()
    if request.price is not None:
        return Quantiles.exact(request.price), date, f"given, {date.isoformat()}", ()
    price = _dated_price(asked.accelerator.name, date, request.contract)
    return (
        Quantiles(p10=price.p10, p50=price.p50, p90=price.p90), date,
        f"{price.method}; {request.contract} contract, {date.isoformat()}", price.warnings,
    )  # fmt: skip


def estimate(
    model: Named,
    request: ServingRequest,
    *,
    target_tpot_ms: float | None = None,
    target_ttft_ms: float | None = None,
) -> ServingEstimate:
    """Returns what serving takes.

    Args:
        model: a dossier, a config.json, a checkpoint's folder, a shipped model's name, or headline figures.
        request: accelerator, layout and load.
        target_tpot_ms: find the largest concurrency whose middle estimate of an output token's time keeps to this.
        target_ttft_ms: the same of the time to the first token.

    Raises:
        InputError: as `ask` and `most_within`.
    """
    searching = target_tpot_ms is not None or target_ttft_ms is not None
    asked = ask(model, replace(request, concurrency=1) if searching else request)
    if searching:
        asked = most_within(asked, tpot_ms=target_tpot_ms, ttft_ms=target_ttft_ms)
    return _answer(asked, request, find(asked))


@dataclass(frozen=True)
class Each:
    """Accelerator-seconds of one token: read, found in a cache, written."""

    fresh: float
    cached: float
    written: float


def each_token(asked: Asked, found: Found) -> Each:
    """Returns what one token of each kind takes."""
    load, g = asked.load, asked.way.accelerators
    # Accelerators that only read prompts read many at once.
    prompt = float(found.speeds.prompt_in_batch if asked.way.disaggregated else found.speeds.prompt)
    return Each(
        # A stage works on its prompt while the other stages work on other prompts.
        fresh=prompt * found.correction / load.fresh_tokens * asked.way.across,
        cached=cached_prompt_seconds(asked) * found.correction * asked.way.across,
        written=float(found.speeds.step)
        * found.correction
        / load.tokens_per_step
        / min(load.concurrency, asked.most)
        * g,
    )


def cached_prompt_seconds(asked: Asked) -> float:
    """Returns the seconds that attending to one cached token of a prompt adds, on a replica to itself."""
    # What a cached token costs depends on how many fresh ones look back at it; without a hit, half of the prompt.
    hit = asked.load.cache_hit or 0.5
    length = asked.load.input_tokens
    fresh = length * (1 - hit)
    # Recurrences do not look back at it: what they leave is rounding.
    beyond = max(0.0, asked.net.prompt_core(fresh, length) - asked.net.prompt_core(fresh, fresh))
    share = constants().prompt
    return beyond / (asked.way.across * asked.chip.peak_bf16 * share) / (length * hit)


def _warnings(asked: Asked, request: ServingRequest) -> tuple[str, ...]:
    net, way, load, warnings = asked.net, asked.way, asked.load, []
    if not asked.accelerator.name.startswith(_CALIBRATED):
        warnings.append(
            f"no measured row is of {asked.accelerator.name}: widths are {_BEYOND_MEASURED} times those measured"
        )
    if way.across > 8:
        warnings.append("more than eight accelerators a step: checked on published wide deployments only")
    if way.disaggregated and not asked.chip.hopper:
        warnings.append(
            "reading prompts on Blackwell: published deployments are two to six times slower than estimated"
        )
    if way.pp > 1:
        warnings.append("pipeline stages were in no measured row")
    if asked.guessed:
        warnings.append(
            "shape and cache are guessed from the figures given: at loads where the cache counts most, give a "
            "config.json"
        )
        if not MEASURED[0] <= net.active <= MEASURED[1]:
            warnings.append(
                "guesses were checked on networks of 5 to 70 billion active weights: the interval is for those"
            )
    if not request.engine:
        warnings.append("no --engine: the mean of those measured near, or of TensorRT-LLM, SGLang and vLLM")
    if load.drafted:
        warnings.append("speculative decoding was in no measured row; a draft module is taken to cost a layer a token")
    if load.cache_hit:
        warnings.append("what storing and loading cached prompts costs is not counted")
    if load.concurrency > asked.most:
        held = cache_bytes_per_sequence(net, way, load.input_tokens + load.output_tokens)
        over = (load.concurrency - asked.most) / way.dp * held / 1e9
        warnings.append(
            f"{load.concurrency:g} sequences do not fit, {int(asked.most)} do ({over:.1f} GB too much an accelerator): "
            "the rest wait for memory"
        )
    if load.input_tokens + load.output_tokens > LONGEST:
        warnings.append(f"no measured row is longer than {LONGEST:,} tokens")
    return tuple(warnings)


def _guessed(asked: Asked) -> GuessedShape | None:
    if not asked.guessed:
        return None
    net, each = asked.net, CACHE.scaled(asked.net.cache_per_token * asked.way.cache_bytes)
    return GuessedShape(
        layers=net.layers, hidden_size=net.hidden_size, n_experts=net.n_experts, per_token=net.per_token,
        cache_bytes_per_token=each,
        maximum_concurrency=Quantiles(
            p10=asked.most / CACHE.p90, p50=asked.most / CACHE.p50, p90=asked.most / CACHE.p10
        ),
    )  # fmt: skip


def _answer(asked: Asked, request: ServingRequest, found: Found) -> ServingEstimate:
    net, way, load = asked.net, asked.way, asked.load
    price, date, basis, warned = price_of(asked, request)
    scale, g = found.correction, way.accelerators
    at_once = min(load.concurrency, asked.most)
    waited = max(0.0, load.concurrency / at_once - 1) * load.output_tokens * found.tpot
    life = max(found.ttft - waited, 0.0) + load.output_tokens * found.tpot
    decoding = 1.0 if way.disaggregated else load.output_tokens * found.tpot / life
    shown = at_once * decoding / found.tpot / g
    each = each_token(asked, found)
    seconds = load.fresh_tokens * each.fresh + load.output_tokens * each.written
    per_hour = _MILLION / _HOUR / request.utilisation
    context = load.input_tokens + load.output_tokens
    power = asked.accelerator.board_power_watts
    joules = None
    if power is not None:
        server = money.server_power_factor(asked.accelerator.name) * money.average_power_share(asked.accelerator.name)
        joules = Quantiles.within(power * server * money.POWER_USAGE_EFFECTIVENESS * each.written, found.tpot_factor)
    weights = weight_bytes_per_accelerator(net, way)
    cache = cache_bytes_per_sequence(net, way, context) * at_once / way.dp
    return ServingEstimate(
        model=asked.name, accelerator=asked.accelerator.name, precision=way.precision, engine=way.engine or "any",
        tp=way.tp, dp=way.dp, ep=way.ep, pp=way.pp, disaggregated=way.disaggregated, accelerators=g,
        concurrency=load.concurrency, input_tokens=load.input_tokens, output_tokens=load.output_tokens,
        cache_hit=load.cache_hit, tokens_per_step=load.tokens_per_step,
        tpot_ms=Quantiles.within(found.tpot * 1e3, found.tpot_factor),
        ttft_ms=Quantiles.within(found.ttft * 1e3, found.ttft_factor),
        tokens_per_second_per_user=Quantiles.within(1 / found.tpot, found.tpot_factor),
        output_tokens_per_second_per_accelerator=Quantiles.within(shown, found.tpot_factor),
        input_tokens_per_second_per_accelerator=Quantiles.within(1 / each.fresh, found.ttft_factor),
        cache_bytes_per_token=net.cache_per_token * way.cache_bytes,
        cache_gb=cache * way.accelerators / 1e9,
        weight_gb_per_accelerator=weights / 1e9, memory_gb_per_accelerator=(weights + cache) / 1e9,
        maximum_concurrency=int(min(asked.most, _MOST)),
        usd_per_hour=price, price_date=date, price_basis=basis,
        usd_per_million_input=price.times(Quantiles.within(each.fresh * per_hour, found.ttft_factor)),
        usd_per_million_cached_input=price.times(Quantiles.within(each.cached * per_hour, found.ttft_factor)),
        usd_per_million_output=price.times(Quantiles.within(each.written * per_hour, found.tpot_factor)),
        usd_per_million_blended=price.times(Quantiles.within(seconds / context * per_hour, found.tpot_factor)),
        joules_per_output_token=joules,
        parts=StepParts(
            matrices_ms=float(found.speeds.linear) * scale * 1e3,
            attention_ms=float(found.speeds.attention) * scale * 1e3,
            launches_ms=float(found.speeds.launch) * scale * 1e3,
            exchange_ms=float(found.speeds.exchange) * scale * 1e3,
            prompts_in_between_ms=float(found.speeds.interference) * scale * 1e3,
        ),
        informed_by=found.near.rows,
        interval_basis=found.near.basis,
        guessed=_guessed(asked),
        warnings=(*_warnings(asked, request), *warned),
    )  # fmt: skip
