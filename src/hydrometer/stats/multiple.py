"""Several questions asked of the same data: p-values adjusted for their number, and ranks that survive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def holm(pvalue_H: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns p-values adjusted so that the chance of any false rejection is kept (Holm, Scand. J. Statist. 6, 1979).

    Args:
        pvalue_H: one per hypothesis.

    Returns:
        Adjusted p-values in the same order, shape (H,).
    """
    n = len(pvalue_H)
    if n == 0:
        return np.empty(0)
    order_H = np.argsort(pvalue_H, kind="stable")
    stepped_H = np.maximum.accumulate((n - np.arange(n)) * np.asarray(pvalue_H, dtype=np.float64)[order_H])
    adjusted_H = np.empty(n)
    adjusted_H[order_H] = np.minimum(stepped_H, 1.0)
    return adjusted_H


def rank_ranges(estimate_M: NDArray[np.float64], differs_MM: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns the ranks that each model can hold, 1 for the largest estimate.

    A model's best rank is 1 plus those that are established to lie above it, its worst M minus those established below
    (Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies 91, 2024: simultaneous confidence sets for ranks).

    Args:
        estimate_M: what is ranked.
        differs_MM: whether two models' difference is established, at a level that holds for all pairs together.
    """
    above_MM = differs_MM & (estimate_M[None, :] > estimate_M[:, None])
    below_MM = differs_MM & (estimate_M[None, :] < estimate_M[:, None])
    n = len(estimate_M)
    return [(1 + int(a), n - int(b)) for a, b in zip(above_MM.sum(axis=1), below_MM.sum(axis=1), strict=True)]
