"""The page on response similarity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prose import paragraph, table

Modern = tuple[str, float | None, dict[str, float], tuple[float, float]]


def write(
    *,
    scores: Sequence[Mapping[str, Any]],
    false_positives: Mapping[str, tuple[int, int]],
    students: Sequence[tuple[str, str, float, float]],
    modern: Sequence[Modern],
    reference: str,
    n_models: int,
    n_probes: int,
    seconds: np.ndarray | None,
) -> str:
    """Returns the page."""
    cost = ""
    if seconds is not None:
        cost = (
            f" The aspects took {seconds[0]:.0f} CPU seconds for {n_models} models × {n_probes} probes, all pairs; the "
            f"embedding and its token matching {seconds[1]:,.0f}."
        )
    parts = [
        "# Response similarity without a judge",
        paragraph(
            f"{n_models} models of a panel of AlpacaEval's answers, {n_probes} probes drawn by a fixed seed. Students "
            "and untaught models as documented in the panel's lineage. Nothing was fitted: the aspects have no free "
            f"parameter that was set on these models.{cost}"
        ),
        "## Documented students against untaught models",
        paragraph(
            "AUC: how often a documented student is more like its teacher than a model documented as untaught by it; "
            "macro over teachers. Power: students above the 5 % point of the untaught. Centred: beyond what both "
            "share with everybody."
        ),
        _scores(scores),
        paragraph(
            "By AUC the plain mean of the three aspects is ahead of word pairs, a sentence embedding and matched "
            "tokens; in power none stands out. The embedding does not help, so none ships (see the log)."
        ),
        "## How often is it wrong",
        _wrong(false_positives, students),
        f"## Models of today against {reference}, and the published rating",
        _modern(modern),
        paragraph(
            "The published table has only two models of this panel, one of them in another snapshot, and rates against "
            "another snapshot of GPT-4o: a ranking of two says nothing. The p-values show what a rating alone cannot: "
            "whether a model of another vendor is more like GPT-4o than untaught models are."
        ),
    ]
    return "\n\n".join(parts)


def _wrong(false_positives: Mapping[str, tuple[int, int]], students: Sequence[tuple[str, str, float, float]]) -> str:
    hits, trials = false_positives["both"]
    named = sum(max(raw, middle) <= 0.05 for _, _, raw, middle in students)
    raw_named = sum(raw <= 0.05 for _, _, raw, _ in students)
    return paragraph(
        "Controls against every candidate that did not teach them, themselves left out of the null: p of at most 0.05 "
        f"in {false_positives['raw'][0]} of {trials} (raw), {false_positives['centred'][0]} (centred), {hits} (both, "
        f"the rule of the verdict: {100 * hits / trials:.1f} %). Of {len(students)} pairs of a documented student and "
        f"its teacher {named} pass both at the nearest snapshot ({raw_named} pass raw alone). Similarity is a weak "
        "witness: use `hydrometer attribute`, which was made for the question, and read this as a description."
    )


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    teachers = sorted({str(r["teacher"]) for r in scores})
    sizes = {t: next((r["students"], r["null"]) for r in scores if r["teacher"] == t) for t in teachers}
    heads = [f"{t} ({sizes[t][0]} students, {sizes[t][1]} untaught)" for t in teachers]
    rows = []
    for name, kind in dict.fromkeys((str(r["measure"]), str(r["kind"])) for r in scores):
        mine = {str(r["teacher"]): r for r in scores if (r["measure"], r["kind"]) == (name, kind)}
        aucs = [float(mine[t]["auc"]) for t in teachers]
        powers = [float(mine[t]["power"]) for t in teachers if mine[t]["power"] is not None]
        rows.append((name, kind, *(f"{v:.2f}" for v in aucs), f"{np.mean(aucs):.2f}", f"{np.mean(powers):.2f}"))
    return table(("measure", "kind", *heads, "macro AUC", "mean power"), rows)


def _modern(modern: Sequence[Modern]) -> str:
    names = list(modern[0][2]) if modern else []
    rows = [
        (model, "–" if rating is None else rating, *(f"{values[n]:.3f}" for n in names), f"{raw:.2f}", f"{middle:.2f}")
        for model, rating, values, (raw, middle) in modern
    ]
    return table(("model", "published rating", *names, "p", "p centred"), rows)
