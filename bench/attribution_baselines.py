"""Baselines of teacher attribution: simpler measures of likeness on the same rows, with the same leave-out rules.

Axes: P probes, M models, G candidates.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from attribution_rows import ALPHA, Array, Bench, Json, judge_rows, line_of, say, score
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.records.attribution import Attribution
from hydrometer.records.lineage import Lineage
from hydrometer.stats.conformal import NullDistribution

_FOLDS = 3
_DIMENSIONS = 256
_COMMONEST = "gpt-3.5"

Table = Callable[[ComparisonSet], Array]
"""Returns how alike every model is to every candidate, shape (M, G), for one subject's compared; NaN if not judged."""

MODES = {
    "first": "names its first candidate, always",
    "centred": "the same, centred on the panel",
    "raw-null": "not centred; names it at p <= 0.05 by Hydrometer's own null",
    "controls": "centred; names it if it scores above every control",
    "null": "centred; names it at p <= 0.05 by Hydrometer's own null",
}


def shipped(bench: Bench) -> Json:
    """Scores Hydrometer as it ships, and lists what it says of models with several documented teachers."""
    results = judge_rows(bench, bench.scored)
    rows = {name: _described(r) for name, r in results.items()}
    mixed = [row for row in bench.panel.lineage if row.role == "mixed" and row.model in bench.positions]
    judged = judge_rows(bench, mixed)
    table = [
        {"model": row.model, "teachers": list(row.teacher_group), **_described(judged[row.model])} for row in mixed
    ]
    return {"score": score(bench, "hydrometer", [line_of(r) for r in results.values()]), "rows": rows, "mixed": table}


def _described(result: Attribution) -> Json:
    best = max((c for c in result.candidates if c.statistic is not None), key=lambda c: c.statistic or 0.0)
    assert best.pvalue is not None
    return {
        "verdict": result.verdict.value,
        "attributed": list(result.attributed),
        "also": list(result.also_resembles),
        "leading": best.name,
        "pvalue": best.pvalue,
        "statistic": best.statistic,
        "n_null": result.n_null,
        # The statistic passes, but no untaught model answers at such length: nobody is named.
        "withheld": best.pvalue <= result.alpha and not result.attributed,
    }


def baselines(bench: Bench) -> Json:
    """Scores every measure of likeness in every mode."""
    measures: dict[str, Callable[[Bench], Table]] = {
        "TF-IDF": tf_idf,
        "length": length,
        "LSA": latent,
        "n-gram classifier": classifier,
    }
    found = [score(bench, "commonest", [_commonest(bench, row) for row in bench.scored])]
    for name, make in measures.items():
        say(f"baseline: {name}")
        table = make(bench)
        for mode in MODES:
            lines = [_verdict(bench, row, table, mode) for row in bench.scored]
            scored = score(bench, f"baseline-{name.replace(' ', '-').lower()}-{mode}", lines)
            found.append({**scored, "measure": name, "mode": mode})
    return {"scores": found}


def _commonest(bench: Bench, row: Lineage) -> Json:
    groups = [g for g in bench.attributor.groups if row.developer not in bench.developers[g]]
    candidates = [{"name": g, "statistic": float(g == _COMMONEST), "pvalue": None} for g in groups]
    return {"subject": row.model, "candidates": candidates, "attributed": [_COMMONEST]}


def _verdict(bench: Bench, row: Lineage, table: Table, mode: str) -> Json:
    """Returns one baseline's line about one model."""
    compared = bench.attributor.design.comparison_set(bench.subject(row))
    raw_MG = table(compared)
    kin_M = compared.kin[compared.subject]
    score_MG = raw_MG if mode in ("first", "raw-null") else centred(raw_MG, usable_M=~kin_M)
    mine_G = score_MG[compared.subject]
    top = int(np.nanargmax(mine_G))
    best = float(mine_G[top])
    if mode == "controls":
        others = [i for i, m in enumerate(compared.models) if m.role == "control" and not kin_M[i]]
        named = best > max(float(np.nanmax(score_MG[i])) for i in others)
    elif mode in ("null", "raw-null"):
        named = _null(compared, score_MG).pvalue(best) <= ALPHA
    else:
        named = True
    candidates = [
        {"name": name, "statistic": None if np.isnan(s) else float(s), "pvalue": None}
        for name, s in zip(compared.candidates, mine_G, strict=True)
    ]
    return {"subject": row.model, "candidates": candidates, "attributed": [compared.candidates[top]] if named else []}


def _null(compared: ComparisonSet, score_MG: Array) -> NullDistribution:
    """Returns the largest statistic of every null model with a candidate that is documented not to have taught it."""
    rows = [np.where(compared.untaught(i), score_MG[i], np.nan) for i in compared.null_models]
    return NullDistribution(np.array([np.nanmax(row) for row in rows if np.isfinite(row).any()]))


def centred(table_MG: Array, *, usable_M: np.ndarray) -> Array:
    """Returns a table without its row means and the column means of the models that may be used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a candidate that nobody judges has no mean
        rows_MG = table_MG - np.nanmean(table_MG, axis=1, keepdims=True)
        found: Array = rows_MG - np.nanmean(rows_MG[usable_M], axis=0)
    return found


def by_members(similarity_MM: Array) -> Table:
    """Returns the table of mean similarities to a candidate's snapshots."""

    def table(compared: ComparisonSet) -> Array:
        out = np.full((len(compared.models), len(compared.candidates)), np.nan)
        for g, members in enumerate(compared.members):
            if members:
                out[:, g] = similarity_MM[:, list(members)].mean(axis=1)
        out[~compared.judged] = np.nan
        return out

    return table


def tf_idf(bench: Bench) -> Table:
    """Mean over prompts of the TF-IDF cosine of two answers, words and pairs, document frequencies of the prompt."""
    n = len(bench.models)
    total_MM, both_MM = np.zeros((n, n)), np.zeros((n, n))
    for row in bench.answers():
        here = [i for i, text in enumerate(row) if text]
        weights = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+")
        matrix = weights.fit_transform([row[i] for i in here])
        total_MM[np.ix_(here, here)] += (matrix @ matrix.T).toarray()
        both_MM[np.ix_(here, here)] += 1
    return by_members(total_MM / np.maximum(both_MM, 1))


def length(bench: Bench) -> Table:
    """Minus the mean distance of the logarithms of two answers' lengths."""
    lengths_PM = bench.index.lengths_PM.astype(np.float64)
    n = len(bench.models)
    total_MM, both_MM = np.zeros((n, n)), np.zeros((n, n))
    for row_M in lengths_PM:
        here_M = row_M > 0
        log_M = np.log(np.maximum(row_M, 1))
        both = here_M[:, None] & here_M[None, :]
        total_MM -= np.abs(log_M[:, None] - log_M[None, :]) * both
        both_MM += both
    return by_members(total_MM / np.maximum(both_MM, 1))


def latent(bench: Bench) -> Table:
    """Mean over prompts of the cosine of LSA embeddings (256 dimensions) minus the prompt's mean embedding.

    Stands for an embedding similarity: no trained embedder is used, so that the benchmark runs without a download.
    """
    answers = bench.answers()
    places = [(p, m) for p, row in enumerate(answers) for m, text in enumerate(row) if text]
    weights = TfidfVectorizer(sublinear_tf=True, min_df=5, max_features=30_000, dtype=np.float32)
    matrix = weights.fit_transform([answers[p][m] for p, m in places])
    space = TruncatedSVD(_DIMENSIONS, n_iter=2, random_state=0)
    space.fit(matrix[::3])
    embedded = space.transform(matrix)
    n = len(bench.models)
    total_MM, both_MM = np.zeros((n, n)), np.zeros((n, n))
    probe, model = np.array(places).T
    for p in range(len(answers)):
        rows = np.flatnonzero(probe == p)
        here = model[rows]
        unit = normalize(embedded[rows] - embedded[rows].mean(axis=0))
        total_MM[np.ix_(here, here)] += unit @ unit.T
        both_MM[np.ix_(here, here)] += 1
    return by_members(total_MM / np.maximum(both_MM, 1))


def classifier(bench: Bench) -> Table:
    """Mean log-probability by multinomial logistic regression on words and pairs, classes the candidate groups.

    Trained on the candidates' own answers to other prompts (3 folds over prompts), without the candidates of the
    subject's developer.
    """
    answers = bench.answers()
    places = np.array([(p, m) for p, row in enumerate(answers) for m, text in enumerate(row) if text])
    weights = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=20, max_features=40_000, dtype=np.float32)
    matrix = weights.fit_transform([answers[p][m] for p, m in places])
    groups = bench.attributor.groups
    owner = {row.model: row.own_group for row in bench.panel.lineage}
    group_M = np.array([groups.index(g) if (g := owner.get(name)) in groups else -1 for name in bench.models])
    logits: dict[frozenset[int], Array] = {}

    def table(compared: ComparisonSet) -> Array:
        developer = compared.models[compared.subject].developer
        banned = frozenset(g for g in range(len(groups)) if developer in compared.developers[g])
        if banned not in logits:
            say(f"classifier without {', '.join(groups[g] for g in sorted(banned)) or 'nobody left out'}")
            allowed_M = np.where(np.isin(group_M, sorted(banned)), -1, group_M)
            logits[banned] = _logits(matrix, places, allowed_M, (len(answers), len(group_M), len(groups)))
        return _log_probability(np.where(compared.judged[None], logits[banned], np.nan))

    return table


def _log_probability(logit_PMG: Array) -> Array:
    """Returns the mean over prompts of log-probabilities among the classes that are judged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a candidate that nobody judges has no mean
        top_PM1 = np.nanmax(logit_PMG, axis=2, keepdims=True)
        log_PM1 = top_PM1 + np.log(np.nansum(np.exp(logit_PMG - top_PM1), axis=2, keepdims=True))
        found: Array = np.nanmean(logit_PMG - log_PM1, axis=0)
    return found


def _logits(matrix: Any, places: np.ndarray, group_M: np.ndarray, shape: tuple[int, int, int]) -> Array:
    """Returns every answer's scores by class from a classifier that saw other prompts; NaN where there is no answer."""
    out = np.full(shape, np.nan)
    probe, model = places.T
    for fold in range(_FOLDS):
        train = np.flatnonzero((probe % _FOLDS != fold) & (group_M[model] >= 0))
        test = np.flatnonzero(probe % _FOLDS == fold)
        fitted = LogisticRegression(C=10.0, class_weight="balanced", max_iter=25)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, which regularises
            fitted.fit(matrix[train], group_M[model[train]])
        scores = fitted.decision_function(matrix[test])
        out[probe[test][:, None], model[test][:, None], fitted.classes_[None, :]] = scores
    return out
