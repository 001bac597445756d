"""What a token costs in use, worked by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest

from hydrometer.costs.token_prices import Use, apparent_elasticity, effective_price, growth_at_elasticity


def price(use: Use, *, cached: float | None = 2.0, peak_factor: float = 1.0, peak_hours: float = 0.0) -> float:
    return effective_price(
        input_usd=10.0,
        output_usd=70.0,
        cached_usd=cached,
        use=use,
        peak_factor=peak_factor,
        peak_hours=peak_hours,
    )


@pytest.mark.parametrize(
    ("use", "usd"),
    [
        (Use(output_share=0.0, cache_share=0.0), 10.0),
        (Use(output_share=1.0, cache_share=0.5), 70.0),
        (Use(output_share=0.0, cache_share=1.0), 2.0),
        (Use(output_share=0.0, cache_share=0.25), 8.0),  # a quarter at 2, three quarters at 10
        (Use(output_share=0.25, cache_share=0.25), 23.5),  # three quarters of 8 and a quarter of 70
    ],
)
def test_the_mix_weighs_the_prices(use: Use, usd: float) -> None:
    assert price(use) == pytest.approx(usd)


def test_without_a_cached_price_a_hit_costs_as_much_as_a_miss() -> None:
    assert price(Use(0.0, 0.4), cached=None) == pytest.approx(10.0)
    # A cache that is free is not a cache without a price.
    assert price(Use(0.0, 0.4), cached=0.0) == pytest.approx(6.0)


def test_peak_hours_cost_their_factor() -> None:
    whole = Use(output_share=0.0, cache_share=0.0)
    assert price(whole, peak_factor=2.0, peak_hours=6.0) == pytest.approx(12.5)  # spread evenly: a quarter of the day
    assert price(whole, peak_factor=3.0, peak_hours=24.0) == pytest.approx(30.0)
    measured = Use(output_share=0.0, cache_share=0.0, peak_share=0.7)
    assert price(measured, peak_factor=2.0, peak_hours=6.0) == pytest.approx(17.0)
    never = Use(output_share=0.0, cache_share=0.0, peak_share=0.0)
    assert price(never, peak_factor=2.0, peak_hours=6.0) == pytest.approx(10.0)


def test_a_use_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        Use(0.1, 0.2).cache_share = 0.3  # type: ignore[misc]


@pytest.mark.parametrize(("decline", "elasticity"), [(9, 1.32), (10, 1.26), (40, 0.79), (900, 0.43)])
def test_the_index_trap_of_googles_tokens(decline: float, elasticity: float) -> None:
    # 9.7 to 3,200 trillion a month in two years.
    found = apparent_elasticity(3200 / 9.7, decline_a_year=decline, years=2.0, growth_a_year=1.0)
    assert found == pytest.approx(elasticity, abs=0.005)


def test_growth_at_constant_prices_is_not_the_prices_doing() -> None:
    # Ninefold in two years is threefold a year; 1.5 of it came anyway; prices halved: log2 of 2 is 1.
    assert apparent_elasticity(9.0, decline_a_year=2.0, years=2.0, growth_a_year=1.5) == pytest.approx(1.0)


def test_growth_that_makes_an_elasticity_true() -> None:
    # Threefold a year at an elasticity of 2 and a price that falls to 1/2: 3 / 2².
    assert growth_at_elasticity(9.0, decline_a_year=2.0, years=2.0, elasticity=2.0) == pytest.approx(0.75)
    found = growth_at_elasticity(7.0, decline_a_year=3.0, years=5.0, elasticity=0.4)
    assert apparent_elasticity(7.0, decline_a_year=3.0, years=5.0, growth_a_year=found) == pytest.approx(0.4)
    assert math.isclose(growth_at_elasticity(32.0, decline_a_year=3.0, years=5.0, elasticity=0.0), 2.0)
