"""The size of a step in a series at a known time, with trend and noise of memory taken out.

Axes: T times around the step, F features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        size: after less before, in the units of the series.
        standard_error: counts that neighbouring times are alike.
        memory: first-order autocorrelation of what is left, -1 to 1, corrected for the few times.
        n: times used.
    """

    size: float
    standard_error: float
    memory: float
    n: int


def fit_step(value_T: Array, time_T: Array, *, curved: bool = False, memory: float | None = None) -> Step:
    """Returns the step at time 0 over a straight or curved trend, by generalised least squares.

    Times below 0 lie before the step, the others after it. In a window of equal halves a curve that is even about the
    step does not touch the estimate; `curved` takes it out where halves are unequal.

    Args:
        value_T: the series.
        time_T: time since the step.
        curved: fit a square of time too.
        memory: first-order autocorrelation of the noise from one time to the next, within -1 and 1; estimated if
            absent.

    Raises:
        ValueError: with fewer than two times on either side, or fewer than one more time than coefficients.
    """
    before = time_T < 0
    scale = float(np.abs(time_T).max()) or 1.0
    u = time_T / scale
    columns = [np.ones_like(u), (~before).astype(float), u] + ([u**2] if curved else [])
    design_TF = np.stack(columns, axis=1)
    if min(before.sum(), (~before).sum()) < 2 or len(u) <= design_TF.shape[1]:
        raise ValueError("too few times on one side of the step")
    rest = value_T - design_TF @ np.linalg.lstsq(design_TF, value_T, rcond=None)[0]
    rho = _memory(rest, design_TF.shape[1]) if memory is None else memory
    x_TF, y_T = _whitened(design_TF, time_T, rho), _whitened(value_T[:, None], time_T, rho)[:, 0]
    coefficient_F, *_ = np.linalg.lstsq(x_TF, y_T, rcond=None)
    left = y_T - x_TF @ coefficient_F
    variance = float(left @ left) / (len(u) - design_TF.shape[1])
    inverse_FF = np.linalg.pinv(x_TF.T @ x_TF)
    return Step(float(coefficient_F[1]), math.sqrt(max(variance * float(inverse_FF[1, 1]), 0.0)), rho, len(u))


def _whitened(rows_TF: Array, time_T: Array, rho: float) -> Array:
    """Returns rows less what the row before foretells, by Prais and Winsten; gaps between times foretell less."""
    gap_T = np.maximum(np.diff(time_T), 1.0)
    # A negative memory swings: over two times it is positive.
    carried_T = np.sign(rho) ** np.rint(gap_T) * np.abs(rho) ** gap_T
    scale_T = np.sqrt((1 - rho**2) / (1 - carried_T**2))
    # Prais and Winsten keep the first time, unlike Cochrane and Orcutt: windows of a few times cannot spare one.
    first = math.sqrt(1 - rho**2) * rows_TF[:1]
    rest = scale_T[:, None] * (rows_TF[1:] - carried_T[:, None] * rows_TF[:-1])
    return np.vstack([first, rest])


def trend_memory(value_T: Array) -> float:
    """Returns the first-order autocorrelation of a series about a curved trend, -0.5 to 0.9, for six times or more.

    Long series tell it better than the window of one step, where trend and step hide most of it.
    """
    u_T = np.linspace(-1.0, 1.0, len(value_T))
    design_TF = np.stack([np.ones_like(u_T), u_T, u_T**2], axis=1)
    rest_T = value_T - design_TF @ np.linalg.lstsq(design_TF, value_T, rcond=None)[0]
    return _memory(rest_T, design_TF.shape[1])


def _memory(rest_T: Array, n_features: int) -> float:
    """Returns the autocorrelation of residuals; fitting a trend hides about (features + 2 memory) / T of it."""
    square = float(rest_T @ rest_T)
    if square <= 1e-20:
        return 0.0
    # Kendall (Biometrika 41, 1954) has (1 + 3 rho) / T where a mean alone is fitted; this form for trends is by hand,
    # 2026-11-26. Measured: 0.78 where 0.8 was planted (docs/log.md, 2026-11-25).
    n = len(rest_T)
    raw = float(rest_T[1:] @ rest_T[:-1]) / square
    # Cut at 0.9, since errors explode towards 1 and a few times cannot tell 0.9 from more; -0.5 by hand likewise.
    return float(np.clip(raw + (n_features + 2 * raw) / n, -0.5, 0.9))
