"""What the calibration on the zoo measures: see lab.py.

Axes: P probes, M models, G candidates.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import kendalltau

from hydrometer.instruments.attribution import Attributor, make_index
from hydrometer.instruments.attribution.compare import Answers, add_up, compare_outsider, member_probes
from hydrometer.instruments.attribution.run import Case
from hydrometer.instruments.attribution.significance import Z95
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.instruments.similarity.features import likenesses
from hydrometer.lab.zoo_panel import Listed, read_tree
from hydrometer.panel import Panel, open_panel
from hydrometer.panel.index import Index, find_index
from hydrometer.records.lineage import Lineage
from hydrometer.stats.conformal import block_jackknife_error
from hydrometer.stats.proportions import Proportion

ROOT = Path(__file__).resolve().parent.parent
ZOO = ROOT / "panels/zoo"
WHITE_BOX = ROOT / "bench/lab_whitebox.csv"
ALPHA = 0.05
SEED = 20251125
SIZES = (25, 50, 100, 200)
DRAWS = 3
_BLOCKS = 4
"""Blocks of the jackknife where many judgements are made; the instrument itself uses 20."""
_TURNS = 500
"""Permutations."""

Array = NDArray[np.float64]


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
            return "sibling of a teacher" if m.kind == "sibling" else "base, then a teacher's own human text"
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
        found: set[str] = set()
        for t in self.tree[name].taught_by:
            found |= {t} if t in self.teachers else self.truth(t)
        return found


def open_zoo(progress: Callable[[str], None]) -> Zoo:
    """Opens the zoo that ships and indexes it where that is not done."""
    panel = open_panel(ZOO)
    cache = ROOT / ".cache" / "zoo"
    index = find_index(panel, cache=cache)
    if index is None:
        progress("indexing")
        index = make_index(panel, alpha=ALPHA, cache=cache)
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
    roster = attributor.question.roster(me)
    asked_G = attributor.question.asked_mask & roster.judged[roster.subject]
    case = Case(me, roster, asked_G, chosen, outsider)
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


def tell(zoo: Zoo, verdicts: Mapping[str, Verdict]) -> dict[str, tuple[int, int, int]]:
    """Returns by group: models right, models with a wrong name, models."""
    found: dict[str, tuple[int, int, int]] = {}
    for name, v in verdicts.items():
        true = zoo.truth(name)
        wrong = bool(set(v.named) - true)
        right = (bool(v.named) and not wrong) if true else not v.named
        a, b, n = found.get(zoo.group(name), (0, 0, 0))
        found[zoo.group(name)] = (a + right, b + wrong, n + 1)
    return found


def either(zoo: Zoo, verdicts: Mapping[str, Verdict]) -> dict[str, tuple[int, int, int]]:
    """Returns the same for the weaker statement that a candidate, or its human text, taught a model."""
    found: dict[str, tuple[int, int, int]] = {}
    for name, v in verdicts.items():
        said = {*v.named, *v.either}
        own = zoo.tree[name].same_text_as
        true = zoo.truth(name) | ({own} if own else set())
        wrong = bool(said - true)
        right = not wrong and (bool(said) or not true)
        a, b, n = found.get(zoo.group(name), (0, 0, 0))
        found[zoo.group(name)] = (a + right, b + wrong, n + 1)
    return found


def share(hits: int, n: int) -> tuple[float, float, float]:
    """Returns a share with its exact (Clopper-Pearson) 95 % interval."""
    p = Proportion(hits, n)
    return p.estimate, *p.confidence_interval()


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


def hard_control_rules(zoo: Zoo) -> dict[str, dict[str, tuple[int, int]]]:
    """Returns, for each way to treat hard controls, how many of each kind are accused and how many students named."""

    def unknown(row: Lineage) -> Lineage:
        return unscored(row) if row.same_text_as else row

    def ordinary(row: Lineage) -> Lineage:
        return row.model_copy(update={"same_text_as": ()})

    def own_absent(teacher: str) -> Panel:
        return with_lineage(zoo.panel, lambda r: unscored(r) if teacher in r.same_text_as else r)

    everybody = [*plain(zoo), *hard(zoo), *by_text(zoo, least=0.3)]
    none = {n: judge(zoo, n, panel=with_lineage(zoo.panel, unknown)) for n in everybody}
    found = {"no hard control documented": none}
    found["documented as ordinary controls"] = {
        n: judge(zoo, n, panel=with_lineage(zoo.panel, ordinary)) for n in everybody
    }
    found["nobody named who is more alike than every documented student"] = {
        n: replace(v, named=()) if v.above_students else v for n, v in none.items()
    }
    found["second null population (ships)"] = {n: judge(zoo, n) for n in everybody}
    absent = {t: own_absent(t) for t in zoo.teachers}
    found["the same, but none documented for the teacher in question"] = {
        n: judge(zoo, n, panel=absent[zoo.tree[n].same_text_as or zoo.tree[n].taught_by[0]])
        for n in everybody
        if zoo.tree[n].same_text_as or zoo.tree[n].taught_by
    }
    return {rule: _accused(zoo, verdicts) for rule, verdicts in found.items()}


def _accused(zoo: Zoo, verdicts: Mapping[str, Verdict]) -> dict[str, tuple[int, int]]:
    found = {}
    for label, names in (
        ("plain", plain(zoo)), ("siblings", [n for n in hard(zoo) if zoo.tree[n].kind == "sibling"]),
        ("same text", [n for n in hard(zoo) if zoo.tree[n].kind != "sibling"]),
    ):  # fmt: skip
        here = [verdicts[n] for n in names if n in verdicts]
        found[label] = (sum(bool(v.named) for v in here), len(here))
    for label, dose in (("30 %", 0.3), ("100 %", 1.0)):
        mine = [n for n in by_text(zoo, least=dose, most=dose) if n in verdicts]
        found[label] = (sum(set(verdicts[n].named) == zoo.truth(n) for n in mine), len(mine))
    return found


def missing_teacher(zoo: Zoo) -> dict[str, tuple[int, int, int]]:
    """Returns by group what is said of students whose teacher, with its students, the panel does not hold.

    Nobody named, somebody named, and models.
    """
    found: dict[str, tuple[int, int, int]] = {}
    for teacher in zoo.teachers:

        def without(row: Lineage, teacher: str = teacher) -> Lineage:
            if row.own_group == teacher:
                return unscored(row).model_copy(update={"own_group": None})
            return unscored(row) if teacher in row.teacher_group or teacher in row.same_text_as else row

        panel = with_lineage(zoo.panel, without)
        for name in zoo.subjects:
            m = zoo.tree[name]
            if m.taught_by != (teacher,) or m.method != "sequence" or m.dose < 0.1 or m.note:
                continue
            named = bool(judge(zoo, name, panel=panel).named)
            group = zoo.group(name)
            a, b, n = found.get(group, (0, 0, 0))
            found[group] = (a + (not named), b + named, n + 1)
    return found


def one_candidate(zoo: Zoo) -> list[dict[str, Any]]:
    """Returns what is said where one teacher was named beforehand, by dose; with the shipped null and dose 0 alone."""
    rows = []
    doses = sorted({zoo.tree[n].dose for n in by_text(zoo)})
    verdicts = {(n, t): judge(zoo, n, asked=(t,)) for t in zoo.teachers for n in [*by_text(zoo), *plain(zoo)]}
    dose0 = {t: np.array([verdicts[n, t].statistics[t] for n in plain(zoo)]) for t in zoo.teachers}

    def beyond(name: str, teacher: str) -> bool:
        null = np.delete(dose0[teacher], plain(zoo).index(name)) if name in plain(zoo) else dose0[teacher]
        mine = verdicts[name, teacher].statistics[teacher]
        return bool((1 + (null >= mine).sum()) / (1 + len(null)) <= ALPHA)

    for dose in (0.0, *doses):
        names = by_text(zoo, least=dose, most=dose) if dose else plain(zoo)
        own = [(n, t) for n in names for t in (zoo.tree[n].taught_by if dose else zoo.teachers)]
        other = [(n, t) for n in names for t in zoo.teachers if dose and t not in zoo.tree[n].taught_by]
        rows.append(
            {
                "dose": dose,
                "shipped": (sum(bool(verdicts[k].named) for k in own), len(own)),
                "shipped_other": (sum(bool(verdicts[k].named) for k in other), len(other)),
                "dose0": (sum(beyond(*k) for k in own), len(own)),
                "dose0_other": (sum(beyond(*k) for k in other), len(other)),
            }
        )
    return rows


def margins(zoo: Zoo, verdicts: Mapping[str, Verdict]) -> dict[str, tuple[int, int]]:
    """Returns what another rule would name: the lead over the next candidate, each in units of the controls' spread."""
    names = [n for n in plain(zoo) if zoo.tree[n].kind == "control"]
    control_NG = np.array([[verdicts[n].statistics[t] for t in zoo.teachers] for n in names])
    found: dict[str, tuple[int, int]] = {}
    for name in [*plain(zoo), *by_text(zoo)]:
        keep = np.array([n != name for n in names])
        middle, spread = control_NG[keep].mean(0), control_NG[keep].std(0)
        null = [_lead((row - middle) / spread)[1] for row in control_NG[keep]]
        row = np.array([verdicts[name].statistics[t] for t in zoo.teachers])
        best, lead = _lead((row - middle) / spread)
        passes = (1 + sum(x >= lead for x in null)) / (1 + len(null)) <= ALPHA
        right = passes and (not zoo.truth(name) or zoo.teachers[best] in zoo.truth(name))
        a, n = found.get(zoo.group(name), (0, 0))
        found[zoo.group(name)] = (a + right, n + 1)
    return found


def _lead(z_G: Array) -> tuple[int, float]:
    order = np.argsort(z_G)
    return int(order[-1]), float(z_G[order[-1]] - z_G[order[-2]])


def by_probes(zoo: Zoo, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns power and false accusations over random subsets of the probes, the same for every model."""
    rng = np.random.default_rng(SEED)
    everybody = [*plain(zoo), *hard(zoo), *by_text(zoo, least=0.1)]
    rows = []
    for size in SIZES:
        for draw in range(DRAWS if size < len(zoo.panel.probes) else 1):
            progress(f"{size} probes, draw {draw + 1}")
            probes = np.sort(rng.permutation(len(zoo.panel.probes))[:size])
            verdicts = {n: judge(zoo, n, probes=probes) for n in everybody}
            row: dict[str, Any] = {"n_probes": size, "draw": draw}
            for label, names in (
                ("plain", plain(zoo)), ("hard", hard(zoo)),
                *((f"{d:.0%}", by_text(zoo, least=d, most=d)) for d in (0.1, 0.3, 1.0)),
            ):  # fmt: skip
                untaught = label in ("plain", "hard")
                hits = [bool(verdicts[n].named) if untaught else set(verdicts[n].named) == zoo.truth(n) for n in names]
                row[label] = (sum(hits), len(hits))
            rows.append(row)
    return rows


@dataclass(frozen=True)
class Trend:
    """How a measure goes up with dose.

    Attributes:
        tau: Kendall's tau-b with dose, mean over teachers.
        low: of a jackknife over models, 95 %.
        high: likewise.
        pvalue: of random doses within teachers: with tied doses this is Jonckheere's test.
        n_models: models.
    """

    tau: float
    low: float
    high: float
    pvalue: float
    n_models: int


def trend(zoo: Zoo, value: Callable[[str, str], float]) -> Trend:
    """Returns the trend of a measure of (model, teacher) over the students by text and the dose-0 controls."""
    rng = np.random.default_rng(SEED)
    controls = [n for n in plain(zoo) if zoo.tree[n].kind == "control"]
    tables = []
    for t in zoo.teachers:
        names = [*(n for n in by_text(zoo) if zoo.tree[n].taught_by == (t,)), *controls]
        tables.append((names, np.array([zoo.tree[n].dose for n in names]), np.array([value(n, t) for n in names])))

    def mean_tau(without: str = "") -> float:
        keep = [np.array([n != without for n in names]) for names, _, _ in tables]
        return float(np.mean([kendalltau(d[k], v[k]).statistic for k, (_, d, v) in zip(keep, tables, strict=True)]))

    tau = mean_tau()
    models = [*by_text(zoo), *controls]
    error = block_jackknife_error([mean_tau(n) for n in models])
    null = [float(np.mean([kendalltau(rng.permutation(d), v).statistic for _, d, v in tables])) for _ in range(_TURNS)]
    pvalue = (1 + sum(x >= tau for x in null)) / (1 + len(null))
    return Trend(tau, tau - Z95 * error, tau + Z95 * error, pvalue, len(models))


def similarity_to_teachers(zoo: Zoo, *, n_probes: int = 60) -> dict[tuple[str, str], tuple[float, float]]:
    """Returns the judge-free likeness of (model, teacher), plain and beyond the mean likeness to the teachers."""
    names = [*zoo.teachers, *by_text(zoo), *(n for n in plain(zoo) if zoo.tree[n].kind == "control")]
    frame = zoo.panel.responses().frame
    texts = {n: dict(zip(g["prompt"], g["response"], strict=True)) for (n,), g in frame.group_by("model")}
    for name, rows in zoo.cases.items():
        texts[name] = {zoo.panel.prompts[p]: text for p, text in rows.items()}
    total = np.zeros((len(names), len(zoo.teachers)))
    for prompt in zoo.panel.prompts[:n_probes]:
        found = likenesses([texts[n].get(prompt) for n in names])["overall"]
        total += np.nan_to_num(found[:, : len(zoo.teachers)])
    mean = total / n_probes
    return {
        (n, t): (float(mean[i, g]), float(mean[i, g] - mean[i].mean()))
        for i, n in enumerate(names)
        for g, t in enumerate(zoo.teachers)
    }


def white_box() -> dict[tuple[str, str], float]:
    """Returns nats per token by model and author of the text, as bench/lab_whitebox.py left them."""
    with WHITE_BOX.open(encoding="utf-8", newline="") as file:
        return {(row["model"], row["text_of"]): float(row["nats_per_token"]) for row in csv.DictReader(file)}


def gain(zoo: Zoo, nats: Mapping[tuple[str, str], float]) -> Callable[[str, str], float]:
    """Returns the reference-normalised likelihood of a teacher's text.

    How many nats per token better than the dose-0 controls of the same base (itself left out) a model predicts the
    teacher's text, minus the mean of the same over the other teachers' texts.
    """

    def one(name: str, author: str) -> float:
        base = zoo.tree[name].base or ""
        base = base if base in {"b1", "b2"} else zoo.tree[base].base or "b1" if base else "b1"
        controls = [n for n in plain(zoo) if zoo.tree[n].base == base and n != name]
        return float(np.mean([nats[c, author] for c in controls])) - nats[name, author]

    def value(name: str, teacher: str) -> float:
        others = [one(name, t) for t in zoo.teachers if t != teacher]
        return one(name, teacher) - float(np.mean(others))

    return value


def against_sibling(zoo: Zoo, nats: Mapping[tuple[str, str], float]) -> Callable[[str, str], float]:
    """Returns how much better a model predicts a teacher's text than that of the teacher's twin of another seed."""

    def value(name: str, teacher: str) -> float:
        return nats[name, f"{teacher}-other-seed"] - nats[name, teacher]

    return value


def dump(path: Path, value: object) -> None:
    """Writes JSON."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
