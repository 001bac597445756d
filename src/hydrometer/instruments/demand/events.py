"""Events (announced or lasting price changes) in a series, and the step that quantity and price take at each.

Axes: U models (units), T dates.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hydrometer.stats.pooling import pool_estimates
from hydrometer.stats.responses import ResponseFit, Window, fit_responses, joined, response_shapes, trend_of
from hydrometer.stats.steps import fit_step, trend_memory
from hydrometer.store.demand_series import Series

Array = npt.NDArray[np.float64]
# This and the next five by hand, 2026-11-26, while working on the markets of bench/demand_worlds.py; not varied apart.
_SMALLEST_EVENT = 0.05
"""Of the log price: smaller events say too little beside the noise."""
_SMALLEST_PAID = 0.02
"""Step of the log price paid below which nobody can say what use answered to."""
_LEVEL = 5
"""Rows whose median is the price level before and after an event."""
FEWEST_ROWS = 4
"""On either side of an event."""
_FEWEST_CONTROLS = 3
# By hand, 2026-11-26.
_YOUNG_WINDOWS = 4
"""A model younger than so many half-windows may still be in its launch ramp: any trend is fitted."""
# Doubling, from at once to as long as the window: what is slower than 32 days shows a lower bound only.
CONSTANTS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Time constants of a response, in rows; 0 is at once."""
# Tried: 42 days before and 56 after instead of 28 and 42; no better (51 and 52 of 60 hold). See docs/log.md,
# 2026-11-26.
_BEFORE, AFTER = 2, 3
"""Half windows on either side of an event in which a response is looked for."""
# As planted in bench/demand_worlds.py (mean log size 2, 7 to 25 days), so that its coverage flatters; by hand,
# 2026-11-26.
_RAMP_DAYS = (7.0, 14.0, 28.0)
_RAMP_SD = 2.0
"""Launch ramps: exp(-age / so many days), each of a log size of this order."""
# By hand, 2026-11-26: with it 19 of 25 intervals hold under a planted shock of 0.3 (16 of 30 without), and ordinary
# markets stay at 23 of 25, wider by a twentieth (docs/log.md).
_SHOCK = 2.0
"""A shock on the day of an event, over the noise's standard deviation, where there is one."""
_SMALLEST_TREND_SD = 0.001
"""Log a row."""


@dataclass(frozen=True)
class SeriesArrays:
    """A series as arrays; what is missing is not a number.

    Attributes:
        models: names, U.
        vendors: of each model; an empty text where not reported.
        dates: T, ascending.
        quantity_UT: log quantity.
        list_UT: log list price.
        paid_UT: log price paid; the list price where the file tells no other.
        platform_T: log quantity of the platform, or None.
        announced_UT: rows of announced price changes.
        launched: of each model, where reported.
        has_paid: whether the file tells prices paid.
        has_announced: whether it names announced price changes.
    """

    models: tuple[str, ...]
    vendors: tuple[str, ...]
    dates: tuple[dt.date, ...]
    quantity_UT: Array
    list_UT: Array
    paid_UT: Array
    platform_T: Array | None
    announced_UT: npt.NDArray[np.bool_]
    launched: tuple[dt.date | None, ...]
    has_paid: bool
    has_announced: bool

    @cached_property
    def spacing_days(self) -> float:
        """Typical days between dates."""
        days = np.array([d.toordinal() for d in self.dates])
        return float(np.median(np.diff(days))) if len(days) > 1 else 1.0

    @property
    def half_window(self) -> int:
        """Rows on either side of an event: two weeks of days, two months of weeks, half a year of months."""
        # 14 days, 8 weeks or 6 months: four rows at least must fit, and growth should still be nearly straight. By
        # hand, 2026-11-26.
        return 14 if self.spacing_days <= 2 else 8 if self.spacing_days <= 10 else 6


@dataclass(frozen=True)
class PriceEvent:
    """A price change with its measured steps.

    Attributes:
        unit: index of the model.
        at: index of the date.
        announced: step of the log list price.
        paid: step of the log price paid.
        response: of the log quantity, over the platform, by each of `CONSTANTS` without and with a shock of the day.
        lately: log quantity in the week before the event over the weeks before that; None without room.
        age_days: of the model, if known.
        young: whether a launch ramp is likely.
        netted: whether the platform's growth was taken out.
    """

    unit: int
    at: int
    announced: float
    paid: float
    response: ResponseFit
    lately: float | None
    age_days: int | None
    young: bool
    netted: bool


def as_arrays(series: Series) -> SeriesArrays:
    """Returns the series as arrays."""
    models = sorted({row.model for row in series.rows})
    dates = sorted({row.date for row in series.rows})
    unit = {model: i for i, model in enumerate(models)}
    at = {date: i for i, date in enumerate(dates)}
    shape = (len(models), len(dates))
    quantity, listed, paid, platform = (np.full(shape, np.nan) for _ in range(4))
    marked = np.zeros(shape, dtype=bool)
    vendors, launched = [""] * len(models), [None] * len(models)  # type: list[str], list[dt.date | None]
    for row in series.rows:
        u, t = unit[row.model], at[row.date]
        quantity[u, t], listed[u, t] = np.log(row.quantity), np.log(row.price)
        paid[u, t] = np.log(row.effective_price or row.price)
        platform[u, t] = np.log(row.platform) if row.platform else np.nan
        marked[u, t] = row.event
        vendors[u] = vendors[u] or row.vendor
        launched[u] = launched[u] or row.launched
    known = np.isfinite(platform)
    total_T = np.where(known.any(axis=0), np.nansum(platform, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
    return SeriesArrays(
        models=tuple(models),
        vendors=tuple(vendors),
        dates=tuple(dates),
        quantity_UT=quantity,
        list_UT=listed,
        paid_UT=paid,
        platform_T=total_T if "platform" in series.columns else None,
        announced_UT=marked,
        launched=tuple(launched),
        has_paid="effective_price" in series.columns,
        has_announced=bool(marked.any()),
    )


def find_events(arrays: SeriesArrays) -> list[tuple[int, int, float]]:
    """Returns where list prices change to stay: model, date and the step of the log price.

    Announced rows where the file names any; else events that stand out of the price's own noise and do not come back.
    """
    found = []
    for u in range(len(arrays.models)):
        have = np.flatnonzero(np.isfinite(arrays.list_UT[u]))
        price = arrays.list_UT[u, have]
        change = np.diff(price, prepend=price[:1])
        # 1.4826: the median absolute deviation of a normal variable, made its standard deviation.
        noise = 1.4826 * float(np.median(np.abs(change - np.median(change))))
        # Six times the noise, and 0.6 of the change that must stay: by hand, 2026-11-26.
        marked = (
            arrays.announced_UT[u, have] if arrays.has_announced else np.abs(change) >= max(_SMALLEST_EVENT, 6 * noise)
        )
        for i in np.flatnonzero(marked):
            if i == 0:
                continue
            level = float(np.median(price[i : i + _LEVEL]) - np.median(price[max(i - _LEVEL, 0) : i]))
            stays = abs(level) >= _SMALLEST_EVENT if arrays.has_announced else level * change[i] >= 0.6 * change[i] ** 2
            if stays:
                found.append((u, int(have[i]), level))
    return found


def measure_events(arrays: SeriesArrays, found: list[tuple[int, int, float]]) -> list[PriceEvent]:
    """Returns the steps at the events that have enough rows on either side, and that the price paid followed.

    Noise is given the memory that models show between events: that of one window is too uncertain. With it, an event
    that follows a weak week is not credited with the recovery that would have come anyway.
    """
    changed_UT = np.zeros(arrays.list_UT.shape, dtype=bool)
    for u, t, _ in found:
        changed_UT[u, t] = True
    # Tried: memory from each window of 28 days; 0.54 where 0.8 was planted, since trend and step hide it. From the
    # stretches between events 0.78. See docs/log.md, 2026-11-25.
    memory = _shared_memory(arrays, changed_UT)
    # Tried: any trend allowed; intervals 0.91 wide instead of 0.49. See docs/log.md, 2026-11-26.
    trend_sd = None if memory is None else _trend_spread(arrays, changed_UT, memory)
    measured = [_measure(arrays, changed_UT, event, memory, trend_sd) for event in found]
    return [event for event in measured if event is not None]


def _shared_memory(arrays: SeriesArrays, changed_UT: npt.NDArray[np.bool_]) -> float | None:
    """Returns the noise's memory from the longest stretch of every model without an event; None where all are short."""
    several = len(arrays.models) > 1
    known_T = np.isfinite(arrays.quantity_UT).any(axis=0)
    common_T = np.zeros(len(arrays.dates))
    if several:
        common_T[known_T] = np.nanmean(arrays.quantity_UT[:, known_T], axis=0)
    found = []
    for u in range(len(arrays.models)):
        have = np.flatnonzero(np.isfinite(arrays.quantity_UT[u]))
        stretch = max(np.split(have, np.flatnonzero(changed_UT[u, have])), key=len)
        if len(stretch) >= 2 * arrays.half_window:
            found.append(trend_memory(arrays.quantity_UT[u, stretch] - common_T[stretch]))
    return float(np.median(found)) if found else None


def _trend_spread(arrays: SeriesArrays, changed_UT: npt.NDArray[np.bool_], memory: float) -> float | None:
    """Returns the standard deviation of trends between grown-up models where no price moved; None with too few."""
    slopes, errors = [], []
    for u in range(len(arrays.models)):
        have = np.flatnonzero(np.isfinite(arrays.quantity_UT[u]))
        grown = have[[not _is_young(arrays, _age(arrays, u, int(t))) for t in have]]
        if not len(grown):
            continue
        stretch = max(np.split(grown, np.flatnonzero(changed_UT[u, grown])), key=len)
        if len(stretch) and changed_UT[u, stretch[0]]:
            stretch = stretch[_BEFORE * arrays.half_window :]  # a slow response is no trend
        if len(stretch) < 2 * arrays.half_window:
            continue
        value, netted = _net(arrays, changed_UT, u, stretch)
        if netted:
            slope, error = trend_of(value, memory=memory)
            slopes.append(slope)
            errors.append(max(error, 1e-9))
    if len(slopes) < _FEWEST_CONTROLS:
        return None
    return max(pool_estimates(np.array(slopes), np.array(errors)).tau, _SMALLEST_TREND_SD)


def _is_young(arrays: SeriesArrays, age: int | None) -> bool:
    return age is not None and age < arrays.half_window * _YOUNG_WINDOWS * arrays.spacing_days


def _rows(
    arrays: SeriesArrays, have: npt.NDArray[np.int64], moved: npt.NDArray[np.int64], here: int, halves: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Returns positions in `have` around an event, up to the neighbouring events, without the event's own."""
    start = max([here - halves[0] * arrays.half_window, *(int(i) + 1 for i in moved if i < here), 0])
    stop = min([here + halves[1] * arrays.half_window + 1, *(int(i) for i in moved if i > here), len(have)])
    # The day of the event is partly at either price.
    return np.concatenate([np.arange(start, here), np.arange(here + 1, stop)])


def _measure(
    arrays: SeriesArrays, changed_UT: npt.NDArray[np.bool_], event: tuple[int, int, float], memory: float | None,
    trend_sd: float | None,
) -> PriceEvent | None:  # fmt: skip
    u, at, announced = event
    have = np.flatnonzero(np.isfinite(arrays.quantity_UT[u]) & np.isfinite(arrays.list_UT[u]))
    here = int(np.searchsorted(have, at))
    others = np.flatnonzero(changed_UT[u, have])
    near = _rows(arrays, have, others, here, (1, 1))
    before, after = int((near < here).sum()), int((near > here).sum())
    if min(before, after) < FEWEST_ROWS:
        return None
    time = (near - here).astype(float)
    value, netted = _net(arrays, changed_UT, u, have[near])
    age = _age(arrays, u, at)
    young = _is_young(arrays, age)
    # Eight rows: four coefficients, and as many left to tell the noise from.
    curved = (young or before != after) and len(near) >= 8
    paid = (
        fit_step(arrays.paid_UT[u, have[near]], time, curved=curved, memory=memory).size
        if arrays.has_paid
        else announced
    )
    if abs(paid) < _SMALLEST_PAID:
        return None
    if memory is None:
        memory = fit_step(value, time, memory=None).memory
    wide = _rows(arrays, have, others, here, (_BEFORE, AFTER))
    wide_value, wide_netted = _net(arrays, changed_UT, u, have[wide])
    if wide_netted:
        near, time, value = wide, (wide - here).astype(float), wide_value
    response = _respond(
        Window(value, time, memory, None if young or not netted else trend_sd, _ramps(arrays, u, have[near]))
    )
    return PriceEvent(
        u, at, announced, paid, response, _lately(value[time < 0], arrays.half_window // 2), age, young, netted
    )


def _lately(before: Array, n: int) -> float | None:
    """Returns the mean of the last n rows before an event less that of the earlier ones; None with too few."""
    n = min(n, len(before) // 2)
    # The last week against all before it, not against one week: noticed in 19 of 25 instead of 12 (docs/log.md,
    # 2026-11-26).
    return float(before[-n:].mean() - before[:-n].mean()) if n >= FEWEST_ROWS else None


def _respond(window: Window) -> ResponseFit:
    """Returns the response by every shape, without and then with a shock on the day of the event."""
    shape_TK = response_shapes(window.time_T, CONSTANTS)
    calm = fit_responses(window, shape_TK=shape_TK)
    return joined(calm, fit_responses(window, shape_TK=shape_TK, variance=calm.variance, shock=_SHOCK))


def _ramps(arrays: SeriesArrays, u: int, dates: npt.NDArray[np.int64]) -> Array:
    """Returns one standard deviation of every launch ramp, shape (T, R); none where the age is not known."""
    age = _age(arrays, u, int(dates[0]))
    if age is None:
        return np.zeros((len(dates), 1))
    day = np.array([arrays.dates[t].toordinal() for t in dates])
    age_T = np.maximum(age + day - day[0], 0)
    ramp_TR: Array = _RAMP_SD * np.exp(-age_T[:, None] / np.array(_RAMP_DAYS))
    return ramp_TR


def _net(
    arrays: SeriesArrays, changed_UT: npt.NDArray[np.bool_], u: int, dates: npt.NDArray[np.int64]
) -> tuple[Array, bool]:
    """Returns the log quantity less the platform's, or less that of models whose price stood still."""
    value = arrays.quantity_UT[u, dates]
    if arrays.platform_T is not None and np.isfinite(arrays.platform_T[dates]).all():
        return value - arrays.platform_T[dates], True
    window = arrays.quantity_UT[:, dates]
    still = ~changed_UT[:, dates.min() : dates.max() + 1].any(axis=1)
    usable = still & np.isfinite(window).all(axis=1) & (np.arange(len(window)) != u)
    if usable.sum() < _FEWEST_CONTROLS:
        return value, False
    others = window[usable]
    return value - (others - others.mean(axis=1, keepdims=True)).mean(axis=0), True


def _age(arrays: SeriesArrays, u: int, at: int) -> int | None:
    """Returns days since launch; where it is not reported, since the first row, if the file began without the model."""
    launched = arrays.launched[u]
    if launched is None:
        first = int(np.flatnonzero(np.isfinite(arrays.quantity_UT[u]))[0])
        if first == 0:
            return None
        launched = arrays.dates[first]
    return (arrays.dates[at] - launched).days
