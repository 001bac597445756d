"""Rates over clusters, adjusted p-values, agreement and corrected prevalence, each against an outside answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.agreement import agreement, intraclass_correlation, weighted_kappa
from hydrometer.stats.clustered import clustered_mean, clustered_rate, rate_difference
from hydrometer.stats.likeness import beyond_everybody, ratio, ruzicka
from hydrometer.stats.multiple import holm, rank_ranges
from hydrometer.stats.prevalence import JudgeErrors, true_rate


def test_without_clustering_the_interval_is_clopper_and_pearsons() -> None:
    rng = np.random.default_rng(0)
    success = rng.random(400) < 0.2
    found = clustered_rate(success, np.arange(400))
    exact = scipy_stats.binomtest(int(success.sum()), 400).proportion_ci()
    assert found.design_effect == pytest.approx(1, abs=0.01)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.002)


def test_whole_clusters_count_as_one_answer_each() -> None:
    cluster = np.repeat(np.arange(20), 50)
    found = clustered_rate(cluster < 5, cluster)
    assert found.effective_n == pytest.approx(19, rel=0.1)  # 20 coins, not 1,000
    assert found.low < 0.1 < 0.45 < found.high


def test_a_rate_of_zero_is_as_unsure_as_its_clusters() -> None:
    found = clustered_rate(np.zeros(1000, dtype=bool), np.repeat(np.arange(20), 50))
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 20))  # Clopper and Pearson for 0 of 20
    assert math.isnan(found.design_effect)


def test_coverage_over_clusters_is_kept() -> None:
    rng = np.random.default_rng(7)
    cluster = np.repeat(np.arange(20), 50)
    rates = rng.beta(1, 3, size=(400, 20))  # intraclass correlation 0.2: the middle of what was published
    hits = sum(
        found.low <= 0.25 <= found.high
        for row in rates
        if (found := clustered_rate(rng.random(1000) < np.repeat(row, 50), cluster))
    )
    assert hits / 400 >= 0.925


@pytest.mark.parametrize("n", [0, 30])
def test_too_little_warns(n: int) -> None:
    with pytest.warns(DegenerateInputWarning):
        found = clustered_rate(np.ones(n, dtype=bool), np.zeros(n, dtype=np.int64))
    assert (found.low, found.high) == (0, 1)
    with pytest.warns(DegenerateInputWarning):
        clustered_mean(np.ones(n), np.zeros(n, dtype=np.int64))


def test_a_mean_without_clusters_is_students() -> None:
    values = np.random.default_rng(1).normal(size=30)
    found = clustered_mean(values, np.arange(30))
    interval = scipy_stats.ttest_1samp(values, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_a_difference_on_the_same_templates_is_a_paired_test() -> None:
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(12), 30)
    base = np.repeat(rng.random(12), 30)
    a, b = rng.random(360) < base, rng.random(360) < base * 0.5
    found = rate_difference((a, cluster), (b, cluster))
    means = [x.reshape(12, 30).mean(axis=1) for x in (a, b)]
    assert found.paired
    assert found.pvalue == pytest.approx(scipy_stats.ttest_rel(*means).pvalue)


def test_a_difference_on_other_templates_is_welchs() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(12), 30)
    a, b = rng.random(360) < 0.5, rng.random(360) < 0.2
    found = rate_difference((a, cluster), (b, cluster + 100))
    means = [x.reshape(12, 30).mean(axis=1) for x in (a, b)]
    assert not found.paired
    assert found.pvalue == pytest.approx(scipy_stats.ttest_ind(*means, equal_var=False).pvalue)
    with pytest.warns(DegenerateInputWarning):
        assert rate_difference((a & False, cluster), (b & False, cluster + 100)).pvalue == 1


def test_holm_as_published() -> None:
    # Holm 1979 by hand: 0.01*4, 0.02*3, 0.03*2, 0.04*1, made monotone.
    assert holm(np.array([0.03, 0.01, 0.04, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([])).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_never_lowers_a_pvalue_nor_exceeds_bonferroni(values: list[float]) -> None:
    p = np.array(values)
    adjusted = holm(p)
    assert (adjusted >= p - 1e-12).all()
    assert (adjusted <= np.minimum(1, len(p) * p) + 1e-12).all()


def test_ranks_that_survive() -> None:
    differs = np.array([[False, False, True], [False, False, True], [True, True, False]])
    assert rank_ranges(np.array([0.5, 0.4, 0.1]), differs) == [(1, 2), (1, 2), (3, 3)]


def test_kappa_of_the_textbook() -> None:
    # Cohen's kappa of a much-copied example: 20 both yes, 15 both no, 5 and 10 apart: 0.4.
    first = np.array([True] * 25 + [False] * 25)
    second = np.array([True] * 20 + [False] * 5 + [True] * 10 + [False] * 15)
    found = agreement(first, second)
    assert found.kappa == pytest.approx(0.4)
    assert found.f1 == pytest.approx(40 / 55)


def test_weighted_kappa_and_scikit_learn_agree() -> None:
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(4)
    a = rng.integers(1, 6, 200)
    b = np.clip(a + rng.integers(-1, 2, 200), 1, 5)
    expected = cohen_kappa_score(a, b, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert weighted_kappa(a, b, n_levels=5) == pytest.approx(expected)


def test_icc_of_shrout_and_fleiss() -> None:
    table = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    assert intraclass_correlation(table) == pytest.approx(0.29, abs=0.005)  # their table 4: ICC(2,1) = .29


def test_a_corrected_rate_covers_the_truth() -> None:
    rng = np.random.default_rng(5)
    hits, n = 0, 300
    for _ in range(n):
        truth, sensitivity, specificity = 0.2, 0.7, 0.95
        apparent = truth * sensitivity + (1 - truth) * (1 - specificity)
        errors = JudgeErrors(int(rng.binomial(120, sensitivity)), 120, int(rng.binomial(400, specificity)), 400)
        found = true_rate(float(rng.binomial(250, apparent)), 250, errors=errors)
        hits += found.low <= truth <= found.high
    assert hits / n >= 0.92


def test_rogan_and_gladen_by_hand() -> None:
    # A screening of 150 with 23 marked, sensitivity 0.96, specificity 0.89: 5.1 % (the worked example of R's epi.prev).
    found = true_rate(23, 150, errors=JudgeErrors(96, 100, 89, 100))
    assert found.estimate == pytest.approx(0.051, abs=0.0005)
    assert found.low == 0
    assert found.high > 0.1
    with pytest.warns(DegenerateInputWarning, match="no better than chance"):
        assert true_rate(5, 10, errors=JudgeErrors(5, 10, 5, 10)).high == 1


@settings(max_examples=60)
@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 10_000))
def test_likeness_is_symmetric_and_within_bounds(n: int, k: int, seed: int) -> None:
    profile = np.random.default_rng(seed).integers(0, 4, (n, k)).astype(float)
    for found in (ruzicka(profile), ratio(profile[:, 0])):
        assert np.allclose(found, found.T)
        assert np.allclose(np.diag(found), 1)
        assert ((found >= 0) & (found <= 1)).all()


def test_ruzicka_by_hand() -> None:
    found = ruzicka(np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    assert found[0, 1] == pytest.approx((1 + 1 + 0) / (2 + 1 + 1))


def test_who_is_like_everybody_is_like_nobody_in_particular() -> None:
    rng = np.random.default_rng(6)
    popular = rng.random(8)
    cube = np.tile(popular[:, None] + popular[None, :], (3, 1, 1))
    assert beyond_everybody(cube, first=0, second=1, others=np.arange(2, 8)) == pytest.approx(0, abs=1e-12)
