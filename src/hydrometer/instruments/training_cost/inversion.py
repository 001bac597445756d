"""What a sum of money could train: the frontier of parameters and tokens."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hydrometer.costs.flop import FLOP_PER_PARAMETER_AND_TOKEN
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.pricing import Z90, price_at
from hydrometer.instruments.training_cost.utilisation import expected_utilisation
from hydrometer.records.plan import Inversion, Quantiles, Trainable
from hydrometer.records.prices import Contract, PriceQuote
from hydrometer.store.reference import find_accelerator

_CHINCHILLA = 20.0
"""Tokens for each parameter of a compute-optimal dense model (Hoffmann et al., arXiv:2203.15556)."""
_SIZES = (1e9, 3e9, 7e9, 13e9, 37e9, 70e9, 130e9, 405e9, 1e12)
_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Spending:
    """A sum and what it rents.

    Attributes:
        usd: the sum.
        accelerator: a name of the table.
        date: when it is paid.
        contract: how.
        mixture: a mixture of experts: parameters are those active for a token.
        precision: `bf16` or `fp8`.
        price_per_hour: a price that is known, instead of the table's.
    """

    usd: float
    accelerator: str
    date: dt.date
    contract: Contract
    mixture: bool = False
    precision: str = "bf16"
    price_per_hour: float | None = None


def invert(sum_: Spending, *, own_quotes: Sequence[PriceQuote] = ()) -> Inversion:
    """Returns what a sum of money could train, with 80 % intervals.

    Args:
        sum_: the sum, and what it rents.
        own_quotes: a user's prices.

    Raises:
        InputError: for a sum or a price that cannot be.
    """
    for value, option in ((sum_.usd, "--usd"), (sum_.price_per_hour, "--price")):
        if value is not None and not (math.isfinite(value) and 0 < value <= 1e13):
            raise InputError(f"{option} {value:g} is out of range", cure="give a positive number of dollars")
    chip = find_accelerator(sum_.accelerator)
    used = expected_utilisation(chip, mixture=sum_.mixture, precision=sum_.precision)
    warnings: tuple[str, ...] = ()
    if sum_.price_per_hour is not None:
        price, price_sigma, method = sum_.price_per_hour, 0.0, "the price given"
    else:
        estimate = price_at(chip.name, date=sum_.date, contract=sum_.contract, own_quotes=own_quotes)
        price, price_sigma, method = estimate.p50, estimate.sigma, estimate.method
        warnings = estimate.warnings
    flop = sum_.usd / price * _SECONDS_PER_HOUR * chip.bf16_flop_per_second * used.median
    sigma = math.hypot(used.sigma, price_sigma)
    return Inversion(
        usd=sum_.usd,
        accelerator=chip.name,
        date=sum_.date,
        contract=sum_.contract,
        architecture="moe" if sum_.mixture else "dense",
        precision=sum_.precision,
        price_per_hour=_spread(price, price_sigma),
        accelerator_hours=_spread(sum_.usd / price, price_sigma),
        utilisation=Quantiles(p10=used.quantile(-Z90), p50=used.median, p90=used.quantile(Z90)),
        training_flop=_spread(flop, sigma),
        frontier=_frontier(flop, sigma),
        basis=(used.basis, method, "6 × active parameters × tokens"),
        warnings=warnings,
    )


def _frontier(flop: float, sigma: float) -> tuple[Trainable, ...]:
    optimal = float(f"{math.sqrt(flop / (FLOP_PER_PARAMETER_AND_TOKEN * _CHINCHILLA)):.3g}")
    return tuple(
        Trainable(
            active_parameters=size,
            tokens=_spread(flop / (FLOP_PER_PARAMETER_AND_TOKEN * size), sigma),
            tokens_per_parameter=flop / (FLOP_PER_PARAMETER_AND_TOKEN * size**2),
            note="compute-optimal for a dense model" if size == optimal else "",
        )
        for size in sorted({*_SIZES, optimal})
    )


def _spread(median: float, sigma: float) -> Quantiles:
    return Quantiles(p10=float(median * np.exp(-Z90 * sigma)), p50=median, p90=float(median * np.exp(Z90 * sigma)))
