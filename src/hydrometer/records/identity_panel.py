"""The common panel of identity questions: the same for every subject."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hydrometer.records.base import Record, Slug, Text

MARK = "{question}"
"""Where a template has its question."""
PLAIN = "plain"
"""The template without a jailbreak."""


class PanelQuestion(Record):
    """One question in several languages."""

    id: Slug
    texts: dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], Text]
    """ISO 639 code to the question."""


class PanelTemplate(Record):
    """A text around a question."""

    id: Slug
    text: str = Field(min_length=len(MARK), max_length=4000)


class IdentityPanel(Record):
    """Questions and templates."""

    version: str
    questions: tuple[PanelQuestion, ...]
    templates: tuple[PanelTemplate, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that every question has."""
        shared = set.intersection(*(set(q.texts) for q in self.questions))
        return tuple(code for code in self.questions[0].texts if code in shared)
