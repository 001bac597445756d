"""How well two judges agree, and how far both share a scale. Axes: R rows, J judges."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning


@dataclass(frozen=True)
class Agreement:
    """Yes or no from two judges over the same rows; the second is the reference.

    Attributes:
        both: yes from both.
        first_only: yes from the first alone.
        second_only: yes from the second alone.
        neither: no from both.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    @property
    def n(self) -> int:
        """Rows."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def kappa(self) -> float:
        """Agreement beyond chance (Cohen, Educ. Psychol. Meas. 20, 1960, eq. 1); not a number if chance is certain."""
        n = self.n
        if n == 0:
            return float("nan")
        first, second = (self.both + self.first_only) / n, (self.both + self.second_only) / n
        expected = first * second + (1 - first) * (1 - second)
        observed = (self.both + self.neither) / n
        return (observed - expected) / (1 - expected) if expected < 1 else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of the first judge; not a number without any yes."""
        total = 2 * self.both + self.first_only + self.second_only
        return 2 * self.both / total if total else float("nan")


def agreement(first_R: NDArray[np.bool_], second_R: NDArray[np.bool_]) -> Agreement:
    """Counts how two judges agree, row by row.

    Raises:
        ValueError: if the lengths differ.
    """
    if len(first_R) != len(second_R):
        raise ValueError("both judges need as many rows")
    both, one = int((first_R & second_R).sum()), int((first_R & ~second_R).sum())
    other = int((~first_R & second_R).sum())
    return Agreement(both, one, other, len(first_R) - both - one - other)


def intraclass_correlation(rating_RJ: NDArray[np.float64]) -> float:
    """Returns ICC(2,1): absolute agreement of single judges drawn from many (Shrout and Fleiss, Psych. Bull. 86, 1979).

    Args:
        rating_RJ: every judge's rating of every row; no gaps, two or more of each.

    Returns:
        1 for perfect agreement; around 0 for none; not a number if nothing varies, with a `DegenerateInputWarning`.
    """
    n, k = rating_RJ.shape
    if n < 2 or k < 2:
        raise ValueError("two rows and two judges are needed")
    grand = rating_RJ.mean()
    rows = k * ((rating_RJ.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    judges = n * ((rating_RJ.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    residual_RJ = rating_RJ - rating_RJ.mean(axis=1, keepdims=True) - rating_RJ.mean(axis=0) + grand
    error = (residual_RJ**2).sum() / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (judges - error) / n
    if below <= 0:
        warnings.warn(DegenerateInputWarning("all ratings are alike: agreement is undefined"), stacklevel=2)
        return float("nan")
    return float((rows - error) / below)


def weighted_kappa(first_R: NDArray[np.int64], second_R: NDArray[np.int64], *, n_levels: int) -> float:
    """Returns agreement of two raters beyond chance, far misses weighing quadratically (Cohen, Psych. Bull. 70, 1968).

    Args:
        first_R: ratings from 1 to `n_levels`.
        second_R: likewise.
        n_levels: steps of the scale.

    Returns:
        1 for perfect agreement; not a number if both always give the same one rating, with a `DegenerateInputWarning`.
    """
    table = np.zeros((n_levels, n_levels))
    np.add.at(table, (first_R - 1, second_R - 1), 1)
    step = np.arange(n_levels)
    weight = (step[:, None] - step[None, :]) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if not (weight * expected).sum():
        warnings.warn(DegenerateInputWarning("all ratings are alike: agreement is undefined"), stacklevel=2)
        return float("nan")
    return float(1 - (weight * table).sum() / (weight * expected).sum())
