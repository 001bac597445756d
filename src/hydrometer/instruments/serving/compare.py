"""What each technique is worth, one removed at a time; networks side by side; and the life of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer
from hydrometer.costs.served import Served
from hydrometer.costs.serving import most_concurrency, weight_bytes_per_accelerator
from hydrometer.costs.serving_days import break_even_tokens, inference_flop, inference_share, training_flop
from hydrometer.errors import InputError
from hydrometer.instruments.serving.estimate import Found, ask, each_token, find
from hydrometer.instruments.serving.headline import Named, find_served
from hydrometer.instruments.serving.request import Asked, ServingRequest, chip_of
from hydrometer.records.estimates import Quantiles
from hydrometer.records.serving import Comparison, Life, Removal
from hydrometer.store.serving import serving_fit

# A network that keeps nothing has room for infinitely many: what is printed ends here.
_MOST = 10_000_000
# 10 and 90 % points are the ends of that range, 6 about their geometric mean; by hand, 2026-11-26.
RESEARCH = Quantiles(p10=3.3, p50=6.0, p90=10.0)
"""All development compute over the final run's: final runs are 10 to 30 % of it."""
_RESEARCH_SOURCE = "Epoch AI on R&D compute of OpenAI and three Chinese labs, second-hand: final runs 10 to 30 %"


def compare(model: Named, request: ServingRequest, *, against: Sequence[Named] = ()) -> Comparison:
    """Returns the deployment with one technique removed at a time, or other networks in its place.

    Args:
        model: as `estimate`.
        request: accelerator, layout and load.
        against: networks to put in its place; without any, techniques are removed.

    Raises:
        InputError: as `estimate`.
    """
    whole = ask(model, request)
    base = _row("nothing", whole, None)
    if against:
        others = [
            (other.name, other)
            for other in (ask(path, request, fit_memory=False, where="--against") for path in against)
        ]
        label = "{} in its place"
    else:
        others, label = _removals(whole), "{}"
    rows = [base[0], *(_row(label.format(name), asked, base[1])[0] for name, asked in others)]
    warnings = [
        "80 % intervals of cost ratios: errors of ratios between families left out whole, at the same layout and load"
    ]
    if not against and whole.net.routed:
        warnings.append(
            "without experts: the exchange of a dense network over so many accelerators is not counted: a least"
        )
    if any(not row.fits for row in rows):
        warnings.append("a row that does not fit is what bandwidth alone would allow")
    # Concurrency is cut to whole sequences: less than a thousandth is that and no finding.
    if any(row.concurrency < rows[0].concurrency * 0.999 for row in rows):
        warnings.append(
            "where fewer sequences fit, a row serves fewer at once: that is part of what the technique is worth"
        )
    return Comparison(model=whole.name, accelerator=whole.accelerator.name, rows=tuple(rows), warnings=tuple(warnings))


def _row(label: str, asked: Asked, base: float | None) -> tuple[Removal, float]:
    length = asked.load.input_tokens + asked.load.output_tokens
    most = most_concurrency(asked.net, asked.chip, asked.way, length)
    fits = most >= 1
    at_once = min(asked.load.concurrency, math.floor(most)) if fits else asked.load.concurrency
    now = replace(asked, load=replace(asked.load, concurrency=at_once))
    # Offsets of measured rows belong to the network as it is, so that none is used on either side.
    found = _plain(find(now))
    written = each_token(now, found).written
    factor = math.exp(serving_fit().ratio_width)
    ratio = Quantiles.exact(1.0) if base is None else Quantiles.within(written / base, factor)
    row = Removal(
        without=label,
        tpot_ms=Quantiles.within(found.tpot * 1e3, found.tpot_factor),
        tokens_per_second_per_accelerator=Quantiles.within(1 / written, found.tpot_factor),
        cost_ratio=ratio,
        concurrency=at_once,
        maximum_concurrency=int(min(most, _MOST)),
        cache_bytes_per_token=now.net.cache_per_token * now.way.cache_bytes,
        weight_gb_per_accelerator=weight_bytes_per_accelerator(now.net, now.way) / 1e9,
        fits=fits,
    )
    return row, written


def _plain(found: Found) -> Found:
    width = math.exp(serving_fit().tpot_width)
    return replace(found, tpot=float(found.speeds.tpot), ttft=float(found.speeds.ttft), tpot_factor=width)


def _removals(whole: Asked) -> list[tuple[str, Asked]]:
    net, way = whole.net, whole.way
    found: list[tuple[str, Asked]] = []
    full = _every_head_cached(net)
    if full is not None:
        latent = any(isinstance(mixer, Latent) for mixer, _ in net.mixers)
        name = "latent attention (every head cached)" if latent else "grouped attention (every head cached)"
        found.append((name, replace(whole, net=full)))
    if net.routed:
        found.append(("experts (every token uses all weights)",
                      replace(whole, net=replace(net, n_experts=1, per_token=1, mixture_layers=0))))  # fmt: skip
    if way.weight_bytes < 2:
        wide = replace(way, weight_bytes=2.0, cache_bytes=2.0, precision="bf16")
        found.append((f"{way.precision.upper()} (BF16 weights and cache)",
                      replace(whole, way=wide, chip=chip_of(whole.accelerator, "bf16"))))  # fmt: skip
    if way.across > whole.chip.domain and net.routed:
        found.append(_narrow(whole))
    return found


def _narrow(whole: Asked) -> tuple[str, Asked]:
    """Returns the smallest number of whole domains that the load's share still fits on."""
    way, domain = whole.way, whole.chip.domain
    each = whole.load.concurrency / way.across
    length = whole.load.input_tokens + whole.load.output_tokens
    # One sequence an accelerator at least: with fewer, the step is mostly weights and compares nothing.
    for n in range(domain, way.across, domain):
        small = replace(way, tp=way.tp if way.tp <= domain else domain, dp=max(1, n // min(way.tp, domain)))
        small = replace(small, ep=small.across)
        if most_concurrency(whole.net, whole.chip, small, length) >= small.across:
            break
    load = replace(whole.load, concurrency=max(1.0, math.floor(each * small.across)))
    return f"wide expert parallelism ({small.across} accelerators)", replace(whole, way=small, load=load)


def _every_head_cached(net: Served) -> Served | None:
    changed: list[tuple[Mixer, int]] = []
    for mixer, count in net.mixers:
        if isinstance(mixer, Latent):
            # Keys as wide as values: the rotary part, which all heads share, is left out.
            changed.append((GroupedQuery(mixer.heads, mixer.heads, mixer.value_dim), count))
        elif isinstance(mixer, GroupedQuery):
            changed.append((replace(mixer, kv_heads=mixer.heads), count))
        else:
            changed.append((mixer, count))
    if tuple(changed) == net.mixers:
        return None
    return replace(net, mixers=tuple(changed), cache_split=net.heads)


@dataclass(frozen=True)
class LifeRequest:
    """What is asked of a model's life.

    Attributes:
        training_tokens: D.
        served_tokens: T, read and written over its life.
        training_hours: accelerator-hours of the final run, on the question's accelerator.
        research_factor: all development compute over the final run's; the published range where absent.
    """

    training_tokens: float
    served_tokens: float | None = None
    training_hours: float | None = None
    research_factor: float | None = None


def life(model: Path, asked: LifeRequest, request: ServingRequest | None = None) -> Life:
    """Returns a model's training against its serving, in FLOP and in accelerator-hours.

    Args:
        model: as `estimate`.
        asked: tokens and hours.
        request: how it is served, for hours; none where absent.

    Raises:
        InputError: for numbers out of range, and as `estimate`.
    """
    given = {
        "--training-tokens": asked.training_tokens,
        "--served-tokens": asked.served_tokens,
        "--training-hours": asked.training_hours,
        "--research-factor": asked.research_factor,
    }
    for option, value in given.items():
        if value is not None and not (math.isfinite(value) and 0 < value < 1e20):
            raise InputError(f"{value:g} is out of range", cure="give a positive number, as 14.8e12", where=option)
    if asked.research_factor is not None and asked.research_factor < 1:
        raise InputError("development cannot take less than its final run", cure="give 1 or more",
                         where="--research-factor")  # fmt: skip
    name, net = find_served(model)
    active = net.active
    factor = RESEARCH if asked.research_factor is None else Quantiles.exact(asked.research_factor)
    trained = training_flop(active, asked.training_tokens)
    even = break_even_tokens(asked.training_tokens)
    share = None
    if asked.served_tokens is not None:
        ends = [inference_share(asked.served_tokens, even * f) for f in (factor.p90, factor.p50, factor.p10)]
        share = Quantiles(p10=ends[0], p50=ends[1], p90=ends[2])
    hours = None
    if asked.training_hours is not None and request is not None:
        hours = _hours_even(model, asked.training_hours, request)
    return Life(
        model=name, active_parameters=active, training_tokens=asked.training_tokens, served_tokens=asked.served_tokens,
        training_flop=trained, research_factor=factor,
        development_flop=factor.scaled(trained),
        inference_flop=None if asked.served_tokens is None else inference_flop(active, asked.served_tokens),
        inference_share=share, break_even_tokens_flop=even, break_even_tokens_with_research=factor.scaled(even),
        break_even_tokens_hours=hours,
        sources=("6·N·D and 2·N·T: arXiv:2001.08361", *((_RESEARCH_SOURCE,) if asked.research_factor is None else ())),
        warnings=("attention over long contexts is left out of both sides",),
    )  # fmt: skip


def _hours_even(model: Path, hours: float, request: ServingRequest) -> Quantiles:
    at = ask(model, request)
    found = find(at)
    each = each_token(at, found)
    tokens = at.load.input_tokens + at.load.output_tokens
    seconds = (at.load.fresh_tokens * each.fresh + at.load.output_tokens * each.written) / tokens
    return Quantiles.within(hours * 3600.0 / seconds, found.tpot_factor)
