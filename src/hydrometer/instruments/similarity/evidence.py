"""The evidence on whom a model answers like: published ratings, and what they do not say."""

from __future__ import annotations

import numpy as np

from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.similarity import messages
from hydrometer.records.evidence import Citation, Evidence, Range, Verdict
from hydrometer.records.published import PublishedSimilarity, SimilarityEvidence, plain_name
from hydrometer.stats.clustered import clustered_mean
from hydrometer.store.reference import published_similarity

NAME = "similarity"
SOURCE = Citation(
    title=(
        "Lee et al., Quantification of Large Language Model Distillation (ACL 2025, arXiv 2501.12619), published files"
    ),
    address="https://github.com/Aegis1863/LLMs-Distillation-Quantification",
    place="README: table of response similarity",
    date="2025-05",
    grade="primary",
)
_SIBLING = "GPT4o-0513"
_METHOD = "t over three sets of prompts"


def measure(case: Case) -> list[Evidence]:
    """Returns the evidence on how alike a model answers to GPT-4o; none where nothing was published."""
    model = case.dossier.model.name
    row = find_published(model)
    sibling = next(r for r in published_similarity() if r.model == _SIBLING)
    if row is None or row is sibling:
        return []
    mean, gap = _mean(row), _gap(row, sibling)
    ranked = tuple(sorted(published_similarity(), key=lambda r: -r.average))
    return [
        Evidence(
            id="similarity",
            instrument=NAME,
            question="teacher",
            proposition=f"{model} answers more like GPT-4o than models do that GPT-4o did not teach.",
            alternative=(
                f"{model} answers like GPT-4o no more than the fashion of answering and right answers make all alike."
            ),
            verdict=Verdict.INCONCLUSIVE,
            answer=messages.answer(model, row, sibling, gap, ranked),
            how_sure=messages.HOW_SURE,
            statistic_name="published rating of likeness to GPT-4o of August 2024, mean over three sets",
            statistic=mean,
            cannot_rule_out=messages.CANNOT_RULE_OUT,
            missing=messages.NEEDS,
            sources=(SOURCE,),
            details=SimilarityEvidence(
                subject=model, published=ranked, row=row.model, sibling=_SIBLING, mean=mean, below_sibling=gap
            ),
        )
    ]


def find_published(model: str) -> PublishedSimilarity | None:
    """Returns the published ratings of a model, however it is spelt."""
    wanted = plain_name(model)
    return next((r for r in published_similarity() if wanted in {plain_name(n) for n in (r.model, *r.aliases)}), None)


def _sets(row: PublishedSimilarity) -> np.ndarray:
    return np.array([row.arena, row.numina, row.sharegpt])


def _mean(row: PublishedSimilarity) -> Range:
    found = clustered_mean(_sets(row), np.arange(3))
    # A rating cannot leave its scale.
    return Range(low=max(found.low, 1.0), middle=row.average, high=min(found.high, 5.0), unit="rating from 1 to 5",
                 level=found.level, method=_METHOD)  # fmt: skip


def _gap(row: PublishedSimilarity, sibling: PublishedSimilarity) -> Range:
    found = clustered_mean(_sets(row) - _sets(sibling), np.arange(3))
    return Range(low=found.low, middle=found.estimate, high=found.high, unit="rating points", level=found.level,
                 method=f"{_METHOD}, paired")  # fmt: skip


SIMILARITY = Instrument(
    name=NAME,
    question="teacher",
    decides=False,
    needs=messages.NEEDS,
    details=(SimilarityEvidence,),
    measure=measure,
)
