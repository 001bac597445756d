"""What teacher attribution found: one subject, every candidate, the null population beside it."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.evidence import Details, Range, Verdict

Withheld = Literal["length", "direction", "shared_text"]
"""Why nobody is named although a candidate passes: no untaught model answers at such length, so that the p-value is
not that of a matched null; the subject is itself a candidate, and nobody knows which of the two came first; or models
that learnt the candidate's own human text, and nothing from it, resemble its students as much."""


class CandidateResult(Record):
    """One possible teacher."""

    name: str
    statistic: float | None
    """How much more the subject resembles the candidate and its documented students than others; absent where the
    candidate cannot be judged."""
    pvalue: float | None
    """Chance that an untaught model reaches this statistic with any of the candidates, so already corrected for
    their number; where the panel holds enough models of the candidates' own text, the larger of this and of
    `shared_text_pvalue`."""
    models: tuple[str, ...] = ()
    """Its snapshots in the panel."""
    n_students: int = 0
    """Models of the panel that it is documented to have taught, the subject's kin left out."""
    n_same_text: int = 0
    """Untaught models of the panel that learnt the candidate's own human text."""
    shared_text_pvalue: float | None = None
    """Chance that a model that learnt the candidate's own human text, and nothing from it, stands as near to its
    documented students; absent where the panel has too few such models."""
    note: str | None = None
    """Why it was not judged."""


class ChannelResult(Record):
    """One channel's resemblance to the leading candidate."""

    channel: str
    meaning: str
    counted: bool
    """Whether the statistic counts it."""
    value: float
    """Similarity to the candidate's answers minus the mean over candidates, in units of its spread."""
    rank: int
    """Place among the untaught models, 1 is the most alike."""
    n_null: int
    nearest: str
    """The candidate that the subject is most alike to in this channel."""


class ReferenceModel(Record):
    """A model of known lineage on the picture: what its lineage says, and where it falls."""

    model: str
    developer: str | None
    kind: Literal["control", "other_teacher", "student"]
    """Documented as untaught; taught by others, judged for strangers only; a documented student of a candidate."""
    candidate: str
    """The candidate that it reaches the statistic with."""
    statistic: float


class Passage(Record):
    """Answers to one probe that weigh most: the words that subject and candidate share and few others use."""

    prompt: str
    model: str
    """The candidate's snapshot."""
    subject_text: str
    model_text: str
    shared: tuple[str, ...]
    """Runs of words that both use, the rarest first."""
    n_others: int
    """Other models of the panel that use the rarest of them."""
    n_answers: int


class AttributionPoint(Record):
    """How often attribution is right on documented lineage, kin of the judged model left out every time."""

    measured_on: str
    created_at: str
    alpha: float
    n_controls: int
    n_control_developers: int
    false_accusation: Range
    """Controls whose p-value reaches alpha for somebody, whether or not the name is then withheld."""
    n_students: int
    n_sources: int
    power: Range
    """Students whose documented teacher is named; every data source counts once."""
    wrong_teacher: float
    """Students for which somebody else is named; every data source counts once."""
    n_same_text: int = 0
    """Hard controls among the judged: models that learnt a candidate's own human text. Not counted above."""
    same_text_accusation: Range | None = None
    """Hard controls for which somebody is named."""
    control_pvalues: tuple[float, ...]
    """The smallest p-value of every control, ascending: even between 0 and 1 if they are honest."""
    sha256: dict[str, str]
    """Of the panel's files."""


class Attribution(Details):
    """What `hydrometer attribute --json` prints for one subject."""

    kind: Literal["attribution"] = "attribution"
    subject: str
    candidates: tuple[CandidateResult, ...]
    attributed: tuple[str, ...]
    """The set that the evidence stands by; empty: nothing is established."""
    verdict: Verdict
    """Of: one of the candidates taught the subject."""
    false_positive_rate: float | None
    """How often an untaught model is attributed to somebody at this alpha, if it is exchangeable with the null
    population; absent where nothing was measured."""
    n_probes: int
    warnings: tuple[str, ...]
    alpha: float
    n_null: int
    smallest_pvalue: float | None
    """What the null population can support at best."""
    threshold: float | None
    """A statistic must exceed this to be attributed."""
    interval: Range | None
    """Of the leading candidate's statistic, over probes."""
    also_resembles: tuple[str, ...]
    """Candidates that pass the threshold too, but less than the attributed by more than the probes' noise; or all that
    pass, where nobody is named."""
    withheld: Withheld | None
    channels: tuple[ChannelResult, ...]
    reference: tuple[ReferenceModel, ...]
    passages: tuple[Passage, ...]
    cannot_rule_out: tuple[str, ...]
    needs: tuple[str, ...]
    """What would settle it: more probes, or which controls."""
    operating_point: AttributionPoint | None
    panel: str
    sha256: dict[str, str]
    answer: str = ""
    """One plain sentence."""
    how_sure: str = ""
    """The error rates in sentences."""

    @property
    def leading(self) -> CandidateResult | None:
        """The candidate with the largest statistic; None where none was judged."""
        judged = [c for c in self.candidates if c.statistic is not None]
        return max(judged, key=lambda c: c.statistic or 0.0, default=None)
