"""An audit: everything that `report.html` shows and everything needed to run it again."""

from __future__ import annotations

from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Evidence, FileName, InputFile, QuestionName


class Provenance(Record):
    """How to run the audit again, and what it ran on. The only part that differs between two runs."""

    created_at: str
    command: FileName
    python: str
    platform: str
    packages: dict[str, str]


class Question(Record):
    """One of the questions of the dispute, and its answer so far."""

    name: QuestionName
    title: str
    in_the_news: str
    evidence: tuple[str, ...]
    """Ids of the evidence that bears on it; none if nothing was measured."""
    answer: str
    how_sure: str
    missing: tuple[str, ...]


class Audit(Record):
    """The record of one audit (`audit.json`). Fields are only ever added at the end of a record.

    Schema 2: details moved to their instruments' own records, `reported-` for `told-` in ids of evidence.
    """

    schema_version: Literal[2]
    hydrometer_version: str
    subject: str
    seed: int
    inputs: tuple[InputFile, ...]
    questions: tuple[Question, ...]
    evidence: tuple[Evidence, ...]
    dossier: Dossier
    provenance: Provenance
