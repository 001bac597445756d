"""How alike two models answer, aspect by aspect, beside a ceiling and a null population."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.evidence import Range, Verdict

Aspect = Literal["style", "structure", "content", "overall"]
ASPECTS: tuple[Aspect, ...] = ("style", "structure", "content", "overall")


class NullSimilarity(Record):
    """An untaught model's similarity to the same reference."""

    model: str
    similarity: float
    centred: float | None


class AspectSimilarity(Record):
    """One aspect of how alike subject and reference answer."""

    aspect: Aspect
    similarity: Range | None
    """Mean over probes; 1 is the same answer. From a judge: the mean rating from 1 to 5; absent where none came."""
    ceiling: Range | None
    """The reference against a second sample of itself: nobody can be expected to be more alike."""
    null: tuple[NullSimilarity, ...]
    """Models of the panel that the reference is not documented to have taught."""
    pvalue: float | None
    """Chance that an untaught model is as similar: (1 + null at or above) / (1 + null)."""
    centred_pvalue: float | None
    """The same after centring; absent where it was not computed."""
    centred: Range | None
    """Similarity minus what subject and reference share with everybody: how much more alike they are than their
    likeness to other models leads to expect."""


class JudgeQuality(Record):
    """How far a rating by language models can be trusted."""

    judges: tuple[str, ...]
    n_ratings: int
    n_failed: int
    """Ratings that no judge gave, after all attempts. They count neither way."""
    position_bias: Range | None
    """Mean overall rating with the subject first minus that with it second."""
    kappa: float | None
    """Between the first two judges, weights quadratic."""
    icc: float | None
    """Absolute agreement of single judges, ICC(2,1), on the overall rating."""


class Similarity(Record):
    """What `hydrometer similarity --json` prints."""

    kind: Literal["similarity"] = "similarity"
    subject: str
    reference: str
    method: Literal["judge-free", "judge"]
    n_probes: int
    aspects: tuple[AspectSimilarity, ...]
    verdict: Verdict
    """Of: the subject is more like the reference than untaught models are."""
    alpha: float
    n_null: int
    judge: JudgeQuality | None
    cannot_rule_out: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: dict[str, str]
