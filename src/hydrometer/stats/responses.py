"""The final size of a response that may take its time, with trend, launch ramp and noise of memory taken out.

Axes: T times around the event, K shapes, R ramps, F features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# Of a series in logs: noise of 0.003 % and less. Made-up series without noise would leave nothing to divide by.
_SMALLEST_VARIANCE = 1e-9


@dataclass(frozen=True)
class ResponseFit:
    """The response in one window, by each shape.

    Attributes:
        size_K: final size, in the units of the series.
        error_K: its standard error.
        misfit_K: minus twice the log likelihood that the shape leaves, up to a constant of the series.
        squares_K: the part of it that is weighted squares.
        variance: of the noise.
    """

    size_K: Array
    error_K: Array
    misfit_K: Array
    squares_K: Array
    variance: float


def response_shapes(time_T: Array, constants: Sequence[float]) -> Array:
    """Returns the share of the final response that has come by each time, shape (T, K).

    1 - exp(-(t + 1) / constant) from the time of the event on: Nerlove's partial adjustment, with exp(-1 / constant) as
    the share of demand that stays. A constant of 0 is a response at once.
    """
    after_T = time_T >= 0
    since_T = np.where(after_T, time_T + 1.0, 0.0)
    return np.stack(
        [after_T.astype(float) if c == 0 else np.where(after_T, 1.0 - np.exp(-since_T / c), 0.0) for c in constants],
        axis=1,
    )


@dataclass(frozen=True)
class Window:
    """A series around an event, and what besides the response is in it.

    Attributes:
        value_T: the series.
        time_T: time since the event, whole numbers, ascending.
        memory: first-order autocorrelation of the noise from one time to the next.
        trend_sd: standard deviation of trends between series; None fits any trend.
        ramp_TR: one standard deviation of each ramp.
    """

    value_T: Array
    time_T: Array
    memory: float
    trend_sd: float | None
    ramp_TR: Array


def fit_responses(window: Window, *, shape_TK: Array, variance: float | None = None, shock: float = 0.0) -> ResponseFit:
    """Returns the final size of the response by each shape, by generalised least squares.

    A trend of its own and a slow response look alike. What tells them apart is how much trends differ between series
    where nothing happened: the trend is drawn from a normal distribution of that spread, and ramps likewise.

    Args:
        window: the series.
        shape_TK: share of the response that has come, see `response_shapes`.
        variance: of the noise; estimated if absent.
        shock: standard deviation, over that of the noise, of a shock on the day of the event that fades like the noise.

    References:
        Harville, JASA 72 (1977), section 3: the likelihood with fixed effects integrated out.
    """
    value_T, time_T, memory, trend_sd = window.value_T, window.time_T, window.memory, window.trend_sd
    if variance is None:
        # What stays alike from one time to the next does not show in differences.
        # Differences of noise with this memory have 2 (1 - memory) times its variance; memories are cut at 0.9
        # (stats/steps.py), so that the floor of 0.1 binds for callers' own only.
        first = float(np.var(np.diff(value_T))) / max(2 * (1 - memory), 0.1)
        start = max(first, _SMALLEST_VARIANCE)
        found = fit_responses(window, shape_TK=shape_TK, variance=start)
        # Level, final size, and a trend where none is drawn.
        freedom = max(len(value_T) - (3 if trend_sd is None else 2), 1)
        # By the shape that fits best: a worse one would count its misfit as noise, and all shapes must share one
        # variance to be compared by likelihood.
        variance = max(start * float(found.squares_K.min()) / freedom, _SMALLEST_VARIANCE)
    apart_TT = np.abs(time_T[:, None] - time_T[None, :])
    covariance_TT = variance * _left(memory, apart_TT) + window.ramp_TR @ window.ramp_TR.T
    # Tried: no such shock; 12 of 100 intervals hold where demand jumps on the day of an event, 62 with it. One that
    # stays cannot be told apart from a response. See docs/log.md, 2026-11-26.
    if shock:
        fading_T = np.where(time_T >= 0, _left(memory, np.maximum(time_T, 0.0)), 0.0)
        covariance_TT = covariance_TT + shock**2 * variance * np.outer(fading_T, fading_T)
    free_TF = np.ones((len(time_T), 1))
    # Tried: any trend for every model; intervals 0.91 wide instead of 0.49, since trend and slow response look alike.
    # Kept for young models only; see docs/log.md, 2026-11-26.
    if trend_sd is None:
        free_TF = np.column_stack([free_TF, time_T])
    else:
        covariance_TT = covariance_TT + trend_sd**2 * np.outer(time_T, time_T)
    # Memory near 1 makes the matrix singular to rounding; a billionth of the noise on the diagonal moves no result.
    root_TT = np.linalg.cholesky(covariance_TT + 1e-9 * variance * np.eye(len(time_T)))
    white = np.linalg.solve(root_TT, np.column_stack([free_TF, value_T, shape_TK]))
    n_free = free_TF.shape[1]
    basis_TF, corner_FF = np.linalg.qr(white[:, :n_free])
    rest = white[:, n_free:] - basis_TF @ (basis_TF.T @ white[:, n_free:])
    y_T, x_TK = rest[:, 0], rest[:, 1:]
    # A shape that the free columns explain wholly has no information left: its error becomes huge, not infinite.
    information_K = np.maximum((x_TK**2).sum(axis=0), 1e-12)
    size_K = x_TK.T @ y_T / information_K
    squares_K = np.maximum(y_T @ y_T - information_K * size_K**2, 0.0)
    log_size = 2 * float(np.log(np.diag(root_TT)).sum() + np.log(np.abs(np.diag(corner_FF))).sum())
    return ResponseFit(size_K, information_K**-0.5, squares_K + log_size, squares_K, variance)


def _left(memory: float, time: Array) -> Array:
    """Returns the share of a disturbance that is left after whole times; a negative memory swings."""
    left: Array = np.sign(memory) ** time * np.abs(memory) ** time
    return left


def joined(*fits: ResponseFit) -> ResponseFit:
    """Returns several fits of one window as one, their shapes in order."""
    size_K, error_K, misfit_K, squares_K = (
        np.concatenate([getattr(fit, name) for fit in fits]) for name in ("size_K", "error_K", "misfit_K", "squares_K")
    )
    return ResponseFit(size_K, error_K, misfit_K, squares_K, fits[0].variance)


def trend_of(value_T: Array, *, memory: float) -> tuple[float, float]:
    """Returns the trend of a series a time and its standard error, by generalised least squares."""
    time_T: Array = np.arange(len(value_T), dtype=np.float64)
    window = Window(value_T, time_T, memory, trend_sd=0.0, ramp_TR=np.zeros((len(time_T), 1)))
    slope = fit_responses(window, shape_TK=time_T[:, None])
    return float(slope.size_K[0]), float(slope.error_K[0])


def average_intervals(
    estimate_K: Array, low_K: Array, high_K: Array, *, weight_K: Array, level: float
) -> tuple[float, float, float]:
    """Returns the median and the bounds of an average of confidence distributions.

    Each is taken as two half normals joined at its estimate, so that its own bounds hold (`SplitLognormal` is the like
    on a log scale). The average counts that the shape is not known either.

    Args:
        estimate_K: by each shape.
        low_K: lower bounds; minus infinity where there is none.
        high_K: upper bounds.
        weight_K: of each shape, adding up to 1.
        level: of the bounds, in and out.

    References:
        Buckland, Burnham and Augustin, Biometrics 53 (1997), section 2: intervals averaged over models.
    """
    from scipy.stats import norm

    reach = float(norm.ppf((1 + level) / 2))
    # Stands for infinity, so that a root can be bracketed; 50 times the largest estimate, by hand, 2026-11-26. A
    # quantile beyond half of it is reported as unbounded below.
    far = 50.0 * max(float(np.abs(estimate_K).max()), 1.0)
    # A bound that equals its estimate would divide by 0.
    below_K = np.maximum(np.minimum(estimate_K - low_K, far) / reach, 1e-9)
    above_K = np.maximum(np.minimum(high_K - estimate_K, far) / reach, 1e-9)

    def below(x: float) -> float:
        return float(weight_K @ norm.cdf((x - estimate_K) / np.where(x < estimate_K, below_K, above_K)))

    def at(share: float) -> float:
        from scipy.optimize import brentq

        ends = 10 * below_K.max() + 10 * above_K.max()
        return float(brentq(lambda x: below(x) - share, estimate_K.min() - ends, estimate_K.max() + ends, xtol=1e-9))

    middle, low, high = at(0.5), at((1 - level) / 2), at((1 + level) / 2)
    return (
        middle,
        -math.inf if low < estimate_K.min() - 0.5 * far else low,
        math.inf if high > estimate_K.max() + 0.5 * far else high,
    )
