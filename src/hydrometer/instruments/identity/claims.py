"""Reads the identity claims of one answer: who the speaker says it is, who it says made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hydrometer.instruments.identity import patterns
from hydrometer.instruments.identity.names import Mention, Names
from hydrometer.instruments.identity.text import Sentence, sentences, spoken

Tie = Literal["self", "maker", "answer", "policy"]
"""How a name is tied to the speaker: it is the speaker; it made the speaker; it answers a question about the
speaker's maker without a tie in the sentence itself; its rules bind the speaker."""

# Bounds on hostile answers, and the length of an echo: by hand, 2026-11-25; none was varied.
_MOST_SENTENCES = 400
_LONGEST_SENTENCE = 600
_ECHO = 40
"""Characters from which a sentence that the prompt holds too is an echo and not what anybody would say anyway."""


@dataclass(frozen=True)
class Claim:
    """One name tied to the speaker.

    Attributes:
        vendor: the maker that is named, itself or by one of its models.
        tie: how.
        kind: whether the maker itself was named, or one of its models.
        sentence: number of the sentence.
        text: the sentence.
    """

    vendor: str
    tie: Tie
    kind: Literal["maker", "model"]
    sentence: int
    text: str


@dataclass(frozen=True)
class Reading:
    """What was found in one answer.

    Attributes:
        claims: names tied to the speaker, in order.
        denied: makers that the speaker says are not its own.
        sentences: the sentences that were read.
        asked: whether the question is about the subject and its maker.
    """

    claims: tuple[Claim, ...]
    denied: frozenset[str]
    sentences: tuple[Sentence, ...]
    asked: bool


def asks_about_subject(question: str) -> bool:
    """Returns whether a question is about the one who answers, and about its name or origin."""
    # A question stands at the end of what is asked; what comes before it is role-play that speaks of "you" all the
    # time.
    tail = question[-400:]
    return bool(patterns.ABOUT_SUBJECT.search(tail) and patterns.ASKS_MAKER.search(tail))


def read(answer: str, question: str, *, names: Names, prompt: str = "") -> Reading:
    """Returns the claims of an answer.

    Args:
        answer: what the model wrote.
        question: what it was asked, without what was put around it.
        names: makers and their models.
        prompt: all that it was given. A sentence repeated from it is an echo and no claim.
    """
    asked = asks_about_subject(question)
    said = [s for s in sentences(spoken(answer))[:_MOST_SENTENCES] if len(s.text) < _ECHO or s.text not in prompt]
    claims: list[Claim] = []
    denied: set[str] = set()
    there = names.present("\n".join(s.text for s in said))
    for number, sentence in enumerate(said if there else ()):
        text = sentence.text[:_LONGEST_SENTENCE]
        mentions = names.find(text, there)
        if not mentions:
            continue
        own = patterns.FIRST_PERSON.search(text) is not None
        for mention in mentions:
            if any(a <= mention.start < b for a, b in sentence.quoted):
                continue
            found = _tie(text, mention, mentions, asked=asked, own=own)
            if found == "denied":
                denied.add(mention.vendor)
            elif found is not None:
                claims.append(Claim(mention.vendor, found, mention.kind, number, text))
    return Reading(tuple(_corrected(claims, said)), frozenset(denied), tuple(said), asked)


def _masked(text: str, mention: Mention, mentions: list[Mention]) -> str:
    pieces, at = [], 0
    for other in mentions:
        pieces.append(text[at : other.start])
        pieces.append(patterns.NAME if other is mention else patterns.OTHER)
        at = other.end
    return "".join(pieces) + text[at:]


def _tie(
    text: str, mention: Mention, mentions: list[Mention], *, asked: bool, own: bool
) -> Tie | Literal["denied"] | None:
    masked = _masked(text, mention, mentions)
    # First: a denied tie looks like a tie to every pattern below.
    if patterns.NEGATED.search(masked):
        return "denied"
    if patterns.COMPARED.search(masked) or patterns.SUPPOSED.search(masked) or patterns.ANOTHER.search(masked):
        return None
    if patterns.POLICY.search(masked):
        return "policy" if patterns.BINDS.search(masked) else None
    # Three makers in a sentence are examples ("such as OpenAI, Google and Meta"). Costs a true positive of DeepSeek-R1
    # (docs/benchmarks/identity.md).
    listed = len({m.vendor for m in mentions}) >= 3
    if listed or patterns.TOOL.search(masked):
        return None
    # Tried: third-person answers as claims ("the headquarters of OpenAI is in ..."); strict kappa falls on all four
    # models read (0.87 to 0.83, 0.93 to 0.89, 0.79 to 0.76, 0.87 to 0.81). They weigh a little for loose only. See
    # docs/log.md.
    if own:
        if any(p.search(masked) for p in patterns.SELF):
            return "self"
        if any(p.search(masked) for p in patterns.MADE_BY):
            return "maker"
    elif any(p.search(masked) for p in patterns.MADE_BY) and asked:
        return "maker"
    if asked and patterns.BARE.search(masked):
        return "maker"
    return "answer" if asked else None


def _corrected(claims: list[Claim], said: list[Sentence]) -> list[Claim]:
    """Drops what the speaker takes back later, as in: I am Claude. Sorry, I am actually Qwen."""
    kept = []
    for claim in claims:
        later = (c for c in claims if c.sentence > claim.sentence and c.vendor != claim.vendor)
        # A correction stands at the beginning of its sentence; 80 characters by hand, 2026-11-25.
        taken_back = any(
            c.tie in {"self", "maker"} and patterns.CORRECTION.search(said[c.sentence].text[:80]) for c in later
        )
        if not taken_back:
            kept.append(claim)
    return kept
