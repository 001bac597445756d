"""Ranks among a null population, counted by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.conformal import NullDistribution, block_jackknife_error, models_needed

NINE = NullDistribution(np.array([3.0, 9.0, 1.0, 5.0, 7.0, 2.0, 8.0, 4.0, 6.0]))


@pytest.mark.parametrize(("statistic", "places"), [(10.0, 1), (9.0, 2), (8.5, 2), (5.0, 6), (1.0, 10), (0.0, 10)])
def test_a_pvalue_counts_the_subject_and_all_that_score_as_high(statistic: float, places: int) -> None:
    assert NINE.pvalue(statistic) == pytest.approx(places / 10)


def test_the_smallest_pvalue_is_one_place_of_all() -> None:
    assert NINE.smallest_pvalue == pytest.approx(0.1)
    assert NullDistribution(np.array([])).smallest_pvalue == 1.0


@pytest.mark.parametrize(
    ("n", "alpha", "rate"),
    [
        (19, 0.05, 0.05),
        (18, 0.05, 0.0),  # one place of 19 is more than a twentieth
        (38, 0.05, 1 / 39),
        (39, 0.05, 2 / 40),
        (99, 0.29, 0.29),  # 0.29 · 100 is 28.999999999999996 in binary
        (9, 1.0, 1.0),
    ],
)
def test_the_false_positive_rate_is_what_whole_places_allow(n: int, alpha: float, rate: float) -> None:
    null = NullDistribution(np.arange(n, dtype=float))
    assert null.false_positive_rate(alpha) == pytest.approx(rate)


@pytest.mark.parametrize(("short_by", "places"), [(0.9e-9, 1), (1.1e-9, 0)])
def test_a_level_short_of_a_place_by_rounding_alone_has_it(short_by: float, places: int) -> None:
    alpha = (1 - short_by) / 10
    assert NINE.false_positive_rate(alpha) == pytest.approx(places / 10)
    assert (NINE.threshold(alpha) is None) == (places == 0)


@pytest.mark.parametrize("alpha", [0.1, 0.15, 0.2, 0.3, 0.5, 0.9])
def test_exceeding_the_threshold_is_what_alpha_asks(alpha: float) -> None:
    threshold = NINE.threshold(alpha)
    assert threshold is not None
    assert NINE.pvalue(threshold + 0.01) <= alpha + 1e-12
    assert NINE.pvalue(threshold) > alpha


def test_too_few_models_have_no_threshold() -> None:
    assert NINE.threshold(0.1) == 9.0
    assert NINE.threshold(0.099) is None
    assert NINE.threshold(0.2) == 8.0


@pytest.mark.parametrize(
    ("alpha", "models"), [(0.05, 19), (0.01, 99), (0.1, 9), (0.03, 33), (1 / 49, 48), (0.5, 1), (1.0, 0)]
)
def test_models_needed(alpha: float, models: int) -> None:
    assert models_needed(alpha) == models
    assert 1 / (models + 1) <= alpha + 1e-12
    assert models == 0 or 1 / models > alpha


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        NullDistribution(np.array([1.0, math.nan]))


def test_models_that_all_score_alike_warn() -> None:
    with pytest.warns(DegenerateInputWarning, match="same statistic") as caught:
        NullDistribution(np.array([2.0, 2.0]))
    assert caught[0].filename == __file__
    assert NullDistribution(np.array([2.0])).pvalue(2.0) == 1.0  # one model is not alike, only alone
    assert NullDistribution(np.array([2.0, 2.0, 3.0])).pvalue(3.0) == 0.5


def test_a_population_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        NINE.statistics = np.ones(2)  # type: ignore[misc]


def test_the_jackknife_by_hand() -> None:
    # Mean 4, squares 9 + 1 + 16: sqrt(2/3 · 26).
    assert block_jackknife_error([1.0, 3.0, 8.0]) == pytest.approx(math.sqrt(52 / 3))
    assert block_jackknife_error([1.0, 3.0]) == pytest.approx(1.0)


def test_a_jackknife_needs_two_blocks() -> None:
    with pytest.raises(ValueError, match="two blocks"):
        block_jackknife_error([1.0])
