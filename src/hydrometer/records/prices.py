"""Dated prices, exchange rates and electricity: every row says what, when, under which contract, and who says so."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from hydrometer.records.base import Record, Text

Positive = Annotated[float, Field(gt=0, lt=1e12)]
Contract = Literal["on_demand", "spot", "1_year", "3_year", "own"]
"""How an accelerator-hour is paid for; `own`: cost of owning and running it, not a rent."""
Tier = Literal["hyperscaler", "neocloud", "marketplace"]
Grade = Literal["primary", "quoted", "index", "press", "recalled", "user"]
"""quoted: a price list as a data set keeps it; index: a survey of a market; press: a web page; user: own file."""
Region = Literal["any", "us", "europe", "asia"]


class PriceQuote(Record):
    """A price of one accelerator-hour, seen on a day."""

    accelerator: Text
    region: Region = "any"
    contract: Contract
    date: dt.date
    # A tenth of a cent to $10,000: outside lies a wrong unit (an hour of a cluster, of a month). By hand, 2026-11-25.
    usd_per_hour: Annotated[float, Field(ge=1e-3, le=1e4)]
    seller: Text = "market"
    """`market` for an index over many sellers."""
    tier: Tier = "neocloud"
    source: Text
    grade: Grade


class PriceModel(Record):
    """Variances of the parts of a log price, fitted to the shipped quotes."""

    date: dt.date
    command: Text
    n_quotes: int
    variances: dict[str, float]


class ExchangeRate(Record):
    """What one unit of a currency was worth on average over a year."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    year: int
    usd: Positive
    source: Text
    grade: Grade


class Electricity(Record):
    """A grid in a year: what a kWh emitted and what industry paid for it."""

    region: Text
    year: int
    grams_co2_per_kwh: Positive
    usd_per_kwh: Positive
    source: Text
    grade: Grade


class PriceEstimate(Record):
    """What an accelerator-hour costs on a day, with its interval."""

    accelerator: str
    date: dt.date
    contract: Contract
    tier: Tier
    p10: float
    p50: float
    p90: float
    sigma: float
    """Standard deviation of the natural log."""
    method: str
    quotes: tuple[PriceQuote, ...]
    """The nearest quotes of this accelerator, nearest first."""
    warnings: tuple[str, ...] = ()


class PricedHours(Record):
    """Dollars of a number of accelerator-hours."""

    p10: float
    p50: float
    p90: float
    price: PriceEstimate


class EnergyUse(Record):
    """Electricity of a training and what it emitted."""

    kwh: float
    kg_co2: float
    region: str
    year: int
    grams_co2_per_kwh: float
    usd: float
    method: str
    source: str
    warnings: tuple[str, ...] = ()


class OwnershipLine(Record):
    """One line of what owning an accelerator for an hour costs."""

    line: str
    usd_per_hour: float


class PriceListing(Record):
    """What `hydrometer cost prices --json` prints."""

    quotes: tuple[PriceQuote, ...]
    estimates: tuple[PriceEstimate, ...]
    """One for each contract asked for, where a day was given."""
    ownership: tuple[OwnershipLine, ...] = ()
    """Build-up of an owner's hour, where `own` and a day were asked for."""
