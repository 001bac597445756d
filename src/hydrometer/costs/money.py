"""From accelerators and people to dollars. Works on numbers and on arrays of draws alike.

References:
    Cottier et al. (Epoch AI), "The rising costs of training frontier AI models", arXiv:2405.21015,
    sections 2 and A, and the constants of its public code. All dollars are nominal US dollars.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Numbers = TypeVar("Numbers", float, npt.NDArray[np.float64])

CHIP_TO_SERVER = 1.64
"""Server cost over chip cost, H100 class (Epoch, arXiv:2405.21015, table 4: P100 1.54, V100 1.69, A100 1.66)."""
# Same table.
_CHIP_TO_SERVER_OF = {"A100": 1.66, "V100": 1.69, "P100": 1.54}
INTERCONNECT_SHARE = 0.19
"""Share of a cluster's cost that its network takes (same)."""
DEPRECIATION_PER_YEAR = 0.14 * math.log(10)
"""Rate at which a unit of computing gets cheaper: 0.14 orders of magnitude a year (same)."""
# 365.25 days, as Epoch's code has it (its paper divides by 365 · 24).
HOURS_PER_YEAR = 8766.0
DAYS_PER_YEAR = 365.25
AVAILABLE_AFTER_DAYS = 90.0
"""Days from a GPU's release until it can be had (same)."""
PUBLISHED_AFTER_DAYS = 60.0
"""Days from the end of a training to its publication (same)."""
UNKNOWN_DURATION_DAYS = 33.0
"""Days a training took, where nobody said (same: the median of its database)."""
SERVER_POWER_FACTOR = 1.82
"""Server power per accelerator over the accelerator's own limit: DGX H100 10.2 kW / 8 / 0.7 kW (same)."""
# Epoch's code: DGX servers' kilowatts over eight boards' limits; V100 the mean of a 16-board and a 4-board server.
_SERVER_POWER_OF = {
    "H100": 10.2 / 8 / 0.7,
    "A100": 6.5 / 8 / 0.4,
    "V100": ((10 / 16) / 0.3 + (1.5 / 4) / 0.3) / 2,
    "TPUv3": 1.47,
    "TPU": 1.56,
}
# Same code, for GPUs that it does not list.
OTHER_SERVER_POWER = 1.8
AVERAGE_POWER_SHARE = 0.75
"""Average over peak power of a GPU server in training (same); a TPU's is 0.43."""
# Same code, as is the next PUE.
TPU_AVERAGE_POWER_SHARE = 0.43
POWER_USAGE_EFFECTIVENESS = 1.25
"""Data centre power over server power outside the hyperscalers (same)."""
# Same.
HYPERSCALER_POWER_USAGE_EFFECTIVENESS = 1.1
USD_PER_KWH_2024 = 0.0771
"""Average US industrial electricity price in 2024 (same)."""


def chip_to_server(accelerator: str) -> float:
    """Returns what a server costs over its chips, by Epoch's table."""
    return next((f for name, f in _CHIP_TO_SERVER_OF.items() if accelerator.startswith(name)), CHIP_TO_SERVER)


def server_power_factor(accelerator: str) -> float:
    """Returns a server's power over its chips' power limits, by Epoch's table; 1.8 for chips that it lacks."""
    return next((f for name, f in _SERVER_POWER_OF.items() if accelerator.startswith(name)), OTHER_SERVER_POWER)


def average_power_share(accelerator: str) -> float:
    """Returns the average over the peak power of a server in training, by Epoch's table."""
    return TPU_AVERAGE_POWER_SHARE if accelerator.startswith("TPU") else AVERAGE_POWER_SHARE


def power_usage_effectiveness(owner: str) -> float:
    """Returns data centre power over server power: 1.1 for a hyperscaler, else 1.25 (Epoch)."""
    # By hand, 2026-11-25: who builds data centres for itself at that scale; Epoch's list was not at hand.
    known = ("google", "deepmind", "microsoft", "amazon", "meta", "facebook")
    hyper = any(name in owner.lower() for name in known)
    return HYPERSCALER_POWER_USAGE_EFFECTIVENESS if hyper else POWER_USAGE_EFFECTIVENESS


def acquisition_cost(*, n_accelerators: float, chip_price: Numbers, server_factor: float = CHIP_TO_SERVER) -> Numbers:
    """Returns what a cluster costs to buy: chips, servers and network.

    Args:
        n_accelerators: accelerators in the cluster.
        chip_price: USD for one accelerator.
        server_factor: server cost over chip cost; 1 where the price is already a server's share.

    Returns:
        USD: n · price · server_factor / (1 - 0.19).
    """
    return n_accelerators * chip_price * server_factor / (1.0 - INTERCONNECT_SHARE)


def training_start_age(*, publication: float, launched: float, duration_days: float | None = None) -> float:
    """Returns how old an accelerator was when a training started, by Epoch's rules.

    Args:
        publication: decimal year in which the model came out.
        launched: decimal year in which the accelerator came out.
        duration_days: length of the training; 33 days where unknown.

    Returns:
        Years from the accelerator's availability (90 days after its release) to the training's start (60 days
        and the duration before publication); never negative.
    """
    duration = UNKNOWN_DURATION_DAYS if duration_days is None else duration_days
    start = publication - (duration + PUBLISHED_AFTER_DAYS) / DAYS_PER_YEAR
    return max(start - launched - AVAILABLE_AFTER_DAYS / DAYS_PER_YEAR, 0.0)


def amortised_hardware(*, acquisition: Numbers, age_years: float, share_of_year: float) -> Numbers:
    """Returns the loss of value of hardware in use, by Epoch's method.

    Args:
        acquisition: USD paid for the hardware when it could first be had.
        age_years: years from then to the training.
        share_of_year: chip-hours of the training over chips and 8,766 hours.

    Returns:
        USD: acquisition · exp(-0.322·age) · 0.322 · share.
    """
    return acquisition * math.exp(-DEPRECIATION_PER_YEAR * age_years) * DEPRECIATION_PER_YEAR * share_of_year


def energy_kwh(
    *,
    accelerator_hours: Numbers,
    board_power_watts: float,
    server_factor: float = SERVER_POWER_FACTOR,
    average_share: float = AVERAGE_POWER_SHARE,
    pue: float = POWER_USAGE_EFFECTIVENESS,
) -> Numbers:
    """Returns the electricity that a training drew from the grid.

    Args:
        accelerator_hours: of the training.
        board_power_watts: the accelerator's power limit.
        server_factor: server power over the accelerators' power limits.
        average_share: average over peak power.
        pue: data centre power over server power.

    Returns:
        kWh: hours · watts/1000 · server_factor · average_share · pue.
    """
    return accelerator_hours * (board_power_watts / 1000 * server_factor * average_share * pue)


def owned_price_per_hour(
    *,
    chip_price: Numbers,
    age_years: float,
    board_power_watts: float,
    server_factor: float = CHIP_TO_SERVER,
    power_factor: float = SERVER_POWER_FACTOR,
    usd_per_kwh: float = USD_PER_KWH_2024,
) -> Numbers:
    """Returns what an hour of an owned accelerator costs: loss of value plus electricity.

    Args:
        chip_price: USD for one accelerator when it came out.
        age_years: years from its availability to the training.
        board_power_watts: the accelerator's power limit.
        server_factor: server cost over chip cost.
        power_factor: server power over the accelerators' power limits.
        usd_per_kwh: price of electricity.

    Returns:
        USD per accelerator-hour by Epoch's amortisation.
    """
    bought = acquisition_cost(n_accelerators=1.0, chip_price=chip_price, server_factor=server_factor)
    hardware = amortised_hardware(acquisition=bought, age_years=age_years, share_of_year=1.0 / HOURS_PER_YEAR)
    power = energy_kwh(accelerator_hours=1.0, board_power_watts=board_power_watts, server_factor=power_factor)
    return hardware + power * usd_per_kwh


def staff_cost(*, contributors: float, full_time_share: Numbers, years: Numbers, pay_per_year: Numbers) -> Numbers:
    """Returns what the people cost: contributors · share of full time · years · pay (USD)."""
    return contributors * full_time_share * years * pay_per_year
