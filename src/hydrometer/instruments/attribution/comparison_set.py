"""Who is who: candidates, documented students, controls and kin among a panel's models and one subject.

Axes: M models (the panel's, then the subject if it is an outsider), G candidates, C contrasts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrometer.panel.overlap import ancestors
from hydrometer.records.lineage import Lineage

# By structure, not by measurement: with one developer both directions are the same.
_FEWEST_DEVELOPERS_OF_A_BASE = 2
"""A base family that only one developer builds on cannot be told apart from that developer."""

_NOT_A_BASE = ("unknown", "ensemble")
_NOT_BUILT_ON_A_BASE = ("wrapper", "ensemble")


@dataclass(frozen=True)
class ComparisonSet:
    """The models of one comparison.

    Attributes:
        models: lineage of every model; what is unknown is None.
        subject: position of the subject.
        left_out: further positions that no computation may use, as copies of the subject.
        candidates: names of the groups that are judged.
    """

    models: tuple[Lineage, ...]
    subject: int
    left_out: frozenset[int]
    candidates: tuple[str, ...]

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """Positions of each candidate's snapshots."""
        return tuple(
            tuple(i for i, m in enumerate(self.models) if m.own_group == name and self._usable(i))
            for name in self.candidates
        )

    @cached_property
    def developers(self) -> tuple[frozenset[str], ...]:
        """Who makes each candidate."""
        return tuple(
            frozenset(m.developer for m in self.models if m.own_group == name and m.developer is not None)
            for name in self.candidates
        )

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The earliest documented ancestor of each model."""
        earliest = ancestors(self.models)
        return tuple(earliest[m.model] for m in self.models)

    @cached_property
    def kin(self) -> NDArray[np.bool_]:
        """Which models share developer, training set or ancestor, shape (M, M): none may help to judge another."""
        kin = np.eye(len(self.models), dtype=bool)
        for keys in (
            [m.developer for m in self.models],
            [m.data_source for m in self.models],
            list(self.roots),
        ):
            for positions in _groups(keys).values():
                kin[np.ix_(positions, positions)] = True
        outside = sorted(self.left_out)
        kin[self.subject, outside] = kin[outside, self.subject] = True
        return kin

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Which candidates can be a foreign teacher of which model, shape (M, G): not its maker's, not its parent's."""
        rows = []
        for i, me in enumerate(self.models):
            family = {m.own_group for j, m in enumerate(self.models) if self.roots[j] == self.roots[i]}
            rows.append(
                [
                    bool(self.members[g])
                    and me.developer not in self.developers[g]
                    and name not in family
                    and self.came_first(i, g) is not False
                    for g, name in enumerate(self.candidates)
                ]
            )
        return np.array(rows, dtype=bool).reshape(len(self.models), len(self.candidates))

    def came_first(self, model: int, candidate: int) -> bool | None:
        """Returns whether a candidate was released before a model; None where the dates are not known."""
        mine = self.models[model].released
        theirs = [day for i in self.members[candidate] if (day := self.models[i].released) is not None]
        return None if mine is None or not theirs else min(theirs) <= mine

    # Without dates gpt-4o is named a student of yi-large-preview, which came later (docs/log.md, 2026-11-24).
    def direction_is_open(self, candidate: int) -> bool:
        """Returns whether the subject, itself a candidate, may have taught the candidate instead."""
        me = self.models[self.subject]
        return me.own_group is not None and self.came_first(self.subject, candidate) is None

    def teachers(self, model: int) -> frozenset[str]:
        """Returns the documented teachers of a positive or mixed model."""
        me = self.models[model]
        return frozenset(me.teacher_group) if me.role in ("positive", "mixed") else frozenset()

    def untaught(self, model: int) -> NDArray[np.bool_]:
        """Returns which candidates are documented not to have taught a model, shape (G,).

        A control was taught by nobody's model; one that learnt a candidate's own text is left to `same_text`. A student
        with documented teachers was taught by nobody else, but a teacher's siblings resemble it, so that candidates of
        the same developer are left open.
        """
        me = self.models[model]
        if me.role == "control":
            other = np.array([name not in me.same_text_as for name in self.candidates], dtype=bool)
            cleared: NDArray[np.bool_] = self.judged[model] & other
            return cleared
        if me.role != "positive":
            return np.zeros(len(self.candidates), dtype=bool)
        makers = {d for g, name in enumerate(self.candidates) if name in me.teacher_group for d in self.developers[g]}
        makers |= {m.developer for m in self.models if m.own_group in me.teacher_group and m.developer}
        known = any(m.own_group in me.teacher_group for m in self.models)
        # `known`: a teacher without answers in the panel could be a sibling of any candidate, so that nothing is
        # cleared.
        open_ = [not (self.developers[g] & makers) and known for g in range(len(self.candidates))]
        allowed: NDArray[np.bool_] = self.judged[model] & np.array(open_, dtype=bool)
        return allowed

    @cached_property
    # Known weakness (review of 2026-12-01): on AlpacaEval 18 of these 30 are one maker's students, never judged in that
    # maker's columns, where the rank is among 12 controls and the printed rate therefore too small.
    def null_models(self) -> tuple[int, ...]:
        """Positions of the models that are known to be untaught by some candidate; never the subject's kin."""
        return tuple(
            i
            for i in range(len(self.models))
            if self._usable(i) and not self.kin[self.subject, i] and self.untaught(i).any()
        )

    @cached_property
    def students(self) -> tuple[int, ...]:
        """Positions of the documented students of a single group or of siblings; never the subject's kin."""
        return tuple(
            i
            for i, m in enumerate(self.models)
            if m.role == "positive"
            and self._usable(i)
            and not self.kin[self.subject, i]
            and any(name in m.teacher_group and self.judged[i, g] for g, name in enumerate(self.candidates))
        )

    @cached_property
    def taught(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the models that each candidate is documented to have taught, alone or with others."""
        return tuple(tuple(i for i in range(len(self.models)) if name in self.teachers(i)) for name in self.candidates)

    @cached_property
    def same_text(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the models that learnt each candidate's own human text, untaught; never the subject's kin."""
        return tuple(
            tuple(
                i
                for i, m in enumerate(self.models)
                if name in m.same_text_as
                and m.role == "control"
                and self._usable(i)
                and self.judged[i, g]
                and not self.kin[self.subject, i]
            )
            for g, name in enumerate(self.candidates)
        )

    @cached_property
    def others(self) -> tuple[tuple[int, ...], ...]:
        """Positions that stand for the untaught of each candidate.

        They are controls, other teachers' students and other developers' candidates.
        """
        snapshots = {i for members in self.members for i in members}
        found = []
        for name, makers in zip(self.candidates, self.developers, strict=True):
            found.append(
                tuple(
                    i
                    for i, m in enumerate(self.models)
                    if m.developer not in makers
                    and name not in m.same_text_as
                    and i not in self.left_out
                    and (
                        m.role == "control" or i in snapshots or (m.role == "positive" and name not in m.teacher_group)
                    )
                )
            )
        return tuple(found)

    def weights(self, positions: Iterable[int]) -> NDArray[np.float64]:
        """Returns weights over models by which every training set or developer counts once, shape (M,)."""
        weight = np.zeros(len(self.models))
        for members in _groups(self._sources, positions).values():
            weight[members] = 1 / len(members)
        return weight

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        # Two prefixes, so that a data set and a developer of one name stay two sources.
        return tuple(f"data {m.data_source}" if m.data_source else f"by {m.developer or m.model}" for m in self.models)

    def _usable(self, model: int) -> bool:
        return model != self.subject and model not in self.left_out

    @cached_property
    def base_contrasts(self) -> NDArray[np.float64]:
        """Returns the direction of each base family that two developers or more build on, shape (C, M)."""
        builders = [i for i, m in enumerate(self.models) if self._usable(i) and m.relation not in _NOT_BUILT_ON_A_BASE]
        rows = []
        for name, positions in sorted(_groups([m.base_family for m in self.models], builders).items()):
            makers = {self.models[i].developer for i in positions}
            if name not in _NOT_A_BASE and len(makers) >= _FEWEST_DEVELOPERS_OF_A_BASE:
                weight = self.weights(positions)
                rows.append(weight / weight.sum())
        contrast = np.array(rows).reshape(len(rows), len(self.models))
        everybody = np.zeros(len(self.models))
        everybody[[i for i in range(len(self.models)) if self._usable(i)]] = 1
        centred: NDArray[np.float64] = contrast - everybody / everybody.sum()
        return centred


def _groups(keys: Sequence[str | None], positions: Iterable[int] | None = None) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for i in range(len(keys)) if positions is None else positions:
        key = keys[i]
        if key is not None:
            found[key].append(i)
    return found


def candidate_groups(lineage: Collection[Lineage], models: Collection[str]) -> tuple[str, ...]:
    """Returns the groups of snapshots that have answers in the panel, sorted."""
    known = set(models)
    return tuple(sorted({m.own_group for m in lineage if m.own_group is not None and m.model in known}))
