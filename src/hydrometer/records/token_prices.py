"""Token prices: dated list prices, what is paid in use, and what an index makes of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from hydrometer.records.base import Record

Direction = Literal["cut", "increase", "unchanged"]
Reason = Literal["first", "new model", "cut", "increase", "another's increase"]
# Dollars for a million tokens, by hand, 2026-11-26: outside lies a price of one token or of a thousand, written wrong.
Money = Annotated[float, Field(gt=0, lt=1e6)]


class TokenPrice(Record):
    """One model's list price from one day on, in USD for a million tokens."""

    date: dt.date
    date_basis: str = "as given"
    """`first seen` dates lag the change; `in force from` and `launch` do not."""
    provider: str = ""
    model: str
    input_usd: Money
    output_usd: Money
    cached_usd: Annotated[float, Field(ge=0, lt=1e6)] | None = None
    peak_factor: Annotated[float, Field(ge=1, le=100)] = 1.0
    peak_hours: Annotated[float, Field(ge=0, le=24)] = 0.0
    benchmark: str = ""
    score: float | None = None
    score_source: str = ""
    source: str
    note: str = ""


class PriceChange(Record):
    """One model's price before and after a day."""

    date: dt.date
    date_basis: str
    provider: str
    model: str
    before_usd: float
    """Effective, for a million tokens of the stated use."""
    after_usd: float
    list_ratio: float
    """Input list price after over before."""
    effective_ratio: float
    direction: Direction
    source: str


class AnchorPoint(Record):
    """The cheapest model at a fixed quality from one day on."""

    date: dt.date
    model: str
    provider: str
    score: float
    score_source: str
    """Empty where nobody said."""
    effective_usd: float
    sticker_usd: float
    """The same use without cache hits: what list prices of input and output alone would say."""
    why: Reason
    source: str


class UseOfTokens(Record):
    """The use that effective prices are of."""

    output_share: float
    cache_share: float
    peak_share: float | None
    source: str


class PricesReport(Record):
    """What `hydrometer demand prices --json` prints."""

    use: UseOfTokens
    benchmark: str
    at_least: float
    anchor: tuple[AnchorPoint, ...]
    decline_a_year: float | None
    """Effective price at the anchor, first over last, a year; None with fewer than two points or half a year."""
    decline_low: float | None
    """The same over other uses: cache hits 0 to 90 %, output 3 to 40 % of tokens."""
    decline_high: float | None
    changes: tuple[PriceChange, ...]
    n_cuts: int
    n_increases: int
    prices: tuple[TokenPrice, ...]
    warnings: tuple[str, ...]


class IndexReading(Record):
    """What one price index makes of one growth of use."""

    name: str
    decline_a_year: float
    elasticity: float
    verdict: Literal["above 1: compute would rise", "below 1: compute would fall"]
    growth_for_one: float
    """Yearly growth at constant prices at which the elasticity would be exactly 1; below 1 is shrinking demand."""
    source: str


class IndexTrap(Record):
    """What `hydrometer demand index --json` prints."""

    who: str
    quantity_before: float
    quantity_after: float
    unit: str
    years: float
    growth_a_year: float
    """Assumed at constant prices."""
    readings: tuple[IndexReading, ...]
    lowest: float
    highest: float
    in_words: str
    source: str
