"""Variants of teacher attribution: prompts left out, teachers hidden, channels alone, twins that differ in length.

Axes: P probes, M models, G candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import polars as pl

from attribution_rows import (
    ALPHA,
    TEACHERS,
    Array,
    Bench,
    Json,
    Probes,
    accused_of,
    bootstrap,
    judge_rows,
    line_of,
    say,
    score,
    source_shares,
    with_lineage,
)
from hydrometer.instruments.attribution import statistic
from hydrometer.instruments.attribution.compare import LENGTH
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.panel.check import check_panel
from hydrometer.panel.overlap import ancestors
from hydrometer.records.attribution import Attribution
from hydrometer.records.lineage import Lineage

_PREFIX = 120
_WIDE = 0.15
"""A level that a null population of controls alone can support."""
_TWINS = ("_concise", "_verbose")


def memorised(bench: Bench) -> frozenset[int]:
    """Returns the prompts on which three or more models of unrelated origin begin their answers alike.

    The rule of `hydrometer.panel.overlap.memorised_findings`, which reports how many such prompts there are and not
    which. Copies, as `hydrometer panel check` finds them, are left out first.
    """
    copies = {m for f in check_panel(bench.panel).findings if f.level == "exclude" for m in f.models}
    answer = pl.col("response").str.strip_chars()
    developers = {row.model: row.developer or row.model for row in bench.panel.lineage}
    roots = ancestors(bench.panel.lineage)
    alike = (
        bench.panel.responses()
        .frame.filter((answer.str.len_chars() >= _PREFIX) & ~pl.col("model").is_in(list(copies)))
        .select("model", "prompt", prefix=answer.str.slice(0, _PREFIX).hash())
        .with_columns(
            developer=pl.col("model").replace(list(developers), list(developers.values())),
            root=pl.col("model").replace(list(roots), list(roots.values())),
        )
        .filter(pl.min_horizontal(pl.col("developer", "root").n_unique().over("prompt", "prefix")) >= 3)
    )
    flagged = set(alike["prompt"])
    return frozenset(i for i, prompt in enumerate(bench.panel.prompts) if prompt in flagged)


def prompts(bench: Bench) -> Json:
    """Scores on the prompts that were not memorised, and on halves of the prompts that are chosen by length.

    Where each subject's prompts are chosen by its own lengths, subject and null models are not exchangeable; where
    they are chosen by the spread over the panel, they are.
    """
    flagged = memorised(bench)
    n_probes = len(bench.panel.prompts)
    log_PM = np.log(np.where(bench.index.lengths_PM > 0, bench.index.lengths_PM, np.nan))
    middle_P = np.nanmedian(log_PM, axis=1)
    order = np.argsort(np.nanstd(log_PM, axis=1), kind="stable")

    def usual_length(row: Lineage) -> Probes:
        probes = bench.probes_of(row.model)
        distance = np.abs(log_PM[probes, bench.positions[row.model]] - middle_P[probes])
        return np.sort(probes[np.argsort(distance, kind="stable")[: len(probes) // 2]])

    chosen: dict[str, Probes | Callable[[Lineage], Probes]] = {
        "without memorised prompts": np.array([p for p in range(n_probes) if p not in flagged]),
        "length-matched half": usual_length,
        "half where lengths differ least": np.sort(order[: n_probes // 2]),
        "half where lengths differ most": np.sort(order[n_probes // 2 :]),
    }
    for seed in range(1, 4):
        random = np.random.default_rng(seed).permutation(n_probes)[: n_probes // 2]
        chosen[f"a random half, seed {seed}"] = np.sort(random)
    scores = []
    for name, probes in chosen.items():
        choose = probes if callable(probes) else lambda row, probes=probes: probes
        results = judge_rows(bench, bench.scored, probes=choose)
        file = f"variant-{name.replace(' ', '-').replace(',', '')}"
        scores.append({**score(bench, file, _lines(results)), "variant": name})
    return {"n_memorised": len(flagged), "scores": scores}


def _lines(results: dict[str, Attribution]) -> list[Json]:
    return [line_of(result) for result in results.values()]


def hidden(bench: Bench) -> Json:
    """Scores with the other documented students of the true teacher hidden, and with all documented students hidden."""
    found = []
    for name in ("the true teacher's other students", "all documented students"):
        results = {}
        for row in bench.scored:
            gone = frozenset(row.teacher_group) if name.startswith("the true") else frozenset(bench.attributor.groups)
            with without_students(gone):
                results.update(judge_rows(bench, [row]))
        found.append({**score(bench, f"hidden-{name.split()[0]}", _lines(results)), "variant": name})
    return {"scores": found}


@contextmanager
def without_students(groups: frozenset[str]) -> Iterator[None]:
    """Lets nobody count as a documented student of some groups; they stay in the null population for strangers."""
    shipped = ComparisonSet.teachers
    ComparisonSet.teachers = lambda self, model: shipped(self, model) - groups  # type: ignore[method-assign]
    try:
        yield
    finally:
        ComparisonSet.teachers = shipped  # type: ignore[method-assign]


REMOVED = {
    "group, not asked about": "its group is not asked about",
    "group, unknown": "the panel does not know its group as a candidate",
    "developer, not asked about": "no group of its developer is asked about",
}


def removed(bench: Bench) -> Json:
    """Judges every student with its teacher's group, or its teacher's developer, gone from the candidates."""
    found: Json = {}
    for name in REMOVED:
        outcomes = [_without_teacher(bench, row, name) for row in bench.students]
        shares = source_shares(bench.students, {o["model"]: o["outcome"] == "stranger" for o in outcomes})
        found[name] = {
            "outcomes": outcomes,
            "counts": dict(Counter(o["outcome"] for o in outcomes)),
            "stranger_macro": float(np.mean(list(shares.values()))),
            "stranger_interval": bootstrap(list(shares.values())),
        }
        say(f"teacher removed ({name}): {found[name]['counts']}")
    return found


def _without_teacher(bench: Bench, row: Lineage, how: str) -> Json:
    makers = frozenset().union(*(bench.developers[g] for g in row.teacher_group))
    gone = set(row.teacher_group)
    if how.startswith("developer"):
        gone = {g for g in bench.attributor.groups if bench.developers[g] & makers}
    if how.endswith("unknown"):
        attributor = with_lineage(bench, _without_groups(gone))
    else:
        left = tuple(g for g in bench.attributor.groups if g not in gone)
        attributor = Attributor(bench.panel, bench.index, left, ALPHA)
    result = judge_rows(bench, [row], attributor=attributor)[row.model]
    strangers = [g for g in result.attributed if not bench.developers[g] & makers]
    outcome = "stranger" if strangers else "sibling" if result.attributed else "empty"
    if result.verdict.value == "not_measured":
        outcome = "not measured"
    return {
        "model": row.model,
        "source": row.data_source,
        "outcome": outcome,
        "n_null": result.n_null,
        "attributed": list(result.attributed),
        "also": list(result.also_resembles),
    }


def _without_groups(gone: set[str]) -> Callable[[Lineage], Lineage]:
    return lambda row: row.model_copy(update={"own_group": None}) if row.own_group in gone else row


def one_candidate(bench: Bench) -> Json:
    """Scores with a single candidate asked about: its own students and the controls.

    The null is the models that this very one did not teach, where they are enough for the level; a wider level, for
    which they are, is measured too, beside the same level with all candidates asked about.
    """
    found = []
    for alpha in (ALPHA, _WIDE):
        for asked in (*((t,) for t in TEACHERS), None):
            attributor = Attributor(bench.panel, bench.index, asked, alpha)
            rows = [row for row in bench.students if asked is None or asked[0] in row.teacher_group]
            results = judge_rows(bench, [*rows, *bench.controls], attributor=attributor)
            measured = {m: r for m, r in results.items() if r.verdict.value != "not_measured"}
            name = asked[0] if asked else "all"
            say(f"{name} asked about at {alpha:g}: {len(measured)} of {len(results)} measured")
            scored = score(bench, f"asked-{name}-{alpha:g}", _lines(measured))
            nulls = sorted({r.n_null for r in measured.values()})
            found.append(
                {**scored, "asked": name, "alpha": alpha, "n_null": nulls, "n_students": len(rows),
                 "refused": len(results) - len(measured)}
            )  # fmt: skip
    return {"scores": found}


def snapshots(bench: Bench) -> Json:
    """Judges the candidates' own snapshots, teachers among them, that are no controls: who is said to have taught them?

    Likeness has no direction: a teacher resembles the models that learnt from it and from its siblings.
    """
    rows = [
        row
        for row in bench.panel.lineage
        if row.own_group in bench.attributor.groups and row.role == "unscored" and row.model in bench.positions
    ]
    results = judge_rows(bench, rows)
    found = [
        {"model": row.model, "group": row.own_group, "developer": row.developer,
         "attributed": list(results[row.model].attributed), "withheld": results[row.model].withheld,
         "would": accused_of(results[row.model]) if results[row.model].withheld == "direction" else [],
         "leading": _leading(results[row.model]), "pvalue": _smallest(results[row.model])}
        for row in rows
    ]  # fmt: skip
    makers = frozenset().union(*(bench.developers[g] for g in TEACHERS))
    mine = [row for row in found if row["developer"] in makers]
    return {
        "rows": found,
        "developers": sorted(makers),
        "n_teachers": len(mine),
        "n_teachers_passing": sum(bool(row["would"]) for row in mine),
        "n_passing": sum(bool(row["would"]) for row in found),
        "n_named": sum(bool(row["attributed"]) for row in found),
    }


def twins(bench: Bench) -> Json:
    """Compares models that were asked to be concise or verbose with their parents, under the parent's lineage row."""
    lineage = {row.model: row for row in bench.panel.lineage}
    pairs = [(name, name.rsplit("_", 1)[0]) for name in bench.models if name.endswith(_TWINS)]
    parents = {parent: lineage[parent] for _, parent in pairs}
    judged = judge_rows(bench, list(parents.values()))
    rows = []
    for twin, parent in pairs:
        # The same developer, training set and ancestor as the parent: the same models are left out.
        like = {"developer": parents[parent].developer, "data_source": parents[parent].data_source}
        attributor = with_lineage(bench, _changed(twin, like))
        mine = judge_rows(bench, [lineage[twin].model_copy(update=like)], attributor=attributor)[twin]
        other = judged[parent]
        rows.append(
            {"twin": twin, "parent": parent, "verdict": mine.verdict.value, "parent_verdict": other.verdict.value,
             "attributed": list(mine.attributed), "parent_attributed": list(other.attributed),
             "pvalue": _smallest(mine), "parent_pvalue": _smallest(other),
             "leading": _leading(mine), "parent_leading": _leading(other)}
        )  # fmt: skip
    same = sum(r["verdict"] == r["parent_verdict"] for r in rows)
    named = sum(set(r["attributed"]) == set(r["parent_attributed"]) for r in rows)
    return {"rows": rows, "same_verdict": same, "same_set": named}


def _changed(model: str, update: Json) -> Callable[[Lineage], Lineage]:
    return lambda row: row.model_copy(update=update) if row.model == model else row


def _smallest(result: Attribution) -> float:
    return min(c.pvalue for c in result.candidates if c.pvalue is not None)


def _leading(result: Attribution) -> str:
    return max((c for c in result.candidates if c.statistic is not None), key=lambda c: c.statistic or 0.0).name


def channels(bench: Bench) -> Json:
    """Scores every channel alone and left out, and each half of the statistic alone; patched here, not an option."""
    shipped = statistic.COUNTED
    scores = []
    for name in (*shipped, LENGTH):
        scores.append(_ablated(bench, f"{name} alone", (name,), (name,)))
    for name in shipped:
        counted = tuple(c for c in shipped if c != name)
        scores.append(_ablated(bench, f"without {name}", counted, tuple(c for c in statistic.CHANNELS if c != name)))
    scores.append(_ablated(bench, "length counted too", (*shipped, LENGTH), (*statistic.CHANNELS, LENGTH)))
    with patched(_lineage=_nothing_by_candidate):
        scores.append(_ablated(bench, "direct part alone", shipped, statistic.CHANNELS))
    with patched(_direct=_nothing):
        scores.append(_ablated(bench, "lineage part alone", shipped, statistic.CHANNELS))
    with patched(BASE_SHARE=0.0):
        scores.append(_ablated(bench, "base families left in", shipped, statistic.CHANNELS))
    return {"scores": scores}


def _ablated(bench: Bench, name: str, counted: Sequence[str], direct: Sequence[str]) -> Json:
    with patched(COUNTED=tuple(counted), CHANNELS=tuple(direct)):
        results = judge_rows(bench, bench.scored)
    scored = score(bench, f"channels-{name.replace(' ', '-')}", _lines(results))
    say(f"{name}: power {scored['power']}, accused {scored['n_accused']}, AUC {scored['auc_macro']}")
    return {**scored, "variant": name}


@contextmanager
def patched(**values: object) -> Iterator[None]:
    """Sets names of the statistic's module for a while."""
    shipped = {name: getattr(statistic, name) for name in values}
    for name, value in values.items():
        setattr(statistic, name, value)
    try:
        yield
    finally:
        for name, value in shipped.items():
            setattr(statistic, name, value)


def _nothing(compared: ComparisonSet, similarity_MM: Array) -> Array:
    del similarity_MM
    return np.where(compared.judged, 0.0, np.nan)


def _nothing_by_candidate(compared: ComparisonSet, kernel_MM: Array, model: int, *centres: Array) -> Array:
    del kernel_MM, centres
    return np.where(compared.judged[model], 0.0, np.nan)
