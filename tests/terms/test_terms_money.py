"""Dollars of hardware, power and people, against the figures that Epoch AI published (arXiv:2405.21015)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hydrometer.costs.money import (
    acquisition_cost,
    amortised_hardware,
    average_power_share,
    chip_to_server,
    energy_kwh,
    owned_price_per_hour,
    power_usage_effectiveness,
    server_power_factor,
    staff_cost,
    training_start_age,
)

LN10 = 2.302585092994046


@pytest.mark.parametrize(
    ("accelerator", "factor"),
    [("P100", 1.54), ("V100", 1.69), ("A100", 1.66), ("A100-80GB", 1.66), ("H100", 1.64), ("B200", 1.64)],
)
def test_a_server_over_its_chips_is_epochs_table_4(accelerator: str, factor: float) -> None:
    assert chip_to_server(accelerator) == factor


@pytest.mark.parametrize(
    ("accelerator", "factor"),
    [
        ("H100 SXM", 1.8214286),  # DGX H100: 10.2 kW for eight boards of 700 W
        ("A100", 2.03125),  # DGX A100: 6.5 kW for eight boards of 400 W
        ("V100", 1.6666667),  # mean of the DGX-2 (10 kW, 16 x 300 W: 2.0833) and DGX Station (1.5 kW, 4 x 300 W: 1.25)
        ("TPUv3", 1.47),
        ("TPUv4", 1.56),
        ("MI300X", 1.8),
    ],
)
def test_server_power_over_the_boards_limits(accelerator: str, factor: float) -> None:
    assert server_power_factor(accelerator) == pytest.approx(factor, rel=1e-7)


def test_a_tpu_server_draws_a_smaller_share_of_its_peak() -> None:
    assert average_power_share("TPUv4") == 0.43
    assert average_power_share("H100") == 0.75


@pytest.mark.parametrize(
    ("owner", "pue"),
    [
        ("Google", 1.1),
        ("DeepMind", 1.1),
        ("Microsoft Azure", 1.1),
        ("Amazon", 1.1),
        ("Meta AI", 1.1),
        ("Facebook", 1.1),
        ("OpenAI", 1.25),
        ("", 1.25),
    ],
)
def test_only_hyperscalers_cool_cheaply(owner: str, pue: float) -> None:
    assert power_usage_effectiveness(owner) == pue


def test_buying_adds_servers_and_a_network_of_a_fifth() -> None:
    # 81 chips of 100 USD, servers at 1.64: 13,284 USD, which is 81 % of the whole.
    assert acquisition_cost(n_accelerators=81, chip_price=100.0) == pytest.approx(16_400)
    # A price that is a server's already: 8,100 / 0.81.
    assert acquisition_cost(n_accelerators=81, chip_price=100.0, server_factor=1.0) == pytest.approx(10_000)
    assert acquisition_cost(n_accelerators=81, chip_price=np.array([100.0, 300.0])) == pytest.approx([16_400, 49_200])


def test_the_age_counts_days_back_from_publication() -> None:
    # Four years are 1,461 days; 47 of training, 60 to the paper and 90 until the chip could be had leave 1,264.
    found = training_start_age(publication=2024.0, launched=2020.0, duration_days=47.0)
    assert found * 365.25 == pytest.approx(1264, abs=1e-6)
    # Epoch's median of 33 days where the duration is unknown leaves 1,278.
    assert training_start_age(publication=2024.0, launched=2020.0) * 365.25 == pytest.approx(1278, abs=1e-6)
    # A duration of nothing is known: 1,311.
    found = training_start_age(publication=2024.0, launched=2020.0, duration_days=0.0)
    assert found * 365.25 == pytest.approx(1311, abs=1e-6)


def test_a_chip_is_never_used_before_it_is_made() -> None:
    # 60 + 47 + 90 days are 197; a gap of 196 would be a day before the chip could be had.
    assert training_start_age(publication=2020 + 196 / 365.25, launched=2020.0, duration_days=47.0) == 0.0
    found = training_start_age(publication=2020 + 198 / 365.25, launched=2020.0, duration_days=47.0)
    assert found * 365.25 == pytest.approx(1.0, abs=1e-6)


def test_hardware_loses_an_order_of_magnitude_in_one_over_0_14_years() -> None:
    new = amortised_hardware(acquisition=1000.0, age_years=0.0, share_of_year=1.0)
    assert new == pytest.approx(1000 * 0.14 * LN10)
    assert amortised_hardware(acquisition=1000.0, age_years=1 / 0.14, share_of_year=1.0) == pytest.approx(new / 10)
    assert amortised_hardware(acquisition=1000.0, age_years=0.0, share_of_year=0.25) == pytest.approx(new / 4)
    assert amortised_hardware(acquisition=np.array([7e3]), age_years=0.0, share_of_year=1.0) == pytest.approx([7 * new])


def test_energy_is_a_product_from_board_to_grid() -> None:
    # 1,000 hours of a 700 W board: 700 kWh; server 2, average half, cooling 1.5: 1,050 kWh.
    found = energy_kwh(accelerator_hours=1000.0, board_power_watts=700, server_factor=2.0, average_share=0.5, pue=1.5)
    assert found == pytest.approx(1050)
    # As Epoch has it for an H100 outside the hyperscalers: 1.82 x 0.75 x 1.25 = 1.70625.
    assert energy_kwh(accelerator_hours=1000.0, board_power_watts=1000) == pytest.approx(1706.25)


def test_an_owned_hour_is_loss_of_value_and_electricity() -> None:
    # Without a server's mark-up such a chip is bought for 8,766 USD: 1 USD for each hour of a year.
    free_power = owned_price_per_hour(
        chip_price=8766 * 0.81, age_years=0.0, board_power_watts=700, server_factor=1.0, usd_per_kwh=0.0
    )
    assert free_power == pytest.approx(0.14 * LN10)
    assert owned_price_per_hour(
        chip_price=8766 * 0.81, age_years=0.0, board_power_watts=700, usd_per_kwh=0.0
    ) == pytest.approx(1.64 * 0.14 * LN10)
    # Ten times cheaper after 1/0.14 years; power does not age: 1 kW x 1.82 x 0.75 x 1.25 at 7.71 cents.
    old = owned_price_per_hour(chip_price=8766 * 0.81, age_years=1 / 0.14, board_power_watts=1000, server_factor=1.0)
    assert old == pytest.approx(0.014 * LN10 + 1.70625 * 0.0771)
    # The chip for nothing leaves the power: 2 x 0.75 x 1.25 kWh at 11 cents.
    power = owned_price_per_hour(
        chip_price=0.0, age_years=0.0, board_power_watts=1000, power_factor=2.0, usd_per_kwh=0.11
    )
    assert power == pytest.approx(0.20625)


def test_people_cost_a_product() -> None:
    assert staff_cost(contributors=7, full_time_share=0.5, years=3.0, pay_per_year=11.0) == pytest.approx(115.5)
    found = staff_cost(contributors=7, full_time_share=np.array([0.5]), years=np.array([3.0]), pay_per_year=np.ones(1))
    assert found == pytest.approx([10.5])


def test_depreciation_is_continuous() -> None:
    # A year's loss summed over a long life is all that was paid.
    ages = np.arange(0, 60, 0.001)
    lost = sum(amortised_hardware(acquisition=1.0, age_years=float(a), share_of_year=0.001) for a in ages)
    assert lost == pytest.approx(1.0, rel=1e-3)
    assert math.isclose(0.14 * LN10, 0.322, rel_tol=2e-3)
