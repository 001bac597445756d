"""Holm's adjustment as R prints it, and ranks by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hydrometer.stats.multiple import holm, rank_ranges


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [
        # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.04, 0.01, 0.05, 0.03, 0.02], [0.09, 0.05, 0.09, 0.09, 0.08]),
        ([0.6, 0.001], [0.6, 0.002]),
        ([0.7, 0.6], [1.0, 1.0]),  # 1.2, cut at 1, carried on
        ([0.3], [0.3]),
        ([], []),
    ],
)
def test_holm_is_that_of_r(raw: list[float], adjusted: list[float]) -> None:
    assert holm(np.array(raw)) == pytest.approx(np.array(adjusted))


def test_ranks_that_survive() -> None:
    # 7 is established above 5, 3 and 1; 1 below 5 too; all else may be chance.
    estimate = np.array([3.0, 7.0, 1.0, 5.0])
    differs = np.zeros((4, 4), dtype=bool)
    for i, j in ((1, 0), (1, 2), (1, 3), (3, 2)):
        differs[i, j] = differs[j, i] = True
    assert rank_ranges(estimate, differs) == [(2, 4), (1, 1), (3, 4), (2, 3)]


def test_ties_and_nothing_established_leave_every_rank() -> None:
    assert rank_ranges(np.array([1.0, 2.0]), np.zeros((2, 2), dtype=bool)) == [(1, 2), (1, 2)]
    assert rank_ranges(np.array([2.0, 2.0]), np.ones((2, 2), dtype=bool)) == [(1, 2), (1, 2)]
