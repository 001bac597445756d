"""Serving: what it takes to serve a model, a fleet for a load, what its techniques are worth, and its life."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.serving.compare import LifeQuestion, compare, life
from hydrometer.instruments.serving.estimate import estimate
from hydrometer.instruments.serving.fleet import DayLoad, deepseek_day, deepseek_question, fleet
from hydrometer.instruments.serving.headline import Headline, model_from_options
from hydrometer.instruments.serving.messages import NEEDS
from hydrometer.instruments.serving.pictures import cache_sizes, frontier
from hydrometer.instruments.serving.question import Question
from hydrometer.records.evidence import Evidence
from hydrometer.records.serving import ServingEvidence

__all__ = [
    "SERVING",
    "DayLoad",
    "Headline",
    "LifeQuestion",
    "Question",
    "cache_sizes",
    "compare",
    "deepseek_day",
    "deepseek_question",
    "estimate",
    "fleet",
    "frontier",
    "life",
    "model_from_options",
]


def _measure(case: Case) -> Sequence[Evidence]:
    from hydrometer.instruments.serving.evidence import measure

    return measure(case)


SERVING = Instrument(
    name="serving",
    question="compute",
    decides=False,
    needs=NEEDS,
    details=(ServingEvidence,),
    measure=_measure,
)
