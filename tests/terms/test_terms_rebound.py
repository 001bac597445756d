"""Rebound: the identities of Sorrell and Dimitropoulos, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hydrometer.costs.rebound import compute_ratio, long_run, realised_fraction, response, supply_response


def test_inertia_adds_up_what_each_period_brings() -> None:
    # A quarter of the rest comes in each period: 0.3 + 0.3·0.75 + 0.3·0.75² + ... = 1.2.
    assert long_run(0.3, inertia=0.75) == pytest.approx(sum(0.3 * 0.75**k for k in range(400)))
    assert long_run(np.array([0.3, 0.6]), inertia=np.array([0.75, 0.0])) == pytest.approx([1.2, 0.6])


def test_a_response_is_what_reaches_the_price_times_tasks_and_tokens_per_task() -> None:
    assert response(0.7, pass_through=0.5, token_intensity=0.3) == pytest.approx(0.5)
    assert response(0.7, pass_through=0.5, token_intensity=0.0) == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("gain", "answer", "ratio"),
    [
        (10.0, 0.0, 0.1),
        (10.0, 1.0, 1.0),  # full rebound
        (10.0, 2.0, 10.0),  # Jevons
        (7.0, -1.0, 1 / 49),  # super-conservation
        (4.0, 0.5, 0.5),
    ],
)
def test_compute_after_a_gain(gain: float, answer: float, ratio: float) -> None:
    assert compute_ratio(gain, answer) == pytest.approx(ratio)


def test_a_response_beyond_meaning_ends_at_a_number() -> None:
    # e^600 is 3.77e260; a ratio ends there, over the gain.
    assert compute_ratio(2.0, 1e9) == pytest.approx(math.exp(600) / 2)
    assert compute_ratio(2.0, 600 / math.log(2) - 1) == pytest.approx(math.exp(600) / 4)
    assert compute_ratio(1.0, 1e9) == 1.0


@pytest.mark.parametrize(
    ("gain", "ratio", "fraction"),
    [(10.0, 0.1, 0.0), (10.0, 1.0, 1.0), (10.0, 0.55, 0.5), (4.0, 2.5, 3.0), (2.0, 0.25, -0.5)],
)
def test_what_was_taken_back_of_the_engineers_saving(gain: float, ratio: float, fraction: float) -> None:
    # (C'/C - 1/k) / (1 - 1/k): at k = 10 and C'/C = 0.55 half of the saving of 0.9.
    assert realised_fraction(gain, ratio) == pytest.approx(fraction)


def test_rent_and_compute_where_supply_slopes_upward() -> None:
    # sigma 3, response 2: ln w = ln k / 5 and ln C = 3 ln k / 5.
    rent, compute = supply_response(math.e**5, 2.0, supply_elasticity=3.0)
    assert (rent, compute) == pytest.approx((1.0, 3.0))
    rent, compute = supply_response(math.e**7, 0.5, supply_elasticity=3.0)
    assert (rent, compute) == pytest.approx((-1.0, -3.0))


def test_supply_at_any_price_gives_the_plain_ratio() -> None:
    _, compute = supply_response(10.0, 1.7, supply_elasticity=1e12)
    assert math.exp(compute) == pytest.approx(compute_ratio(10.0, 1.7))
