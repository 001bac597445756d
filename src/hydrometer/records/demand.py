"""Demand for compute: what is believed, what was measured, and what follows for a gain in efficiency."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.evidence import Details
from hydrometer.records.token_prices import IndexTrap

Distribution = Literal["fixed", "uniform", "triangular", "normal"]
Answer = Literal["falls", "rises", "undetermined"]
Origin = Literal["default", "file", "command line"]


class DemandPrior(Record):
    """A belief about one number, as a distribution with its source."""

    name: str
    meaning: str
    distribution: Distribution
    points: tuple[float, ...]
    """The value; low and high; low, mode and high; or mean and standard deviation."""
    source: str
    origin: Origin = "default"


class ElasticityEstimate(Record):
    """One measured price elasticity of one model's tokens, as a positive number."""

    name: str
    elasticity: float
    standard_error: float
    date: dt.date | None
    identifies: str
    source: str
    origin: Origin = "default"


class PooledEstimate(Record):
    """A measured elasticity and what it weighs in the pool."""

    estimate: ElasticityEstimate
    weight: float


class Points(Record):
    """A number that is not known exactly: its 5, 10, 50, 90 and 95 % points."""

    p5: float
    p10: float
    p50: float
    p90: float
    p95: float


class Outcome(Record):
    """What a gain does over one horizon, by one state of knowledge."""

    elasticity: Points
    """Of the market's tokens, as a positive number."""
    compute_ratio: Points
    """Compute after over compute before."""
    realised_fraction: Points
    """Of the engineer's saving taken back: 0 none, 1 all, above 1 backfire."""
    probability_of_backfire: float
    answer: Answer


class Horizons(Record):
    """Short and long run by one state of knowledge."""

    short_run: Outcome
    long_run: Outcome


class EvidencePool(Record):
    """The estimates taken together (DerSimonian and Laird)."""

    mean: float
    standard_error: float
    tau: float
    """Standard deviation between estimates."""
    n: int
    estimates: tuple[PooledEstimate, ...]
    own: tuple[ElasticityEstimate, ...]
    """The user's own estimates, which bear on the case at hand directly."""
    used_mean: float
    """Of the short-run elasticity of one model that the posterior draws from."""
    used_sd: float


class Alternative(Record):
    """The long-run posterior with one thing changed."""

    what: str
    probability_of_backfire: float
    compute_ratio: float
    """The median."""


class DemandSwing(Record):
    """What one uncertain number does to the median compute ratio."""

    prior: str
    low: float
    """Median compute ratio where this number is in its lowest tenth."""
    high: float
    rank_correlation: float


class SupplySide(Record):
    """Log changes where supply slopes upward; both have one sign."""

    compute_price: Points
    compute: Points


class CurvePoint(Record):
    """Probability of backfire if the market's long-run elasticity were this."""

    elasticity: float
    probability_of_backfire: float


class DemandVerdict(Record):
    """What `hydrometer demand --gain K --json` prints."""

    gain: float
    answer: Answer
    """Of the long run, after the evidence."""
    probability_of_backfire: float
    probability_low: float
    """Lowest and highest probability over the alternatives."""
    probability_high: float
    monte_carlo_error: float
    """Standard error of the probability by the finite number of draws."""
    compute_ratio: Points
    elasticity: Points
    realised_fraction: Points
    in_words: str
    prior: Horizons
    posterior: Horizons
    evidence: EvidencePool
    alternatives: tuple[Alternative, ...]
    swings: tuple[DemandSwing, ...]
    supply: SupplySide
    curve: tuple[CurvePoint, ...]
    priors: tuple[DemandPrior, ...]
    warnings: tuple[str, ...]
    n_draws: int
    seed: int


class GainBasis(Record):
    """Where a gain in efficiency comes from."""

    gain: float
    """Tokens or training per unit of compute, after over before."""
    compared_with: str | None
    """None where the gain was given outright."""
    quality: str | None
    training_flop: float | None
    compared_training_flop: float | None
    serving_gain: float | None
    """The same for one served token: ratio of FLOP per token."""
    assumption: str
    warnings: tuple[str, ...]


class DemandEvidence(Details):
    """A gain, what it does to the demand for compute, and how much the choice of a price index decides."""

    kind: Literal["demand"] = "demand"
    basis: GainBasis
    verdict: DemandVerdict
    index: IndexTrap
