"""What a sum of money could train: the frontier of parameters and tokens."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hydrometer.costs.flop import FLOP_PER_PARAMETER_AND_TOKEN
from hydrometer.costs.utilisation import Array, RunShape
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.estimate import generation_of
from hydrometer.instruments.training_cost.estimating.pricing import price_at
from hydrometer.records.estimates import Quantiles
from hydrometer.records.plan import Inversion, Trainable
from hydrometer.records.prices import Contract, PriceQuote
from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import find_accelerator
from hydrometer.store.utilisation import shipped_utilisation

_CHINCHILLA = 20.0
"""Tokens for each parameter of a compute-optimal dense model (Hoffmann et al., arXiv:2203.15556)."""
# Round sizes, and 37e9 for DeepSeek-V3's active parameters: what readers compare with.
_SIZES = (1e9, 3e9, 7e9, 13e9, 37e9, 70e9, 130e9, 405e9, 1e12)
_SECONDS_PER_HOUR = 3600.0
_DRAWS = 20_000
# By hand, 2026-11-25: utilisation depends little on size, and the size is rounded to three digits.
_ROUNDS = 6


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
    warnings: tuple[str, ...] = ()
    if sum_.price_per_hour is not None:
        price, price_sigma, method = sum_.price_per_hour, 0.0, "the price given"
    else:
        estimate = price_at(chip.name, date=sum_.date, contract=sum_.contract, own_quotes=own_quotes)
        price, price_sigma, method = estimate.p50, estimate.sigma, estimate.method
        warnings = estimate.warnings
    rng = np.random.default_rng(0)
    price_D = price * np.exp(price_sigma * rng.standard_normal(_DRAWS))
    peak_D = sum_.usd / price_D * _SECONDS_PER_HOUR * chip.bf16_flop_per_second
    optimal = _optimal(sum_, chip, peak_D)
    flop_D, used_D = _work(sum_, chip, optimal, peak_D)
    model = shipped_utilisation()
    return Inversion(
        usd=sum_.usd,
        accelerator=chip.name,
        date=sum_.date,
        contract=sum_.contract,
        architecture="moe" if sum_.mixture else "dense",
        precision=sum_.precision,
        price_per_hour=_points(price_D),
        accelerator_hours=_points(sum_.usd / price_D),
        utilisation=_points(used_D),
        training_flop=_points(flop_D),
        frontier=tuple(_point(sum_, chip, size, peak_D, optimal) for size in sorted({*_SIZES, optimal})),
        basis=(
            f"utilisation of {len(model.labels)} whole runs over steady benchmarks, fitted {model.date}; here for a "
            f"model of {optimal:.3g} parameters, in the table for each size",
            method,
            "6 × active parameters × tokens",
        ),
        warnings=warnings,
    )


def _work(sum_: Spending, chip: Accelerator, size: float, peak_D: Array) -> tuple[Array, Array]:
    """Returns draws of the FLOP that the hours do for a model of this size, and of their utilisation."""
    shape = RunShape(
        active_parameters=size,
        mixture=sum_.mixture,
        generation=generation_of(chip),
        low_precision=sum_.precision != "bf16",
        a100_40gb=chip.name == "A100-SXM-40GB",
        peak_flop_per_second=chip.bf16_flop_per_second,
    )
    prediction, _ = shipped_utilisation().predict(shape)
    # The t distribution's upper tail passes the peak itself.
    used_D = np.minimum(prediction.draws(_DRAWS, rng=np.random.default_rng(1)), 1.0)
    return peak_D * used_D, used_D


def _optimal(sum_: Spending, chip: Accelerator, peak_D: Array) -> float:
    """Returns the compute-optimal size of a dense model, three digits; utilisation depends on size, so by iteration."""
    size = 1e10
    for _ in range(_ROUNDS):
        flop = float(np.median(_work(sum_, chip, size, peak_D)[0]))
        size = float(f"{math.sqrt(flop / (FLOP_PER_PARAMETER_AND_TOKEN * _CHINCHILLA)):.3g}")
    return size


def _point(sum_: Spending, chip: Accelerator, size: float, peak_D: Array, optimal: float) -> Trainable:
    tokens = _points(_work(sum_, chip, size, peak_D)[0] / (FLOP_PER_PARAMETER_AND_TOKEN * size))
    return Trainable(
        active_parameters=size,
        tokens=tokens,
        tokens_per_parameter=tokens.p50 / size,
        note="compute-optimal for a dense model" if size == optimal else "",
    )


def _points(draws: Array) -> Quantiles:
    low, middle, high = (float(v) for v in np.quantile(draws, (0.1, 0.5, 0.9)))
    return Quantiles(p10=low, p50=middle, p90=high)
