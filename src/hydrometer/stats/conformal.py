"""Exact p-values against a null population of models, and what such a population cannot support."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning

ROUNDING = 1e-9
"""A level of 0.05 and 1 place in 20 are the same, whatever their last binary digit."""


@dataclass(frozen=True)
class NullDistribution:
    """Statistics of models that are known to be untaught.

    If the subject is untaught too, it is exchangeable with them, and its rank among them is uniform (Vovk, Gammerman
    and Shafer 2005, proposition 2.4; Phipson and Smyth 2010 on why the +1 is needed).

    Attributes:
        statistics: one per model.
    """

    statistics: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuses numbers that cannot be ranked, and warns where ties make the p-value coarse."""
        if np.isnan(self.statistics).any():
            raise ValueError("a statistic of the null population is not a number")
        if len(self.statistics) > 1 and np.ptp(self.statistics) == 0:
            warnings.warn(
                "all models of the null population have the same statistic", DegenerateInputWarning, stacklevel=3
            )

    @property
    def smallest_pvalue(self) -> float:
        """The smallest p-value that so many models can support."""
        return 1 / (len(self.statistics) + 1)

    def pvalue(self, statistic: float) -> float:
        """Returns (1 + models that score as high) / (1 + models)."""
        return (1 + int((self.statistics >= statistic).sum())) / (len(self.statistics) + 1)

    def false_positive_rate(self, alpha: float) -> float:
        """Returns how often an untaught model gets a p-value of at most alpha: exact if there are no ties."""
        return math.floor(alpha * (len(self.statistics) + 1) + ROUNDING) / (len(self.statistics) + 1)

    def threshold(self, alpha: float) -> float | None:
        """Returns the statistic that must be exceeded for a p-value of at most alpha; None if none suffices."""
        rank = math.floor(alpha * (len(self.statistics) + 1) + ROUNDING)
        return float(np.sort(self.statistics)[len(self.statistics) - rank]) if rank >= 1 else None


def models_needed(alpha: float) -> int:
    """Returns how many models a null population needs to support a p-value of alpha."""
    return math.ceil(1 / alpha - ROUNDING) - 1


def block_jackknife_error(leave_out: Sequence[float]) -> float:
    """Returns the standard error of a statistic from its values with one block of probes left out at a time.

    Efron and Tibshirani 1993, eq. 11.5, with blocks as units.

    Args:
        leave_out: one value per block; two or more.
    """
    if len(leave_out) < 2:
        raise ValueError("a jackknife needs two blocks or more")
    values = np.asarray(leave_out, dtype=np.float64)
    n = len(values)
    return float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum()))
