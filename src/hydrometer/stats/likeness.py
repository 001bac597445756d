"""Likeness of non-negative profiles, and likeness beyond what both share with everybody.

Axes: P probes, M models, F features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def ruzicka(profile_MF: Array) -> Array:
    """Returns sum of minima over sum of maxima of every pair of profiles, shape (M, M); 1 where both are empty.

    Ružička 1958; for 0/1 features it is Jaccard's index. The minimum of two numbers is half of sum minus distance, so
    that one pass over pairs suffices.
    """
    from scipy.spatial.distance import pdist, squareform

    total_M = profile_MF.sum(axis=1)
    distance_MM = squareform(pdist(profile_MF, "cityblock"))
    sum_MM = total_M[:, None] + total_M[None, :]
    above = sum_MM + distance_MM
    likeness_MM: Array = np.divide(sum_MM - distance_MM, above, out=np.ones_like(above), where=above > 0)
    return likeness_MM


def ratio(value_M: Array) -> Array:
    """Returns the smaller over the larger of every pair of non-negative numbers; 1 where both are 0."""
    low_MM = np.minimum(value_M[:, None], value_M[None, :])
    high_MM = np.maximum(value_M[:, None], value_M[None, :])
    likeness_MM: Array = np.divide(low_MM, high_MM, out=np.ones_like(high_MM), where=high_MM > 0)
    return likeness_MM


def beyond_everybody(similarity_PMM: Array, *, first: int, second: int, others: NDArray[np.int64]) -> Array:
    """Returns how much more alike two models are than their likeness to others leads to expect, per probe.

    Double centring over the other models (Torgerson, Psychometrika 17, 1952, eq. 8, with the mean of the off-diagonal):
    a model that is like everybody is like nobody in particular.

    Args:
        similarity_PMM: similarity of every pair on every probe; not a number where one of them did not answer.
        first: the subject.
        second: the reference.
        others: the models that stand for everybody, neither of the two among them; two or more.

    Returns:
        Shape (P,); not a number where subject or reference did not answer.
    """
    row_P = _mean(similarity_PMM[:, first, others])
    column_P = _mean(similarity_PMM[:, second, others])
    block_PMM = similarity_PMM[:, others[:, None], others[None, :]]
    off = ~np.eye(len(others), dtype=bool)
    grand_P = _mean(block_PMM[:, off])
    centred_P: Array = similarity_PMM[:, first, second] - row_P - column_P + grand_P
    return centred_P


def _mean(value_PX: Array) -> Array:
    """Returns the mean of each row over what is a number; not a number where nothing is."""
    known_PX = ~np.isnan(value_PX)
    count_P = known_PX.sum(axis=1)
    total_P = np.where(known_PX, value_PX, 0.0).sum(axis=1)
    mean_P: Array = np.divide(total_P, count_P, out=np.full(len(count_P), np.nan), where=count_P > 0)
    return mean_P
