"""How power grows with the number of probes, whether p-values of controls are uniform.

Axes: P probes.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest, mannwhitneyu

from attribution_rows import Bench, Json, accused_of, bootstrap, judge_rows, say, source_shares
from hydrometer.records.attribution import Attribution

SIZES = (25, 50, 100, 200, 400, 805)
DRAWS = 5
_SEED = 20251124


def probes(bench: Bench) -> Json:
    """Measures power and false accusations on random subsets of the prompts, the same subset for every model."""
    rng = np.random.default_rng(_SEED)
    n_probes = len(bench.panel.prompts)
    points = []
    for size in SIZES:
        n = min(size, n_probes)
        for draw in range(1 if n == n_probes else DRAWS):
            chosen = np.sort(rng.permutation(n_probes)[:n])
            results = judge_rows(bench, bench.scored, probes=lambda row, chosen=chosen: chosen)
            points.append({"n_probes": n, "draw": draw, **_rates(bench, results)})
            say(f"{n} probes, draw {draw + 1}: power {points[-1]['power']:.2f}, accused {points[-1]['accused']}")
    return {"points": points, "by_size": [_summary(points, min(s, n_probes)) for s in SIZES], "seed": _SEED}


def _rates(bench: Bench, results: dict[str, Attribution]) -> Json:
    hits = {r.model: bool(set(results[r.model].attributed) & set(r.teacher_group)) for r in bench.students}
    wrong = {r.model: bool(set(results[r.model].attributed) - set(r.teacher_group)) for r in bench.students}
    first = {r.model: _first(results[r.model]) in r.teacher_group for r in bench.students}
    shares = {name: source_shares(bench.students, d) for name, d in (("hit", hits), ("wrong", wrong), ("first", first))}
    return {
        "power": float(np.mean(list(shares["hit"].values()))),
        "by_source": shares["hit"],
        "wrong": float(np.mean(list(shares["wrong"].values()))),
        "top1": float(np.mean(list(shares["first"].values()))),
        "accused": [r.model for r in bench.controls if accused_of(results[r.model])],
    }


def _first(result: Attribution) -> str:
    return max((c for c in result.candidates if c.statistic is not None), key=lambda c: c.statistic or 0.0).name


def _summary(points: list[Json], n_probes: int) -> Json:
    mine = [p for p in points if p["n_probes"] == n_probes]
    by_source = {s: float(np.mean([p["by_source"][s] for p in mine])) for s in mine[0]["by_source"]}
    accused = [len(p["accused"]) for p in mine]
    return {
        "n_probes": n_probes,
        "draws": len(mine),
        "power": float(np.mean([p["power"] for p in mine])),
        "power_range": [min(p["power"] for p in mine), max(p["power"] for p in mine)],
        "power_interval": bootstrap(list(by_source.values())),
        "top1": float(np.mean([p["top1"] for p in mine])),
        "wrong": float(np.mean([p["wrong"] for p in mine])),
        "accused_mean": float(np.mean(accused)),
        "accused_range": [min(accused), max(accused)],
    }


def uniformity(bench: Bench) -> Json:
    """Compares the controls' p-values with the uniform distribution, and the two kinds of null models."""
    results = judge_rows(bench, bench.controls)
    pvalues = {m: min(c.pvalue for c in r.candidates if c.pvalue is not None) for m, r in results.items()}
    sizes = sorted({r.n_null for r in results.values()})
    test = kstest(list(pvalues.values()), "uniform")
    # The null's two kinds, on one scale: each model's largest statistic in the reference of every control it serves.
    by_kind: dict[str, dict[str, list[float]]] = {"control": {}, "other_teacher": {}}
    for result in results.values():
        for model in result.reference:
            if model.kind in by_kind:
                by_kind[model.kind].setdefault(model.model, []).append(model.statistic)
    means = {kind: {m: float(np.mean(v)) for m, v in models.items()} for kind, models in by_kind.items()}
    control, other = list(means["control"].values()), list(means["other_teacher"].values())
    return {
        "pvalues": dict(sorted(pvalues.items(), key=lambda item: item[1])),
        "n_null": sizes,
        "ks_statistic": float(test.statistic),
        "ks_pvalue": float(test.pvalue),
        "kinds": means,
        "kinds_median": {"control": float(np.median(control)), "other_teacher": float(np.median(other))},
        "kinds_pvalue": float(mannwhitneyu(control, other).pvalue),
        "controls_only": _controls_only(results),
    }


def _controls_only(results: dict[str, Attribution]) -> Json:
    """P-values against the other controls alone: coarser, but free of models that were judged for fewer candidates."""
    found = {}
    for name, result in results.items():
        null = [m.statistic for m in result.reference if m.kind == "control"]
        best = max(c.statistic for c in result.candidates if c.statistic is not None)
        found[name] = (1 + sum(s >= best for s in null)) / (len(null) + 1)
    return {"pvalues": dict(sorted(found.items(), key=lambda item: item[1])),
            "ks_pvalue": float(kstest(list(found.values()), "uniform").pvalue)}  # fmt: skip
