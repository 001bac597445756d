"""Rates behind an imperfect judge: the worked examples of Lang and Reiczigel (2014), and terms by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest
from scipy.stats import norm

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.prevalence import JudgeErrors, true_rate


@pytest.mark.parametrize(
    ("marked", "n", "errors", "low", "high", "digits"),
    [
        # Examples 1 to 4 of the paper, as the R package asht prints them in ?prevSeSp.
        (4060, 11_284, JudgeErrors(178, 179, 358, 359), 0.349, 0.372, 3),
        (51, 2971, JudgeErrors(32, 33, 20, 20), 0.0, 0.053, 3),
        (0.06 * 11_862, 11_862, JudgeErrors(8, 10, 12, 12), 0.0, 0.147, 3),
        (259, 509, JudgeErrors(84, 127, 96, 109), 0.58, 0.87, 2),
        (51, 509, JudgeErrors(23, 41, 187, 195), 0.037, 0.195, 3),
    ],
)
def test_intervals_are_those_of_lang_and_reiczigel(
    marked: float, n: float, errors: JudgeErrors, low: float, high: float, digits: int
) -> None:
    found = true_rate(marked, n, errors=errors)
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)
    assert found.level == 0.95


def test_the_estimate_is_that_of_rogan_and_gladen() -> None:
    # Sensitivity 0.9, specificity 0.8: 0.34 = 0.9·0.2 + 0.2·0.8.
    found = true_rate(34, 100, errors=JudgeErrors(9, 10, 4, 5))
    assert found.estimate == pytest.approx(0.2)
    assert (found.sensitivity, found.specificity) == (0.9, 0.8)


def test_an_interval_by_hand() -> None:
    # A level whose z is 2: 4 rows more, 2 of them marked: half of 100. Se 90/100, Sp 70/100: the middle is 1/3.
    level = 2 * float(norm.cdf(2.0)) - 1
    found = true_rate(48, 96, errors=JudgeErrors(89, 98, 69, 98), level=level)
    middle = (0.5 - 0.3) / 0.6
    judge_of_true, judge_of_false = 0.09 / 100, 0.21 / 100
    shift = 2 * 4 * (middle * judge_of_true - (1 - middle) * judge_of_false)
    variance = 0.25 / 100 + middle**2 * judge_of_true + (1 - middle) ** 2 * judge_of_false
    assert found.low == pytest.approx(middle + shift - 2 * math.sqrt(variance) / 0.6)
    assert found.high == pytest.approx(middle + shift + 2 * math.sqrt(variance) / 0.6)
    assert found.level == level
    assert 0 < found.low < found.high < 1


def test_a_rate_and_its_bounds_stay_between_0_and_1() -> None:
    nothing = true_rate(0, 50, errors=JudgeErrors(90, 100, 80, 100))
    assert (nothing.estimate, nothing.low) == (0.0, 0.0)
    everything = true_rate(50, 50, errors=JudgeErrors(80, 100, 90, 100))
    assert (everything.estimate, everything.high) == (1.0, 1.0)


@pytest.mark.parametrize("errors", [JudgeErrors(1, 2, 1, 2), JudgeErrors(1, 4, 1, 4), JudgeErrors(0, 1, 0, 1)])
def test_a_judge_no_better_than_chance_says_nothing(errors: JudgeErrors) -> None:
    with pytest.warns(DegenerateInputWarning, match="no better than chance") as caught:
        found = true_rate(3, 10, errors=errors)
    assert caught[0].filename == __file__
    assert math.isnan(found.estimate)
    assert (found.low, found.high) == (0.0, 1.0)


def test_a_judge_a_little_better_than_chance_says_a_little() -> None:
    # Sensitivity 3/4, specificity 1/2: 0.6 lies two fifths of the way from 0.5 to 0.75.
    assert true_rate(6, 10, errors=JudgeErrors(3, 4, 2, 4)).estimate == pytest.approx(0.4)


@pytest.mark.parametrize(("marked", "n"), [(0, 0), (-1, 5), (6, 5), (1, -1)])
def test_marked_rows_are_some_of_all(marked: float, n: float) -> None:
    with pytest.raises(ValueError, match="marked <= n"):
        true_rate(marked, n, errors=JudgeErrors(9, 10, 8, 10))


def test_less_than_one_row_is_still_a_row() -> None:
    # Clustered rows count as their effective number.
    assert true_rate(0.5, 0.5, errors=JudgeErrors(9, 10, 8, 10)).estimate == 1.0


@pytest.mark.parametrize("counts", [(3, 2, 1, 2), (-1, 2, 1, 2), (1, 2, 3, 2), (1, 2, -1, 2)])
def test_hits_and_rejections_are_some_of_their_rows(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="exceed their totals"):
        JudgeErrors(*counts)


@pytest.mark.parametrize("counts", [(0, 0, 1, 2), (1, 2, 0, 0)])
def test_both_kinds_of_rows_are_needed(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="known to be true"):
        JudgeErrors(*counts)


def test_the_bounds_of_what_is_allowed() -> None:
    assert JudgeErrors(0, 1, 1, 1).hits == 0
    assert JudgeErrors(1, 1, 0, 1).rejections == 0
    with pytest.raises(FrozenInstanceError):
        JudgeErrors(1, 1, 1, 1).hits = 0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        true_rate(3, 10, errors=JudgeErrors(9, 10, 8, 10)).low = 0.0  # type: ignore[misc]
