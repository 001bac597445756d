"""What moves an answer: tails by hand, rank correlation by SciPy."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import spearmanr

from hydrometer.stats.sensitivity import influences


def test_medians_of_both_tails() -> None:
    # Twenty draws; the input runs backwards, so that its lowest tenth is the last two outputs.
    output = np.arange(20.0) ** 2
    (found,) = influences({"x": -np.arange(20.0)}, output=output)
    assert (found.name, found.low, found.high) == ("x", (18**2 + 19**2) / 2, 0.5)
    assert found.rank_correlation == pytest.approx(-1.0)


@pytest.mark.parametrize(("share", "low", "high"), [(0.5, 4.5, 14.5), (0.29, 2.0, 17.0), (0.01, 0.0, 19.0)])
def test_a_share_counts_whole_draws_and_at_least_one(share: float, low: float, high: float) -> None:
    (found,) = influences({"x": np.arange(20.0)}, output=np.arange(20.0), share=share)
    assert (found.low, found.high) == (low, high)


def test_the_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=30), rng.normal(size=30)
    (found,) = influences({"x": x}, output=y)
    assert found.rank_correlation == pytest.approx(spearmanr(x, y).statistic)


def test_the_widest_swing_comes_first_whatever_its_direction() -> None:
    output = np.arange(20.0)
    rng = np.random.default_rng(4)
    found = influences({"idle": np.ones(20), "noise": rng.normal(size=20), "down": -output}, output=output)
    assert [i.name for i in found] == ["down", "noise", "idle"]


def test_what_does_not_vary_moves_nothing() -> None:
    (found,) = influences({"x": np.full(20, 3.0)}, output=np.arange(20.0))
    assert (found.low, found.high, found.rank_correlation) == (9.5, 9.5, 0.0)


def test_a_single_draw_correlates_with_nothing_and_two_do() -> None:
    (found,) = influences({"x": np.array([3.0])}, output=np.array([7.0]))
    assert (found.low, found.high, found.rank_correlation) == (7.0, 7.0, 0.0)
    (found,) = influences({"x": np.array([3.0, 1.0])}, output=np.array([7.0, 9.0]))
    assert (found.low, found.high) == (9.0, 7.0)
    assert found.rank_correlation == pytest.approx(-1.0)
    with pytest.raises(FrozenInstanceError):
        found.low = 0.0  # type: ignore[misc]
