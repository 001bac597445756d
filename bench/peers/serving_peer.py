"""Asks NVIDIA's AIConfigurator for the same rows; runs in an environment of its own, without Hydrometer.

    python -m venv PEER && PEER/bin/pip install aiconfigurator==0.12.0
    PEER/bin/python bench/peers/serving_peer.py CACHE/aiconfigurator_core-0.12.0-*.whl predictions.csv

It runs offline on its current data, whatever the version that was measured, as its users would. A row that it cannot
answer stays empty. Options that a row states (quantisation, parallelism) are passed on; nothing else is set.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import re
import sys
import time
import zipfile
from pathlib import Path

from aiconfigurator.cli.api import cli_estimate  # type: ignore[import-not-found]

TABLE = "aiconfigurator_core/systems/silicon_sample.csv"
ALIASES = {
    "zhipuai/GLM-5": "zai-org/GLM-5",
    "meta-llama/Llama-3.1-70B": "meta-llama/Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Meta-Llama-3.1-8B",
}


def ask(row: dict[str, str]) -> tuple[float, float]:
    """Returns milliseconds of an output token and to the first."""

    def whole(key: str) -> int:
        return max(1, int(float(row[key] or 1)))

    model = ALIASES.get(row["model_path"], row["model_path"])
    dense = "Llama" in model or model.startswith("Qwen/Qwen3-32B")
    stated = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
    at_once = float(stated[1]) if stated else float(row["batch_size"])
    found = cli_estimate(
        model,
        row["system"],
        backend_name=row["backend"],
        isl=int(row["isl"]),
        osl=int(row["osl"]),
        # Its batch is of one data-parallel rank.
        batch_size=max(1, round(at_once / whole("attention_dp_size"))),
        tp_size=whole("tp_size"),
        attention_dp_size=whole("attention_dp_size"),
        moe_tp_size=None if dense else whole("moe_tp_size"),
        moe_ep_size=None if dense else whole("moe_ep_size"),
        gemm_quant_mode=row["gemm_quant_mode"] or None,
        moe_quant_mode=None if dense else row["moe_quant_mode"] or None,
    )
    return float(found.tpot), float(found.ttft)


def main() -> None:
    """Writes `id, tpot_ms, ttft_ms, error` for every aggregated row of at most eight accelerators."""
    logging.disable(logging.CRITICAL)
    with zipfile.ZipFile(sys.argv[1]) as archive:
        table = list(csv.DictReader(io.StringIO(archive.read(TABLE).decode("utf-8"))))
    # In an order that has nothing to do with the rows: a run that is stopped early leaves a fair sample.
    table.sort(key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    start, answered = time.time(), 0
    with Path(sys.argv[2]).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "tpot_ms", "ttft_ms", "error"])
        for n, row in enumerate(table):
            tp, dp = (max(1, int(float(row[key] or 1))) for key in ("tp_size", "attention_dp_size"))
            if row["mode"] != "agg" or not row["precision"] or tp * dp > 8 or tp == dp > 1:
                continue
            try:
                tpot, ttft = ask(row)
            except BaseException as error:  # its failures are of many kinds, exits among them
                writer.writerow([row["id"], "", "", f"{type(error).__name__}: {error}"[:120]])
            else:
                answered += 1
                writer.writerow([row["id"], tpot, ttft, ""])
            if n % 20 == 0:
                file.flush()
                print(f"{n} rows, {answered} answered, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
