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
"""Server cost over chip cost, H100 class (Epoch, arXiv:2405.21015, table 4: others 1.54 to 1.69)."""
INTERCONNECT_SHARE = 0.19
"""Share of a cluster's cost that its network takes (same)."""
DEPRECIATION_PER_YEAR = 0.14 * math.log(10)
"""Rate at which a unit of computing gets cheaper: 0.14 orders of magnitude a year (same)."""
HOURS_PER_YEAR = 8766.0
SERVER_POWER_FACTOR = 1.82
"""Server power per accelerator over the accelerator's own limit: DGX H100 10.2 kW / 8 / 0.7 kW (same)."""
AVERAGE_POWER_SHARE = 0.75
"""Average over peak power of a GPU server in training (same)."""
POWER_USAGE_EFFECTIVENESS = 1.25
"""Data centre power over server power outside the hyperscalers, which reach 1.1 (same)."""
USD_PER_KWH_2024 = 0.0771
"""Average US industrial electricity price in 2024 (same)."""


def acquisition_cost(*, n_accelerators: float, chip_price: Numbers) -> Numbers:
    """Returns what a cluster costs to buy: chips, servers and network.

    Args:
        n_accelerators: accelerators in the cluster.
        chip_price: USD for one accelerator.

    Returns:
        USD: n · price · 1.64 / (1 - 0.19).
    """
    return n_accelerators * chip_price * CHIP_TO_SERVER / (1.0 - INTERCONNECT_SHARE)


def owned_price_per_hour(*, chip_price: Numbers, age_years: float, board_power_watts: float) -> Numbers:
    """Returns what an hour of an owned accelerator costs: loss of value plus electricity.

    Args:
        chip_price: USD for one accelerator when it came out.
        age_years: years from its availability to the training.
        board_power_watts: the accelerator's power limit.

    Returns:
        USD per accelerator-hour by Epoch's amortisation.
    """
    value = acquisition_cost(n_accelerators=1.0, chip_price=chip_price) * math.exp(-DEPRECIATION_PER_YEAR * age_years)
    kilowatts = board_power_watts / 1000 * SERVER_POWER_FACTOR * AVERAGE_POWER_SHARE * POWER_USAGE_EFFECTIVENESS
    return value * DEPRECIATION_PER_YEAR / HOURS_PER_YEAR + kilowatts * USD_PER_KWH_2024


def staff_cost(*, contributors: float, full_time_share: Numbers, years: Numbers, pay_per_year: Numbers) -> Numbers:
    """Returns what the people cost: contributors · share of full time · years · pay (USD)."""
    return contributors * full_time_share * years * pay_per_year
