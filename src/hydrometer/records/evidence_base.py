"""Words and numbers that all evidence shares."""

from __future__ import annotations

from enum import StrEnum

from hydrometer.records.base import Record


class Verdict(StrEnum):
    """What the evidence says of a proposition."""

    SUPPORTS = "supports"
    OPPOSES = "opposes"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"


class Range(Record):
    """A number with its interval."""

    low: float
    middle: float
    high: float
    unit: str
    level: float | None = None
    """Coverage of the interval; absent where low and high are plain bounds."""
    method: str
    """How low and high were found."""
