"""What it takes to ask who taught a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hydrometer.errors import InputError
from hydrometer.instruments.instrument import Input


@dataclass(frozen=True)
class PanelAnswers(Input):
    """A model's answers, and those of a panel of other models to the same prompts.

    Attributes:
        responses: what the subject answered, perhaps beside other models.
        panel: the panel folder.
        candidate: the teachers to ask about; all of the panel's if none is named.
        alpha: rate of false accusations to accept.
        model: the subject's name in the response file, if it is not the dossier's.
    """

    responses: Path
    panel: Path
    candidate: tuple[str, ...] = ()
    alpha: float = 0.05
    model: str | None = None

    @classmethod
    def from_options(cls, values: Mapping[str, Any]) -> Self | None:
        """Returns the files that were named, or None where none was.

        Raises:
            InputError: for answers without a panel, a panel without answers, or a choice without either.
        """
        responses, panel = values["responses"], values["panel"]
        if (responses is None) != (panel is None):
            there, missing = ("--panel", "--responses") if responses is None else ("--responses", "--panel")
            raise InputError(
                f"without {missing} nobody can say who taught the model", cure="give both, or neither", where=there
            )
        if responses is None:
            # An option that does nothing would be believed to have done something.
            idle = {
                "--candidate": values["candidate"],
                "--model": values["model"],
                "--alpha": values["alpha"] != cls.alpha,
            }
            for option, given in idle.items():
                if given:
                    raise InputError(
                        "this needs the model's answers and a panel",
                        cure="give --responses FILE and --panel DIR too",
                        where=option,
                    )
        return super().from_options(values)
