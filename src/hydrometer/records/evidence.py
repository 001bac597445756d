"""Evidence: what one instrument found about one proposition, complete enough to print and to re-run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hydrometer.records.attribution import Attribution
from hydrometer.records.base import Record
from hydrometer.records.demand import DemandEvidence
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.records.published import IdentityEvidence, SimilarityEvidence

QuestionName = Literal["cost", "teacher", "compute"]
Relation = Literal["equals", "at_most", "at_least", "within"]


class Citation(Record):
    """Where a number or a statement was read."""

    title: str
    address: str
    place: str
    date: str
    grade: str


class OperatingPoint(Record):
    """How often the procedure is right, measured on cases that did not set its tolerances."""

    measured_on: str
    date: str
    command: str
    n_true: int
    n_corrupted: int
    false_positive_rate: Range
    """Models with true figures of which some figure was opposed."""
    true_positive_rate: Range
    """Corrupted claims that were opposed."""


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


class ClaimChecking(Record):
    """Every check of the published numbers, and the network they were computed from."""

    kind: Literal["claim_checking"] = "claim_checking"
    checks: tuple[Check, ...]
    parameters: tuple[ParameterCount, ...]
    flop_per_token: tuple[FlopCount, ...]
    utilisation_by_convention: tuple[UtilisationCount, ...]
    utilisation: tuple[UtilisationPoint, ...]


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


class Rung(Record):
    """One way of counting the cost, with the question that it answers."""

    id: str
    title: str
    question: str
    usd: Range
    sources: tuple[str, ...]


class Reading(Record):
    """A published figure for one rung, as one party read it."""

    rung: str
    text: str
    usd: float
    relation: str
    citation: Citation


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
    """The developer's figures as a set, then every figure told by somebody else."""
    checks: tuple[Check, ...]
    operating_point: OperatingPoint
    parameters: tuple[ParameterCount, ...]
    flop_per_token: tuple[FlopCount, ...]
    utilisation_by_convention: tuple[UtilisationCount, ...]


class CostLadder(Record):
    """From the headline to the whole."""

    kind: Literal["cost_ladder"] = "cost_ladder"
    headline: Reading | None
    rungs: tuple[Rung, ...]
    readings: tuple[Reading, ...]
    priors: tuple[PriorUsed, ...]
    n_draws: int
    swings: tuple[Swing, ...] = ()
    """Which unpublished number matters most for the last of the rented rungs, the widest first."""


class LadderReport(Record):
    """What `hydrometer cost ladder --json` prints."""

    subject: str
    ladder: CostLadder
    seed: int


class Evidence(Record):
    """One instrument's result on one proposition."""

    id: str
    instrument: str
    question: QuestionName
    proposition: str
    alternative: str
    """What would be so if the proposition were false."""
    verdict: Verdict
    answer: str
    """One plain sentence."""
    how_sure: str
    statistic_name: str | None = None
    statistic: Range | None = None
    operating_point: OperatingPoint | None = None
    cannot_rule_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """What was not available, and how to get it."""
    warnings: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    details: (
        Annotated[
            ClaimChecking | CostLadder | Attribution | IdentityEvidence | SimilarityEvidence | DemandEvidence,
            Field(discriminator="kind"),
        ]
        | None
    ) = None
