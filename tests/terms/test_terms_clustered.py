"""Clustered rates, means and differences against SciPy where clusters are alike, and by hand where they are not."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import beta, t, ttest_1samp, ttest_ind, ttest_rel

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.clustered import (
    RateDifference,
    cluster_totals,
    clustered_mean,
    clustered_rate,
    rate_difference,
    ratio_variance,
)


def rows(*clusters: tuple[int, int], first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Successes and rows of every cluster, as (success_R, cluster_R)."""
    success = [i < hits for hits, n in clusters for i in range(n)]
    return np.array(success, dtype=bool), np.repeat(np.arange(len(clusters)) + first, [n for _, n in clusters])


def test_totals_of_clusters_come_in_ascending_order() -> None:
    total, size = cluster_totals(np.array([1.0, 10.0, 100.0, 1000.0]), np.array([7, -2, 7, 3]))
    assert list(total) == [10, 1000, 101]
    assert list(size) == [1, 1, 2]
    assert total.dtype == size.dtype == np.float64


def test_the_variance_of_a_ratio_by_hand() -> None:
    # 6 of 8; three clusters expected 3, 1.5 and 1.5 hold 3, 1 and 2: 3/2 · (0.25 + 0.25) / 8².
    assert ratio_variance(np.array([3.0, 1.0, 2.0]), np.array([4.0, 2.0, 2.0])) == pytest.approx(1.5 * 0.5 / 64)


def test_the_variance_of_equal_clusters_is_that_of_the_mean_of_their_rates() -> None:
    total = np.array([3.0, 0.0, 5.0, 4.0])
    assert ratio_variance(total, np.full(4, 5.0)) == pytest.approx(np.var(total / 5, ddof=1) / 4)
    assert ratio_variance(np.array([1.0, 3.0]), np.full(2, 4.0)) == pytest.approx(np.var([0.25, 0.75], ddof=1) / 2)


def test_one_cluster_has_no_variance() -> None:
    assert math.isnan(ratio_variance(np.array([3.0]), np.array([4.0])))


def korn_graubard(hits: float, n: float, *, tail: float) -> tuple[float, float]:
    """Clopper and Pearson's interval for a fractional number of rows."""
    return float(beta.ppf(tail, hits, n - hits + 1)), float(beta.ppf(1 - tail, hits + 1, n - hits))


@pytest.mark.parametrize(("level", "tail"), [(0.95, 0.025), (0.8, 0.1)])
def test_an_interval_of_korn_and_graubard(level: float, tail: float) -> None:
    # 10 of 20 in four clusters of 5: 5, 4, 1 and 0. Variance 4/3 · (2.5² + 1.5² + 1.5² + 2.5²) / 20² = 17/300;
    # of independent rows 0.25 / 20: a design effect of 68/15, and 75/17 rows' worth, less (t19 / t3)².
    found = clustered_rate(*rows((5, 5), (4, 5), (1, 5), (0, 5)), level=level)
    assert (found.estimate, found.successes, found.n, found.n_clusters, found.level) == (0.5, 10, 20, 4, level)
    assert found.variance == pytest.approx(17 / 300)
    assert found.design_effect == pytest.approx(68 / 15)
    assert found.effective_n == pytest.approx(75 / 17)
    size = 75 / 17 * (t.ppf(tail, 19) / t.ppf(tail, 3)) ** 2
    assert (found.low, found.high) == pytest.approx(korn_graubard(size / 2, size, tail=tail))


def test_rows_that_are_their_own_clusters_are_worth_one_less_than_they_are() -> None:
    # The variance of a mean of n zeros and ones is p(1-p)/(n-1); nothing is taken off for few clusters.
    found = clustered_rate(*rows((1, 1), (1, 1), (1, 1), (0, 1), (0, 1)))
    assert found.design_effect == pytest.approx(5 / 4)
    assert found.effective_n == pytest.approx(4.0)
    assert (found.low, found.high) == pytest.approx(korn_graubard(0.6 * 4, 4.0, tail=0.025))
    assert found.level == 0.95


def test_clusters_more_alike_than_chance_are_worth_no_more_than_their_rows() -> None:
    found = clustered_rate(*rows((1, 2), (1, 2), (1, 2)))
    assert found.variance == 0
    assert 0 < found.design_effect <= 1e-12
    assert found.effective_n == 6.0
    size = 6 * (t.ppf(0.025, 5) / t.ppf(0.025, 2)) ** 2
    assert (found.low, found.high) == pytest.approx(korn_graubard(size / 2, size, tail=0.025))


@pytest.mark.parametrize("hits", [0, 5])
def test_a_rate_of_nothing_or_all_is_known_as_well_as_there_are_clusters(hits: int) -> None:
    # Clopper and Pearson for 0 of 4: 1 - 0.025^(1/4), whatever the number of rows.
    found = clustered_rate(*rows(*[(hits, 5)] * 4))
    open_end = 1 - 0.025**0.25
    assert (found.low, found.high) == pytest.approx((0.0, open_end) if hits == 0 else (1 - open_end, 1.0))
    assert found.effective_n == 4.0
    assert math.isnan(found.design_effect)
    assert found.estimate == hits / 5


def test_two_clusters_are_enough_and_one_is_not() -> None:
    assert clustered_rate(*rows((1, 4), (3, 4))).variance == pytest.approx(1 / 16)
    with pytest.warns(DegenerateInputWarning, match="one cluster") as caught:
        alone = clustered_rate(*rows((1, 4)))
    assert caught[0].filename == __file__
    assert (alone.low, alone.high, alone.effective_n, alone.n_clusters, alone.n) == (0.0, 1.0, 1.0, 1, 4)
    assert math.isnan(alone.variance)
    assert math.isnan(alone.design_effect)


def test_no_rows_leave_everything_open() -> None:
    with pytest.warns(DegenerateInputWarning, match="no rows") as caught:
        found = clustered_rate(np.array([], dtype=bool), np.array([], dtype=np.int64))
    assert caught[0].filename == __file__
    assert (found.successes, found.n, found.n_clusters, found.low, found.high) == (0, 0, 0, 0.0, 1.0)
    assert (found.effective_n, found.level) == (0.0, 0.95)
    assert all(math.isnan(x) for x in (found.estimate, found.variance, found.design_effect))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5])
def test_a_level_is_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        clustered_rate(*rows((1, 2), (1, 2)), level=level)


def test_every_row_needs_a_cluster() -> None:
    with pytest.raises(ValueError, match="as many clusters as rows"):
        clustered_rate(np.ones(3, dtype=bool), np.arange(2))


# --- means


def test_the_mean_of_equal_clusters_is_students() -> None:
    values = np.array([[1.0, 3.0], [7.0, 7.0], [2.0, 12.0], [5.0, 0.0]])
    expected = ttest_1samp(values.mean(axis=1), 0.0).confidence_interval(0.9)
    found = clustered_mean(values.ravel(), np.repeat(np.arange(4), 2), level=0.9)
    assert (found.estimate, found.low, found.high) == pytest.approx((values.mean(), expected.low, expected.high))
    assert (found.n, found.n_clusters, found.level) == (8, 4, 0.9)


def test_the_mean_of_unequal_clusters_by_hand() -> None:
    # 2 and 4 | 12: mean 6; residuals -6 and 6: variance 2 · 72 / 9 = 16; t of one degree of freedom 12.706.
    found = clustered_mean(np.array([2.0, 4.0, 12.0]), np.array([0, 0, 1]))
    assert found.estimate == 6.0
    assert found.high - 6.0 == pytest.approx(12.7062 * 4, rel=1e-5)
    assert 6.0 - found.low == pytest.approx(12.7062 * 4, rel=1e-5)


def test_no_values_and_one_cluster_have_no_interval() -> None:
    with pytest.warns(DegenerateInputWarning, match="no values") as caught:
        nothing = clustered_mean(np.array([]), np.array([], dtype=np.int64))
    assert caught[0].filename == __file__
    assert (nothing.n, nothing.n_clusters) == (0, 0)
    with pytest.warns(DegenerateInputWarning, match="one cluster") as caught:
        alone = clustered_mean(np.array([2.0, 4.0]), np.array([3, 3]))
    assert caught[0].filename == __file__
    assert (alone.estimate, alone.n, alone.n_clusters) == (3.0, 2, 1)
    assert all(math.isnan(x) for x in (nothing.estimate, nothing.low, nothing.high, alone.low, alone.high))


# --- differences

A, B = ((1, 4), (3, 4), (4, 4), (2, 4)), ((1, 4), (1, 4), (4, 4), (0, 4))


def test_the_same_clusters_are_paired() -> None:
    expected = ttest_rel([0.25, 0.75, 1.0, 0.5], [0.25, 0.25, 1.0, 0.0])
    interval = expected.confidence_interval(0.9)
    found = rate_difference(rows(*A), rows(*B), level=0.9)
    assert found.paired
    assert found.estimate == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.pvalue == pytest.approx(expected.pvalue)
    other = rate_difference(rows(*B), rows(*A), level=0.9)
    assert (other.estimate, other.low, other.high, other.pvalue) == pytest.approx(
        (-0.25, -found.high, -found.low, found.pvalue)
    )


@pytest.mark.parametrize("second", [B, B[:3]])
def test_other_clusters_are_compared_as_welch_does(second: tuple[tuple[int, int], ...]) -> None:
    expected = ttest_ind([h / n for h, n in A], [h / n for h, n in second], equal_var=False)
    interval = expected.confidence_interval(0.6)
    found = rate_difference(rows(*A), rows(*second, first=1), level=0.6)
    assert not found.paired
    assert found.estimate == pytest.approx(0.625 - np.mean([h / n for h, n in second]))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.pvalue == pytest.approx(expected.pvalue)


def test_unequal_clusters_weigh_as_their_rows() -> None:
    # 5 of 6 against 1 of 6, on the same two clusters: gaps 1/2 - 1/2 and 1 - 0.
    found = rate_difference(rows((1, 2), (4, 4)), rows((1, 2), (0, 4)))
    assert found.estimate == pytest.approx(4 / 6)
    assert found.paired
    # A spread of sqrt(1/2 / 2): t = (2/3) / 0.5 on one degree of freedom.
    assert found.pvalue == pytest.approx(2 * t.sf(4 / 3, 1))


def test_a_difference_of_rates_stays_within_one() -> None:
    found = rate_difference(rows((4, 4), (2, 4)), rows((0, 4), (1, 4)), level=0.99)
    assert (found.low, found.high) == (-1.0, 1.0)


def test_the_default_level_is_95_percent() -> None:
    found = rate_difference(rows(*A), rows(*B))
    expected = ttest_rel([0.25, 0.75, 1.0, 0.5], [0.25, 0.25, 1.0, 0.0]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rows((1, 4), (2, 4)), rows((0, 4), (1, 4))),  # the same gap in both clusters
        (rows((3, 4)), rows((1, 4))),  # one cluster
        (rows((1, 4), (1, 4)), rows((2, 4), (2, 4), first=9)),  # no spread on either side
        (rows((1, 4), (2, 4)), rows((2, 4), first=9)),  # one side has one cluster
    ],
)
def test_without_spread_nothing_can_be_compared(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.warns(DegenerateInputWarning, match="no spread") as caught:
        found = rate_difference(first, second)
    assert caught[0].filename == __file__
    assert (found.low, found.high, found.pvalue) == (-1.0, 1.0, 1.0)
    assert found.estimate == pytest.approx(first[0].mean() - second[0].mean())


def test_spread_on_one_side_is_enough() -> None:
    found = rate_difference(rows((1, 4), (3, 4)), rows((1, 4), (1, 4), first=9))
    # A mean of 1/4 and 3/4 against 1/4 without spread: t = 1 on one degree of freedom, p = 1/2.
    assert found.pvalue == pytest.approx(0.5)
    assert found.estimate == pytest.approx(0.25)


def test_results_stay_as_they_are() -> None:
    for result in (
        clustered_rate(*rows((1, 4), (3, 4))),
        clustered_mean(np.array([2.0, 4.0, 12.0]), np.array([0, 0, 1])),
        RateDifference(0.0, 0.0, 0.0, 0.0, True),
    ):
        with pytest.raises(FrozenInstanceError):
            result.low = 0.5  # type: ignore[misc]
