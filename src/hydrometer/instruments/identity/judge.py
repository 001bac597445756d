"""The judge without a model: reads an answer's claims and weighs what it says of its speaker.

Strict follows the published definition (Lee et al., ACL 2025): the speaker is made by OpenAI or Anthropic, or is one of
their models. Loose is any conflict with who truly made the subject. Strict answers are loose too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hydrometer.instruments.identity.claims import Claim, Reading, read
from hydrometer.instruments.identity.cues import cues
from hydrometer.instruments.identity.language import READ, language_of
from hydrometer.instruments.identity.names import Names
from hydrometer.instruments.identity.text import spoken

VERSION = "rules 1"

STRICT_VENDORS = frozenset({"OpenAI", "Anthropic"})
"""Those whose claim makes a conflict strict, as published."""

# `refit` in bench/identity.py: scikit-learn's LogisticRegression(C=0.5) over the 9,000 answers of Lee et al. with their
# loose labels, rounded. Fitted again on 2026-12-01: at most 0.12 off (`many`: -1.42). Tried: names tied to the speaker
# alone; kappa 0.42 instead of 0.53 on Llama (docs/log.md).
WEIGHTS = {
    "explicit": 3.8,
    "policy": 3.3,
    "answer": 0.9,
    "own": -2.2,
    "many": -1.3,
    "seat_abroad": 1.5,
    "seat_home": -0.7,
    "named_org": 0.9,
    "no_maker": 1.4,
    "no_company": 1.5,
    "persona": 0.5,
    "secret": 0.9,
    "fantasy": 0.4,
    "outlaw": 0.4,
    "team": 0.4,
    "vague": 0.6,
}
"""Log odds that the published judge calls an answer loose, one for each kind of statement: logistic regression with an
L2 penalty of 2 on the nine published models at hand. `bench/identity.py` fits them again with each model left out."""
# The intercept of the same fit (-2.24).
START = -2.2
# By hand, 2026-11-25, with the nine models in view: 1,776 of their answers are then called loose, at 0 only 1,576;
# published are 2,035 (kappa 0.72 and 0.70; counted 2026-12-01, with the shipped weights).
CUT = -0.4
"""Log odds above which an answer counts as loose: at even odds the published judge's count would be undershot."""
TIED = ("self", "maker")
"""Ties by which a name is the speaker's own."""


@dataclass(frozen=True)
class RowVerdict:
    """What a judge says of one answer. None stands for "not judged", never for "no".

    Attributes:
        loose: whether it conflicts with who truly made the subject.
        strict: whether it says that the speaker is OpenAI's or Anthropic's.
        vendor: the maker that the speaker names as its own.
        language: of the answer.
        why: one line for people.
    """

    loose: bool | None
    strict: bool | None
    vendor: str | None
    language: str | None
    why: str


def judge_answer(answer: str, question: str, *, names: Names, maker: str | None, prompt: str = "") -> RowVerdict:
    """Judges one answer.

    Args:
        answer: what the model wrote.
        question: what it was asked.
        names: makers and their models.
        maker: who truly made the subject; without it only strict can be judged.
        prompt: everything that was put to the subject; what is repeated from it is no claim.
    """
    said = spoken(answer)
    language = language_of(said)
    if not said:
        return RowVerdict(None, None, None, None, "nothing was said outside reasoning or code")
    reading = read(answer, question, names=names, prompt=prompt)
    if language not in READ:
        return _in_part(reading, language, maker)
    own = [c for c in reading.claims if c.vendor == maker and c.tie in TIED]
    foreign = [c for c in reading.claims if c.vendor != maker]
    explicit = [c for c in foreign if c.tie in TIED]
    big = [c for c in explicit if c.vendor in STRICT_VENDORS]
    # Naming the true maker too is a mixture of both; the published judge reads it as no claim to be another's.
    strict = bool(big) and not own
    if maker is None:
        return RowVerdict(None, strict, _vendor(big, explicit, own), language, _why(big, explicit, own))
    # An explicit claim without the true maker beside it outweighs whatever else is said.
    found = frozenset() if explicit and not own else statements(reading, names=names, maker=maker)
    loose = bool(explicit and not own) or log_odds(found) > CUT
    policy = [c for c in foreign if c.tie == "policy"] if loose else []
    vendor = _vendor(big if strict else [], [*explicit, *policy] if loose else [], own or explicit)
    why = _why(big if strict else [], [*explicit, *policy], own)
    return RowVerdict(loose, strict, vendor, language, why or (f"cues: {', '.join(sorted(found))}" if found else ""))


def log_odds(found: Iterable[str]) -> float:
    """Returns the log odds that the published judge calls an answer with such statements loose."""
    # The weights have one decimal. Unrounded, a sum at the cut falls on either side by the order of a set.
    return round(START + sum(WEIGHTS[name] for name in found), 6)


def _in_part(reading: Reading, language: str | None, maker: str | None) -> RowVerdict:
    """Returns the verdict on an answer of which some sentences can be read: their claims count, silence does not."""
    claims = [
        c
        for c in reading.claims
        # `language_of` takes a bare name for English: without a blank it says nothing of the language that it stands
        # in.
        if c.tie in TIED and c.vendor != maker and language_of(c.text) in READ and " " in c.text
    ]
    big = [c for c in claims if c.vendor in STRICT_VENDORS]
    if not claims or any(c.vendor == maker and c.tie in TIED for c in reading.claims):
        return RowVerdict(None, None, None, language, f"not judged: the language is {language or 'unknown'}")
    loose = None if maker is None else True
    return RowVerdict(loose, True if big else None, _vendor(big, claims), language, _why(big, claims))


def statements(reading: Reading, *, names: Names, maker: str) -> frozenset[str]:
    """Returns which kinds of statements an answer holds, as keys of `WEIGHTS`."""
    found = set(cues(reading.sentences, names=names, country=names.vendors[maker].country))
    foreign = [c for c in reading.claims if c.vendor != maker]
    for name, there in (
        ("explicit", any(c.tie in TIED for c in foreign)),
        ("policy", any(c.tie == "policy" for c in foreign)),
        ("answer", any(c.tie == "answer" for c in foreign)),
        ("own", any(c.vendor == maker and c.tie in TIED for c in reading.claims)),
        ("many", len({c.vendor for c in foreign}) > 1),
    ):
        if there:
            found.add(name)
    return frozenset(found)


def _vendor(*groups: list[Claim]) -> str | None:
    return next((claim.vendor for group in groups for claim in group), None)


def _why(*groups: list[Claim]) -> str:
    claim = next((claim for group in groups for claim in group), None)
    if claim is None:
        return ""
    ties = {
        "self": "says it is",
        "maker": "says it is made by",
        "policy": "is bound by the rules of",
        "answer": "names",
    }
    return f"{ties[claim.tie]} {claim.vendor}: {claim.text[:200]}"
