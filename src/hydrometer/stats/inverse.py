"""Inverse prediction: which level of a cause goes with a response, calibrated on units of known level.

Axes: N units.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.conformal import ROUNDING

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RisingCurve:
    """The least-squares curve that never falls.

    Attributes:
        response_K: knots, ascending.
        level_K: the curve there; straight between knots, constant beyond them.
    """

    response_K: Array
    level_K: Array

    def at(self, response: float) -> float:
        """Returns the level that goes with a response."""
        return float(np.interp(response, self.response_K, self.level_K))


def rising_curve(response_N: Array, level_N: Array) -> RisingCurve:
    """Returns the isotonic regression of level on response (Barlow et al. 1972, pool adjacent violators).

    Equal responses share one knot at their mean level.

    Raises:
        ValueError: if there are fewer than two units, or something is not finite.
    """
    from scipy.optimize import isotonic_regression

    if len(response_N) < 2 or len(response_N) != len(level_N):
        raise ValueError("a curve needs two units or more, each with a response and a level")
    if not (np.isfinite(response_N).all() and np.isfinite(level_N).all()):
        raise ValueError("a response or a level is not finite")
    knots, place = np.unique(response_N, return_inverse=True)
    if len(knots) == 1:
        warnings.warn("all units respond alike: the curve is flat", DegenerateInputWarning, stacklevel=2)
    weight = np.bincount(place).astype(np.float64)
    mean = np.bincount(place, weights=level_N) / weight
    return RisingCurve(knots, np.asarray(isotonic_regression(mean, weights=weight).x, dtype=np.float64))


def conformal_margin(residual_N: Sequence[float] | Array, *, level: float) -> float:
    """Returns how far a prediction may be off, so that a new exchangeable unit is inside with probability `level`.

    The ceil((n + 1) level)-th smallest absolute residual of units that the prediction was not fitted on (split
    conformal; Lei et al. 2018, algorithm 2); infinite where there are too few of them.

    Args:
        residual_N: of those units.
        level: between 0 and 1.
    """
    sizes = np.sort(np.abs(np.asarray(residual_N, dtype=np.float64)))
    rank = math.ceil((len(sizes) + 1) * level - ROUNDING)
    return float(sizes[rank - 1]) if rank <= len(sizes) else math.inf


@dataclass(frozen=True)
class InverseCalibration:
    """A curve, and how far it was off in groups that it was not fitted on.

    Attributes:
        curve: fitted on every group.
        residual_N: level minus prediction of every unit, by the curve of the other groups.
    """

    curve: RisingCurve
    residual_N: Array

    def interval(self, response: float, *, level: float) -> tuple[float, float, float]:
        """Returns the lower end, the prediction and the upper end for a unit of a new group."""
        middle, margin = self.curve.at(response), conformal_margin(self.residual_N, level=level)
        return middle - margin, middle, middle + margin


def calibrate_inverse(response_N: Array, level_N: Array, group_N: Sequence[str]) -> InverseCalibration:
    """Returns the calibration; whole groups are left out in turn, since units of one group err together.

    Args:
        response_N: one per unit.
        level_N: the known level of its cause.
        group_N: what must not be on both sides.

    Raises:
        ValueError: if there are fewer than two groups.
    """
    groups = np.asarray(group_N)
    if len(set(group_N)) < 2:
        raise ValueError("to leave a group out takes two groups or more")
    residual_N = np.empty(len(groups))
    for group in sorted(set(group_N)):
        out = groups == group
        curve = rising_curve(response_N[~out], level_N[~out])
        residual_N[out] = level_N[out] - np.array([curve.at(x) for x in response_N[out]])
    return InverseCalibration(rising_curve(response_N, level_N), residual_N)
