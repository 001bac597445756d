"""Regressions of quantity on price, to be compared with: they identify a response only where price is exogenous."""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt

from hydrometer.errors import DegenerateInputWarning
from hydrometer.instruments.demand.events import SeriesArrays
from hydrometer.records.demand_data import Estimated
from hydrometer.stats.wild_bootstrap import ClusteredCoefficient, wild_cluster_interval

Array = npt.NDArray[np.float64]
# Both bound time and memory of methods that are there to be compared with; by hand, 2026-11-26.
_MOST_CLUSTERS = 100
_LARGEST_DESIGN = 20_000_000
"""Entries of rows × controls that are fitted at once."""


def naive_estimates(arrays: SeriesArrays, *, rng: np.random.Generator, level: float) -> tuple[Estimated, ...]:
    """Returns least squares, and with several models fixed effects, else changes; the least naive one last."""
    have = np.isfinite(arrays.quantity_UT) & np.isfinite(arrays.paid_UT)
    unit_R, time_R = np.nonzero(have)
    y_R, x_R = arrays.quantity_UT[have], -arrays.paid_UT[have]
    found = []
    several = len(arrays.models) > 1
    cluster_R = unit_R % _MOST_CLUSTERS if several else _blocks(len(y_R))
    plain = _fit(y_R, x_R, cluster_R, np.ones((len(y_R), 1)), rng=rng, level=level)
    if plain is not None:
        assumes = "price has nothing to do with quality, age, growth or demand"
        found.append(_named("least squares of levels (naive)", plain, len(y_R), assumes))
    if several:
        fixed = _two_way(y_R, x_R, unit_R, time_R, cluster_R, rng=rng, level=level)
        if fixed is not None:
            assumes = "within a model, price does not follow demand, age or quality"
            found.append(_named("model and date effects", fixed, len(y_R), assumes))
    elif len(y_R) >= 6:
        blocks = _blocks(len(y_R) - 1)
        changes = _fit(np.diff(y_R), np.diff(x_R), blocks, np.ones((len(blocks), 1)), rng=rng, level=level)
        if changes is not None:
            assumes = "changes of price do not follow changes of demand, and nothing else changes with them"
            found.append(_named("changes from date to date", changes, len(blocks), assumes))
    return tuple(found)


def _blocks(n: int) -> npt.NDArray[np.int64]:
    """Returns runs of neighbouring rows as clusters: what lies near in time is alike."""
    # 20 blocks by hand, 2026-11-26; three rows at least in each.
    return np.arange(n) * min(20, max(n // 3, 1)) // max(n, 1)


def _two_way(
    y_R: Array, x_R: Array, unit_R: npt.NDArray[np.int64], time_R: npt.NDArray[np.int64],
    cluster_R: npt.NDArray[np.int64], *, rng: np.random.Generator, level: float,
) -> ClusteredCoefficient | None:  # fmt: skip
    units, times = np.unique(unit_R, return_inverse=True)[1], np.unique(time_R, return_inverse=True)[1]
    n_units, n_times = int(units.max()) + 1, int(times.max()) + 1
    if len(y_R) * (n_units + n_times) > _LARGEST_DESIGN or len(y_R) <= n_units + n_times:
        return None
    design = np.zeros((len(y_R), n_units + n_times))
    design[np.arange(len(y_R)), units] = 1.0
    design[np.arange(len(y_R)), n_units + times] = 1.0
    return _fit(y_R, x_R, cluster_R, design, rng=rng, level=level)


def _fit(
    y_R: Array, x_R: Array, cluster_R: npt.NDArray[np.int64], controls_RK: Array, *, rng: np.random.Generator,
    level: float,
) -> ClusteredCoefficient | None:  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateInputWarning)  # the number of clusters is reported
            return wild_cluster_interval(y_R, x_R, cluster_R, rng=rng, controls_RK=controls_RK, level=level)
    except ValueError:
        return None  # the price does not vary beyond the controls


def _named(method: str, found: ClusteredCoefficient, n: int, assumes: str) -> Estimated:
    return Estimated(
        method=method,
        estimate=found.estimate,
        low=found.low if math.isfinite(found.low) else None,
        high=found.high if math.isfinite(found.high) else None,
        level=found.level,
        interval=found.method,
        n=n,
        n_clusters=found.n_clusters,
        assumes=assumes,
    )
