"""The size of a step: generalised least squares by its textbook formula, and memory by orthogonal polynomials."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hydrometer.stats.steps import fit_step, trend_memory

GAPPED = np.array([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 6.0])
VALUE = np.array([2.0, 1.0, 4.0, 3.0, 9.0, 7.0, 8.0, 13.0])


def textbook(value: np.ndarray, time: np.ndarray, correlation: np.ndarray, *, curved: bool) -> tuple[float, float]:
    """Aitken's estimate of the step and its standard error."""
    columns = [np.ones(len(time)), time >= 0, time] + ([time**2] if curved else [])
    design = np.stack(columns, axis=1).astype(float)
    inverse = np.linalg.inv(correlation)
    both = np.linalg.inv(design.T @ inverse @ design)
    coefficient = both @ design.T @ inverse @ value
    left = value - design @ coefficient
    variance = left @ inverse @ left / (len(time) - design.shape[1])
    return float(coefficient[1]), math.sqrt(variance * both[1, 1])


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("memory", [0.7, 0.3, 0.0, -0.4])
@pytest.mark.parametrize("time", [GAPPED, np.arange(-3.0, 5.0)])
def test_a_step_is_aitkens_estimate(time: np.ndarray, memory: float, curved: bool) -> None:
    # What is left of noise after k times is memory to the power k; a negative one swings, and a gap keeps its sign.
    apart = np.abs(time[:, None] - time[None, :]).astype(int)
    expected = textbook(VALUE, time, np.array(memory) ** apart, curved=curved)
    found = fit_step(VALUE, time, curved=curved, memory=memory)
    assert (found.size, found.standard_error) == pytest.approx(expected)
    assert (found.memory, found.n) == (memory, 8)


def test_straight_is_the_default() -> None:
    assert fit_step(VALUE, GAPPED, memory=0.3) == fit_step(VALUE, GAPPED, memory=0.3, curved=False)


def test_times_nearer_than_one_apart_count_as_neighbours() -> None:
    near, far = (fit_step(VALUE, np.arange(-3.0, 5.0) * unit, memory=0.5) for unit in (0.5, 1.0))
    assert (near.size, near.standard_error) == pytest.approx((far.size, far.standard_error))


def test_the_unit_of_time_does_not_matter() -> None:
    days, seconds = (fit_step(VALUE, GAPPED * unit, curved=True, memory=0.0) for unit in (1.0, 86_400.0))
    assert (days.size, days.standard_error) == pytest.approx((seconds.size, seconds.standard_error))


def test_four_times_by_hand() -> None:
    # Two on either side, a day apart: 0, 2 | 5, 5 leaves slopes of 2 and 0; the common slope is 1.
    found = fit_step(np.array([0.0, 2.0, 5.0, 5.0]), np.array([-2.0, -1.0, 0.0, 1.0]), memory=0.0)
    assert found.size == pytest.approx(2.0)
    # One degree of freedom, squares 4 · 1/4; the variance of the step is 1/2 + 1/2 + 2²/1.
    assert found.standard_error == pytest.approx(math.sqrt(1.0 * 5.0))
    assert found.n == 4


def test_time_0_lies_after_the_step() -> None:
    time = np.arange(-3.0, 5.0)
    assert fit_step(np.where(time >= 0, 7.0, 2.0), time, memory=0.0).size == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("time", "curved"),
    [
        ([-1.0, 0.0, 1.0, 2.0], False),  # one before
        ([-3.0, -2.0, -1.0, 0.0], False),  # one after
        ([-2.0, -1.0, 0.0, 1.0], True),  # four times for four coefficients
        ([0.0, 0.0, 0.0, 0.0], False),
    ],
)
def test_too_few_times_are_refused(time: list[float], curved: bool) -> None:
    with pytest.raises(ValueError, match="too few times"):
        fit_step(np.arange(4.0), np.array(time), curved=curved)


def test_one_time_more_than_coefficients_is_enough() -> None:
    time = np.array([-2.0, -1.0, 1.0, 2.0, 3.0])
    found = fit_step(3 + time + time**2 + 5 * (time > 0), time, curved=True, memory=0.0)
    assert found.size == pytest.approx(5.0)
    with pytest.raises(FrozenInstanceError):
        found.size = 0.0  # type: ignore[misc]


# What is left of an orthogonal polynomial of higher degree by a parabola is itself.


@pytest.mark.parametrize(
    ("rest", "memory"),
    [
        # Degree 3 on seven: squares 6, neighbours 0; three fitted terms hide 3/7 of it.
        ([-1, 1, 1, 0, -1, -1, 1], 3 / 7),
        # Degree 3 on six: -30 / 180; (3 - 1/3) / 6 hidden.
        ([-5, 7, 4, -4, -7, 5], -1 / 6 + 8 / 18),
        # Degree 4 on six: -14 / 28; (3 - 1) / 6 hidden.
        ([1, -3, 2, 2, -3, 1], -1 / 6),
        # Degree 5 on six: -210 / 252, and (3 - 5/3) / 6: -0.61, cut at -1/2.
        ([-1, 5, -10, 10, -5, 1], -0.5),
    ],
)
def test_memory_about_a_curve(rest: list[float], memory: float) -> None:
    u = np.arange(len(rest))
    assert trend_memory(np.array(rest, dtype=float)) == pytest.approx(memory)
    assert trend_memory(np.array(rest) + 7.0 + 3 * u - 2 * u**2) == pytest.approx(memory)


def test_memory_is_at_most_nine_tenths() -> None:
    assert trend_memory(np.sin(np.arange(200) / 25)) == 0.9


def test_what_a_curve_leaves_nothing_of_has_no_memory() -> None:
    u = np.arange(9.0)
    assert trend_memory(1 + u + u**2 / 10) == 0.0
    rest = np.array([-1, 1, 1, 0, -1, -1, 1])  # squares 6
    assert trend_memory(rest * 4.0e-11) == 0.0  # 9.6e-21
    assert trend_memory(rest * 4.3e-11) == pytest.approx(3 / 7, abs=1e-4)  # 1.1e-20


def test_a_steps_own_memory_counts_its_coefficients() -> None:
    # Halves of four, each with the remainder 1 -1 -1 1, which no line and no step takes up: squares 8, neighbours
    # -1 + 1 - 1 + 1 - 1 + 1 - 1; three terms hide (3 - 2/8) / 8.
    time = np.arange(-4.0, 4.0)
    rest = np.array([1.0, -1.0, -1.0, 1.0] * 2)
    assert fit_step(rest + 2 * time + 3 * (time >= 0), time).memory == pytest.approx(-1 / 8 + (3 - 2 / 8) / 8)
