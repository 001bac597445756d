"""What is documented about the origin of one model of a panel."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from hydrometer.records.base import Record, refusal, without_control_characters

Role = Literal["positive", "control", "mixed", "unscored"]
ROLES: tuple[Role, ...] = ("positive", "control", "mixed", "unscored")


def _no_formula(text: str) -> str:
    if text[:1] in {"=", "+", "-", "@"}:
        raise refusal(
            f"'{text[:20]}' starts like a formula of a spreadsheet",
            "write it as plain text: programs that open the table would run it",
        )
    if any(character in "\n\t\r" for character in text):
        raise refusal("a line break or tab inside a cell", "write it on one line")
    return text


Cell = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(without_control_characters),
    AfterValidator(_no_formula),
]
"""One cell of a table that people also open in a spreadsheet."""

Name = Annotated[Cell, StringConstraints(max_length=200)]


def _day(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise refusal(f"'{value[:20]}' is no date", "write it as 2024-05-13")
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise refusal(f"'{value}' is no day of the calendar", "write it as 2024-05-13") from None
    return value


Day = Annotated[dt.date, BeforeValidator(_day)]
"""A day, as 2024-05-13."""


class Lineage(Record):
    """One row of `lineage.csv`. What is not known is None: unknown is not the same as none."""

    model: Name
    developer: Name | None = None
    base_family: Name | None = None
    """The pre-trained family that it starts from, as `Mistral`."""
    relation: Name | None = None
    """How it came about: `distilled`, `self`, `wrapper`, `ensemble`, `human`, `proprietary-unknown`."""
    teacher_group: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Documented teachers, as groups of snapshots that count as one."""
    own_group: Name | None = None
    """The group of snapshots that it belongs to itself; a model with one is a candidate."""
    data_source: Name | None = None
    """The training set that makes its students dependent samples."""
    role: Role = "unscored"
    """`positive`: documented teacher; `control`: documented as untaught; `mixed`: several teachers."""
    parent: Name | None = None
    """The instruct model that it starts from or wraps."""
    confidence: Literal["high", "medium", "low"] | None = None
    evidence: Cell | None = None
    """Where this is documented."""
    same_text_as: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Of a model documented as untaught: candidates whose own human-written training text it learnt too. Such a model
    resembles the candidate as a student does: a hard control."""
    released: Day | None = None
    """When it first answered the public. Nobody learnt from a model that came later."""
