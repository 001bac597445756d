"""The owner's hour, line by line, worked by hand."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from hydrometer.costs.ownership import Ownership, OwnershipCost, annuity, ownership_cost

# Half of all hours are paid: 4,383 a year. Over two years 8,766 paid hours.
PLAN = Ownership(
    server_usd=8766.0 * 7,
    network_usd=8766.0 * 3,
    storage_usd=8766.0 * 2,
    all_in_kilowatts=1.5,
    life_years=2.0,
    capital_cost=0.10,
    hosting_usd_per_kilowatt_month=4383.0,
    usd_per_kwh=0.07,
    pue=1.3,
    average_share=0.8,
    support_share=0.11,
    rented_share=0.5,
)


@pytest.mark.parametrize(
    ("rate", "years", "payment"), [(0.1, 2, 121 / 210), (0.5, 1, 1.5), (0.0, 4, 0.25), (0, 5, 0.2)]
)
def test_an_annuity_pays_back_what_was_lent(rate: float, years: float, payment: float) -> None:
    # At 10 % over two years: x/1.1 + x/1.21 = 1, so x = 1.21 / 2.1.
    assert annuity(rate=rate, years=years) == pytest.approx(payment)


@pytest.mark.parametrize(("rate", "years"), [(0.03, 7), (0.17, 5)])
def test_discounted_payments_add_up_to_one(rate: float, years: int) -> None:
    assert sum(annuity(rate=rate, years=years) / (1 + rate) ** k for k in range(1, years + 1)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("line", "usd"),
    [
        ("server", 7.0),
        ("network", 3.0),
        ("storage", 2.0),
        ("hosting", 1.5 * 12),  # 4,383 USD a kilowatt and month over 4,383 paid hours a year
        ("power", 2 * 1.5 * 0.8 * 1.3 * 0.07),  # an unpaid hour draws as much as a paid one
        ("support", 2 * 12 * 0.11),  # 12 x 8,766 USD bought, over 4,383 hours
        ("capital", 2 * 12 * (121 / 210 - 1 / 2)),  # the annuity less writing-off
    ],
)
def test_each_line_by_hand(line: str, usd: float) -> None:
    assert getattr(ownership_cost(PLAN), line) == pytest.approx(usd)


def test_the_total_is_the_sum_of_all_lines() -> None:
    assert OwnershipCost(1.0, 20.0, 300.0, 4e3, 5e4, 6e5, 7e6).total == 7_654_321.0


def test_without_interest_capital_costs_nothing() -> None:
    assert ownership_cost(replace(PLAN, capital_cost=0.0)).capital == 0.0


def test_a_cluster_that_is_always_rented_costs_half_an_hour_of_one_that_is_half_rented() -> None:
    assert ownership_cost(replace(PLAN, rented_share=1.0)).total == pytest.approx(ownership_cost(PLAN).total / 2)


def test_a_plan_is_given_by_name_and_stays_as_it_is() -> None:
    with pytest.raises(TypeError, match="positional"):
        Ownership(*range(12))  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        PLAN.pue = 1.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        ownership_cost(PLAN).power = 0.0  # type: ignore[misc]
