"""Evidence: what one instrument found about one proposition, complete enough to print and to re-run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SerializeAsAny, ValidationInfo

from hydrometer.records.base import Record, refusal

QuestionName = Literal["cost", "teacher", "compute"]
# A file name need not be text; what cannot be written as UTF-8 becomes "?".
FileName = Annotated[str, AfterValidator(lambda name: name.encode(errors="replace").decode())]


class Verdict(StrEnum):
    """What the evidence says of a proposition."""

    SUPPORTS = "supports"
    OPPOSES = "opposes"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"


class Range(Record):
    """A number with its interval."""

    low: float
    middle: float
    high: float
    unit: str
    level: float | None = None
    """Coverage of the interval; absent where low and high are plain bounds."""
    method: str
    """How low and high were found."""


class InputFile(Record):
    """A file that was read."""

    name: FileName
    sha256: str
    bytes: int


class Citation(Record):
    """Where a number or a statement was read."""

    title: str
    address: str
    place: str
    date: str
    grade: str


class OperatingPoint(Record):
    """How often the procedure is right, measured on cases that did not set its tolerances."""

    measured_on: str
    date: str
    command: str
    n_true: int
    n_corrupted: int
    false_positive_rate: Range
    """Models with true figures of which some figure was opposed."""
    true_positive_rate: Range
    """Corrupted claims that were opposed."""


class Details(Record):
    """Base of what an instrument adds to its evidence; `kind` says which record it is."""

    kind: str


def _details(value: object, info: ValidationInfo) -> object:
    """Returns details as the record that their kind names.

    This floor does not know the instruments: whoever reads a stored audit hands the kinds in.
    """
    if value is None or isinstance(value, Details):
        return value
    kinds: Mapping[str, type[Details]] = (info.context or {}).get("details", {})
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise refusal("details of an unknown kind", f"known: {', '.join(sorted(kinds)) or 'none'}")
    # Through JSON again: a strict record takes a list for a tuple, or text for a date, from JSON only.
    return kinds[kind].model_validate_json(json.dumps(value))


AnyDetails = Annotated[SerializeAsAny[Details], BeforeValidator(_details)]


class Evidence(Record):
    """One instrument's result on one proposition."""

    id: str
    instrument: str
    question: QuestionName
    proposition: str
    alternative: str
    """What would be so if the proposition were false."""
    verdict: Verdict
    answer: str
    """One plain sentence."""
    how_sure: str
    statistic_name: str | None = None
    statistic: Range | None = None
    operating_point: OperatingPoint | None = None
    cannot_rule_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """What was not available, and how to get it."""
    warnings: tuple[str, ...] = ()
    sources: tuple[Citation, ...] = ()
    details: AnyDetails | None = None
    inputs: tuple[InputFile, ...] = ()
    """Files that it rests on beside the dossiers."""
    in_answer: bool = True
    """Whether the answer to the question repeats it; figures that others reported are judged apart."""
    accuses: bool = False
    """Whether the proposition is that another's work went into the subject: then what cannot be ruled out stands beside
    the answer wherever it is shown."""
