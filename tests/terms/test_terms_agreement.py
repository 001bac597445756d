"""Agreement of judges against textbook tables and scikit-learn."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.agreement import Agreement, agreement, intraclass_correlation, weighted_kappa

COUNTS = Agreement(both=20, first_only=5, second_only=10, neither=15)


def rows(counts: Agreement) -> tuple[np.ndarray, np.ndarray]:
    sizes = (counts.both, counts.first_only, counts.second_only, counts.neither)
    return np.repeat([True, True, False, False], sizes), np.repeat([True, False, True, False], sizes)


@pytest.mark.parametrize(
    "counts", [COUNTS, Agreement(3, 7, 11, 13), Agreement(0, 2, 3, 5), Agreement(5, 0, 0, 1), Agreement(2, 3, 5, 0)]
)
def test_kappa_and_f1_are_those_of_scikit_learn(counts: Agreement) -> None:
    first, second = rows(counts)
    assert agreement(first, second) == counts
    assert counts.n == len(first)
    assert counts.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert counts.f1 == pytest.approx(f1_score(second, first))


def test_kappa_of_the_textbook_table() -> None:
    # 35 of 50 agree, 0.7; by chance 0.5·0.6 + 0.5·0.4 = 0.5.
    assert COUNTS.kappa == pytest.approx(0.4)
    assert COUNTS.f1 == pytest.approx(40 / 55)


def test_what_chance_makes_certain_has_no_kappa() -> None:
    assert math.isnan(Agreement(4, 0, 0, 0).kappa)
    assert math.isnan(Agreement(0, 0, 0, 4).kappa)
    assert math.isnan(Agreement(0, 0, 0, 0).kappa)
    assert math.isnan(Agreement(0, 0, 0, 4).f1)
    assert Agreement(0, 1, 0, 0).f1 == 0.0


def test_judges_of_different_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="as many rows"):
        agreement(np.ones(2, dtype=bool), np.ones(3, dtype=bool))


def test_counts_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        COUNTS.both = 1  # type: ignore[misc]


# Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_intraclass_correlation_is_shrout_and_fleiss() -> None:
    # Table 4: ICC(2,1) = 0.29; from its mean squares 11.24 (targets), 32.49 (judges), 1.02 (error):
    # (11.24 - 1.02) / (11.24 + 3·1.02 + 4·(32.49 - 1.02)/6).
    assert intraclass_correlation(SHROUT) == pytest.approx(0.2898, abs=5e-5)
    # It has no unit.
    assert intraclass_correlation(SHROUT / 100) == pytest.approx(intraclass_correlation(SHROUT))


def test_intraclass_correlation_of_two_by_two() -> None:
    # Judges agree on every row: 1. A judge who gives one more each time: rows 8, judges 1, error 0: 8 / (8 + 1).
    assert intraclass_correlation(np.array([[1.0, 1.0], [5.0, 5.0]])) == pytest.approx(1.0)
    assert intraclass_correlation(np.array([[1.0, 2.0], [3.0, 4.0]])) == pytest.approx(4 / (4 + 1))


@pytest.mark.parametrize("shape", [(1, 4), (4, 1)])
def test_one_row_or_one_judge_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two rows and two judges"):
        intraclass_correlation(np.ones(shape))


@pytest.mark.parametrize("ratings", [np.full((3, 2), 4.0), np.array([[1.0, 2.0], [2.0, 1.0]])])
def test_ratings_that_do_not_differ_between_rows_or_judges_warn(ratings: np.ndarray) -> None:
    with pytest.warns(DegenerateInputWarning, match="undefined") as caught:
        assert math.isnan(intraclass_correlation(ratings))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("seed", range(3))
def test_weighted_kappa_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 6, 40)
    second = np.clip(first + rng.integers(-2, 2, 40), 1, 5)
    expected = cohen_kappa_score(first, second, labels=[1, 2, 3, 4, 5], weights="quadratic")
    assert weighted_kappa(first, second, n_levels=5) == pytest.approx(expected)


def test_the_highest_rating_has_a_place() -> None:
    # Opposite ends each time, as far apart as chance: observed 4·4, expected half of that.
    assert weighted_kappa(np.array([1, 5]), np.array([5, 1]), n_levels=5) == pytest.approx(-1.0)
    assert weighted_kappa(np.array([1, 5]), np.array([1, 5]), n_levels=5) == pytest.approx(1.0)


def test_one_rating_for_all_has_no_kappa() -> None:
    with pytest.warns(DegenerateInputWarning, match="undefined") as caught:
        assert math.isnan(weighted_kappa(np.array([2, 2]), np.array([2, 2]), n_levels=3))
    assert caught[0].filename == __file__
