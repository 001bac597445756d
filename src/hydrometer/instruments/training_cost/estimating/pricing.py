"""What hours cost: the dated prices of the store through the price model, with intervals.

`usd_for` is what every estimate of dollars calls; `price_at` is the price alone, `energy_of` the electricity.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from hydrometer.costs import money
from hydrometer.costs.ownership import Ownership, OwnershipCost, ownership_cost
from hydrometer.costs.prices import LogPrice, Quotes, bridge, predict
from hydrometer.errors import InputError
from hydrometer.records.prices import Contract, EnergyUse, PricedHours, PriceEstimate, PriceQuote, Tier
from hydrometer.records.reference import Accelerator
from hydrometer.store.prices import electricity, ownership_defaults, price_model, price_quotes
from hydrometer.store.reference import find_accelerator

Draws = npt.NDArray[np.float64]

# Standard normal points: 80 % and 90 % intervals, two-sided.
Z90 = 1.2815515655446004
Z95 = 1.6448536269514722
# By hand, 2026-11-26: outside lie slips of a digit.
FIRST_YEAR, LAST_YEAR = 2010, 2099
# For the reader, and half a year as "stale": by hand, 2026-11-25.
_NEAREST = 5
_STALE_DAYS = 180
# data/price_model.toml: 0.059 for the market, 0.074 with the walks of seller kind, chip and contract.
_OWN_WALK = 0.08
"""Yearly variance of a log price away from a user's own quotes: that of the market as a whole, rounded up."""


def decimal_year(date: dt.date) -> float:
    """Returns a date as a decimal year."""
    return date.year + (date.timetuple().tm_yday - 1) / 365.25


def arrays_of(quotes: Sequence[PriceQuote]) -> Quotes:
    """Returns quotes as the arrays of the price model, shape (Q,)."""
    chips = [find_accelerator(quote.accelerator) for quote in quotes]
    return Quotes(
        year=np.array([decimal_year(quote.date) for quote in quotes]),
        log_peak=np.log([chip.bf16_flop_per_second for chip in chips]),
        launch=np.array([decimal_year(chip.launched) for chip in chips]),
        accelerator=np.array([quote.accelerator for quote in quotes]),
        contract=np.array([quote.contract for quote in quotes]),
        tier=np.array([quote.tier for quote in quotes]),
        seller=np.array([quote.seller for quote in quotes]),
        region=np.array([quote.region for quote in quotes]),
        press=np.array([quote.grade == "press" for quote in quotes]),
    )


def price_at(
    accelerator: str,
    *,
    date: dt.date,
    contract: Contract = "on_demand",
    tier: Tier = "neocloud",
    own_quotes: Sequence[PriceQuote] = (),
) -> PriceEstimate:
    """Returns what one accelerator-hour costs on a day.

    Args:
        accelerator: a name of the table.
        date: the day.
        contract: `on_demand`, `spot`, `1_year`, `3_year`, or `own` (Epoch's amortisation of the chip's price).
        tier: kind of seller; for `own`, kind of owner.
        own_quotes: a user's quotes; where they price this accelerator and contract, they alone count.

    Returns:
        The 10, 50 and 90 % points of what one buyer pays, the nearest quotes, and warnings where it extrapolates.

    Raises:
        InputError: for an unknown accelerator, one that nobody sells where the contract is `own`, or a date that no
            quote says anything of.
    """
    chip = find_accelerator(accelerator)
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise InputError(f"no price of {date} can be determined", cure=f"give a date from {FIRST_YEAR} to {LAST_YEAR}")
    mine = [q for q in own_quotes if q.accelerator == chip.name and q.contract == contract]
    warnings = _date_warnings(chip, date)
    if own_quotes and not mine:
        warnings.append(f"your price file has no {contract} price of {chip.name}: the shipped table was used")
    if mine:
        found, method, seen = _from_own_file(mine, date), "your price file, log-linear in time", mine
    elif contract == "own":
        found, method = _owned(chip, date, tier)
        seen = [q for q in price_quotes() if q.accelerator == chip.name and q.contract == "own"]
    else:
        rents = [q for q in price_quotes() if q.contract != "own"]
        asked = PriceQuote(
            accelerator=chip.name, contract=contract, date=date, usd_per_hour=1.0, seller="market",
            tier=tier, source="asked", grade="primary",
        )  # fmt: skip
        found = predict(
            arrays_of([asked]),
            quotes=arrays_of(rents),
            log_price=np.log([q.usd_per_hour for q in rents]),
            variances=price_model().variances,
        )
        method = f"Gaussian process over {len(rents)} dated quotes of {price_model().date.isoformat()}"
        seen = [q for q in rents if q.accelerator == chip.name]
        warnings += _quote_warnings(chip, date, contract, seen)
    low, middle, high = (float(found.quantile(z)[0]) for z in (-Z90, 0.0, Z90))
    near = sorted(seen, key=lambda q: (q.contract != contract, abs((q.date - date).days)))[:_NEAREST]
    return PriceEstimate(
        accelerator=chip.name, date=date, contract=contract, tier=tier,  p10=low, p50=middle, p90=high,
        sigma=float(found.sigma[0]), method=method, quotes=tuple(near), warnings=tuple(warnings),
    )  # fmt: skip


def usd_for(
    hours: float | Draws,
    accelerator: str,
    date: dt.date,
    contract: Contract = "on_demand",
    *,
    tier: Tier = "neocloud",
    own_quotes: Sequence[PriceQuote] = (),
    rng: np.random.Generator | None = None,
) -> PricedHours:
    """Returns the dollars of accelerator-hours: `usd_for(2_788_000, "H800", dt.date(2024, 8, 28), "1_year")`.

    Args:
        hours: accelerator-hours, one number or draws of shape (n,); draws are multiplied by as many price draws.
        accelerator: a name of the table.
        date: when the hours were or will be paid.
        contract: see `price_at`.
        tier: see `price_at`.
        own_quotes: see `price_at`.
        rng: source of the price draws; needed where `hours` are draws.

    Returns:
        The 10, 50 and 90 % points in USD, and the price they rest on.

    Raises:
        InputError: for hours that are not positive and finite, and as `price_at` does.
    """
    if not np.all(np.isfinite(hours)) or np.any(np.asarray(hours) <= 0):
        raise InputError("accelerator-hours must be positive numbers", cure="check the hours")
    price = price_at(accelerator, date=date, contract=contract, tier=tier, own_quotes=own_quotes)
    if isinstance(hours, np.ndarray):
        assert rng is not None, "draws of hours need a generator for the draws of the price"
        usd = hours * price.p50 * np.exp(price.sigma * rng.standard_normal(len(hours)))
        low, middle, high = (float(v) for v in np.quantile(usd, [0.1, 0.5, 0.9]))
    else:
        low, middle, high = hours * price.p10, hours * price.p50, hours * price.p90
    return PricedHours(p10=low, p50=middle, p90=high, price=price)


def energy_of(
    hours: float, accelerator: str, date: dt.date, *, region: str = "us", owner: str = "", pue: float | None = None
) -> EnergyUse:
    """Returns the electricity of a training, and its emissions on a region's grid in the year nearest the date.

    Args:
        hours: accelerator-hours.
        accelerator: a name of the table; its board power must be known.
        date: when the hours were run.
        region: a grid of the table.
        owner: whose data centre, for its power usage effectiveness by Epoch's rule.
        pue: overrides that rule.

    Raises:
        InputError: for impossible hours, an unknown region, or an accelerator whose power is not known.
    """
    chip = find_accelerator(accelerator)
    if not (math.isfinite(hours) and 0 < hours <= 1e12):
        raise InputError(f"{hours:g} accelerator-hours are out of range", cure="give a positive number")
    if pue is not None and not 1.0 <= pue <= 5.0:
        raise InputError(f"a PUE of {pue:g} is out of range", cure="give 1 to 5")
    if chip.board_power_watts is None:
        raise InputError(f"the power limit of {chip.name} is not known", cure="choose another accelerator")
    grids = [grid for grid in electricity() if grid.region == region.lower()]
    if not grids:
        known = ", ".join(sorted({grid.region for grid in electricity()}))
        raise InputError(f"no grid of '{region[:40]}'", cure=f"known: {known}")
    grid = min(grids, key=lambda grid: abs(grid.year - date.year))
    effectiveness = money.power_usage_effectiveness(owner) if pue is None else pue
    kwh = money.energy_kwh(
        accelerator_hours=float(hours),
        board_power_watts=chip.board_power_watts,
        server_factor=money.server_power_factor(chip.name),
        average_share=money.average_power_share(chip.name),
        pue=effectiveness,
    )
    warnings = () if grid.year == date.year else (f"grid of {grid.year} stands in for {date.year}",)
    return EnergyUse(
        kwh=kwh, kg_co2=kwh * grid.grams_co2_per_kwh / 1000, region=grid.region, year=grid.year,
        grams_co2_per_kwh=grid.grams_co2_per_kwh, usd=kwh * grid.usd_per_kwh,
        method=f"hours × board power × server factor × average share × PUE {effectiveness} (Epoch, arXiv:2405.21015)",
        source=grid.source, warnings=warnings,
    )  # fmt: skip


def owned_hour(accelerator: str, *, tier: Tier = "neocloud", chip_price: float | None = None) -> OwnershipCost:
    """Returns an owner's cost of an hour, line by line; chips are bought at the middle of the seen prices.

    Raises:
        InputError: if no purchase price or power of the accelerator is known.
    """
    chip = find_accelerator(accelerator)
    if chip.purchase is None or chip.board_power_watts is None:
        raise InputError(f"no purchase price of {chip.name} is known", cure="ask for a rent instead of `own`")
    paid = chip_price if chip_price is not None else (chip.purchase.low * chip.purchase.high) ** 0.5
    line = ownership_defaults()["hyperscaler" if tier == "hyperscaler" else "neocloud"]
    server = paid * server_factor(chip)
    # The newest year of the table: a build-up has no date of its own.
    grid = max((g for g in electricity() if g.region == "us"), key=lambda g: g.year)
    return ownership_cost(
        Ownership(
            server_usd=server,
            network_usd=server * line["network_share"],
            storage_usd=server * line["storage_share"],
            all_in_kilowatts=chip.board_power_watts / 1000 * money.server_power_factor(chip.name),
            life_years=line["life_years"],
            capital_cost=line["capital_cost"],
            hosting_usd_per_kilowatt_month=line["hosting_usd_per_kilowatt_month"],
            usd_per_kwh=grid.usd_per_kwh,
            pue=line["pue"],
            average_share=line["average_share"],
            support_share=line["support_share"],
            rented_share=line["rented_share"],
        )
    )


def server_factor(chip: Accelerator) -> float:
    """Returns what a server costs over the prices at which the chip was seen: 1 where they are a server's share."""
    of_server = chip.purchase is not None and chip.purchase.of == "server"
    return 1.0 if of_server else money.chip_to_server(chip.name)


def _from_own_file(mine: Sequence[PriceQuote], date: dt.date) -> LogPrice:
    by_day: dict[dt.date, list[float]] = {}
    for quote in mine:
        by_day.setdefault(quote.date, []).append(float(np.log(quote.usd_per_hour)))
    days = sorted(by_day)
    return bridge(
        decimal_year(date),
        year=np.array([decimal_year(day) for day in days]),
        log_price=np.array([np.mean(by_day[day]) for day in days]),
        walk=_OWN_WALK,
    )


def _owned(chip: Accelerator, date: dt.date, tier: Tier) -> tuple[LogPrice, str]:
    if chip.purchase is None or chip.board_power_watts is None:
        raise InputError(f"no purchase price of {chip.name} is known", cure="ask for a rent instead of `own`")
    age = max(decimal_year(date) - decimal_year(chip.launched) - money.AVAILABLE_AFTER_DAYS / money.DAYS_PER_YEAR, 0.0)
    ends = [
        money.owned_price_per_hour(
            chip_price=price,
            age_years=age,
            board_power_watts=chip.board_power_watts,
            server_factor=server_factor(chip),
            power_factor=money.server_power_factor(chip.name),
        )
        for price in (chip.purchase.low, chip.purchase.high)
    ]
    low, high = (float(np.log(end)) for end in ends)
    # The seen prices are taken as a 90 % range; the floor keeps one quoted price from passing as certain.
    # 0.10 by hand, 2026-11-25; not measured.
    sigma = max((high - low) / (2 * Z95), 0.10)
    method = "Epoch's amortisation (arXiv:2405.21015) of the chip's seen prices, and electricity"
    return LogPrice(np.array([(low + high) / 2]), np.array([sigma])), method


def _date_warnings(chip: Accelerator, date: dt.date) -> list[str]:
    return [f"{chip.name} came out on {chip.launched}, after this date"] if date < chip.launched else []


def _quote_warnings(chip: Accelerator, date: dt.date, contract: str, seen: Sequence[PriceQuote]) -> list[str]:
    if not seen:
        return [f"no quote of {chip.name}: the price follows from its peak, its age and other chips"]
    found = []
    if not any(q.contract == contract for q in seen):
        found.append(f"no {contract} quote of {chip.name}: the discount is that of other chips")
    gap = min(abs((q.date - date).days) for q in seen)
    if gap > _STALE_DAYS:
        found.append(f"the nearest quote of {chip.name} is {gap} days away: the interval is wide")
    return found


def contract_type(name: str) -> Contract:
    """Returns a checked contract type as the type checker wants it."""
    return cast(Contract, name)
