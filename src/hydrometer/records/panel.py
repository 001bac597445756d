"""What a check of a panel found."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record

Level = Literal["exclude", "caution", "note"]
LEVELS: tuple[Level, ...] = ("exclude", "caution", "note")


class Finding(Record):
    """One thing that can mislead whoever uses the panel."""

    level: Level
    """`exclude`: do not use these answers as they are; `caution`: know this before believing a result."""
    kind: str
    models: tuple[str, ...]
    n_prompts: int | None = None
    """On how many prompts it was seen."""
    share: float | None = None
    """The same as a share of the prompts where it could have been seen."""
    text: str


class CandidateGroup(Record):
    """Snapshots that count as one possible teacher."""

    name: str
    models: tuple[str, ...]
    """Models of the panel that belong to it."""
    n_students: int
    """Models of the panel with role `positive` that name it as a teacher."""
    n_mixed_students: int
    """Models with role `mixed` that name it among others."""
    n_data_sources: int
    """Independent training sets behind the students with role `positive`."""


class PanelCheck(Record):
    """What a panel holds, and every finding, worst first."""

    panel: str
    n_models: int
    n_probes: int
    n_responses: int
    statuses: dict[str, int]
    roles: dict[str, int]
    developers: dict[str, int]
    data_sources: dict[str, int]
    candidates: tuple[CandidateGroup, ...]
    copied_threshold: float
    """Share of prompts above which two models of different origin count as copied."""
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    sha256: dict[str, str]


class IndexRecord(Record):
    """What an index was made from. It is used only while the panel's files are the same."""

    schema_version: int
    hydrometer_version: str
    created_at: str
    models: tuple[str, ...]
    n_probes: int
    sha256: dict[str, str]
