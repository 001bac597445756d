"""Elasticity from data: responses to announced price changes, beside what naive methods would say.

Axes: E events, K shapes of the response.
"""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hydrometer.errors import DegenerateInputWarning, InputError
from hydrometer.instruments.demand import checks
from hydrometer.instruments.demand.events import (
    AFTER,
    CONSTANTS,
    PriceEvent,
    SeriesArrays,
    as_arrays,
    find_events,
    measure_events,
)
from hydrometer.instruments.demand.regressions import naive_estimates
from hydrometer.instruments.demand.steps import Steps
from hydrometer.records.demand_data import Adjustment, ElasticityReport, Estimated, MeasuredEvent, PublishedEvent
from hydrometer.stats.pooling import Pool, pool_estimates, shrunken
from hydrometer.stats.priors import Z95
from hydrometer.stats.responses import average_intervals, response_shapes
from hydrometer.stats.wild_bootstrap import wild_cluster_interval
from hydrometer.store.demand_series import Series

Array = npt.NDArray[np.float64]
# With five clusters the smallest p-value of sign flips is 2/32: an interval of 90 % is bounded, one of 95 % is not.
LEVEL = 0.90
# As in stats/wild_bootstrap.py, which says why.
_FEWEST_CLUSTERS = 5
"""Fewer give no bounded interval by the bootstrap."""
# By hand, 2026-11-26.
_SMALLEST_ERROR = 1e-3
"""Of a step: a series without noise must not weigh without bound."""
# By hand, 2026-11-26: each shape kept costs a bootstrap of its own.
_LEAST_WEIGHT = 0.005
"""Of a shape: with less it is left out."""
# Set on 60 simulated markets, 2026-11-26. Harder rules (0.4 and 0.1) call fewer markets of small events slow (6 of 60,
# not 25 of 100), but were not tried on slow ones; see docs/log.md.
_STILL, _FAST = 0.25, 2.0
"""With this weight on the slowest shape, and no more on those of so few rows, the response is still on its way."""
_ASSUMES = (
    "price changes were announced for reasons of cost or competition, not because of that week's demand, and nothing "
    "else happened on their days"
)


def elasticity_of_series(series: Series, *, seed: int = 0, with_naive: bool = True) -> ElasticityReport:
    """Returns the price elasticity that a series shows, as a positive number, with the reasons to doubt it.

    Where list prices change to stay, every event is an experiment: the log quantity's final response over trend, ramp
    and the platform's growth, over the step of the log price paid, with the announced step as the instrument. Events
    are pooled with random effects, the confidence interval inverts wild cluster bootstrap tests, and both are averaged
    over how fast use may adjust. Where prices do not change so, only regressions remain, and the report says that they
    identify nothing.

    Args:
        series: rows by model and date.
        seed: of the bootstrap.
        with_naive: also run the methods that are there to be compared with.

    Raises:
        InputError: if the price never changes.
    """
    arrays = as_arrays(series)
    if not _changes_at_all(arrays):
        cure = "give a span with a price change"
        raise InputError("the price never changes: no response to it can be seen", cure=cure, where=series.name)
    # Tried: least squares of levels (0 of 100 intervals hold), model and date effects (5 to 9 of 100 where the price
    # paid follows demand); they remain only to be compared with. See docs/log.md, 2026-11-25.
    found = find_events(arrays)
    events = measure_events(arrays, found)
    rng = np.random.default_rng(seed)
    others = naive_estimates(arrays, rng=rng, level=LEVEL) if with_naive or not events else ()
    doubts = checks.of_series(series, arrays, n_found=len(found), events=events)
    if not events:
        best, error = (others[-1], _error_of(others[-1])) if others else (None, None)
        others, tau, identified = others[:-1], None, False
        listed: tuple[MeasuredEvent, ...] = ()
        adjustment = None
    else:
        best, error, steps, pool, adjustment = _estimate_responses(arrays, events, seed=seed)
        doubts += checks.of_steps(steps, events, best, adjustment, rng=rng)
        listed, tau = _listed(steps, pool, [_label(arrays, m) for m in events]), pool.tau
        spoilt = any(doubt.kind in {"simultaneity", "supply_rationing"} for doubt in doubts)
        identified = best.n_clusters >= _FEWEST_CLUSTERS and not spoilt
    return ElasticityReport(
        series=series.name, sha256=series.sha256, n_rows=len(series.rows), n_models=len(arrays.models),
        first=arrays.dates[0], last=arrays.dates[-1], identified=identified, recommended=best, standard_error=error,
        adjustment=adjustment, others=others, events=listed, tau=tau, warnings=tuple(doubts), sources=(series.name,),
        seed=seed,
    )  # fmt: skip


def _changes_at_all(arrays: SeriesArrays) -> bool:
    known = np.where(np.isfinite(arrays.paid_UT), arrays.paid_UT, np.nan)
    return bool((np.nanmax(known, axis=1) - np.nanmin(known, axis=1)).max() > 1e-9)


def _steps_of(arrays: SeriesArrays, events: Sequence[PriceEvent], size_E: Array, error_E: Array) -> Steps:
    error_E = np.maximum(error_E, _SMALLEST_ERROR)
    return Steps(
        quantity_E=size_E,
        error_E=error_E,
        # Where the price paid follows demand, the more elastic model shows less noise: its own error alone would weigh
        # it up. Halfway to the typical error, on the log scale, half of that is gone; noisy models still weigh less.
        # Tried: own errors alone; mean error +0.03 to +0.04, 87 and 91 of 100 hold. See docs/log.md, 2026-11-25.
        weighing_E=np.sqrt(error_E * np.median(error_E)),
        paid_E=np.array([m.paid for m in events]),
        announced_E=np.array([m.announced for m in events]),
        cluster_E=clusters([(m.unit, arrays.vendors[m.unit], arrays.dates[m.at].toordinal()) for m in events]),
    )


def _estimate_responses(
    arrays: SeriesArrays, events: Sequence[PriceEvent], *, seed: int
) -> tuple[Estimated, float, Steps, Pool, Adjustment]:
    """Returns the elasticity averaged over the shapes that the response may have, each by how well it fits all events.

    Returns:
        The estimate, its standard error, the steps averaged over the shapes, their pool, and how fast use adjusts.
    """
    size_EK, error_EK, misfit_EK = (
        np.array([getattr(m.response, name) for m in events]) for name in ("size_K", "error_K", "misfit_K")
    )
    every = [_steps_of(arrays, events, size_E, error_E) for size_E, error_E in zip(size_EK.T, error_EK.T, strict=True)]
    # Tried: the likeliest shape alone (50 of 60 hold: that the speed is uncertain is not counted), long differences (51
    # of 60; with many new models 0.59 wide). See docs/log.md, 2026-11-26.
    weight_K = _fit_of_shapes(every, misfit_EK)
    kept = np.flatnonzero(weight_K >= _LEAST_WEIGHT)
    weight_K = np.where(weight_K >= _LEAST_WEIGHT, weight_K, 0.0) / weight_K[kept].sum()
    # The same signs for every shape: what differs between shapes is then the shape.
    each = [estimate_steps(every[k], rng=np.random.default_rng(seed))[:2] for k in kept]
    mean_E = size_EK @ weight_K
    between_E = ((size_EK - mean_E[:, None]) ** 2) @ weight_K
    steps = _steps_of(arrays, events, mean_E, np.sqrt(error_EK**2 @ weight_K + between_E))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)  # said by the report's own warnings
        pool = pool_estimates(*_own(steps))
    estimate_K = np.array([best.estimate for best, _ in each])
    middle, low, high = average_intervals(
        estimate_K,
        np.array([-math.inf if best.low is None else best.low for best, _ in each]),
        np.array([math.inf if best.high is None else best.high for best, _ in each]),
        weight_K=weight_K[kept],
        level=LEVEL,
    )
    error_K = np.array([error for _, error in each])
    error = float(np.sqrt(weight_K[kept] @ (error_K**2 + (estimate_K - middle) ** 2)))
    # Whether with a shock or without: here only how fast use adjusts.
    adjustment = _adjustment(arrays, middle, weight_K.reshape(-1, len(CONSTANTS)).sum(axis=0))
    best = _with_bounds(each[0][0], middle, low, math.inf if adjustment.still_moving else high)
    return best, error, steps, pool, adjustment


def _fit_of_shapes(every: Sequence[Steps], misfit_EK: Array) -> Array:
    """Returns how well each shape fits all events together, adding up to 1: likelihoods under even priors."""
    likelihood_K = np.zeros(len(every))
    for k, steps in enumerate(every):
        estimate, tau = _pooled(steps)
        spread_E = 1 + (tau * steps.paid_E / steps.error_E) ** 2
        away_E = (steps.quantity_E + estimate * steps.paid_E) ** 2 / (steps.error_E**2 * spread_E)
        likelihood_K[k] = -0.5 * (misfit_EK[:, k] + away_E + np.log(spread_E)).sum()
    weight_K: Array = np.exp(likelihood_K - likelihood_K.max())
    weight_K /= weight_K.sum()
    return weight_K


def _with_bounds(best: Estimated, estimate: float, low: float, high: float) -> Estimated:
    """Returns an estimate with other numbers."""
    return best.model_copy(
        update={
            "estimate": estimate,
            "low": low if math.isfinite(low) else None,
            "high": high if math.isfinite(high) else None,
            "interval": f"{best.interval}; averaged over how fast use may adjust",
        }
    )


def _adjustment(arrays: SeriesArrays, estimate: float, weight_K: Array) -> Adjustment:
    """Returns how fast use adjusts."""
    days = arrays.spacing_days
    week = max(7.0 / days, 1.0)
    end = float(AFTER * arrays.half_window)
    come_TK = response_shapes(np.array([week, end]), CONSTANTS)
    half_K = np.log(2) * np.array(CONSTANTS) * days
    order = np.argsort(half_K)
    return Adjustment(
        half_days=float(half_K[order][np.searchsorted(np.cumsum(weight_K[order]), 0.5 - 1e-12)]),
        first_week=estimate * float(weight_K @ come_TK[0]),
        seen=float(weight_K @ come_TK[1]),
        window_days=end * days,
        still_moving=bool(weight_K[-1] >= _STILL and weight_K[np.array(CONSTANTS) <= _FAST].sum() <= _STILL),
    )


def _label(arrays: SeriesArrays, event: PriceEvent) -> tuple[str, dt.date, str]:
    note = f"{event.age_days} days old: a launch ramp may hide in the step" if event.young else ""
    return arrays.models[event.unit] or "the series", arrays.dates[event.at], note


def _listed(steps: Steps, pool: Pool, labels: Sequence[tuple[str, dt.date, str]]) -> tuple[MeasuredEvent, ...]:
    """Returns every move with its own and its shrunken elasticity, and the whole without its cluster."""
    own_E, error_E = _own(steps)
    value_E, left_E = shrunken(own_E, error_E, pool)
    return tuple(
        MeasuredEvent(
            model=model,
            date=date,
            price_ratio=math.exp(steps.announced_E[i]),
            elasticity=float(own_E[i]),
            standard_error=float(error_E[i]),
            shrunken=float(value_E[i]),
            shrunken_error=float(left_E[i]),
            without_it=_without(steps, int(steps.cluster_E[i])),
            cluster=int(steps.cluster_E[i]),
            note=note,
        )
        for i, (model, date, note) in enumerate(labels)
    )


def elasticity_of_events(published: Sequence[PublishedEvent], *, seed: int = 0) -> ElasticityReport:
    """Returns the elasticity that published price changes show, each with its quantities before and after.

    Args:
        published: at least two.
        seed: of the bootstrap.
    """
    events = sorted(published, key=lambda m: (m.date, m.model))
    price = np.log([m.price_ratio for m in events])
    error_E = np.array([m.standard_error for m in events])
    steps = Steps(
        quantity_E=np.log([m.quantity_ratio for m in events]) - np.log([m.platform_ratio for m in events]),
        error_E=error_E,
        weighing_E=error_E,
        paid_E=price,
        announced_E=price,
        cluster_E=clusters([(m.model, m.vendor, m.date.toordinal()) for m in events]),
    )
    best, error, pool = estimate_steps(steps, rng=np.random.default_rng(seed))
    return ElasticityReport(
        series="the shipped price changes", sha256=None, n_rows=len(events), n_models=len({m.model for m in events}),
        first=events[0].date, last=events[-1].date, identified=False, recommended=best, standard_error=error,
        adjustment=None, others=(),
        events=_listed(steps, pool, [(m.model, m.date, m.note) for m in events]), tau=pool.tau,
        warnings=checks.of_published(events, best), sources=tuple(dict.fromkeys(m.source for m in events)), seed=seed,
    )  # fmt: skip


def _own(steps: Steps) -> tuple[Array, Array]:
    """Returns each event's elasticity by itself and its standard error."""
    return -steps.quantity_E / steps.paid_E, np.maximum(steps.error_E / np.abs(steps.paid_E), _SMALLEST_ERROR)


def estimate_steps(steps: Steps, *, rng: np.random.Generator) -> tuple[Estimated, float, Pool]:
    """Returns the pooled elasticity, its standard error and the pool of the single events.

    The estimate is a random-effects mean (DerSimonian and Laird) with the announced step as the instrument.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)  # said by the report's own warnings
        pool = pool_estimates(*_own(steps))
        found = wild_cluster_interval(
            steps.quantity_E * (weight_E := _weights(steps, pool.tau)),
            -steps.paid_E * weight_E,
            steps.cluster_E,
            rng=rng,
            # The price paid follows demand; the list price was announced before.
            instrument_R=-steps.announced_E * weight_E,
            level=LEVEL,
        )
    error, low, high, method = found.standard_error, found.low, found.high, found.method
    if found.n_clusters == 1:
        error = math.hypot(pool.standard_error, pool.tau)
        low, high = found.estimate - Z95 * error, found.estimate + Z95 * error
        method = "from the noise around one event: what the next one will show is not in it"
    best = Estimated(
        method="responses to announced price changes",
        estimate=found.estimate,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        level=found.level,
        interval=method,
        n=len(steps.quantity_E),
        n_clusters=found.n_clusters,
        assumes=_ASSUMES,
    )
    return best, error, pool


def _weights(steps: Steps, tau: float) -> Array:
    """Returns the square roots of random-effects weights, as a regression of steps on steps needs them."""
    weights: Array = (steps.weighing_E**2 + (tau * steps.announced_E) ** 2) ** -0.5
    return weights


def _without(steps: Steps, cluster: int) -> float | None:
    rest = steps.without(cluster)
    if not len(rest.quantity_E):
        return None
    return _pooled(rest)[0]


def _pooled(steps: Steps) -> tuple[float, float]:
    """Returns the pooled elasticity and the standard deviation between events."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)
        tau = pool_estimates(*_own(steps)).tau
    weight_E = _weights(steps, tau) ** 2 * steps.announced_E
    return float(-(weight_E * steps.quantity_E).sum() / (weight_E * steps.paid_E).sum()), tau


def clusters(keys: Sequence[tuple[object, str, int]]) -> npt.NDArray[np.int64]:
    """Returns a number for each event; events of one model, or of one vendor within three days, share one.

    Args:
        keys: model, vendor (or an empty text) and day of each event.
    """
    label = list(range(len(keys)))
    for i, (model, vendor, day) in enumerate(keys):
        for j in range(i):
            other = keys[j]
            # Three days by hand, 2026-11-26: announcements of one vendor spread over a weekend.
            if model == other[0] or (vendor and vendor == other[1] and abs(day - other[2]) <= 3):
                old, new = label[i], label[j]
                label = [new if k == old else k for k in label]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _error_of(found: Estimated | None) -> float | None:
    if found is None or found.low is None or found.high is None:
        return None
    return (found.high - found.low) / (2 * Z95)
