"""Probes: what subjects are asked."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hydrometer.records.base import Record, Slug, Text


class ProbeKind(StrEnum):
    """What a probe is there to bring out."""

    GENERAL = "general"
    """The shape of everyday requests."""
    IDENTITY = "identity"
    """Who the model says it is and who made it."""
    REASONING = "reasoning"
    FORMAT = "format"
    STYLE = "style"


class Probe(Record):
    """One prompt. Its text is sent as it stands, byte for byte."""

    id: Slug
    prompt: str = Field(min_length=1)
    kind: ProbeKind = ProbeKind.GENERAL
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}$")
    """ISO 639 code."""
    system: str | None = None
    """System prompt that belongs to the probe; one given for the whole run replaces it."""
    max_tokens: int | None = Field(default=None, gt=0)
    """Longest answer that the probe needs; the run's own limit where absent."""
    answer: str | None = None
    """The right answer where there is one to check; never sent."""


class ProbeSet(Record):
    """Probes that belong together, with who may use them."""

    name: Slug
    version: str
    title: Text
    licence: str
    source: str
    probes: tuple[Probe, ...]
    sha256: str
    """Of the file that the set was read from."""
