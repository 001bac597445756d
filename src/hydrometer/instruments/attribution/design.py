"""Which candidates are asked about, at which level, and whether a panel can answer at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import InputError, printable
from hydrometer.instruments.attribution.comparison_set import ComparisonSet, candidate_groups
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.panel import Panel
from hydrometer.records.lineage import Lineage
from hydrometer.stats.conformal import ROUNDING, models_needed

# By hand, 2026-11-24: a block of the jackknife then holds one probe. Of 25 prompts 33 % of students are still named
# (docs/benchmarks/attribution.md).
FEWEST_PROBES = 20
"""Below this a mean over probes says nothing."""


@dataclass(frozen=True)
class Design:
    """What is asked of a panel.

    Attributes:
        panel: the panel.
        candidates: groups or snapshots that are asked about; all of the panel's groups if None.
        alpha: the level.
    """

    panel: Panel
    candidates: tuple[str, ...] | None
    alpha: float

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """All candidates of the panel."""
        return candidate_groups(self.panel.lineage, self.panel.models)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The groups that are asked about, a snapshot's name taken for its group.

        Raises:
            InputError: if the panel has no such candidate.
        """
        if self.candidates is None:
            return self.groups
        group_of = {m.model: m.own_group for m in self.panel.lineage if m.own_group in self.groups}
        found = []
        for name in self.candidates:
            group = name if name in self.groups else group_of.get(name)
            if group is None:
                raise InputError(
                    f"'{printable(name, limit=60)}' is no candidate of this panel",
                    cure=f"candidates are {', '.join(self.groups)}",
                    where="--candidate",
                )
            found.append(group)
        return tuple(dict.fromkeys(found))

    @cached_property
    def asked_mask(self) -> NDArray[np.bool_]:
        """The same as a mask over all groups."""
        return np.array([name in self.asked for name in self.groups], dtype=bool)

    def null_mask(self, compared: ComparisonSet) -> NDArray[np.bool_]:
        """Returns over which candidates the null models' largest statistics are taken, shape (G,).

        Those that are asked about; or all, if too few models are documented as untaught by just those. More candidates
        make larger maxima, which only asks more of the evidence. The choice looks at numbers of models alone.
        """
        # Tried without this way out: 8 to 12 of AlpacaEval's models are untaught by one candidate, so that every single
        # candidate was refused at 5 % (docs/benchmarks/attribution.md, "One candidate asked about").
        enough = 1 / (self._n_null(compared, self.asked_mask) + 1) <= self.alpha + ROUNDING
        return self.asked_mask if enough else np.ones(len(self.groups), dtype=bool)

    @cached_property
    def members(self) -> tuple[Lineage, ...]:
        """Lineage of every model with answers; empty where none is documented."""
        documented = {m.model: m for m in self.panel.lineage}
        return tuple(documented.get(name) or Lineage(model=name) for name in self.panel.models)

    def comparison_set(self, subject: Subject) -> ComparisonSet:
        """Returns who is who for one subject."""
        if subject.member is not None:
            members = list(self.members)
            reported = {"developer": subject.lineage.developer, "released": subject.lineage.released}
            members[subject.member] = members[subject.member].model_copy(update=reported)
            return ComparisonSet(tuple(members), subject.member, subject.copies, self.groups)
        # The subject's own role and teachers are what is asked: they must not help to answer.
        stranger = subject.lineage.model_copy(update={"role": "unscored", "teacher_group": ()})
        return ComparisonSet((*self.members, stranger), len(self.members), subject.copies, self.groups)

    def check(self) -> None:
        """Refuses a panel that can support no p-value as small as alpha, whoever the subject is.

        Raises:
            InputError: with the smallest p-value that is possible.
        """
        where = str(self.panel.folder)
        if not self.groups:
            raise InputError(
                "no model of this panel belongs to a candidate",
                cure="name the groups of possible teachers in the column own_group of lineage.csv",
                where=where,
            )
        nobody = Subject(Lineage(model="nobody"), {}, None, frozenset(), ())
        compared = self.comparison_set(nobody)
        n_null = self._n_null(compared, self.null_mask(compared))
        if 1 / (n_null + 1) > self.alpha + ROUNDING:
            raise InputError(
                f"refused: the smallest possible p-value is {1 / (n_null + 1):.2g}, with {n_null} models documented as "
                f"untaught, and alpha is {self.alpha:g}",
                cure=f"add documented models until there are {models_needed(self.alpha)} (`hydrometer panel add`)",
                where=where,
            )

    def too_little(self, compared: ComparisonSet, n_probes: int, asked_G: NDArray[np.bool_]) -> str | None:
        """Returns why this subject cannot be measured, or None if it can."""
        if n_probes < FEWEST_PROBES:
            return f"only {n_probes} of its answers are to prompts of the panel: {FEWEST_PROBES} are the least"
        if not asked_G.any():
            return "no candidate can be judged: all are its maker's or its parent's"
        n_null = self._n_null(compared, self.null_mask(compared))
        if 1 / (n_null + 1) > self.alpha + ROUNDING:
            return (
                f"without the subject's kin {n_null} models are documented as untaught, so that the smallest possible "
                f"p-value is {1 / (n_null + 1):.2g}"
            )
        return None

    @staticmethod
    def _n_null(compared: ComparisonSet, mask_G: NDArray[np.bool_]) -> int:
        return sum(bool((compared.untaught(i) & mask_G).any()) for i in compared.null_models)
