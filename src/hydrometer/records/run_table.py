"""A table of training runs, as read, and what an audit of it found."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from hydrometer.records.base import Record

RowVerdict = Literal["consistent", "inconsistent", "not checkable"]


class RunRow(Record):
    """One row of a table of training runs; a blank cell is None."""

    line: int
    """Line of the file, for people."""
    model: str
    developer: str
    date: dt.date | None = None
    accelerator: str | None = None
    phase: str = ""
    precision: str = ""
    architecture: str = ""
    total_parameters: float | None = None
    active_parameters: float | None = None
    tokens: float | None = None
    training_flop: float | None = None
    n_accelerators: float | None = None
    accelerator_hours: float | None = None
    wall_clock_hours: float | None = None
    price_per_hour: float | None = None
    cost_usd: float | None = None
    hours_basis: str = ""
    base_model: str | None = None
    """The model that this one was fine-tuned from."""


class RowCheck(Record):
    """One equation of one row."""

    name: str
    title: str
    left: str
    right: str
    ratio: float | None
    """Left over right, at the printed values; None where there are not two numbers."""
    verdict: RowVerdict
    explanation: str
    source: str = ""


class RowFinding(Record):
    """What was found of one row."""

    line: int
    model: str
    verdict: RowVerdict
    checks: tuple[RowCheck, ...]
    """The failed ones first."""
    conflict: str = ""
    """Name of the check that found two readings in the public record; empty where there is none."""


class TableAudit(Record):
    """What `hydrometer cost audit-table --json` prints."""

    file: str
    n_rows: int
    n_inconsistent: int
    n_consistent: int
    n_not_checkable: int
    rows: tuple[RowFinding, ...]


class PublishedRecord(Record):
    """What the makers published of a model's bill: the standard that a table is held to."""

    model: str
    aliases: tuple[str, ...] = ()
    accelerator_hours: float | None = None
    n_accelerators: tuple[float, ...] = ()
    """More than one: the public record disagrees with itself."""
    source: str
    note: str = ""
