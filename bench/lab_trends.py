"""What rises with dose, and what weights tell: see lab.py."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from hydrometer.instruments.attribution.significance import Z95
from hydrometer.instruments.similarity.features import likenesses
from hydrometer.stats.conformal import block_jackknife_error
from lab_zoo import ROOT, Zoo, by_text, plain

WHITE_BOX = ROOT / "bench/lab_whitebox.csv"
SEED = 20251125
_TURNS = 500
"""Permutations."""


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
