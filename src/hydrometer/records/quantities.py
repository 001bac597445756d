"""The quantities a dossier can claim: their units, their bounds, and how coarse a printed number is.

A source that prints "3.7 days" says 3.65 to 3.75. The digits as written in the dossier carry that, so a
check never calls a rounded number false, nor forgives more than the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

HOURS_PER_DAY = 24.0
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86400.0
# By hand, 2026-11-24, while looking at the cases of bench/claim_cases.toml; why stands in `half_width`.
_ZEROS_ARE_ROUNDING_FROM = 1000


@dataclass(frozen=True)
class Quantity:
    """One kind of number.

    Attributes:
        name: the key used in dossiers.
        meaning: one line for people.
        units: accepted unit names, each with its factor to the first, canonical unit.
        lower: smallest credible value, canonical unit (inclusive).
        upper: largest credible value, canonical unit (inclusive).
        stipulated: true for counts and prices that are exact as written, never rounded.
    """

    name: str
    meaning: str
    units: dict[str, float]
    lower: float
    upper: float
    stipulated: bool = False

    @property
    def unit(self) -> str:
        """The canonical unit."""
        return next(iter(self.units))


# Bounds of every quantity are by hand, 2026-11-24: outside them lies a wrong unit or a lost decimal point.
_ALL = (
    Quantity(
        "accelerator_hours",
        "accelerators times wall-clock hours that a phase, or the whole training, took",
        {
            "accelerator-hours": 1.0,
            "thousand accelerator-hours": 1e3,
            "million accelerator-hours": 1e6,
            "accelerator-days": HOURS_PER_DAY,
        },
        1e-3,
        1e11,
    ),
    Quantity(
        "hours_per_trillion_tokens",
        "accelerator-hours spent on each trillion training tokens",
        {"accelerator-hours per trillion tokens": 1.0},
        1.0,
        1e9,
    ),
    Quantity(
        "days_per_trillion_tokens",
        "wall-clock days for each trillion training tokens on the stated cluster",
        {"days per trillion tokens": 1.0},
        1e-4,
        1e5,
    ),
    Quantity(
        "tokens",
        "tokens trained on, every repeat counted",
        {"tokens": 1.0, "million tokens": 1e6, "billion tokens": 1e9, "trillion tokens": 1e12},
        1.0,
        1e16,
    ),
    Quantity(
        "tokens_per_day",
        "tokens the whole cluster trains on in a day",
        {"tokens per day": 1.0, "billion tokens per day": 1e9},
        1.0,
        1e15,
    ),
    Quantity(
        "tokens_per_second",
        "tokens the whole cluster trains on in a second",
        {"tokens per second": 1.0, "thousand tokens per second": 1e3, "million tokens per second": 1e6},
        1e-3,
        1e10,
    ),
    Quantity(
        "tokens_per_second_per_accelerator",
        "tokens one accelerator trains on in a second",
        {"tokens per second per accelerator": 1.0},
        1e-3,
        1e8,
    ),
    Quantity("n_accelerators", "accelerators working at once", {"accelerators": 1.0}, 1, 1e7, stipulated=True),
    Quantity(
        "wall_clock",
        "time from start to end by the clock",
        {"days": 1.0, "hours": 1 / HOURS_PER_DAY, "minutes": 1 / (HOURS_PER_DAY * 60), "weeks": 7.0},
        1e-5,
        3650,
    ),
    Quantity("step_time", "time of one optimiser step", {"seconds": 1.0, "milliseconds": 1e-3}, 1e-4, 1e5),
    Quantity("steps", "optimiser steps", {"steps": 1.0}, 1, 1e9),
    Quantity(
        "sequences_per_step",
        "sequences in one optimiser step, over the whole cluster",
        {"sequences": 1.0},
        1,
        1e8,
        stipulated=True,
    ),
    Quantity(
        "tokens_per_step",
        "tokens in one optimiser step, over the whole cluster",
        {"tokens": 1.0, "million tokens": 1e6},
        1,
        1e11,
    ),
    Quantity(
        "price_per_hour",
        "price of one accelerator for one hour",
        {"USD per accelerator-hour": 1.0},
        1e-3,
        1e4,
        stipulated=True,
    ),
    Quantity("cost", "money for a phase, or for the whole training", {"USD": 1.0, "million USD": 1e6}, 1e-2, 1e12),
    Quantity(
        "mfu",
        "model FLOP utilisation: model FLOP per second over the peak; needs its conventions",
        {"fraction": 1.0, "percent": 1e-2},
        1e-4,
        1.0,
    ),
    Quantity(
        "achieved_flop_per_second",
        "model FLOP per second and accelerator; needs its conventions",
        {"FLOP/s per accelerator": 1.0, "TFLOP/s per accelerator": 1e12},
        1e9,
        1e17,
    ),
    Quantity(
        "flop_per_token",
        "floating-point operations of training on one token",
        {"FLOP per token": 1.0, "GFLOP per token": 1e9},
        1e3,
        1e16,
    ),
    Quantity("training_flop", "floating-point operations of the training", {"FLOP": 1.0}, 1e12, 1e30),
    Quantity(
        "goodput",
        "share of wall-clock time that advanced the training",
        {"fraction": 1.0, "percent": 1e-2},
        1e-3,
        1.0,
    ),
    Quantity(
        "total_parameters",
        "parameters of the model",
        {"parameters": 1.0, "million parameters": 1e6, "billion parameters": 1e9},
        1.0,
        1e15,
    ),
    Quantity(
        "active_parameters",
        "parameters that one token passes through",
        {"parameters": 1.0, "million parameters": 1e6, "billion parameters": 1e9},
        1.0,
        1e15,
    ),
    Quantity("contributors", "people named as contributors", {"people": 1.0}, 1, 1e6, stipulated=True),
    Quantity(
        "programme_accelerator_hours",
        "accelerator-hours of the whole project: experiments, failed runs and the final run",
        {
            "accelerator-hours": 1.0,
            "thousand accelerator-hours": 1e3,
            "million accelerator-hours": 1e6,
        },
        1e-3,
        1e11,
    ),
    Quantity(
        "company_hardware",
        "what the company's accelerators and servers cost to buy",
        {"USD": 1.0, "million USD": 1e6, "billion USD": 1e9},
        1.0,
        1e13,
    ),
    Quantity(
        "company_operation",
        "what it costs to run the company's accelerators",
        {"USD": 1.0, "million USD": 1e6, "billion USD": 1e9},
        1.0,
        1e13,
    ),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _ALL}


def significant_digits(value: int | Decimal) -> int:
    """Returns how many digits a printed number carries: 1 for 100, 4 for 5.576, 3 for 2.00."""
    if isinstance(value, int):
        return max(len(str(abs(value)).rstrip("0")), 1)
    return len(value.as_tuple().digits)


def half_width(value: int | Decimal, *, stipulated: bool) -> float:
    """Returns half of the last written digit's place: how far the printed number may be from the true one.

    `Decimal("3.7")` gives 0.05, `Decimal("180e3")` 500, `198` 0.5, `2664000` 500: from 1,000 on, the trailing
    zeros of a whole number are taken as rounding. A stipulated quantity (a count, an agreed price) is exact.

    Raises:
        OverflowError: if the last digit's place is out of a float's range.
    """
    if stipulated or value == 0:
        return 0.0
    if isinstance(value, int):
        digits = str(abs(value))
        # "400 TFLOP/s" is seldom a rounded 350 to 450, but "5000 hours" often stands for 5K.
        exponent = len(digits) - len(digits.rstrip("0")) if abs(value) >= _ZEROS_ARE_ROUNDING_FROM else 0
    else:
        raw = value.as_tuple().exponent
        assert isinstance(raw, int), "not-a-number and infinity are refused before"
        exponent = raw
    return 0.5 * 10.0**exponent
