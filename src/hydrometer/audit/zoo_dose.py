"""How large a share of a zoo's model came from a teacher: an estimate for the lab's own models, and for no others.

Students whose dose is known say which dose goes with which statistic of attribution. A model is judged by the students
of other teachers alone, so that neither its own teacher's students nor itself set the curve. A model that learnt the
teacher's own human text looks like a student here too: the estimate supposes that the candidate taught it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from hydrometer.errors import InputError
from hydrometer.records.attribution import Attribution
from hydrometer.records.base import Record, Slug
from hydrometer.stats.inverse import calibrate_inverse
from hydrometer.store.files import read_bytes, write_whole

CALIBRATION = "dose_calibration.json"
LEVEL = 0.8
_LARGEST = 1024**2
_SMALLEST = 0.01
"""Doses are told apart by ratios above it and by differences below: the curve is one of log(dose + 1 %)."""


class DoseUnit(Record):
    """A model of known dose."""

    model: Slug
    teacher: Slug
    dose: Annotated[float, Field(ge=0, le=1)]
    statistic: Annotated[float, Field(allow_inf_nan=False)]
    """Of attribution, with this teacher."""


class DoseEstimate(Record):
    """A share of the fine-tuning tokens. Valid for the lab's models only, and only if the teacher is the right one."""

    teacher: Slug
    low: float
    middle: float
    high: float
    level: float
    """Of the interval, among models of teachers that the calibration never saw."""


class DoseCalibration(Record):
    """The models of known dose, and the panel that their statistics are of."""

    sha256: dict[str, str]
    units: Annotated[tuple[DoseUnit, ...], Field(strict=False)]

    def estimate(self, *, teacher: str, statistic: float, model: str) -> DoseEstimate | None:
        """Returns the estimate for one model; None where fewer than two other teachers could calibrate it.

        Args:
            teacher: the candidate; its own students are left out.
            statistic: of attribution, with this candidate.
            model: whose it is; left out too.
        """
        units = [u for u in self.units if u.teacher != teacher and u.model != model]
        if len({u.teacher for u in units}) < 2:
            return None
        calibration = calibrate_inverse(
            np.array([u.statistic for u in units]),
            np.array([_scaled(u.dose) for u in units]),
            [u.teacher for u in units],
        )
        low, middle, high = (_dose(x) for x in calibration.interval(statistic, level=LEVEL))
        return DoseEstimate(teacher=teacher, low=low, middle=middle, high=high, level=LEVEL)

    def of(self, result: Attribution) -> tuple[DoseEstimate, ...]:
        """Returns the estimate for every candidate that attribution measured, each as if this one had taught it."""
        measured = [(c.name, c.statistic) for c in result.candidates if c.statistic is not None]
        found = [self.estimate(teacher=t, statistic=x, model=result.subject) for t, x in measured]
        return tuple(e for e in found if e is not None)


def _scaled(dose: float) -> float:
    return math.log10(dose + _SMALLEST)


def _dose(scaled: float) -> float:
    return min(max(10 ** min(scaled, 1.0) - _SMALLEST, 0.0), 1.0)


def read_calibration(folder: Path, sha256: Mapping[str, str]) -> DoseCalibration | None:
    """Returns what ships with a zoo's panel; None where nothing does, or it was measured on another panel.

    Args:
        folder: the panel's.
        sha256: of the panel's files, by name.

    Raises:
        InputError: if the file is not what `write_calibration` writes.
    """
    path = folder / CALIBRATION
    if not path.exists():
        return None
    try:
        found = DoseCalibration.model_validate_json(read_bytes(path, limit=_LARGEST, what="dose calibration"))
    except ValidationError:
        raise InputError("no calibration of doses", cure="write it again with bench/lab.py", where=str(path)) from None
    return found if found.sha256 == dict(sha256) else None


def write_calibration(folder: Path, calibration: DoseCalibration) -> None:
    """Writes it beside a zoo's panel.

    Raises:
        OutputError: if it cannot be written.
    """
    write_whole(folder / CALIBRATION, (calibration.model_dump_json(indent=0) + "\n").encode())
