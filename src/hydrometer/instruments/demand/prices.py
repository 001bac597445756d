"""Effective prices at a fixed quality, and what the choice of an index does."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path

from hydrometer.costs.token_prices import Use, apparent_elasticity, effective_price, growth_at_elasticity
from hydrometer.errors import InputError
from hydrometer.records.dossier import nearest
from hydrometer.records.token_prices import (
    AnchorPoint,
    Direction,
    IndexReading,
    IndexTrap,
    PriceChange,
    PricesReport,
    Reason,
    TokenPrice,
    UseOfTokens,
)
from hydrometer.store.token_prices import index_trap, read_token_prices, shipped_token_prices

# DeepSeek, "DeepSeek-V3/R1 inference system overview", 2025-03-01: the one day whose tokens a provider published.
_DAY_OUTPUT, _DAY_CACHE = 168 / (608 + 168), 342 / 608
_DAY_SOURCE = "DeepSeek's service on 27 February 2025: 608 billion input tokens, 342 of them cached, 168 output"
# 3 % output: 28 to 40 prompt tokens a completion token on OpenRouter, August 2026. The other shares are by hand,
# 2026-11-26.
_OTHER_USES = [Use(output, cache) for output in (0.03, 0.2, 0.4) for cache in (0.0, 0.5, 0.9)]
_SAME = 1e-9


def report_prices(
    *,
    benchmark: str,
    at_least: float | None,
    output_share: float | None = None,
    cache_share: float | None = None,
    peak_share: float | None = None,
    until: dt.date,
    own: Path | None = None,
) -> PricesReport:
    """Returns effective prices: every cut and increase, and the cheapest model at a fixed quality over time.

    Args:
        benchmark: whose score fixes the quality.
        at_least: the score; the lowest of the earliest model that has one if absent.
        output_share: output tokens over all tokens, 0 to 1; DeepSeek's reported day if absent.
        cache_share: input tokens read from the cache; likewise.
        peak_share: tokens used in peak hours; spread evenly over the day if absent.
        until: prices that come into force later are left out.
        own: a user's prices, which replace the shipped ones.

    Raises:
        InputError: for shares out of bounds, a file that cannot be read, or a quality that no price has.
    """
    for name, value in (("--output", output_share), ("--cache", cache_share), ("--peak", peak_share)):
        if value is not None and not 0 <= value <= 1:
            raise InputError(f"{name} {value:g}", cure="give a share between 0 and 1")
    use = Use(
        _DAY_OUTPUT if output_share is None else output_share,
        _DAY_CACHE if cache_share is None else cache_share,
        peak_share,
    )
    every = read_token_prices(own) if own is not None else shipped_token_prices()
    prices = [p for p in every if p.date <= until]
    if not prices:
        raise InputError(f"no price on or before {until}", cure="give a later --until")
    bar = _bar(prices, benchmark, at_least)
    anchor = _frontier(prices, benchmark, bar, use)
    changes = _changes(prices, use)
    declines = [d for other in _OTHER_USES if (d := _decline(_frontier(prices, benchmark, bar, other))) is not None]
    stated = output_share is not None or cache_share is not None
    return PricesReport(
        use=UseOfTokens(
            output_share=use.output_share, cache_share=use.cache_share, peak_share=peak_share,
            source="as given" if stated else _DAY_SOURCE,
        ),
        benchmark=benchmark,
        at_least=bar,
        anchor=tuple(anchor),
        decline_a_year=_decline(anchor),
        decline_low=min(declines, default=None),
        decline_high=max(declines, default=None),
        changes=tuple(changes),
        n_cuts=sum(c.direction == "cut" for c in changes),
        n_increases=sum(c.direction == "increase" for c in changes),
        prices=tuple(prices),
        warnings=_warnings(prices, every, anchor, until),
    )  # fmt: skip


def _bar(prices: Sequence[TokenPrice], benchmark: str, at_least: float | None) -> float:
    scored = [p for p in prices if p.benchmark == benchmark and p.score is not None]
    if not scored:
        known = sorted({p.benchmark for p in prices if p.benchmark})
        cure = nearest(benchmark, known) if known else "add columns benchmark and score"
        raise InputError(f"no price has a score of '{benchmark[:60]}'", cure=cure)
    scores = [p.score for p in scored if p.score is not None]
    bar = scores[0] if at_least is None else at_least
    if not math.isfinite(bar) or not any(score >= bar for score in scores):
        raise InputError(
            f"no priced model has {bar:g} or more", cure=f"scores run from {min(scores):g} to {max(scores):g}"
        )
    return bar


def _paid(price: TokenPrice, use: Use) -> float:
    return effective_price(
        input_usd=price.input_usd, output_usd=price.output_usd, cached_usd=price.cached_usd, use=use,
        peak_factor=price.peak_factor, peak_hours=price.peak_hours,
    )  # fmt: skip


def _frontier(prices: Sequence[TokenPrice], benchmark: str, bar: float, use: Use) -> list[AnchorPoint]:
    """Returns the cheapest qualified model whenever it or its price changes; a price holds until the model's next."""
    standing: dict[str, TokenPrice] = {}
    found: list[AnchorPoint] = []
    good = [p for p in prices if p.benchmark == benchmark and p.score is not None and p.score >= bar]
    for day in sorted({p.date for p in good}):
        before = dict(standing)
        standing.update({p.model: p for p in good if p.date == day})
        best = min(standing.values(), key=lambda p: (_paid(p, use), p.model))
        last = found[-1] if found else None
        paid = _paid(best, use)
        if last is not None and last.model == best.model and abs(last.effective_usd - paid) < _SAME:
            continue
        assert best.score is not None
        found.append(
            AnchorPoint(
                date=day,
                model=best.model,
                provider=best.provider,
                score=best.score,
                score_source=best.score_source,
                effective_usd=paid,
                sticker_usd=_paid(best.model_copy(update={"cached_usd": None, "peak_factor": 1.0}), use),
                why=_why(last, best.model, paid, before),
                source=best.source,
            )
        )
    return found


def _why(last: AnchorPoint | None, model: str, paid: float, before: dict[str, TokenPrice]) -> Reason:
    if last is None:
        return "first"
    if paid > last.effective_usd:
        return "increase" if model == last.model else "another's increase"
    return "cut" if model in before else "new model"


def _decline(anchor: Sequence[AnchorPoint]) -> float | None:
    if len(anchor) < 2:
        return None
    years = (anchor[-1].date - anchor[0].date).days / 365.25
    # A yearly rate from weeks would be a power of noise; half a year by hand, 2026-11-26.
    if years < 0.5:
        return None
    return math.exp(math.log(anchor[0].effective_usd / anchor[-1].effective_usd) / years)


def _changes(prices: Sequence[TokenPrice], use: Use) -> list[PriceChange]:
    last: dict[tuple[str, str], TokenPrice] = {}
    found = []
    for price in prices:
        key = (price.provider, price.model)
        old = last.get(key)
        last[key] = price
        if old is None:
            continue
        # A price first seen without a cache price is the same price, less well known.
        after = price if price.cached_usd is not None else price.model_copy(update={"cached_usd": old.cached_usd})
        before = old if old.cached_usd is not None else old.model_copy(update={"cached_usd": price.cached_usd})
        ratio = _paid(after, use) / _paid(before, use)
        direction: Direction = "unchanged" if abs(ratio - 1) < _SAME else "cut" if ratio < 1 else "increase"
        found.append(
            PriceChange(
                date=price.date,
                date_basis=price.date_basis,
                provider=price.provider,
                model=price.model,
                before_usd=_paid(before, use),
                after_usd=_paid(after, use),
                list_ratio=price.input_usd / old.input_usd,
                effective_ratio=ratio,
                direction=direction,
                source=price.source,
            )
        )
    return found


def _warnings(
    prices: Sequence[TokenPrice], every: Sequence[TokenPrice], anchor: Sequence[AnchorPoint], until: dt.date
) -> tuple[str, ...]:
    found = []
    seen = sum(p.date_basis == "first seen" for p in prices)
    if seen:
        found.append(
            f"dates: {seen} of {len(prices)} prices are dated by when a price list first showed them, which lags"
        )
    if any(a.why in {"increase", "another's increase"} for a in anchor):
        found.append(
            "increases: at this quality the cheapest price also rose; an index that only counts cuts misses it"
        )
    unsourced = sorted({a.model for a in anchor if not a.score_source})
    if unsourced:
        found.append(f"scores: not checked, no source is given for {', '.join(unsourced)[:200]}")
    later = len(every) - len(prices)
    if later:
        found.append(f"announced: {later} prices come into force after {until} and are left out")
    uncached = sum(p.cached_usd is None for p in prices)
    if uncached:
        found.append(f"cache: {uncached} prices tell no price of cached input; theirs is taken as the full input price")
    found.append("quality: a score at one time on one benchmark; tokens a task, latency and free tiers are not in it")
    return tuple(found)


def read_index(
    *,
    before: float | None = None,
    after: float | None = None,
    months: float | None = None,
    declines: Sequence[float] = (),
    growth: float = 1.0,
) -> IndexTrap:
    """Returns what several price indices make of one growth of use.

    Args:
        before: tokens at first; Google's of May 2024 if absent.
        after: tokens at last.
        months: between the two.
        declines: price before over after, a year; the four published ones if empty.
        growth: yearly growth that would have come at constant prices; 1 for none.

    Raises:
        InputError: for numbers that are not positive, declines not above 1, or only one of before and after.
    """
    shipped = index_trap()
    volume = shipped["volume"]
    own = before is not None and after is not None and months is not None
    if not own and (before, after, months) != (None, None, None):
        raise InputError("--before, --after and --months belong together", cure="give all three, or none")
    first = volume["before"] if before is None else before
    last = volume["after"] if after is None else after
    years = (volume["last"] - volume["first"]).days / 365 if months is None else months / 12
    for name, value in (("--before", first), ("--after", last), ("--months", years), ("--growth", growth)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} {value:g}", cure="give a positive number")
    rows = [(f"{d:g}-fold a year", d, "as given") for d in declines] or [
        (row["name"], row["factor"], row["source"]) for row in shipped["declines"]
    ]
    for _, decline, _ in rows:
        if not (math.isfinite(decline) and 1 < decline < 1e9):
            raise InputError(f"--decline {decline:g}", cure="give price before over price after, a year, as 10")
    ratio = last / first
    readings = tuple(_reading(name, d, source, ratio, years, growth) for name, d, source in rows)
    low, high = min(r.elasticity for r in readings), max(r.elasticity for r in readings)
    return IndexTrap(
        who="as given" if own else volume["who"],
        quantity_before=first,
        quantity_after=last,
        unit="tokens" if own else volume["unit"],
        years=years,
        growth_a_year=growth,
        readings=readings,
        lowest=low,
        highest=high,
        in_words=_in_words(low, high, ratio, years, growth),
        source="as given" if own else volume["source"],
    )


def _reading(name: str, decline: float, source: str, ratio: float, years: float, growth: float) -> IndexReading:
    elasticity = apparent_elasticity(ratio, decline_a_year=decline, years=years, growth_a_year=growth)
    return IndexReading(
        name=name,
        decline_a_year=decline,
        elasticity=elasticity,
        verdict="above 1: compute would rise" if elasticity > 1 else "below 1: compute would fall",
        growth_for_one=growth_at_elasticity(ratio, decline_a_year=decline, years=years, elasticity=1.0),
        source=source,
    )


def _in_words(low: float, high: float, ratio: float, years: float, growth: float) -> str:
    turns = (
        "the choice of index turns the answer around" if low < 1 < high else "here the indices agree on the side of 1"
    )
    assumed = "no growth" if growth == 1 else f"{growth:g}-fold growth a year"
    return (
        f"Use grew {ratio:,.0f}-fold in {years:g} years. With {assumed} of demand at constant prices, that is an "
        f"elasticity from {low:.2f} to {high:.2f}: {turns}. None of these figures measures how use answers to price."
    )
