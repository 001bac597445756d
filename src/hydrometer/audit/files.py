"""The files beside a dossier that an audit can use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TeacherFiles:
    """What it takes to ask who taught a model.

    Attributes:
        responses: what the subject answered, perhaps beside other models.
        panel: the panel folder.
        candidates: the teachers to ask about; all of the panel's if none is named.
        alpha: rate of false accusations to accept.
        model: the subject's name in the response file, if it is not the dossier's.
        cache: folder for the panel's index if one must be made and the panel folder cannot be written.
    """

    responses: Path
    panel: Path
    candidates: tuple[str, ...] = ()
    # Convention; the smallest p-value that AlpacaEval's 23 to 28 null models support is 0.034 to 0.042.
    alpha: float = 0.05
    model: str | None = None
    cache: Path | None = None
