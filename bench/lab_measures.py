"""What the calibration on the zoo measures of attribution: see lab.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrometer.panel import Panel
from hydrometer.records.lineage import Lineage
from lab_zoo import ALPHA, Verdict, Zoo, by_text, hard, judge, plain, unscored, with_lineage

SEED = 20251125
SIZES = (25, 50, 100, 200)
DRAWS = 3

Array = NDArray[np.float64]


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


def hard_control_rules(zoo: Zoo) -> dict[str, dict[str, tuple[int, int]]]:
    """Returns, for each way to treat hard controls, how many of each kind are accused and how many students named."""

    def unknown(row: Lineage) -> Lineage:
        return unscored(row) if row.same_text_as else row

    def ordinary(row: Lineage) -> Lineage:
        return row.model_copy(update={"same_text_as": ()})

    def own_absent(teacher: str) -> Panel:
        return with_lineage(zoo.panel, lambda r: unscored(r) if teacher in r.same_text_as else r)

    everybody = [*plain(zoo), *hard(zoo), *by_text(zoo, least=0.1)]
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
    diluted = [n for n in hard(zoo) if zoo.tree[n].kind != "sibling"]
    found = {}
    for label, names in (
        ("plain", plain(zoo)), ("siblings", [n for n in hard(zoo) if zoo.tree[n].kind == "sibling"]),
        ("same text 10 %", [n for n in diluted if zoo.tree[n].text_share < 1]),
        ("same text", [n for n in diluted if zoo.tree[n].text_share == 1]),
    ):  # fmt: skip
        here = [verdicts[n] for n in names if n in verdicts]
        found[label] = (sum(bool(v.named) for v in here), len(here))
    for label, dose in (("10 %", 0.1), ("30 %", 0.3), ("100 %", 1.0)):
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
