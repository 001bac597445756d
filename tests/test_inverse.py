"""Inverse prediction: the curve, the margin and the groups, each against an outside answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.inverse import calibrate_inverse, conformal_margin, rising_curve


def test_the_curve_is_that_of_r_isoreg() -> None:
    # R's example(isoreg): isoreg(c(1,0,4,3,3,5,4,2,0))$yf.
    curve = rising_curve(np.arange(9.0), np.array([1.0, 0, 4, 3, 3, 5, 4, 2, 0]))
    assert curve.level_K.tolist() == pytest.approx([0.5, 0.5, *[3.0] * 7])
    assert curve.at(-5) == 0.5
    assert curve.at(1.5) == pytest.approx(1.75)
    assert curve.at(99) == 3.0


def test_equal_responses_share_a_knot() -> None:
    curve = rising_curve(np.array([1.0, 1.0, 2.0]), np.array([0.0, 2.0, 4.0]))
    assert (curve.response_K.tolist(), curve.level_K.tolist()) == ([1.0, 2.0], [1.0, 4.0])
    with pytest.warns(DegenerateInputWarning):
        assert rising_curve(np.ones(3), np.array([0.0, 1.0, 5.0])).at(7.0) == 2.0


@given(st.lists(st.tuples(st.integers(-50, 50), st.floats(-5, 5)), min_size=2, max_size=40))
def test_a_curve_never_falls(pairs: list[tuple[int, float]]) -> None:
    x, y = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    if len(set(x)) == 1:
        return
    curve = rising_curve(x, y)
    assert (np.diff(curve.level_K) >= -1e-9).all()
    assert y.min() - 1e-9 <= curve.level_K.min()
    assert curve.level_K.max() <= y.max() + 1e-9


def test_the_margin_is_the_rank_that_split_conformal_asks_for() -> None:
    # Lei et al. 2018, algorithm 2: the k-th smallest residual, k = ceil((n + 1)(1 - alpha)); 8 of 9, 18 of 19.
    assert conformal_margin([-3.0, 1, 2, -9, 4, 5, -6, 7, 8], level=0.8) == 8
    assert conformal_margin(np.arange(1.0, 20.0), level=0.9) == 18
    assert conformal_margin([1.0, 2.0, 3.0], level=0.8) == math.inf
    assert conformal_margin([], level=0.5) == math.inf


def test_intervals_hold_as_often_as_they_say_in_groups_that_the_curve_never_saw() -> None:
    rng = np.random.default_rng(20261126)
    held = []
    for _ in range(200):
        level = rng.uniform(0, 1, 60)
        response = 3 * level + rng.normal(0, 0.3, 60)
        found = calibrate_inverse(response[:59], level[:59], [str(i % 5) for i in range(59)])
        low, middle, high = found.interval(response[59], level=0.8)
        assert low <= middle <= high
        held.append(low <= level[59] <= high)
    assert 0.7 < np.mean(held) < 0.9


def test_a_residual_is_of_a_curve_that_never_saw_its_group() -> None:
    x, y = np.array([0.0, 1, 0, 1]), np.array([0.0, 1, 5, 6])
    assert calibrate_inverse(x, y, ["a", "a", "b", "b"]).residual_N.tolist() == [-5, -5, 5, 5]


def test_what_cannot_be_calibrated_is_refused() -> None:
    for x, y, groups in (
        ([1.0, 2.0], [1.0, 2.0], ["a", "a"]),
        ([1.0, 2.0], [1.0, 2.0], ["a", "b"]),
        ([1.0, math.nan, 2.0, 3.0], [1.0, 2.0, 1.0, 2.0], ["a", "a", "b", "b"]),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 1.0, math.inf], ["a", "a", "b", "b"]),
    ):
        with pytest.raises(ValueError, match=r"groups or more|two units|not finite"):
            calibrate_inverse(np.array(x), np.array(y), groups)
