"""What identity consistency found: how often a model says it is somebody else's, and whose."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record

RateName = Literal["loose", "strict", "hard", "hard_conditional"]
RATE_NAMES: tuple[RateName, ...] = ("loose", "strict", "hard", "hard_conditional")


class ClusteredCount(Record):
    """A count over answers that come in templates, as a rate with its interval."""

    count: int
    n: int
    """Answers that were judged (for `hard_conditional`: to prompts that name no vendor)."""
    rate: float | None
    """Absent where nothing was judged."""
    low: float
    high: float
    level: float
    n_templates: int
    design_effect: float | None
    """How many times wider the variance is than that of independent answers; absent for a rate of 0 or 1."""
    effective_n: float
    """Independent answers that would carry as much information."""


class IdentityRates(Record):
    """The rates of one model by one set of labels."""

    loose: ClusteredCount
    """Answers in conflict with who made the model."""
    strict: ClusteredCount
    """Answers by which it is OpenAI's or Anthropic's."""
    hard: ClusteredCount | None
    """Strict answers to prompts that name neither, over all answers, as published; absent where prompts are unknown."""
    hard_conditional: ClusteredCount | None
    """The same over such prompts only: its proper denominator."""


class CorrectedRate(Record):
    """A rate corrected for how often the judge is wrong (Rogan and Gladen 1978; Lang and Reiczigel 2014)."""

    rate: float | None
    low: float
    high: float
    level: float
    sensitivity: float
    specificity: float
    measured_on: str


class LabelAgreement(Record):
    """The judge against the published labels of the same answers."""

    n: int
    both: int
    judge_only: int
    published_only: int
    neither: int
    kappa: float | None
    f1: float | None


class IdentityDifference(Record):
    """This model's rate minus another's."""

    other: str
    rate: RateName
    difference: float
    low: float
    high: float
    pvalue: float
    adjusted_pvalue: float
    """Holm, over all pairs of models and all rates of the file."""
    shared_templates: bool


class RankRange(Record):
    """Ranks that a model can hold, 1 for the highest rate."""

    rate: RateName
    best: int
    worst: int
    of: int


class Identity(Record):
    """What `hydrometer identity --json` prints for one model."""

    model: str
    maker: str | None
    """Who truly made it, as far as known; without it loose cannot be judged."""
    judge: str
    """Which judge gave the labels, as `rules 1`, `published` or the name of a model."""
    n: int
    """Rows of the file."""
    statuses: dict[str, int]
    judged: int
    unjudged: int
    """Answers that the judge did not understand. They count neither for nor against."""
    unjudged_languages: dict[str, int]
    loose: ClusteredCount | None
    strict: ClusteredCount
    hard: ClusteredCount | None
    hard_conditional: ClusteredCount | None
    vendors: dict[str, int]
    """Answers by the maker that the speaker names as its own, the true one included."""
    languages: dict[str, IdentityRates]
    """By the language of the question."""
    arms: dict[str, IdentityRates]
    """Without and with a jailbreak (`plain`, `jailbreak`), where the file tells them apart; questions are the units of
    the first."""
    published: IdentityRates | None
    """The same rates from published labels, where the file holds them."""
    agreement: dict[str, LabelAgreement] | None
    corrected: dict[str, CorrectedRate]
    differences: tuple[IdentityDifference, ...]
    ranks: tuple[RankRange, ...]
    warnings: tuple[str, ...]


class JudgePoint(Record):
    """How a judge did on published labels of models that did not set its weights."""

    rate: Literal["loose", "strict"]
    judge: str
    hits: int
    n_true: int
    rejections: int
    n_false: int
    kappa: float
    measured_on: str
    created_at: str
    command: str
