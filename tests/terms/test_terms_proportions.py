"""A proportion at its edges; R's intervals are in the tests of statistics."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.proportions import Proportion


def test_an_estimate_is_a_share_and_nothing_of_nothing_is_none() -> None:
    assert Proportion(3, 8).estimate == 0.375
    assert Proportion(0, 1).estimate == 0.0
    assert math.isnan(Proportion(0, 0).estimate)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_successes_are_some_of_the_trials(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        Proportion(successes, n)


def test_one_trial_has_an_interval_and_none_has_all() -> None:
    # Clopper and Pearson at 95 %: 0 of 1 reaches to 1 - 0.025.
    assert Proportion(0, 1).confidence_interval() == pytest.approx((0.0, 0.975))
    assert Proportion(1, 1).confidence_interval(level=0.8) == pytest.approx((0.1, 1.0))
    with pytest.warns(DegenerateInputWarning, match="no trials") as caught:
        assert Proportion(0, 0).confidence_interval() == (0.0, 1.0)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5])
def test_a_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Proportion(1, 2).confidence_interval(level=level)
    assert Proportion(1, 2).confidence_interval(level=0.999)[1] < 1


def test_a_proportion_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        Proportion(1, 2).n = 3  # type: ignore[misc]
