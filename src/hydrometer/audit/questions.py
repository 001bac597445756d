"""The questions of the dispute, and what the evidence answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydrometer.instruments.instrument import Instrument
from hydrometer.records.audit import Question
from hydrometer.records.evidence import Evidence, QuestionName, Verdict


@dataclass(frozen=True)
class Topic:
    """A question, as people ask it.

    Attributes:
        name: key in the records.
        title: the question.
        in_the_news: how it was put in early 2025.
    """

    name: QuestionName
    title: str
    in_the_news: str


TOPICS = (
    Topic("cost", "What did it cost to train?", "“They did it for $6 million.” - “No, for $500 million.”"),
    Topic("teacher", "Who taught it?", "“It was distilled from another company's model.”"),
    Topic(
        "compute", "Does compute still matter?", "“If training is this cheap, nobody needs that many chips.”"
    ),
)  # fmt: skip


def answer_question(topic: Topic, evidence: Sequence[Evidence], instruments: Mapping[str, Instrument]) -> Question:
    """Returns the question with its answer as far as the evidence goes.

    Args:
        topic: the question.
        evidence: everything that was found, on this question and on others.
        instruments: by name; those that can decide the question say what they need where they found nothing.
    """
    found = [e for e in evidence if e.question == topic.name]
    deciding = [i for i in instruments.values() if i.question == topic.name and i.decides]
    needs = [n for i in deciding for n in i.needs if all(e.instrument != i.name for e in found)]
    if not found:
        return Question(
            name=topic.name,
            title=topic.title,
            in_the_news=topic.in_the_news,
            evidence=(),
            answer="Not measured. This audit neither supports nor opposes any claim about it.",
            how_sure="Nothing was measured, so nothing is known from this audit.",
            missing=tuple(needs),
        )
    decided = [e for e in found if e.verdict is not Verdict.NOT_MEASURED]
    # Published figures must not drown what was measured to answer this very question.
    names = {i.name for i in deciding}
    measured = any(e.instrument in names for e in decided)
    telling = [e for e in found if e.instrument in names] if measured else found
    return Question(
        name=topic.name,
        title=topic.title,
        in_the_news=topic.in_the_news,
        evidence=tuple(e.id for e in found),
        answer=" ".join(e.answer for e in telling if e.in_answer),
        how_sure=(decided or found)[0].how_sure,
        missing=tuple(dict.fromkeys([*needs, *(m for e in found for m in e.missing)])),
    )
