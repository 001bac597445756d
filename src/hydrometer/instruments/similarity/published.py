"""What the published ratings of response similarity say of an audit's subject, and what they do not."""

from __future__ import annotations

import numpy as np

from hydrometer.records.evidence import Citation, Evidence
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.records.published import PublishedSimilarity, SimilarityEvidence
from hydrometer.stats.clustered import clustered_mean
from hydrometer.store.reference import published_similarity

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


def evidence(model: str, *, published_name: str | None = None) -> Evidence | None:
    """Returns the evidence on how alike a model answers to GPT-4o; None where nothing was published.

    Args:
        model: the subject, as the dossier names it.
        published_name: its name in the table, if it is another.
    """
    row = find_published(published_name or model)
    sibling = next(r for r in published_similarity() if r.model == _SIBLING)
    if row is None or row is sibling:
        return None
    mean, gap = _mean(row), _gap(row, sibling)
    ranks = sorted(published_similarity(), key=lambda r: -r.average)
    lowest = ranks[-1]
    place = ranks.index(row) + 1
    return Evidence(
        id="similarity",
        instrument="similarity",
        question="teacher",
        proposition=f"{model} answers more like GPT-4o than models do that GPT-4o did not teach.",
        alternative=(
            f"{model} answers like GPT-4o no more than the fashion of answering and right answers make all alike."
        ),
        verdict=Verdict.INCONCLUSIVE,
        answer=(
            f"A language model rated how alike {model} and GPT-4o of August 2024 answer: {row.average:.3f} on a scale "
            f"from 1 "
            f"to 5, place {place} of {len(ranks)}. GPT-4o's own snapshot of May 2024 was rated {sibling.average:.3f}, "
            f"the lowest "
            f"model of the table ({lowest.model}) {lowest.average:.3f}. {row.average:.3f} against "
            f"{sibling.average:.3f} means: on "
            f"these prompts this judge found it {abs(row.average - sibling.average):.2f} points less alike than a "
            f"sibling of the "
            f"reference; over the three sets of prompts the gap is {gap.middle:+.2f} ({gap.low:+.2f} to "
            f"{gap.high:+.2f}). It does "
            f"not mean that {100 * row.average / 5:.0f} % of anything was copied, nor that GPT-4o taught it: the table "
            f"holds no "
            "model known to be untaught, so nobody can say how high such a model is rated."
        ),
        how_sure=(
            "Not sure: three sets of prompts, one judge, no second sample of the reference, and no null population. "
            "The "
            "ratings differ more between sets than between most models."
        ),
        statistic_name="published rating of likeness to GPT-4o of August 2024, mean over three sets",
        statistic=mean,
        cannot_rule_out=(
            "Similarity has no direction, and two models can have learnt from a third.",
            "On mathematics the rating rewards right answers: Phi-4 is rated above GPT-4o's own sibling there.",
            "Length, language and layout are rated with everything else.",
            "The judge is probably of the reference's own family, and was not tested for favouring it.",
        ),
        missing=(
            "The model's answers beside a panel with models known to be untaught: `hydrometer similarity SUBJECT "
            "REFERENCE "
            "--panel DIR`, with a second sample of the reference (`--again FILE`) as the ceiling.",
        ),
        sources=(SOURCE,),
        details=SimilarityEvidence(
            subject=model, published=tuple(ranks), row=row.model, sibling=_SIBLING, mean=mean, below_sibling=gap
        ),
    )


def find_published(model: str) -> PublishedSimilarity | None:
    """Returns the published ratings of a model, however it is spelt."""
    from hydrometer.instruments.identity.published import key

    wanted = key(model)
    return next((r for r in published_similarity() if wanted in {key(n) for n in (r.model, *r.aliases)}), None)


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
