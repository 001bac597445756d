"""The questions of the dispute, and what it takes to answer each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydrometer.records.audit import Question
from hydrometer.records.evidence import Evidence, QuestionName
from hydrometer.records.evidence_base import Verdict


@dataclass(frozen=True)
class Topic:
    """A question, as people ask it.

    Attributes:
        name: key in the records.
        title: the question.
        in_the_news: how it was put in early 2025.
        needs: what must be at hand to measure it.
        decided_by: the instrument that can decide it; others only add to it.
    """

    name: QuestionName
    title: str
    in_the_news: str
    needs: tuple[str, ...]
    decided_by: str | None = None


TOPICS = (
    Topic(
        "cost",
        "What did it cost to train?",
        "“They did it for $6 million.” - “No, for $500 million.”",
        ("Published hours, tokens, hardware and price: put them into the dossier as claims.",),
    ),
    Topic(
        "teacher",
        "Who taught it?",
        "“It was distilled from another company's model.”",
        (
            "The model's answers, and a panel: other models' answers to the same prompts, with their documented "
            "teachers. A published dossier holds no answers, so none of this can be measured from the public record "
            "alone.",
            "Ask the model the panel's prompts (probes.parquet), then run this audit again with "
            "`--responses FILE --panel DIR`.",
        ),
        decided_by="attribution",
    ),
    Topic(
        "compute",
        "Does compute still matter?",
        "“If training is this cheap, nobody needs that many chips.”",
        (
            "How much less compute it took than an earlier model of like quality: name that model's dossier under "
            "[comparison], or give the gain with `--gain K`.",
        ),
        decided_by="demand",
    ),
)


def answer_question(topic: Topic, evidence: Sequence[Evidence]) -> Question:
    """Returns the question with its answer as far as the evidence goes."""
    found = [e for e in evidence if e.question == topic.name]
    if not found:
        return Question(
            name=topic.name,
            title=topic.title,
            in_the_news=topic.in_the_news,
            evidence=(),
            answer="Not measured. This audit neither supports nor opposes any claim about it.",
            how_sure="Nothing was measured, so nothing is known from this audit.",
            missing=topic.needs,
        )
    missing = [m for e in found for m in e.missing]
    if topic.decided_by is not None and all(e.instrument != topic.decided_by for e in found):
        missing = [*topic.needs, *missing]
    decided = [e for e in found if e.verdict is not Verdict.NOT_MEASURED]
    # Published figures must not drown what was measured to answer this very question.
    telling = [e for e in decided if e.instrument == topic.decided_by] or found
    return Question(
        name=topic.name,
        title=topic.title,
        in_the_news=topic.in_the_news,
        evidence=tuple(e.id for e in found),
        answer=" ".join(e.answer for e in telling if not e.id.startswith("told-")),
        how_sure=(decided or found)[0].how_sure,
        missing=tuple(dict.fromkeys(missing)),
    )
