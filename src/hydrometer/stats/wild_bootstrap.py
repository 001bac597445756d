"""Tests and intervals for one coefficient whose errors come in few clusters, with or without an instrument.

Axes: R rows, K controls, G clusters, B bootstrap draws.
"""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hydrometer.errors import DegenerateInputWarning

Array = npt.NDArray[np.float64]
# By hand, 2026-11-26. Level × (draws + 1) is whole for 90 and 95 %, as bootstrap tests want it (Davidson and MacKinnon,
# Econometric Reviews 19, 2000).
_DRAWS = 999
_FEWEST_CLUSTERS = 5
"""With four clusters the smallest two-sided p-value of sign flips is 0.125: no 90 % interval is bounded."""


@dataclass(frozen=True)
class ClusteredCoefficient:
    """One coefficient with its interval.

    Attributes:
        estimate: two-stage least squares (least squares where the instrument is the regressor itself).
        standard_error: cluster-robust, with G/(G-1) as in CR1 without the correction for parameters.
        low: lower bound of the interval; minus infinity where none can be given.
        high: upper bound.
        level: coverage.
        n_clusters: clusters.
        method: how the interval was found.
    """

    estimate: float
    standard_error: float
    low: float
    high: float
    level: float
    n_clusters: int
    method: str


class _Test:
    """The test of one value of the coefficient; everything it needs is linear in the value and worked out once."""

    def __init__(
        self, y: Array, x: Array, z: Array, q_RK: Array, group_R: npt.NDArray[np.int64], weights_BG: Array
    ) -> None:
        """Sums the rows of every cluster.

        Args:
            y: outcome, controls taken out.
            x: regressor, likewise.
            z: instrument, likewise.
            q_RK: orthonormal basis of the controls.
            group_R: cluster of each row, 0 to G - 1.
            weights_BG: signs of the bootstrap.
        """
        n = weights_BG.shape[1]
        member_GR = np.zeros((n, len(y)))
        member_GR[group_R, np.arange(len(y))] = 1.0
        self.score_y_G, self.score_x_G, self.square_G = (member_GR @ (z * v) for v in (y, x, z))
        z_q_GK = member_GR @ (z[:, None] * q_RK)
        # Under the hypothesis residuals keep their size and lose their sign; controls are fitted again.
        self.drawn_y_BG, self.drawn_x_BG = (
            weights_BG * score_G - weights_BG @ (z_q_GK @ (member_GR @ (q_RK * v[:, None])).T).T
            for score_G, v in ((self.score_y_G, y), (self.score_x_G, x))
        )
        self.sum_y_B, self.sum_x_B = weights_BG @ self.score_y_G, weights_BG @ self.score_x_G

    def pvalue(self, value: float) -> float:
        """Returns the p-value of the hypothesis that the coefficient is `value`."""
        own_G = self.score_y_G - value * self.score_x_G
        observed = abs(float(self._t(own_G.sum(), own_G)))
        t_B = np.abs(self._t(self.sum_y_B - value * self.sum_x_B, self.drawn_y_BG - value * self.drawn_x_BG))
        # Patterns equal to the observed one must count as equal, whatever the last bits of their sums.
        return float(np.mean(t_B >= observed * (1 - 1e-9)))

    def _t(self, total: Array | float, score_G: Array) -> Array:
        slope = np.asarray(total) / self.square_G.sum()
        rest = score_G - slope[..., None] * self.square_G
        spread = np.sqrt((rest**2).sum(axis=-1))
        return np.asarray(np.asarray(total) / np.maximum(spread, 1e-300))


def wild_cluster_interval(
    y_R: Array,
    x_R: Array,
    cluster_R: npt.NDArray[np.int64],
    *,
    rng: np.random.Generator,
    instrument_R: Array | None = None,
    controls_RK: Array | None = None,
    level: float = 0.90,
) -> ClusteredCoefficient:
    """Returns the coefficient of x with an interval by inverting wild cluster bootstrap tests.

    Residuals are those under the hypothesis (WCR; Cameron, Gelbach and Miller, Review of Economics and Statistics 90,
    2008); weights are random signs, or every pattern of signs where those are few. With an instrument the test is
    Anderson and Rubin's: y - value · x must not depend on it, so a weak instrument widens the interval and does not
    bias it. Below five clusters the interval is Student's on G - 1 degrees of freedom, and a warning says so.

    Args:
        y_R: outcome.
        x_R: regressor.
        cluster_R: cluster of each row, any whole numbers.
        rng: source of the signs.
        instrument_R: what moves x and nothing else; x itself if absent.
        controls_RK: everything to be taken out of all three, a constant included; nothing if absent.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: for a level out of bounds, unequal lengths, or an instrument without variation.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    z_R = x_R if instrument_R is None else instrument_R
    if not len(y_R) == len(x_R) == len(z_R) == len(cluster_R):
        raise ValueError("as many clusters, regressors and instruments as rows are needed")
    q_RK = _basis(controls_RK, len(y_R))
    y, x, z = (v - q_RK @ (q_RK.T @ v) for v in (y_R, x_R, z_R))
    strength = float(z @ x)
    # Rounding of controls taken out leaves some 1e-16 of the square; 1e-12 is safely above it and below any real
    # variation.
    if not float(z @ z) > 1e-12 * max(float(z_R @ z_R), 1e-12) or abs(strength) < 1e-12:
        raise ValueError("the regressor or its instrument does not vary beyond the controls")
    estimate = float(z @ y) / strength
    _, group_R = np.unique(cluster_R, return_inverse=True)
    n = int(group_R.max()) + 1
    residual_G = np.bincount(group_R, weights=z * (y - estimate * x), minlength=n)
    error = math.sqrt(n / max(n - 1, 1) * float((residual_G**2).sum())) / abs(strength)
    if n < _FEWEST_CLUSTERS:
        return _student(estimate, error, n, level)
    test = _Test(y, x, z, q_RK, group_R, _weights(n, rng))
    # An error of 0 (made-up data that fit exactly) would never leave the estimate.
    step = max(error, 1e-6 * max(abs(estimate), 1.0))
    low, high = (_bound(test, estimate, sign * step, 1 - level) for sign in (-1, 1))
    return ClusteredCoefficient(estimate, error, low, high, level, n, "wild cluster bootstrap, tests inverted")


def wild_cluster_pvalue(
    y_R: Array, x_R: Array, cluster_R: npt.NDArray[np.int64], *, value: float, rng: np.random.Generator,
    controls_RK: Array | None = None,
) -> float:  # fmt: skip
    """Returns the two-sided p-value of one value of the coefficient; see `wild_cluster_interval`."""
    q_RK = _basis(controls_RK, len(y_R))
    y, x = (v - q_RK @ (q_RK.T @ v) for v in (y_R, x_R))
    _, group_R = np.unique(cluster_R, return_inverse=True)
    n = int(group_R.max()) + 1
    return _Test(y, x, x, q_RK, group_R, _weights(n, rng)).pvalue(value)


def _basis(controls_RK: Array | None, n: int) -> Array:
    """Returns an orthonormal basis of the controls, shape (R, rank)."""
    if controls_RK is None or controls_RK.shape[1] == 0:
        return np.zeros((n, 0))
    # By the small square matrix: many rows and few controls make a decomposition of the whole slow.
    size_K, vector_KK = np.linalg.eigh(controls_RK.T @ controls_RK)
    # Dummies of models and dates are collinear by construction; what is left below 1e-10 of the largest is rounding.
    kept = size_K > 1e-10 * size_K[-1]
    return np.asarray(controls_RK @ (vector_KK[:, kept] / np.sqrt(size_K[kept])), dtype=np.float64)


def _weights(n: int, rng: np.random.Generator) -> Array:
    # Up to ten clusters there are 1,024 patterns or fewer: all of them, exact, instead of a draw with repeats.
    if 2**n <= _DRAWS + 25:
        return np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    return np.asarray(rng.integers(0, 2, (_DRAWS, n)) * 2.0 - 1.0, dtype=np.float64)


def _student(estimate: float, error: float, n: int, level: float) -> ClusteredCoefficient:
    warnings.warn(
        DegenerateInputWarning(f"{n} clusters: their errors cannot be told apart from the coefficient"), stacklevel=3
    )
    if n < 2:
        return ClusteredCoefficient(estimate, math.nan, -math.inf, math.inf, level, n, "none: one cluster")
    from scipy.stats import t

    reach = float(t.ppf((1 + level) / 2, n - 1)) * error
    method = f"Student's t on {n - 1} degrees of freedom: too few clusters for a bootstrap"
    return ClusteredCoefficient(estimate, error, estimate - reach, estimate + reach, level, n, method)


def _bound(test: _Test, start: float, step: float, alpha: float) -> float:
    """Returns where the p-value falls below alpha, going from the estimate in steps; infinity if nowhere near."""
    inside, reach = start, step
    # 40 steps that grow by half reach ten million standard errors: beyond that the data bound nothing.
    for _ in range(40):
        outside = start + reach
        if test.pvalue(outside) <= alpha:
            break
        inside, reach = outside, 1.5 * reach
    else:
        return math.copysign(math.inf, step)
    # 20 halvings: a millionth of the bracket.
    for _ in range(20):
        middle = (inside + outside) / 2
        if test.pvalue(middle) <= alpha:
            outside = middle
        else:
            inside = middle
    return outside
