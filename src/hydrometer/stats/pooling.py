"""Estimates of one quantity from several studies, pooled with what makes them differ."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hydrometer.errors import DegenerateInputWarning

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """A random-effects pool of S studies.

    Attributes:
        mean: the pooled estimate.
        standard_error: of the pooled estimate.
        tau: standard deviation between studies.
        q: Cochran's Q.
        i_squared: share of the variation that is between studies, 0 to 1.
        weights_S: of each study, adding up to 1.
        n: studies.
    """

    mean: float
    standard_error: float
    tau: float
    q: float
    i_squared: float
    weights_S: Array
    n: int

    @property
    def predictive_sd(self) -> float:
        """Standard deviation of the quantity in a new study: the pool's error and the spread between studies."""
        return math.hypot(self.standard_error, self.tau)


def pool_estimates(estimate_S: Array, standard_error_S: Array) -> Pool:
    """Returns the random-effects pool by the method of moments.

    Args:
        estimate_S: one estimate a study, shape (S,).
        standard_error_S: their standard errors, positive.

    Raises:
        ValueError: without studies, for another number of errors, or errors that are not positive and finite.

    References:
        DerSimonian and Laird, Controlled Clinical Trials 7 (1986), equations 3 to 8.
    """
    y, se = np.asarray(estimate_S, dtype=float), np.asarray(standard_error_S, dtype=float)
    if y.ndim != 1 or y.shape != se.shape or not len(y):
        raise ValueError("as many standard errors as estimates are needed, at least one")
    if not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all()):
        raise ValueError("estimates must be finite, standard errors positive and finite")
    if len(y) == 1:
        warnings.warn(DegenerateInputWarning("one study: how studies differ is unknown"), stacklevel=2)
        return Pool(float(y[0]), float(se[0]), 0.0, 0.0, 0.0, np.ones(1), 1)
    w = 1 / se**2
    fixed = float((w * y).sum() / w.sum())
    q = float((w * (y - fixed) ** 2).sum())
    freedom = len(y) - 1
    tau_squared = max(0.0, (q - freedom) / float(w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (se**2 + tau_squared)
    return Pool(
        mean=float((w * y).sum() / w.sum()),
        standard_error=float(w.sum() ** -0.5),
        tau=math.sqrt(tau_squared),
        q=q,
        i_squared=max(0.0, (q - freedom) / q) if q > 0 else 0.0,
        weights_S=w / w.sum(),
        n=len(y),
    )


def shrunken(estimate_S: Array, standard_error_S: Array, pool: Pool) -> tuple[Array, Array]:
    """Returns each study's own value given the pool, and its standard error, shapes (S,).

    Every study is drawn towards the mean by the share of its error in its total variance (empirical Bayes,
    Efron and Morris, JASA 70, 1975); the error counts that the mean is estimated too.
    """
    y, se = np.asarray(estimate_S, dtype=float), np.asarray(standard_error_S, dtype=float)
    keep = pool.tau**2 / (pool.tau**2 + se**2)
    value = keep * y + (1 - keep) * pool.mean
    return value, np.sqrt(keep * se**2 + ((1 - keep) * pool.standard_error) ** 2)
