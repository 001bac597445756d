"""Elasticity measured from data: price changes, estimates by several methods, and typed warnings."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from hydrometer.records.base import Record

WarningKind = Literal[
    "simultaneity",
    "launch_ramp",
    "list_price",
    "index_choice",
    "business_stealing",
    "supply_rationing",
    "platform_growth",
    "few_clusters",
    "no_price_events",
    "slow_response",
    "short_windows",
    "quality_change",
]


class DemandWarning(Record):
    """A reason to doubt an elasticity."""

    kind: WarningKind
    text: str
    cure: str


class PublishedEvent(Record):
    """A published price change with the quantities around it."""

    model: str
    vendor: str
    date: dt.date
    price_ratio: float
    """Price after over before."""
    quantity_ratio: float
    platform_ratio: float
    """Growth of the platform over the same windows."""
    standard_error: float
    """Of the log quantity's step."""
    age_days: int | None = None
    """Days since launch, where a ramp is suspected."""
    note: str
    source: str


class MeasuredEvent(Record):
    """One price change and the elasticity that it shows, as a positive number."""

    model: str
    date: dt.date
    price_ratio: float
    elasticity: float
    standard_error: float
    shrunken: float
    """Drawn towards the others by its error (empirical Bayes)."""
    shrunken_error: float
    without_it: float | None
    """The pooled elasticity with this event's cluster left out."""
    cluster: int
    note: str = ""


class Estimated(Record):
    """An elasticity by one method, as a positive number."""

    method: str
    estimate: float
    low: float | None
    """None where no bound can be given."""
    high: float | None
    level: float
    interval: str
    """How the interval was found."""
    n: int
    n_clusters: int
    assumes: str


class Adjustment(Record):
    """How fast use adjusts to a price, on the average of the shapes that the events allow."""

    half_days: float
    """Until half of the response is there; 0 at once."""
    first_week: float
    """The elasticity that shows after a week."""
    seen: float
    """Share of the final response that has come by the end of the window."""
    window_days: float
    """After an event, where no other event cuts it short."""
    still_moving: bool
    """Whether the response still grows there: then only a lower bound is given."""


class ElasticityReport(Record):
    """What `hydrometer demand elasticity --json` prints."""

    series: str
    sha256: str | None
    n_rows: int
    n_models: int
    first: dt.date
    last: dt.date
    identified: bool
    """Whether the recommended estimate rests on price changes that demand did not cause, as far as can be seen."""
    recommended: Estimated | None
    """None where nothing in the data can tell a response to price."""
    standard_error: float | None
    adjustment: Adjustment | None
    """None for published events and where no event could be measured."""
    others: tuple[Estimated, ...]
    """By methods that are not recommended, to be compared with."""
    events: tuple[MeasuredEvent, ...]
    tau: float | None
    """Standard deviation between events."""
    warnings: tuple[DemandWarning, ...]
    sources: tuple[str, ...]
    seed: int
