"""What every instrument is: one object with a name, a question, what it needs, and how it measures a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Details, Evidence, QuestionName

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and the total."""


def silent(what: str, done: int, total: int) -> None:
    """Reports no progress."""


@dataclass(frozen=True)
class Input:
    """Base of what an instrument takes beside the dossier; its fields are named as the options of the command line."""

    @classmethod
    def from_options(cls, values: Mapping[str, Any]) -> Self | None:
        """Returns what the options give, or None where they give nothing.

        Args:
            values: of all options, by name; None, an empty tuple or the field's default where one is not given.

        Raises:
            InputError: if an option lacks another that it needs.
        """
        mine = {field.name: values[field.name] for field in fields(cls)}
        defaults = {field.name: field.default for field in fields(cls)}
        if all(value in (None, ()) or value == defaults[name] for name, value in mine.items()):
            return None
        return cls(**mine)

    def words(self) -> list[str]:
        """Returns the options that give this again, for the record of a command."""
        found = []
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if one is not None:
                    found += [f"--{field.name.replace('_', '-')}", f"{one:g}" if isinstance(one, float) else str(one)]
        return found


Given = TypeVar("Given", bound=Input)


@dataclass(frozen=True)
class Case:
    """All that is at hand about one subject.

    Attributes:
        dossier: what was published about it.
        siblings: dossiers of models by the same makers.
        compared: the dossier of a model of like quality, if one is named.
        given: answers, panels and whatever else; each instrument looks for its own kind.
        seed: of all random draws.
        cache: folder for what is made once and kept, where its own folder cannot be written.
        progress: called as long work goes on.
    """

    dossier: Dossier
    siblings: tuple[Dossier, ...] = ()
    compared: Dossier | None = None
    given: tuple[Input, ...] = ()
    seed: int = 0
    cache: Path | None = None
    progress: Progress = silent

    def find(self, kind: type[Given]) -> Given | None:
        """Returns what was given of a kind."""
        return next((one for one in self.given if isinstance(one, kind)), None)


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A measuring procedure.

    Attributes:
        name: the key in records, as `training_cost`.
        question: which question its evidence bears on; several instruments may bear on one.
        decides: whether it can answer that question; others only add to the answer.
        needs: what must be at hand to measure, and how to get it; one sentence each.
        details: the records that its evidence may carry.
        measure: returns the evidence on a case; none where what it needs is not there.
        inputs: what it takes beside the dossier, if anything.
    """

    name: str
    question: QuestionName
    decides: bool
    needs: tuple[str, ...]
    details: tuple[type[Details], ...]
    measure: Callable[[Case], Sequence[Evidence]]
    inputs: type[Input] | None = None


def kind_of(details: type[Details]) -> str:
    """Returns the value of `kind` by which a stored record of details is known."""
    kind = details.model_fields["kind"].default
    assert isinstance(kind, str), f"{details.__name__} has no kind of its own"
    return kind
