"""From the headline cost to the whole: one range for each way of counting."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.evidence import Citation, Details, Range


class PriorUsed(Record):
    """A stated belief that went into a Monte Carlo."""

    name: str
    meaning: str
    p5: float
    p50: float
    p95: float
    unit: str
    source: str
    from_dossier: bool
    from_command_line: bool = False


class Swing(Record):
    """What one unpublished number does to the whole: a bar of the tornado."""

    prior: str
    low: float
    """Median of the whole, USD, where this number is in its lowest tenth."""
    high: float
    """The same for its highest tenth."""
    rank_correlation: float


class CostLevel(Record):
    """One way of counting the cost, with the question that it answers."""

    id: str
    title: str
    question: str
    usd: Range
    sources: tuple[str, ...]


class Reading(Record):
    """A published figure for one level, as one party read it."""

    level: str
    text: str
    usd: float
    relation: str
    citation: Citation


class CostLadder(Details):
    """From the headline to the whole."""

    kind: Literal["cost_ladder"] = "cost_ladder"
    headline: Reading | None
    levels: tuple[CostLevel, ...]
    readings: tuple[Reading, ...]
    priors: tuple[PriorUsed, ...]
    n_draws: int
    swings: tuple[Swing, ...] = ()
    """Which unpublished number matters most for the last of the rented cost levels, the widest first."""


class LadderReport(Record):
    """What `hydrometer cost ladder --json` prints."""

    subject: str
    ladder: CostLadder
    seed: int
