"""A prior of three points: each half is a normal on the log scale."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import norm

from hydrometer.stats.priors import SplitLognormal


def test_each_draw_lies_where_its_normal_does() -> None:
    draws = SplitLognormal(1.5, 3.0, 24.0).sample(500, rng=np.random.default_rng(3))
    z = np.random.default_rng(3).standard_normal(500)
    # A 95 % point is one normal quantile up; there the price is 8 times the median, and 1/2 of it below.
    factor = np.where(z > 0, 8.0, 2.0) ** (z / norm.ppf(0.95))
    assert draws == pytest.approx(3.0 * factor)


def test_points_may_coincide() -> None:
    assert SplitLognormal(2.0, 2.0, 2.0).sample(3, rng=np.random.default_rng(1)) == pytest.approx([2.0] * 3)


@pytest.mark.parametrize("points", [(0.0, 1.0, 2.0), (-1.0, 1.0, 2.0), (2.0, 1.0, 3.0), (1.0, 3.0, 2.0)])
def test_points_that_are_not_positive_or_not_in_order_are_refused(points: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="0 < p5 <= p50 <= p95"):
        SplitLognormal(*points)


def test_a_prior_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        SplitLognormal(1.0, 2.0, 3.0).p5 = 0.5  # type: ignore[misc]
    assert math.isclose(SplitLognormal(1e-9, 2.0, 3.0).p5, 1e-9)
