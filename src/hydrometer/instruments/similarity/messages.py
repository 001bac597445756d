"""What the evidence on similar answers says in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.records.evidence import Range
from hydrometer.records.published import PublishedSimilarity

NEEDS = (
    "The model's answers beside a panel with models known to be untaught: `hydrometer similarity SUBJECT REFERENCE "
    "--panel DIR`, with a second sample of the reference (`--again FILE`) as the ceiling.",
)
HOW_SURE = (
    "Not sure: three sets of prompts, one judge, no second sample of the reference, and no null population. The "
    "ratings differ more between sets than between most models."
)
CANNOT_RULE_OUT = (
    "Similarity has no direction, and two models can have learnt from a third.",
    "On mathematics the rating rewards right answers: Phi-4 is rated above GPT-4o's own sibling there.",
    "Length, language and layout are rated with everything else.",
    "The judge is probably of the reference's own family, and was not tested for favouring it.",
)


def answer(
    model: str,
    row: PublishedSimilarity,
    sibling: PublishedSimilarity,
    gap: Range,
    ranked: Sequence[PublishedSimilarity],
) -> str:
    """Returns the published rating, what it means, and what it does not.

    Args:
        model: the subject.
        row: its ratings.
        sibling: those of another snapshot of the reference.
        gap: the subject's minus the sibling's, set by set.
        ranked: every model, the most alike first.
    """
    lowest = ranked[-1]
    return (
        f"A language model rated how alike {model} and GPT-4o of August 2024 answer: {row.average:.3f} on a scale from "
        f"1 to 5, place {ranked.index(row) + 1} of {len(ranked)}. GPT-4o's own snapshot of May 2024 was rated "
        f"{sibling.average:.3f}, the lowest model of the table ({lowest.model}) {lowest.average:.3f}. "
        f"{row.average:.3f} against {sibling.average:.3f} means: on these prompts this judge found it "
        f"{abs(row.average - sibling.average):.2f} points less alike than a sibling of the reference; over the three "
        f"sets of prompts the gap is {gap.middle:+.2f} ({gap.low:+.2f} to {gap.high:+.2f}). It does not mean that "
        f"{100 * row.average / 5:.0f} % of anything was copied, nor that GPT-4o taught it: the table holds no model "
        "known to be untaught, so nobody can say how high such a model is rated."
    )
