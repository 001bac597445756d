"""The page on response similarity."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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
    command: str,
    today: str,
) -> str:
    """Returns the page."""
    hits, trials = false_positives["both"]
    named = sum(max(raw, middle) <= 0.05 for _, _, raw, middle in students)
    raw_named = sum(raw <= 0.05 for _, _, raw, _ in students)
    cost = ""
    if seconds is not None:
        cost = (
            f" The aspects took {seconds[0]:.0f} CPU seconds for {n_models} models × {n_probes} probes, all pairs; the "
            f"embedding and its token matching {seconds[1]:,.0f}."
        )
    parts = [
        "# Response similarity without a judge",
        _wrap(
            f"Written by `{command}` on {today}: {n_models} models of a panel of AlpacaEval's answers, {n_probes} "
            f"probes drawn "
            "by a fixed seed. Students and untaught models as documented in the panel's lineage. Nothing was fitted: "
            "the "
            f"aspects have no free parameter that was set on these models.{cost}"
        ),
        "## Documented students against untaught models",
        _wrap(
            "AUC: how often a documented student is more like its teacher than a model documented as untaught by it; "
            "macro "
            "over teachers. Power: students above the 5 % point of the untaught. Centred: beyond what both share with "
            "everybody."
        ),
        _scores(scores),
        _wrap(
            "By AUC the plain mean of the three aspects is ahead of word pairs, a sentence embedding and matched "
            "tokens; in "
            "power none stands out. The embedding does not help, so none ships (see the log)."
        ),
        "## How often is it wrong",
        _wrap(
            f"Controls against every candidate that did not teach them, themselves left out of the null: p of at most "
            f"0.05 in "
            f"{false_positives['raw'][0]} of {trials} (raw), {false_positives['centred'][0]} (centred), {hits} (both, "
            f"the rule of "
            f"the verdict: {100 * hits / trials:.1f} %). Of {len(students)} pairs of a documented student and its "
            f"teacher {named} "
            f"pass both at the nearest snapshot ({raw_named} pass raw alone). Similarity is a weak witness: use "
            f"`hydrometer "
            "attribute`, which was made for the question, and read this as a description."
        ),
        f"## Models of today against {reference}, and the published rating",
        _modern(modern),
        _wrap(
            "The published table has only two models of this panel, one of them in another snapshot, and rates against "
            "another "
            "snapshot of GPT-4o: a ranking of two says nothing. The p-values show what a rating alone cannot: whether "
            "a model "
            "of another vendor is more like GPT-4o than untaught models are."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _wrap(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    teachers = sorted({str(r["teacher"]) for r in scores})
    sizes = {t: next((r["students"], r["null"]) for r in scores if r["teacher"] == t) for t in teachers}
    head = " | ".join(f"{t} ({sizes[t][0]} students, {sizes[t][1]} untaught)" for t in teachers)
    lines = [f"| measure | kind | {head} | macro AUC | mean power |", f"|{'---|' * (len(teachers) + 4)}"]
    keys = list(dict.fromkeys((str(r["measure"]), str(r["kind"])) for r in scores))
    for name, kind in keys:
        mine = {str(r["teacher"]): r for r in scores if (r["measure"], r["kind"]) == (name, kind)}
        aucs = [float(mine[t]["auc"]) for t in teachers]
        powers = [float(mine[t]["power"]) for t in teachers if mine[t]["power"] is not None]
        cells = " | ".join(f"{v:.2f}" for v in aucs)
        lines.append(f"| {name} | {kind} | {cells} | {np.mean(aucs):.2f} | {np.mean(powers):.2f} |")
    return "\n".join(lines)


def _modern(modern: Sequence[Modern]) -> str:
    names = list(modern[0][2]) if modern else []
    lines = [f"| model | published rating | {' | '.join(names)} | p | p centred |", f"|{'---|' * (len(names) + 4)}"]
    for model, rating, values, (raw, middle) in modern:
        cells = " | ".join(f"{values[n]:.3f}" for n in names)
        lines.append(f"| {model} | {'–' if rating is None else rating} | {cells} | {raw:.2f} | {middle:.2f} |")
    return "\n".join(lines)
