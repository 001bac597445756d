"""Rates and means whose units come in clusters: answers by template, ratings by probe.

Axes: R rows (answers), C clusters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning


@dataclass(frozen=True)
class ClusteredRate:
    """A rate over rows that come in clusters.

    Attributes:
        successes: rows that succeeded.
        n: rows.
        n_clusters: clusters with at least one row.
        variance: of the rate, by the linearised ratio estimator; not a number with fewer than two clusters.
        low: lower bound of the interval.
        high: upper bound.
        level: coverage of the interval.
        design_effect: variance over that of as many independent rows; not a number where the rate is 0 or 1.
        effective_n: independent rows that would carry as much information.
    """

    successes: int
    n: int
    n_clusters: int
    variance: float
    low: float
    high: float
    level: float
    design_effect: float
    effective_n: float

    @property
    def estimate(self) -> float:
        """Successes over rows; not a number without rows."""
        return self.successes / self.n if self.n else float("nan")


def clustered_rate(success_R: NDArray[np.bool_], cluster_R: NDArray[np.int64], *, level: float = 0.95) -> ClusteredRate:
    """Returns a rate with the interval of Korn and Graubard.

    The variance is that of a ratio of cluster totals (Cochran 1977, eq. 11.30, clusters drawn with replacement). The
    interval is Clopper and Pearson's at the effective sample size, reduced by the squared ratio of t quantiles for the
    few clusters that the variance was estimated from (Korn and Graubard, Survey Methodology 24, 1998, eq. 3). A rate of
    0 or 1 has no measurable design effect: the number of clusters then stands for the effective size, which is the
    largest interval that the data allow.

    Args:
        success_R: whether each row succeeded.
        cluster_R: the cluster of each row, any whole numbers.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: if `level` is not between 0 and 1 or the lengths differ.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if len(success_R) != len(cluster_R):
        raise ValueError("as many clusters as rows are needed")
    n = len(success_R)
    if n == 0:
        warnings.warn(DegenerateInputWarning("no rows: the rate can be anything from 0 to 1"), stacklevel=2)
        return ClusteredRate(0, 0, 0, float("nan"), 0.0, 1.0, level, float("nan"), 0.0)
    total_C, size_C = cluster_totals(success_R, cluster_R)
    k, successes = len(size_C), int(success_R.sum())
    rate = successes / n
    variance = ratio_variance(total_C, size_C)
    if k < 2:
        warnings.warn(DegenerateInputWarning("one cluster: how clusters differ is unknown"), stacklevel=2)
        return ClusteredRate(successes, n, k, variance, 0.0, 1.0, level, float("nan"), 1.0)
    if successes in {0, n}:
        size, effect = float(k), float("nan")
    else:
        # Every cluster with the same rate gives variance 0; the floor keeps the division finite, `size` is cut at n
        # below.
        effect = max(variance * n / (rate * (1 - rate)), 1e-12)
        # A design effect below 1 is chance with few clusters; claiming more than n rows would be false precision.
        size = min(n / effect, float(n))
    # Tried: Clopper and Pearson on the rows; two to four times too narrow against a bootstrap of templates; see
    # docs/log.md.
    low, high = _korn_graubard(rate, size, n=n, k=k, level=level)
    return ClusteredRate(successes, n, k, variance, low, high, level, effect, size)


def cluster_totals(
    value_R: NDArray[np.bool_] | NDArray[np.float64], cluster_R: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the sum and the number of rows of every cluster, shapes (C,) and (C,), clusters ascending."""
    _, index_R = np.unique(cluster_R, return_inverse=True)
    total_C = np.bincount(index_R, weights=np.asarray(value_R, dtype=np.float64)).astype(np.float64)
    return total_C, np.bincount(index_R).astype(np.float64)


def ratio_variance(total_C: NDArray[np.float64], size_C: NDArray[np.float64]) -> float:
    """Returns the variance of sum(total) / sum(size) over clusters drawn with replacement (Cochran 1977, eq. 11.30)."""
    k = len(size_C)
    if k < 2:
        return float("nan")
    residual_C = total_C - size_C * total_C.sum() / size_C.sum()
    return float(k / (k - 1) * (residual_C**2).sum() / size_C.sum() ** 2)


def _korn_graubard(rate: float, size: float, *, n: int, k: int, level: float) -> tuple[float, float]:
    from scipy.stats import beta, t  # half a second to import

    tail = (1 - level) / 2
    adjusted = size if rate in {0.0, 1.0} else size * (t.ppf(tail, n - 1) / t.ppf(tail, k - 1)) ** 2
    hits = rate * adjusted
    low = 0.0 if rate == 0 else float(beta.ppf(tail, hits, adjusted - hits + 1))
    high = 1.0 if rate == 1 else float(beta.ppf(1 - tail, hits + 1, adjusted - hits))
    # Few clusters can shrink `adjusted` so far that rounding puts a bound on the wrong side of the rate.
    return min(low, rate), max(high, rate)


@dataclass(frozen=True)
class ClusteredMean:
    """A mean over values that come in clusters.

    Attributes:
        estimate: the mean over values.
        n: values.
        n_clusters: clusters.
        low: lower bound of the interval.
        high: upper bound.
        level: coverage of the interval.
    """

    estimate: float
    n: int
    n_clusters: int
    low: float
    high: float
    level: float


def clustered_mean(value_R: NDArray[np.float64], cluster_R: NDArray[np.int64], *, level: float = 0.95) -> ClusteredMean:
    """Returns a mean with the t interval over clusters (Cochran 1977, eq. 11.30; clusters - 1 degrees of freedom)."""
    n = len(value_R)
    if n == 0:
        warnings.warn(DegenerateInputWarning("no values: there is no mean"), stacklevel=2)
        return ClusteredMean(float("nan"), 0, 0, float("nan"), float("nan"), level)
    total_C, size_C = cluster_totals(value_R, cluster_R)
    estimate, k = float(value_R.mean()), len(size_C)
    if k < 2:
        warnings.warn(DegenerateInputWarning("one cluster: how clusters differ is unknown"), stacklevel=2)
        return ClusteredMean(estimate, n, k, float("nan"), float("nan"), level)
    from scipy.stats import t

    half = float(t.ppf((1 + level) / 2, k - 1)) * ratio_variance(total_C, size_C) ** 0.5
    return ClusteredMean(estimate, n, k, estimate - half, estimate + half, level)


@dataclass(frozen=True)
class RateDifference:
    """The difference of two clustered rates.

    Attributes:
        estimate: first minus second.
        low: lower bound of the interval.
        high: upper bound.
        pvalue: two-sided, of no difference.
        paired: whether both were seen on the same clusters.
    """

    estimate: float
    low: float
    high: float
    pvalue: float
    paired: bool


def rate_difference(
    first: tuple[NDArray[np.bool_], NDArray[np.int64]],
    second: tuple[NDArray[np.bool_], NDArray[np.int64]],
    *,
    level: float = 0.95,
) -> RateDifference:
    """Compares two rates, each given as (success_R, cluster_R).

    On the same clusters a paired t test of the cluster's rates, otherwise Welch's (Biometrika 34, 1947) with the
    clusters as the independent units. Two rates without any spread between clusters cannot be compared: p is 1.
    """
    from scipy.stats import t

    (a_C, size_a), (b_C, size_b) = (cluster_totals(*side) for side in (first, second))
    keys_a, keys_b = np.unique(first[1]), np.unique(second[1])
    estimate = float(a_C.sum() / size_a.sum() - b_C.sum() / size_b.sum())
    paired = len(keys_a) == len(keys_b) and bool((keys_a == keys_b).all())
    if paired:
        gap_C = a_C / size_a - b_C / size_b
        variance, freedom = float(gap_C.var(ddof=1) / len(gap_C)) if len(gap_C) > 1 else float("nan"), len(gap_C) - 1.0
    else:
        va, vb = ratio_variance(a_C, size_a), ratio_variance(b_C, size_b)
        variance = va + vb
        parts = va**2 / (len(a_C) - 1) + vb**2 / (len(b_C) - 1) if variance > 0 else float("nan")
        freedom = variance**2 / parts if variance > 0 else float("nan")
    if not variance > 0:
        warnings.warn(DegenerateInputWarning("no spread between clusters: nothing can be compared"), stacklevel=2)
        return RateDifference(estimate, -1.0, 1.0, 1.0, paired)
    error = variance**0.5
    half = float(t.ppf((1 + level) / 2, freedom)) * error
    pvalue = float(2 * t.sf(abs(estimate) / error, freedom))
    return RateDifference(estimate, max(-1.0, estimate - half), min(1.0, estimate + half), pvalue, paired)
