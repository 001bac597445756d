"""The zoo that ships, ready to be judged, and who is who in it: see lab.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hydrometer.instruments.attribution.compare import Answers, add_up, compare_outsider, member_probes
from hydrometer.instruments.attribution.open import make_index
from hydrometer.instruments.attribution.run import Attributor, Case
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.known_cases.zoo import teachers_of
from hydrometer.lab.zoo_panel import Listed, read_tree
from hydrometer.panel import Panel, open_panel
from hydrometer.panel.index import Index, find_index
from hydrometer.records.lineage import Lineage

ROOT = Path(__file__).resolve().parent.parent
ZOO = ROOT / "panels/zoo"
CACHE = ROOT / ".cache/zoo"
ALPHA = 0.05
_BLOCKS = 4
"""Blocks of the jackknife where many judgements are made; the instrument itself uses 20."""


@dataclass(frozen=True)
class Verdict:
    """What attribution says of one model.

    Attributes:
        named: who is named.
        leading: the candidate with the largest statistic.
        withheld: why nobody is named although a candidate passes.
        either: who is named together with its human text, because the two cannot be told apart.
        pvalues: by candidate.
        statistics: by candidate.
        above_students: whether it resembles its leading candidate more than every documented student does theirs.
    """

    named: tuple[str, ...]
    leading: str
    withheld: str | None
    either: tuple[str, ...]
    pvalues: Mapping[str, float]
    statistics: Mapping[str, float]
    above_students: bool


@dataclass
class Zoo:
    """The zoo, ready to be judged.

    Attributes:
        panel: its panel.
        index: the panel's.
        tree: its members by name.
        cases: answers of members outside the panel, by name and prompt.
        compared: these, compared with the panel; filled as they are needed.
    """

    panel: Panel
    index: Index
    tree: Mapping[str, Listed]
    cases: Mapping[str, Mapping[int, str]]
    compared: dict[str, Answers] = field(default_factory=dict)

    @property
    def teachers(self) -> tuple[str, ...]:
        """The candidates."""
        return tuple(m.name for m in self.tree.values() if m.kind == "teacher")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everybody else."""
        return tuple(m.name for m in self.tree.values() if m.kind != "teacher")

    def group(self, name: str) -> str:
        """Returns the row of the tables that a model belongs to."""
        m = self.tree[name]
        if m.same_text_as:
            return (
                "sibling of a teacher"
                if m.kind == "sibling"
                else (f"base, {m.text_share:.0%} the teacher's own text".replace("%", " %"))
            )
        if m.role == "control":
            return "plain control" if m.kind == "control" else "base"
        if len(m.taught_by) > 1:
            return "two teachers at 30 % each"
        if m.taught_by[0] not in self.teachers:
            second = self.tree[m.taught_by[0]]
            return "by a sibling of a teacher, 100 %" if second.kind == "sibling" else "second hand, 30 %"
        if m.note == "later fine-tuning":
            return "100 %, then as much human text"
        how = {"sequence": "by text", "forward_kl": "by logits", "on_policy": "on-policy"}[m.method]
        return f"{how}, {m.dose:.0%}".replace("%", " %")

    def truth(self, name: str) -> set[str]:
        """Returns who of the candidates taught a model, directly or not."""
        return teachers_of(self.tree, name) & set(self.teachers)


def open_zoo(progress: Callable[[str], None]) -> Zoo:
    """Opens the zoo that ships and indexes it where that is not done."""
    panel = open_panel(ZOO)
    index = find_index(panel, cache=CACHE)
    if index is None:
        progress("indexing")
        index = make_index(panel, alpha=ALPHA, cache=CACHE)
    rows = pl.read_parquet(ZOO / "cases.parquet")
    position = {probe: i for i, probe in enumerate(panel.probes)}
    cases: dict[str, dict[int, str]] = {}
    for model, probe, text in rows.select("model", "probe", "response").iter_rows():
        cases.setdefault(model, {})[position[probe]] = text
    return Zoo(panel, index, {m.name: m for m in read_tree(ZOO)}, cases)


def subject(zoo: Zoo, name: str) -> Subject:
    """Returns a member as a subject of unknown lineage."""
    developer = Lineage(model=name, developer=f"lab {name}")
    if name in zoo.cases:
        return Subject(developer, zoo.cases[name], None, frozenset(), ())
    place = zoo.panel.models.index(name)
    return Subject(zoo.panel.lineage_of(name), {}, place, frozenset(), ())


def judge(
    zoo: Zoo, name: str, *, panel: Panel | None = None, asked: tuple[str, ...] | None = None,
    probes: NDArray[np.int64] | None = None, blocks: int = _BLOCKS,
) -> Verdict:  # fmt: skip
    """Judges one member.

    Args:
        zoo: the zoo.
        name: the member.
        panel: the panel with another lineage table.
        asked: candidates that are asked about; all if None.
        probes: positions of the probes to use; all if None.
        blocks: of the jackknife.
    """
    attributor = Attributor(panel or zoo.panel, zoo.index, asked, ALPHA)
    me = subject(zoo, name)
    if me.member is None and name not in zoo.compared:
        zoo.compared[name] = compare_outsider(zoo.index, me.texts)
    outsider = zoo.compared[name] if me.member is None else None
    known = outsider.probes if outsider is not None else member_probes(zoo.index, me.member or 0)
    chosen = known if probes is None else np.intersect1d(known, probes)
    compared = attributor.question.comparison_set(me)
    asked_G = attributor.question.asked_mask & compared.judged[compared.subject]
    case = Case(me, compared, asked_G, chosen, outsider)
    found = attributor._decide(case, [add_up(zoo.index, chosen[k::blocks], outsider) for k in range(blocks)])
    names = attributor.groups
    decision = found.decision
    students = found.found.students
    top = float(found.row_G[decision.leading])
    return Verdict(
        named=tuple(names[g] for g in decision.attributed), leading=names[decision.leading],
        withheld=decision.withheld,
        either=tuple(names[g] for g in decision.also[:1]) if decision.withheld == "shared_text" else (),
        pvalues={n: float(p) for n, p in zip(names, decision.pvalue_G, strict=True)},
        statistics={n: float(x) for n, x in zip(names, found.row_G, strict=True)},
        above_students=bool(len(students)) and top > float(students.max()),
    )  # fmt: skip


def with_lineage(panel: Panel, change: Callable[[Lineage], Lineage]) -> Panel:
    """Returns a panel with another lineage table."""
    return replace(panel, lineage=tuple(change(row) for row in panel.lineage))


def hard(zoo: Zoo) -> list[str]:
    """Returns the hard controls."""
    return [n for n in zoo.subjects if zoo.tree[n].same_text_as]


def plain(zoo: Zoo) -> list[str]:
    """Returns the plain controls and the bases."""
    return [n for n in zoo.subjects if zoo.tree[n].role == "control" and not zoo.tree[n].same_text_as]


def by_text(zoo: Zoo, *, least: float = 0.0, most: float = 1.0) -> list[str]:
    """Returns the students by text of one teacher, without a later fine-tuning, by dose."""
    found = [n for n in zoo.subjects if zoo.group(n).startswith("by text") and least <= zoo.tree[n].dose <= most]
    return sorted(found, key=lambda n: zoo.tree[n].dose)


def unscored(row: Lineage) -> Lineage:
    """Returns a lineage of which nothing is known but the developer and the base."""
    return row.model_copy(update={"role": "unscored", "same_text_as": (), "teacher_group": ()})
