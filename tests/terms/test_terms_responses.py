"""A slow response: Aitken's and Harville's textbook formulas with explicit matrices, and averages of intervals."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from scipy.stats import linregress, norm

from hydrometer.stats.responses import (
    ResponseFit,
    Window,
    average_intervals,
    fit_responses,
    joined,
    response_shapes,
    trend_of,
)

TIME = np.array([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 6.0])
VALUE = np.array([2.0, 1.0, 4.0, 3.0, 9.0, 7.0, 8.0, 13.0])
NO_RAMP = np.zeros((8, 1))
SHAPES = response_shapes(TIME, (0.0, 5.0))


def test_shapes_come_as_partial_adjustment() -> None:
    # Of what is outstanding a share of 1 - exp(-1/5) comes each time, the first at the time of the event.
    found = response_shapes(np.array([-1.0, 0.0, 1.0, 4.0]), (0.0, 5.0))
    assert found[:, 0] == pytest.approx([0, 1, 1, 1])
    assert found[:, 1] == pytest.approx([0, 1 - math.exp(-0.2), 1 - math.exp(-0.4), 1 - math.exp(-1.0)])


def textbook(window: Window, shape: np.ndarray, variance: float, shock: float = 0.0) -> dict[str, float]:
    """Aitken's estimate, and minus twice Harville's likelihood with the fixed effects integrated out."""
    apart = np.abs(window.time_T[:, None] - window.time_T[None, :]).astype(int)
    covariance = variance * np.array(window.memory) ** apart + window.ramp_TR @ window.ramp_TR.T
    after = window.time_T >= 0
    fading = np.where(after, np.array(window.memory) ** np.where(after, window.time_T, 0).astype(int), 0.0)
    covariance = covariance + shock**2 * variance * np.outer(fading, fading)
    free = [np.ones(8)]
    if window.trend_sd is None:
        free.append(window.time_T)
    else:
        covariance = covariance + window.trend_sd**2 * np.outer(window.time_T, window.time_T)
    inverse = np.linalg.inv(covariance)
    fixed = np.stack(free, axis=1)
    design = np.column_stack([fixed, shape])
    both = np.linalg.inv(design.T @ inverse @ design)
    coefficient = both @ design.T @ inverse @ window.value_T
    left = window.value_T - design @ coefficient
    squares = float(left @ inverse @ left)
    return {
        "size_K": coefficient[-1],
        "error_K": math.sqrt(both[-1, -1]),
        "squares_K": squares,
        "misfit_K": squares + np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(fixed.T @ inverse @ fixed)[1],
    }


RAMP = np.column_stack([np.exp(-(TIME + 5) / 3), np.exp(-(TIME + 5) / 11)])


@pytest.mark.parametrize("memory", [0.7, 0.0, -0.4])
@pytest.mark.parametrize("trend_sd", [None, 0.0, 0.3])
@pytest.mark.parametrize("ramp", [NO_RAMP, RAMP])
@pytest.mark.parametrize("shock", [0.0, 2.0])
@pytest.mark.parametrize("time", [TIME, np.arange(-3.0, 5.0)])
def test_a_fit_is_generalised_least_squares(
    memory: float, trend_sd: float | None, ramp: np.ndarray, shock: float, time: np.ndarray
) -> None:
    window = Window(VALUE, time, memory, trend_sd, ramp)
    shapes = response_shapes(time, (0.0, 5.0))
    found = fit_responses(window, shape_TK=shapes, variance=0.5, shock=shock)
    assert found.variance == 0.5
    for k in range(2):
        for name, expected in textbook(window, shapes[:, k], 0.5, shock).items():
            assert getattr(found, name)[k] == pytest.approx(expected, rel=1e-5)


def test_noise_that_never_fades_is_part_of_the_constant() -> None:
    # What is left to tell the response from is a rounding of 1e-9 of the variance.
    window = Window(VALUE, TIME, 1.0, None, NO_RAMP)
    found = fit_responses(window, shape_TK=SHAPES, variance=0.5)
    design = np.column_stack([np.ones(8), TIME, SHAPES[:, 0]])
    assert found.size_K[0] == pytest.approx(np.linalg.lstsq(design, VALUE, rcond=None)[0][2], rel=1e-3)
    assert found.error_K[0] == pytest.approx(math.sqrt(0.5e-9 * np.linalg.inv(design.T @ design)[2, 2]), rel=1e-3)


def test_no_shock_is_the_default() -> None:
    window = Window(VALUE, TIME, 0.7, None, NO_RAMP)
    assert fit_responses(window, shape_TK=SHAPES, variance=0.5).size_K == pytest.approx(
        fit_responses(window, shape_TK=SHAPES, variance=0.5, shock=0.0).size_K
    )


@pytest.mark.parametrize("memory", [0.7, 0.0, -0.4])
def test_with_a_free_trend_the_variance_is_the_better_shapes_squares_over_its_freedom(memory: float) -> None:
    # Eight times less constant, trend and size; only relative weights matter where nothing else is random.
    window = Window(VALUE, TIME, memory, None, NO_RAMP)
    squares = [textbook(window, SHAPES[:, k], 1.0)["squares_K"] for k in range(2)]
    assert fit_responses(window, shape_TK=SHAPES).variance == pytest.approx(min(squares) / 5)


@pytest.mark.parametrize(("memory", "divisor"), [(0.7, 0.6), (0.97, 0.1), (0.0, 2.0)])
def test_with_a_drawn_trend_the_variance_starts_at_that_of_differences(memory: float, divisor: float) -> None:
    # Neighbours differ by 2(1 - memory) of the variance, a tenth of it at least; six degrees are left.
    window = Window(VALUE, TIME, memory, 0.3, RAMP)
    start = np.var([-1, 3, -1, 6, -2, 1, 5]) / divisor
    squares = [textbook(window, SHAPES[:, k], start)["squares_K"] for k in range(2)]
    found = fit_responses(window, shape_TK=SHAPES)
    assert found.variance == pytest.approx(start * min(squares) / 6, rel=1e-5)
    for name, expected in textbook(window, SHAPES[:, 0], found.variance).items():
        assert getattr(found, name)[0] == pytest.approx(expected, rel=1e-5)


def test_one_degree_of_freedom_is_enough() -> None:
    # Four times, constant, trend and size: 1, -1 | 1, -1 about two parallel lines of slope -2.
    window = Window(np.array([1.0, -2.0, 5.0, 4.0]), np.array([-2.0, -1.0, 0.0, 1.0]), 0.0, None, np.zeros((4, 1)))
    found = fit_responses(window, shape_TK=response_shapes(window.time_T, (0.0,)))
    # Lines of common slope (-3 - 1)/2 leave ±1/2 four times.
    assert found.variance == pytest.approx(1.0)
    assert found.size_K == pytest.approx([5.0 + 2 * 2])


def test_a_series_without_noise_has_the_smallest_variance() -> None:
    for trend_sd in (None, 0.0):
        window = Window(np.full(8, 3.0), TIME, 0.5, trend_sd, NO_RAMP)
        assert fit_responses(window, shape_TK=SHAPES).variance == pytest.approx(1e-9, rel=1e-12)
    straight = Window(3.0 + 2 * TIME, TIME, 0.5, None, NO_RAMP)
    assert fit_responses(straight, shape_TK=SHAPES).variance == pytest.approx(1e-9, rel=1e-12)


def test_a_response_that_never_came_has_no_size() -> None:
    found = fit_responses(Window(VALUE, TIME, 0.5, None, NO_RAMP), shape_TK=np.zeros((8, 1)), variance=1.0)
    assert found.size_K == pytest.approx([0.0])
    assert found.error_K == pytest.approx([1e6])


def test_fits_join_in_order() -> None:
    window = Window(VALUE, TIME, 0.5, None, NO_RAMP)
    both = fit_responses(window, shape_TK=SHAPES, variance=0.5)
    one, other = (fit_responses(window, shape_TK=SHAPES[:, k : k + 1], variance=0.5) for k in range(2))
    again = joined(one, replace(other, variance=9.0))
    for name in ("size_K", "error_K", "misfit_K", "squares_K"):
        assert getattr(again, name) == pytest.approx(getattr(both, name))
    assert again.variance == 0.5


@pytest.mark.parametrize("value", [VALUE, VALUE[:7]])
def test_a_trend_without_memory_is_that_of_linear_regression(value: np.ndarray) -> None:
    expected = linregress(np.arange(len(value)), value)
    assert trend_of(value, memory=0.0) == pytest.approx((expected.slope, expected.stderr), rel=1e-6)


def test_a_trend_with_memory_is_aitkens() -> None:
    time = np.arange(8.0)
    window = Window(VALUE, time, 0.6, 0.0, NO_RAMP)
    expected = textbook(window, time, 1.0)
    spread = math.sqrt(expected["squares_K"] / 6)
    slope, error = trend_of(VALUE, memory=0.6)
    assert (slope, error) == pytest.approx((expected["size_K"], spread * expected["error_K"]), rel=1e-6)


# --- averages of intervals


def alone(estimate: float, low: float, high: float, level: float = 0.9) -> tuple[float, float, float]:
    return average_intervals(np.array([estimate]), np.array([low]), np.array([high]), weight_K=np.ones(1), level=level)


@pytest.mark.parametrize("level", [0.9, 0.5])
def test_one_interval_is_its_own_average(level: float) -> None:
    assert alone(2.0, -3.0, 2.5, level) == pytest.approx((2.0, -3.0, 2.5), abs=1e-6)


def test_an_average_of_two_by_their_distributions() -> None:
    estimate, low, high = np.array([0.0, 3.0]), np.array([-1.0, 1.0]), np.array([2.0, 4.0])
    weight = np.array([0.3, 0.7])
    reach = norm.ppf(0.9)

    def share(x: float) -> float:
        parts = [
            norm.cdf((x - e) * reach / ((e - a) if x < e else (b - e)))
            for e, a, b in zip(estimate, low, high, strict=True)
        ]
        return float(weight @ parts)

    middle, bottom, top = average_intervals(estimate, low, high, weight_K=weight, level=0.8)
    assert (share(middle), share(bottom), share(top)) == pytest.approx((0.5, 0.1, 0.9), abs=1e-6)


@pytest.mark.parametrize(
    ("estimate", "reach", "open_ended"),
    [
        # Beyond 25 times the estimate's size, or beyond 25, there is no bound.
        (0.0, 24.5, False),
        (0.0, 25.5, True),
        (0.5, 25.5, True),
        (2.0, 49.0, False),
        (2.0, 51.0, True),
        (-2.0, 49.0, False),
        (-2.0, 51.0, True),
        (0.0, math.inf, True),
    ],
)
def test_a_bound_that_is_far_away_is_none(estimate: float, reach: float, open_ended: bool) -> None:
    middle, low, high = alone(estimate, estimate - reach, estimate + 1.0)
    assert (middle, high) == pytest.approx((estimate, estimate + 1.0), abs=1e-6)
    assert low == (-math.inf if open_ended else pytest.approx(estimate - reach, abs=1e-6))
    middle, low, high = alone(estimate, estimate - 1.0, estimate + reach)
    assert (middle, low) == pytest.approx((estimate, estimate - 1.0), abs=1e-6)
    assert high == (math.inf if open_ended else pytest.approx(estimate + reach, abs=1e-6))


def test_a_shape_of_no_weight_does_not_open_an_interval() -> None:
    middle, low, high = average_intervals(
        np.array([0.0, 1.0]),
        np.array([-1.0, -math.inf]),
        np.array([1.0, math.inf]),
        weight_K=np.array([1.0, 0.0]),
        level=0.9,
    )
    assert (middle, low, high) == pytest.approx((0.0, -1.0, 1.0), abs=1e-6)


def test_an_interval_of_no_width_is_a_point() -> None:
    assert alone(2.0, 2.0, 2.0) == pytest.approx((2.0, 2.0, 2.0), abs=1e-7)


def test_windows_and_fits_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        Window(VALUE, TIME, 0.5, None, NO_RAMP).memory = 0.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        ResponseFit(*[np.zeros(1)] * 4, 1.0).variance = 0.0  # type: ignore[misc]
