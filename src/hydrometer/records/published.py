"""Figures that Lee et al. (ACL 2025) published on identity and similarity, and what can be said of them afterwards."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator

from hydrometer.records.base import Record, Text
from hydrometer.records.evidence import Details, Range
from hydrometer.records.identity import Identity


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("|") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _blank(value: object) -> object:
    return None if value == "" else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Rate = Annotated[float | None, BeforeValidator(_blank)]
Whole = Annotated[int | None, BeforeValidator(_blank)]


def plain_name(name: str) -> str:
    """Returns a model's name as names are compared: without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


class PublishedIdentity(Record):
    """Published counts of one model, of 1,000 answers under 20 jailbreak templates, with intervals added here."""

    model: Text
    aliases: Names
    in_paper: bool
    """Whether the count is printed in the paper; the others stand in the files published with it."""
    n: int
    loose: int
    loose_low: Rate
    loose_high: Rate
    strict: int
    strict_low: Rate
    strict_high: Rate
    hard: int
    keyword_free: Whole
    """Prompts that name neither OpenAI nor Anthropic: the proper denominator of hard."""
    hard_low: Rate
    """Bounds of hard over keyword-free prompts."""
    hard_high: Rate
    names_mostly: str
    """The vendor that strict answers name most; empty where none or not computed."""
    interval: Text
    """How the bounds were found."""


class PublishedSimilarity(Record):
    """Published mean ratings (1 to 5) of one model against GPT-4o of August 2024, on three sets of prompts."""

    model: Text
    aliases: Names
    arena: float
    numina: float
    sharegpt: float
    average: float
    bigram: Rate
    bertscore: Rate


class IdentityEvidence(Details):
    """What stands under the audit's question about identity."""

    kind: Literal["identity"] = "identity"
    subject: str
    published: tuple[PublishedIdentity, ...]
    row: str | None
    """The subject's row among the published; absent where it was not counted."""
    measured: Identity | None


class SimilarityEvidence(Details):
    """What stands under the audit's question about similarity."""

    kind: Literal["published_similarity"] = "published_similarity"
    subject: str
    published: tuple[PublishedSimilarity, ...]
    row: str
    sibling: str
    """Another snapshot of the reference: as alike as one can hope to be without being the same."""
    mean: Range
    below_sibling: Range
    """The subject's rating minus the sibling's, set by set."""
