"""Published numbers set against each other: every check with both sides, and what the checks say together."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.evidence import Citation, Details, OperatingPoint, Verdict

Relation = Literal["equals", "at_most", "at_least", "within"]


class Side(Record):
    """One side of an equation: how it reads, and the range its rounded inputs allow."""

    text: str
    low: float
    value: float
    high: float
    unit: str


class Check(Record):
    """One equation that published numbers must satisfy."""

    id: str
    name: str
    """Which equation, as `hours_times_price`; several checks of one audit can share it."""
    title: str
    phase: str | None
    left: Side | None
    right: Side | None
    relation: Relation
    tolerance: float | None
    """Allowed gap between the sides, as a ratio minus 1, beyond the rounding of the inputs."""
    tolerance_reason: str
    gap: float | None
    """Ratio of the sides minus 1, after the rounding of the inputs was granted; 0 where they overlap."""
    verdict: Verdict
    explanation: str
    claims: tuple[str, ...]
    """Ids of the claims that stand on either side."""
    sources: tuple[Citation, ...]
    third_party_claim: str | None = None
    """Id of somebody else's claim that this check judges; absent where it judges the developer's own."""


class ParameterCount(Record):
    """Parameters by one convention."""

    convention: str
    meaning: str
    parameters: int


class FlopCount(Record):
    """FLOP per training token by one convention."""

    sequence_length: int
    attention: Literal["causal", "full"]
    includes_mtp: bool
    flop_per_token: float


class UtilisationCount(Record):
    """Utilisation of the main phase by one convention: exact FLOP over hours and peak."""

    attention: Literal["causal", "full"]
    includes_mtp: bool
    peak: str
    mfu: float
    flop_per_second: float


class UtilisationPoint(Record):
    """One published run, or the subject, on the utilisation picture."""

    model: str
    developer: str
    accelerator: str
    hardware: str
    """Chips that share a peak, as `H100/H800/H200`: the row of the picture."""
    architecture: Literal["dense", "moe"]
    precision: str
    mfu: float
    """6·N_active·D over hours times the BF16 peak."""
    is_subject: bool
    source: str


class ClaimChecking(Details):
    """Every check of the published numbers, and the network they were computed from."""

    kind: Literal["claim_checking"] = "claim_checking"
    checks: tuple[Check, ...]
    parameters: tuple[ParameterCount, ...]
    flop_per_token: tuple[FlopCount, ...]
    utilisation_by_convention: tuple[UtilisationCount, ...]
    utilisation: tuple[UtilisationPoint, ...]


class Proposition(Record):
    """A proposition and what the checks say of it."""

    id: str
    proposition: str
    verdict: Verdict
    answer: str


class CostCheck(Record):
    """What `hydrometer cost check --json` prints."""

    subject: str
    verdict: Verdict
    """Of the developer's own figures taken together."""
    propositions: tuple[Proposition, ...]
    """The developer's figures as a set, then every figure reported by somebody else."""
    checks: tuple[Check, ...]
    operating_point: OperatingPoint
    parameters: tuple[ParameterCount, ...]
    flop_per_token: tuple[FlopCount, ...]
    utilisation_by_convention: tuple[UtilisationCount, ...]
