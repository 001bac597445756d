"""Similarity: how alike two models answer, beside a ceiling and a null population."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.similarity.messages import NEEDS
from hydrometer.records.evidence import Evidence
from hydrometer.records.published import SimilarityEvidence


def _measure(case: Case) -> Sequence[Evidence]:
    from hydrometer.instruments.similarity.evidence import measure

    return measure(case)


SIMILARITY = Instrument(
    name="similarity",
    question="teacher",
    decides=False,
    needs=NEEDS,
    details=(SimilarityEvidence,),
    measure=_measure,
)
