"""The beliefs that a ladder rests on: the package's, the dossier's, and those of the command line, in rising rank."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.measured import citation
from hydrometer.instruments.training_cost.estimating.pricing import price_at
from hydrometer.records.cost_ladder import PriorUsed
from hydrometer.records.dossier import nearest
from hydrometer.records.prices import Contract, PriceQuote
from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import default_priors

# The two months by hand, 2026-11-25: DeepSeek-V3 trained 54 days.
_BEFORE_RELEASE = dt.timedelta(days=120)
"""When the hours of a model were paid, before its release: Epoch's 60 days and about two months of training."""
_CONTRACTS: tuple[Contract, ...] = ("on_demand", "1_year", "3_year")
# By hand, 2026-11-25: three digits of the points stand.
_MIXTURE_DRAWS = 4000
_MEANINGS = {
    "price_per_hour": ("price of one accelerator-hour", "USD per accelerator-hour"),
    "chip_price": ("price of one accelerator, bought", "USD"),
}


def ladder_priors(
    claims: Claims, *, overrides: Sequence[PriorUsed] = (), own_quotes: Sequence[PriceQuote] = ()
) -> dict[str, PriorUsed]:
    """Returns every prior by name.

    Args:
        claims: the dossier, whose own priors replace the package's.
        overrides: priors that replace both.
        own_quotes: a user's prices, which the rent follows where nothing states it.
    """
    found: dict[str, PriorUsed] = {
        prior.name: PriorUsed(**prior.model_dump(), from_dossier=False) for prior in default_priors().values()
    }
    if claims.phases:
        chip = claims.accelerator(claims.phases[0])
        found["price_per_hour"] = _rent(chip, claims.dossier.model.released - _BEFORE_RELEASE, own_quotes)
        if chip.purchase is not None:
            found["chip_price"] = _purchase(chip)
    for own in claims.dossier.priors:
        known = found.get(own.name)
        meaning, unit = (known.meaning, known.unit) if known else _MEANINGS[own.name]
        where = citation(claims.dossier, own.source, own.place)
        found[own.name] = PriorUsed(
            name=own.name,
            meaning=meaning,
            p5=float(own.p5),
            p50=float(own.p50),
            p95=float(own.p95),
            unit=unit,
            source=f"{where.title}: {where.place}",
            from_dossier=True,
        )
    return found | {prior.name: prior for prior in overrides}


def _rent(chip: Accelerator, date: dt.date, own_quotes: Sequence[PriceQuote]) -> PriorUsed:
    """Returns the rent of a day where the contract is not known: an equal mixture of the rents."""
    estimates = [price_at(chip.name, date=date, contract=c, own_quotes=own_quotes) for c in _CONTRACTS]
    # Quantiles of standard normals in place of draws: the mixture's points then carry no noise.
    z = np.sqrt(2.0) * _inverse_error_function((np.arange(_MIXTURE_DRAWS) + 0.5) / _MIXTURE_DRAWS * 2.0 - 1.0)
    mixture = np.concatenate([e.p50 * np.exp(e.sigma * z) for e in estimates])
    low, middle, high = (float(f"{q:.3g}") for q in np.quantile(mixture, [0.05, 0.5, 0.95]))
    return PriorUsed(
        name="price_per_hour",
        meaning=f"rent of one {chip.name} for an hour",
        p5=low,
        p50=middle,
        p95=high,
        unit="USD per accelerator-hour",
        source=f"dated price table at {date}: equal parts on demand, one-year and three-year contract",
        from_dossier=False,
    )


def _inverse_error_function(x: np.ndarray) -> np.ndarray:
    from scipy.special import erfinv

    return np.asarray(erfinv(x))


def _purchase(chip: Accelerator) -> PriorUsed:
    assert chip.purchase is not None
    low, high = chip.purchase.low, chip.purchase.high
    return PriorUsed(
        name="chip_price",
        meaning=f"price of one {chip.name}, bought",
        p5=low,
        p50=float(f"{math.sqrt(low * high):.4g}"),
        p95=high,
        unit="USD",
        source=f"{chip.purchase.source} ({chip.purchase.as_of})",
        from_dossier=False,
    )


def parse_override(text: str) -> PriorUsed:
    """Returns the prior that `NAME=LOW,MIDDLE,HIGH` states by its 5, 50 and 95 % points; one number stands for all.

    Raises:
        InputError: for an unknown name, or numbers that are not positive and in order.
    """
    name, _, numbers = text.partition("=")
    name = name.strip()
    known = {p.name: (p.meaning, p.unit) for p in default_priors().values()} | _MEANINGS
    if name not in known:
        raise InputError(f"--prior: unknown prior '{name[:60]}'", cure=nearest(name, sorted(known)))
    try:
        points = [float(part) for part in numbers.split(",")]
    except ValueError:
        points = []
    points = points * 3 if len(points) == 1 else points
    if len(points) != 3 or not all(math.isfinite(p) and p < 1e12 for p in points) or not points[0] > 0:
        raise InputError(f"--prior {name}: '{numbers[:60]}' is not LOW,MIDDLE,HIGH", cure=f"as --prior {name}=1,2,4")
    if not points[0] <= points[1] <= points[2]:
        raise InputError(f"--prior {name}: {numbers[:60]} is out of order", cure="give low, middle, high")
    meaning, unit = known[name]
    return PriorUsed(
        name=name, meaning=meaning, p5=points[0], p50=points[1], p95=points[2], unit=unit,
        source="the command line", from_dossier=False, from_command_line=True,
    )  # fmt: skip
