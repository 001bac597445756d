"""Inverse prediction against scikit-learn's isotonic regression, and ranks by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.inverse import InverseCalibration, RisingCurve, calibrate_inverse, conformal_margin, rising_curve


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    response = rng.integers(0, 12, 40).astype(float)  # many ties
    level = response + rng.normal(0, 6, 40)
    curve = rising_curve(response, level)
    expected = IsotonicRegression(out_of_bounds="clip").fit(response, level)
    asked = np.linspace(-1, 13, 57)
    assert [curve.at(x) for x in asked] == pytest.approx(list(expected.predict(asked)))


def test_two_units_make_a_line_and_beyond_them_it_is_level() -> None:
    curve = rising_curve(np.array([3.0, 1.0]), np.array([10.0, 2.0]))
    assert [curve.at(x) for x in (0.0, 1.0, 1.5, 3.0, 9.0)] == pytest.approx([2.0, 2.0, 4.0, 10.0, 10.0])


@pytest.mark.parametrize(
    ("response", "level", "words"),
    [
        ([1.0], [1.0], "two units"),
        ([1.0, 2.0], [1.0], "two units"),
        ([1.0, math.inf], [1.0, 2.0], "not finite"),
        ([1.0, 2.0], [1.0, math.nan], "not finite"),
    ],
)
def test_what_has_no_curve_is_refused(response: list[float], level: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rising_curve(np.array(response), np.array(level))


def test_units_that_respond_alike_warn() -> None:
    with pytest.warns(DegenerateInputWarning, match="flat") as caught:
        curve = rising_curve(np.array([2.0, 2.0]), np.array([1.0, 4.0]))
    assert caught[0].filename == __file__
    assert curve.at(7.0) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("n", "level", "margin"),
    [
        (9, 0.9, 9.0),  # the ninth of ten places
        (8, 0.9, math.inf),
        (9, 0.5, 5.0),
        (9, 0.41, 5.0),
        (9, 0.4, 4.0),
        (99, 0.07, 7.0),  # 100 · 0.07 is 7.000000000000001 in binary
        (19, 0.95, 19.0),
        (18, 0.95, math.inf),
    ],
)
def test_the_margin_is_a_ranked_residual(n: int, level: float, margin: float) -> None:
    residual = np.arange(1.0, n + 1)
    residual[::2] *= -1
    assert conformal_margin(residual[::-1], level=level) == margin


def test_an_interval_is_the_prediction_and_its_margin() -> None:
    curve = RisingCurve(np.array([0.0, 1.0]), np.array([0.0, 10.0]))
    found = InverseCalibration(curve, np.array([1.0, -3.0, 2.0])).interval(0.4, level=0.75)
    assert found == pytest.approx((1.0, 4.0, 7.0))


def test_a_residual_is_level_minus_the_curve_of_the_others() -> None:
    # Without a the curve is 4 up to 0.5 and 8 from 0.75 on; without b it is 16/3 at 0.5, without c 7 at 0.75.
    response, level = np.array([0.0, 1.0, 0.5, 0.75]), np.array([0.0, 10.0, 4.0, 8.0])
    found = calibrate_inverse(response, level, ["a", "a", "b", "c"])
    assert found.residual_N == pytest.approx([-4.0, 2.0, -4 / 3, 1.0])
    assert found.curve.at(0.75) == pytest.approx(8.0)


def test_one_group_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="two groups"):
        calibrate_inverse(np.arange(3.0), np.arange(3.0), ["a", "a", "a"])


def test_a_calibration_stays_as_it_is() -> None:
    curve = RisingCurve(np.zeros(1), np.zeros(1))
    with pytest.raises(FrozenInstanceError):
        curve.level_K = np.ones(1)  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        InverseCalibration(curve, np.zeros(1)).curve = curve  # type: ignore[misc]
