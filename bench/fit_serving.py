"""Fits the constants of serving: `src/hydrometer/data/serving_fit.json` and `serving_models.json`.

    pip download --no-deps --dest CACHE aiconfigurator-core==0.12.0
    python bench/run.py fit_serving --wheel CACHE/aiconfigurator_core-0.12.0-*.whl --ship

Constants are fitted as logarithms on log residuals with a soft L1 loss and priors; every family counts by the root of
its rows. Widths of intervals rest on families that were left out whole, each family with the same weight.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace

import numpy as np
from scipy.optimize import least_squares

from frame import Inputs, Page
from hydrometer.costs.serving import Terms
from hydrometer.costs.serving_time import Constants, speeds
from serving_rows import Rows, clean, read_config, read_table

DATA = "src/hydrometer/data"
START = Constants(
    weights=0.7, four_bit_hopper=1.0, four_bit_native=1.0, weight_only=1.0, experts=1.0, cache=0.75, matrix=0.5,
    attention=0.6, launch=3e-6, launch_sglang=1.0, launch_vllm=1.0, launch_hopper=1.0, launch_expert=1.0,
    collective=8e-6, collective_growth=0.1, link=0.4, prompt=0.45, prompt_four_bit=1.0, prompt_launch=0.5,
    sharpness=3.0, cache_bytes=1.3, host=5e-6, host_sglang=1.0, first_prompt=1.0, first_queue=0.1,
    first_power=1.5, first_steps=3.0, first_fixed=0.02, first_sglang=1.0,
)  # fmt: skip
"""Where the fit starts, and where its priors sit: round figures of data sheets and kernels, not of these rows."""
SPREAD = dict.fromkeys(asdict(START), 0.5) | {
    "four_bit_hopper": 0.4, "four_bit_native": 0.4, "weight_only": 0.4, "experts": 0.4, "launch_sglang": 0.4,
    "launch_vllm": 0.4, "launch_hopper": 0.4, "launch": 1.0, "collective": 1.0, "host": 1.0, "cache": 0.1,
    # FlashMLA reaches 660 TFLOP/s of an H800's 989 (github.com/deepseek-ai/FlashMLA): these rows say little of it.
    "attention": 0.05,
}  # fmt: skip
PRIOR_WEIGHT = 0.3
STEP = tuple(f.name for f in fields(Constants) if not f.name.startswith("first_"))
FIRST = tuple(f.name for f in fields(Constants) if f.name.startswith("first_"))
CELL_STRENGTH = 4.0
"""An offset of a cell is drawn towards 0 as if so many rows without one stood beside its own."""
WIDTH_STRENGTH = 5.0
"""So many rows' worth of all families' width stand in each cell's own."""
SHIPPED = (
    "deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V3.2", "moonshotai/Kimi-K2-Instruct",
    "moonshotai/Kimi-K2.5", "zai-org/GLM-5", "MiniMaxAI/MiniMax-M2.5", "Qwen/Qwen3-235B-A22B", "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-32B", "Qwen/Qwen3-8B", "Qwen/Qwen3.5-397B-A17B", "openai/gpt-oss-120b", "openai/gpt-oss-20b",
    "meta-llama/Meta-Llama-3.1-8B", "meta-llama/Meta-Llama-3.1-70B", "meta-llama/Meta-Llama-3.1-405B",
    "mistralai/Mixtral-8x7B-v0.1",
)  # fmt: skip


def taken(t: Terms, mask: np.ndarray) -> Terms:
    """Returns some of the rows."""
    return Terms(**{f.name: getattr(t, f.name)[mask] for f in fields(Terms)})


def _fit_names(
    names: tuple[str, ...], start: Constants, predict: Callable[[Constants], np.ndarray], log_seen: np.ndarray,
    weight: np.ndarray, *, scale: float,
) -> Constants:  # fmt: skip
    prior = np.log([getattr(START, name) for name in names])
    spread = np.array([SPREAD[name] for name in names])

    def constants(x: np.ndarray) -> Constants:
        return replace(start, **{name: float(np.exp(v)) for name, v in zip(names, x, strict=True)})

    def residuals(x: np.ndarray) -> np.ndarray:
        gap = (np.log(predict(constants(x))) - log_seen) * weight
        return np.concatenate([gap, (x - prior) / spread * PRIOR_WEIGHT])

    found = least_squares(residuals, prior, loss="soft_l1", f_scale=scale, max_nfev=60)
    return constants(found.x)


def fit(rows: Rows, mask: np.ndarray) -> Constants:
    """Returns the constants on some of the rows: time per output token first, then time to the first token."""
    t = taken(rows.terms, mask)
    family = rows.family[mask]
    size = np.array([np.sum(rows.family == name) for name in family])
    weight = np.clip(1.0 / np.sqrt(size / len(rows) * 10.0), 0.5, 2.0)
    found = _fit_names(STEP, START, lambda c: speeds(t, c).tpot, np.log(rows.tpot[mask]), weight, scale=0.15)
    return _fit_names(FIRST, found, lambda c: speeds(t, c).ttft, np.log(rows.ttft[mask]), weight, scale=0.3)


def left_out(rows: Rows, mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Returns log residuals (predicted over seen) of time per token and to the first, each family left out in turn.

    Args:
        rows: all rows.
        mask: rows that may be used at all; all by default. The residual of other rows is NaN.
    """
    usable = np.ones(len(rows), bool) if mask is None else mask
    later, first = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for name in np.unique(rows.family[usable]):
        out = usable & (rows.family == name)
        found = speeds(taken(rows.terms, out), fit(rows, usable & ~out))
        later[out], first[out] = np.log(found.tpot / rows.tpot[out]), np.log(found.ttft / rows.ttft[out])
    return later, first


def cluster_quantile(values: np.ndarray, family: np.ndarray, level: float = 0.8) -> float:
    """Returns the quantile of values where every family weighs the same, whatever its rows."""
    weight = np.array([1.0 / np.sum(family == name) for name in family])
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, level * total[-1])])


def shrunk_median(values: np.ndarray, strength: float) -> float:
    """Returns the median drawn towards 0 as if `strength` values of 0 stood beside it."""
    return float(np.median(values) * len(values) / (len(values) + strength)) if len(values) else 0.0


def cells_of(rows: Rows) -> np.ndarray:
    """Returns of every row its cell: accelerator, engine, precision and kind of layout."""
    return np.array(["|".join(c) for c in zip(rows.system, rows.engine, rows.precision, rows.kind, strict=True)])


def held_out_in_cells(rows: Rows, gap: np.ndarray) -> np.ndarray:
    """Returns residuals after the cell's offset, every layout and pair of lengths left out in turn from that offset."""
    group, found = groups_of(rows), np.full(len(rows), np.nan)
    for name in np.unique(group):
        inside = np.flatnonzero(group == name)
        for layout in np.unique(rows.layout[inside]):
            test = inside[rows.layout[inside] == layout]
            rest = inside[rows.layout[inside] != layout]
            found[test] = gap[test] - shrunk_median(gap[rest], CELL_STRENGTH)
    return found


def groups_of(rows: Rows) -> np.ndarray:
    """Returns of every row its network and cell."""
    return np.array([f"{f}/{c}" for f, c in zip(rows.family, cells_of(rows), strict=True)])


def cell_width(values: np.ndarray, overall: float, level: float = 0.8) -> float:
    """Returns the half width of a cell: its conformal quantile, drawn in logs towards that of all families."""
    n = len(values)
    own = np.quantile(values, min(1.0, level * (n + 1) / n), method="higher") if n else overall
    return float(np.exp((n * np.log(max(own, 0.01)) + WIDTH_STRENGTH * np.log(overall)) / (n + WIDTH_STRENGTH)))


def families(rows: Rows, gaps: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """Returns what ships of each family: its cells' offsets and widths, and the rows they rest on.

    Args:
        rows: all rows.
        gaps: log residuals (predicted over seen) of the shipped constants, by quantity.
    """
    group = groups_of(rows)
    held = {what: np.abs(held_out_in_cells(rows, gap)) for what, gap in gaps.items()}
    overall = {what: cluster_quantile(values, rows.family) for what, values in held.items()}
    found = []
    for name in np.unique(rows.family):
        of = rows.family == name
        cells = []
        for one in np.unique(group[of]):
            inside = group == one
            system, engine, precision, kind = one.split("/", 1)[1].split("|")
            cells.append({
                "accelerator": system, "engine": engine, "precision": precision, "kind": kind,
                "rows": int(inside.sum()),
                "concurrency": [float(rows.concurrency[inside].min()), float(rows.concurrency[inside].max())],
                **{f"{what}_shift": round(shrunk_median(gap[inside], CELL_STRENGTH), 4) for what, gap in gaps.items()},
                **{f"{what}_width": round(cell_width(held[what][inside], overall[what]), 4) for what in gaps},
            })  # fmt: skip
        found.append({"key": str(name), "models": sorted({str(m) for m in rows.model[of]}), "rows": int(of.sum()),
                      "cells": cells})  # fmt: skip
    return found


def ratio_width(rows: Rows, gap: np.ndarray) -> tuple[float, int]:
    """Returns the 80 % point of errors of a ratio, and how many pairs it rests on.

    Args:
        rows: all rows.
        gap: log residuals of families left out.

    Returns:
        The quantile over pairs of two families at the same accelerator, engine, precision, layout and load; every
        pair of families weighs the same.
    """
    match = np.array(["/".join(map(str, k)) for k in zip(cells_of(rows), rows.layout, rows.concurrency, strict=True)])
    values, pair = [], []
    for one in np.unique(match):
        inside = np.flatnonzero(match == one)
        by_family = {
            str(f): float(np.median(gap[inside[rows.family[inside] == f]])) for f in np.unique(rows.family[inside])
        }
        names = sorted(by_family)
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                values.append(abs(by_family[first] - by_family[second]))
                pair.append(f"{first} {second}")
    return cluster_quantile(np.array(values), np.array(pair)), len(values)


def measure(inputs: Inputs) -> Page:
    """Fits, tells the errors of families left out, and makes both files."""
    wheel = inputs["wheel"]
    rows, dropped = clean(wheel)
    constants = fit(rows, np.ones(len(rows), bool))
    later, first = left_out(rows)
    found = speeds(rows.terms, constants)
    full, full_first = np.log(found.tpot / rows.tpot), np.log(found.ttft / rows.ttft)
    error = np.abs(np.expm1(later))
    result = {
        "date": dt.date.today().isoformat(),
        "command": "bench/fit_serving.py",
        "inputs": [
            {"name": f"{wheel.name}: silicon_sample.csv", "sha256": read_table(wheel)[1],
             "source": "PyPI aiconfigurator-core (Apache-2.0): InferenceX dump"}
        ],
        "rows": len(rows),
        "dropped": dropped,
        "constants": {k: float(f"{v:.4g}") for k, v in asdict(constants).items()},
        "held_out_median": round(float(np.median(error)), 4),
        "held_out_mean": round(float(error.mean()), 4),
        "tpot_width": round(cluster_quantile(np.abs(later), rows.family), 4),
        "ttft_width": round(cluster_quantile(np.abs(first), rows.family), 4),
        "ratio_width": round(ratio_width(rows, later)[0], 4),
        "families": families(rows, {"tpot": full, "ttft": full_first}),
    }  # fmt: skip
    models = {name.split("/")[-1].removeprefix("Meta-"): _small(read_config(wheel, name)) for name in SHIPPED}
    shapes = {
        "source": "config.json of each checkpoint, as in PyPI aiconfigurator-core 0.12.0 (Apache-2.0)",
        "models": models,
    }
    told = [
        f"{len(rows)} rows; left out: {dropped}",
        f"families left out: TPOT median {np.median(error):.1%}, mean {error.mean():.1%}",
        f"TTFT median {np.median(np.abs(np.expm1(first))):.1%}, mean {np.abs(np.expm1(first)).mean():.1%}",
        f"80 % half widths: {result['tpot_width']}, {result['ttft_width']}; of ratios {ratio_width(rows, later)}",
    ]
    files = {"serving_fit.json": result, "serving_models.json": shapes}
    ships = {f"{DATA}/{name}": (json.dumps(value, indent=1) + "\n").encode() for name, value in files.items()}
    return Page("\n".join(told), ships=ships)


def _small(config: dict[str, object]) -> dict[str, object]:
    """Returns the keys that fix the network's shape; lists only where they say what kind a layer is."""
    kept: dict[str, object] = {}
    for key, value in config.items():
        if key in {"text_config", "llm_config"} and isinstance(value, dict):
            kept[key] = _small(value)
        elif key in {"layer_types", "mlp_only_layers"} or (isinstance(value, int | str) and not key.endswith("_id")):
            kept[key] = value
    return kept
