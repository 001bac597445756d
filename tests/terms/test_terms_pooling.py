"""Random-effects pools small enough to work by hand; metafor's own answers are in the tests of demand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.pooling import Pool, pool_estimates, shrunken


def test_two_equal_studies_by_hand() -> None:
    # 1 and 5, errors 1: mean 3, Q = 4 + 4, tau² = (8 - 1) / (2 - 2/2) = 7; each weighs 1/8, so the variance is 4.
    pool = pool_estimates(np.array([1.0, 5.0]), np.ones(2))
    assert (pool.mean, pool.standard_error, pool.q, pool.n) == pytest.approx((3.0, 2.0, 8.0, 2))
    assert pool.tau == pytest.approx(math.sqrt(7))
    assert pool.i_squared == pytest.approx(7 / 8)
    assert pool.weights_S == pytest.approx([0.5, 0.5])
    assert pool.predictive_sd == pytest.approx(math.sqrt(11))


def test_three_unequal_studies_by_hand() -> None:
    # Weights 1, 1 and 1/4: mean of 0, 8 and 4 is 9/2.25 = 4; Q = 16 + 16 + 0; sum w - sum w²/sum w = 2.25 - 2.0625/2.25
    # = 4/3; tau² = 30 / (4/3) = 22.5; new weights 1/23.5, 1/23.5 and 1/26.5.
    pool = pool_estimates(np.array([0.0, 8.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    assert pool.q == pytest.approx(32)
    assert pool.tau**2 == pytest.approx(22.5)
    assert pool.i_squared == pytest.approx(30 / 32)
    assert pool.mean == pytest.approx(4.0)
    weights = np.array([1 / 23.5, 1 / 23.5, 1 / 26.5])
    assert pool.weights_S == pytest.approx(weights / weights.sum())
    assert pool.standard_error == pytest.approx(weights.sum() ** -0.5)


def test_studies_nearer_than_chance_differ_by_nothing() -> None:
    # Weights 1 and 1/4: mean 1.5 / 1.25; Q of 0.2 is below its freedom of 1, which leaves the fixed pool.
    pool = pool_estimates(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert pool.mean == pytest.approx(1.2)
    assert pool.q == pytest.approx(0.04 + 0.64 / 4)
    assert (pool.tau, pool.i_squared) == (0.0, 0.0)
    assert pool.standard_error == pytest.approx(1.25**-0.5)
    assert pool.weights_S == pytest.approx([0.8, 0.2])
    assert pool_estimates(np.array([2.0, 2.0]), np.array([1.0, 2.0])).i_squared == 0.0


def test_one_study_is_its_own_pool() -> None:
    with pytest.warns(DegenerateInputWarning, match="one study") as caught:
        pool = pool_estimates(np.array([3.0]), np.array([0.5]))
    assert caught[0].filename == __file__
    assert (pool.mean, pool.standard_error, pool.tau, pool.q, pool.i_squared, pool.n) == (3.0, 0.5, 0.0, 0.0, 0.0, 1)
    assert list(pool.weights_S) == [1.0]
    with pytest.raises(FrozenInstanceError):
        pool.tau = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("estimates", "errors", "words"),
    [
        ([], [], "at least one"),
        ([1.0], [1.0, 2.0], "as many"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "as many"),
        ([1.0, math.inf], [1.0, 1.0], "finite"),
        ([1.0, 2.0], [1.0, math.inf], "finite"),
        ([1.0, 2.0], [1.0, math.nan], "finite"),
        ([1.0, 2.0], [1.0, 0.0], "positive"),
        ([1.0, 2.0], [1.0, -1.0], "positive"),
    ],
)
def test_what_cannot_be_pooled_is_refused(estimates: list[float], errors: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pool_estimates(np.array(estimates), np.array(errors))


def test_studies_shrink_by_their_share_of_error() -> None:
    # tau² 3: an error of 1 keeps 3/4, one of 3 keeps 3/12.
    pool = Pool(10.0, 0.5, math.sqrt(3), 0.0, 0.0, np.ones(2) / 2, 2)
    value, error = shrunken(np.array([14.0, 2.0]), np.array([1.0, 3.0]), pool)
    assert value == pytest.approx([13.0, 8.0])
    # The study's own part, and that of the mean: 3/4·1 + (1/4·1/2)², 1/4·9 + (3/4·1/2)².
    assert error**2 == pytest.approx([0.75 + 1 / 64, 2.25 + 9 / 64])
