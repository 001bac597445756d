"""How large a share of a zoo's model came from a teacher: an estimate for the lab's own models, and for no others.

The statistic is how far a model's words have gone from the plain controls' to the teacher's: the mean log-ratio of a
word's frequency in the teacher's and in the controls' answers, 0 for the controls' mean, 1 for the teacher itself. The
students of other teachers, whose dose is known, say which dose goes with it. A model that learnt the teacher's own
human text looks like a student here: the estimate supposes that the candidate taught it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from hydrometer.lab.zoo_panel import CASES, Listed
from hydrometer.panel.folder import RESPONSES
from hydrometer.records.base import Record, Slug
from hydrometer.stats.inverse import calibrate_inverse

# By hand, 2026-11-26, as the other estimates of the package; 44 of 56 intervals hold (docs/log.md).
LEVEL = 0.8
# By hand, 2026-11-26.
_SMALLEST = 0.01
"""Doses are told apart by ratios above it and by differences below: the curve is one of log(dose + 1 %)."""
# Half a count, as usual for log odds (Haldane, Annals of Human Genetics 20, 1956).
_SMOOTHING = 0.5
"""Count added to every word, so that one which a model never wrote has a ratio."""
_WORD = re.compile(r"[a-z']+|[^\sa-z]")


class DoseEstimate(Record):
    """A share of the fine-tuning tokens. Valid for the lab's models only, and only if the teacher is the right one."""

    teacher: Slug
    low: float
    middle: float
    high: float
    level: float
    """Of the interval, among models of teachers that the calibration never saw."""


@dataclass(frozen=True)
class Doses:
    """A zoo's models, ready for estimates.

    Attributes:
        tree: the models by name.
        words: how often each wrote each word or mark, in all its answers.
    """

    tree: Mapping[str, Listed]
    words: Mapping[str, Counter[str]]

    @cached_property
    def teachers(self) -> tuple[str, ...]:
        """The candidates."""
        return tuple(m.name for m in self.tree.values() if m.role == "teacher" and m.name in self.words)

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """Untaught models of other texts than the teachers'."""
        return tuple(
            m.name for m in self.tree.values() if m.kind == "control" and not m.same_text_as and m.name in self.words
        )

    @cached_property
    def known(self) -> dict[str, tuple[str, float]]:
        """Teacher and dose by model: students by text; plain controls with dose 0 of one candidate each, in turn."""
        found = {
            m.name: (m.taught_by[0], m.dose)
            for m in self.tree.values()
            if m.method == "sequence" and len(m.taught_by) == 1 and m.taught_by[0] in self.teachers and not m.note
        }
        # Each control once: with dose 0 of every teacher they would outnumber the students.
        dealt = {n: (self.teachers[i % len(self.teachers)], 0.0) for i, n in enumerate(self.controls)}
        return {n: pair for n, pair in (found | dealt).items() if n in self.words}

    def log_ratio(self, name: str, teacher: str) -> float:
        """Returns the mean log-ratio over a model's words, in nats; the model itself is no control."""
        return self._mean_log_ratio(name, self._ratios[teacher, name if name in self.controls else ""])

    def likeness(self, name: str, teacher: str) -> float:
        """Returns how far a model went from the controls' mean (0) to the teacher (1)."""
        null = float(np.mean([self._null[teacher][c] for c in self.controls if c != name]))
        top = self._mean_log_ratio(teacher, self._ratios[teacher, ""])
        return (self.log_ratio(name, teacher) - null) / (top - null)

    def estimates(self, name: str) -> tuple[DoseEstimate, ...]:
        """Returns the estimate for every candidate that two other teachers can calibrate."""
        if len(self.controls) < 2 or name not in self.words:
            return ()
        found = [self._estimate(name, t) for t in self.teachers if t != name]
        return tuple(e for e in found if e is not None)

    def _estimate(self, name: str, teacher: str) -> DoseEstimate | None:
        units = [(n, t, dose) for n, (t, dose) in self.known.items() if t != teacher and n != name]
        if len({t for _, t, _ in units}) < 2:
            return None
        calibration = calibrate_inverse(
            np.array([self._known_likeness[n] for n, _, _ in units]),
            np.array([math.log10(dose + _SMALLEST) for _, _, dose in units]),
            [t for _, t, _ in units],
        )
        low, middle, high = (_dose(x) for x in calibration.interval(self.likeness(name, teacher), level=LEVEL))
        return DoseEstimate(teacher=teacher, low=low, middle=middle, high=high, level=LEVEL)

    @cached_property
    def _known_likeness(self) -> dict[str, float]:
        return {n: self.likeness(n, t) for n, (t, _) in self.known.items()}

    @cached_property
    def _null(self) -> dict[str, dict[str, float]]:
        return {t: {c: self.log_ratio(c, t) for c in self.controls} for t in self.teachers}

    @cached_property
    def _ratios(self) -> dict[tuple[str, str], Mapping[str, float]]:
        """By teacher and the control that is left out, or none: log-ratios; `""` is a word that neither wrote."""
        total: Counter[str] = Counter()
        for name in self.controls:
            total.update(self.words[name])
        return {
            (t, out): _log_ratios(self.words[t], total - self.words[out] if out else total)
            for t in self.teachers
            for out in ("", *self.controls)
        }

    def _mean_log_ratio(self, name: str, ratios: Mapping[str, float]) -> float:
        # Tried: attribution's own statistic (47 of 56 intervals hold, 19 half the scale wide or wider), the log-ratio
        # without the scale from controls to teacher (48; 24); this has 44 and 0. See docs/log.md, 2026-11-26.
        mine = self.words[name]
        return sum(n * ratios.get(word, ratios[""]) for word, n in mine.items()) / max(mine.total(), 1)


def _log_ratios(teacher: Counter[str], null: Counter[str]) -> dict[str, float]:
    vocabulary = {*teacher, *null}
    size = _SMOOTHING * len(vocabulary)
    shift = math.log((null.total() + size) / (teacher.total() + size))
    return {w: math.log((teacher[w] + _SMOOTHING) / (null[w] + _SMOOTHING)) + shift for w in vocabulary} | {"": shift}


def _dose(scaled: float) -> float:
    # `scaled` is cut at 1 before the power: a margin may be infinite.
    return min(max(10 ** min(scaled, 1.0) - _SMALLEST, 0.0), 1.0)


def open_doses(folder: Path, tree: Iterable[Listed]) -> Doses:
    """Returns a zoo ready for estimates, from its recorded answers.

    Args:
        folder: the zoo's panel, already read once.
        tree: its models.
    """
    words: dict[str, Counter[str]] = {}
    for path in (p for p in (folder / RESPONSES, folder / CASES) if p.exists()):
        for model, text in pl.read_parquet(path, columns=["model", "response"]).iter_rows():
            words.setdefault(model, Counter()).update(_WORD.findall(text.lower()))
    return Doses({m.name: m for m in tree}, words)
