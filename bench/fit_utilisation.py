"""Fits the utilisation model that ships (src/hydrometer/data/utilisation.json).

The spreads and the width of the priors maximise the marginal likelihood under weak priors of their own; the priors'
proportions are ours (`PRIOR_SD`). bench/training_cost.py fits again without each developer in turn.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from frame import Inputs, Page
from hydrometer.costs.flop import training_flop_per_token
from hydrometer.costs.utilisation import (
    ACCOUNTS,
    EFFECTS,
    GENERATIONS,
    STEADY_EFFECTS,
    LinearModel,
    RunShape,
    effects,
    steady_effects,
)
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.estimate import generation_of
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from hydrometer.store.reference import find_accelerator
from parameter_counts import FILE as CHECKPOINTS

TARGET = "src/hydrometer/data/utilisation.json"
PRIOR_SD = {
    "intercept": 0.5,
    **dict.fromkeys(GENERATIONS, 0.1),
    "blackwell": 0.3,
    "other_hardware": 0.25,
    "peak": 0.15,
    "steady": 0.5,
    "mixture": 0.2,
    "low_precision": 0.2,
    "size": 0.2,
    "small": 0.15,
    "whole_programme": 0.15,
    "a100_40gb": 0.2,
}
PRIOR_MFU = 0.30
"""Centre of the intercept's prior; its spread covers 0.11 to 0.82."""
PRIOR_MEAN = {
    "intercept": float(np.log(PRIOR_MFU)),
    "peak": -0.25,  # Peaks have grown faster than what networks and memory let runs reach.
    "mixture": -0.35,  # Routing moves tokens between accelerators; benchmarks lose half.
    "low_precision": 0.3,  # Twice the peak in the matrix multiplications only.
    "small": 0.15,  # A tenth of the size: narrow matrices.
}
STEADY_PRIOR_SD = {
    "intercept": 3.0,
    **dict.fromkeys(GENERATIONS, 0.3),
    "mixture": 0.5,
    "low_precision": 0.5,
    "small": 0.5,
}
DEGREES = 6.0
_SPREADS = (0.22, 0.20, 1.0)
_SPREAD_PRIOR_SD = (0.4, 0.4, 0.5)
_TIER_NOISE = {"A": 1.0, "B": 1.5}
# Active and total billions of the benchmarked networks whose shape the steady model needs.
_BENCHMARKED = {
    "DeepSeekV3": (37.5, 671.0),
    "GPT OSS 120B": (5.1, 117.0),
    "Kimi_K2": (32.9, 1026.0),
    "LLAMA3.1_405B": (405.9, 405.9),
    "LLAMA3_70B": (70.6, 70.6),
    "Qwen3_235B_a22B": (22.1, 235.0),
    "Qwen3_30B_a3B": (3.3, 30.5),
}


@dataclass(frozen=True)
class Run:
    """A published run with its hours."""

    model: str
    developer: str
    tier: str
    shape: RunShape
    tokens: float
    hours: float
    accelerator: str
    log_mfu: float


def low_precision(text: str) -> bool:
    """Returns whether a precision has fewer than 16 bits."""
    return any(mark in text.lower() for mark in ("fp8", "fp4"))


def read_runs(folder: Path) -> list[Run]:
    """Returns the runs of tiers A and B whose tokens, size, hours and hardware are known; main phases only."""
    found = []
    with (folder / "training_runs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["tier"] not in _TIER_NOISE or row["phase"] not in {"pretrain", "all"}:
                continue
            if not (row["tokens"] and row["active_params"] and row["accelerator_hours"]):
                continue
            if row["model"] == "DeepSeek-V3 total":  # the same run as DeepSeek-V3
                continue
            try:
                chip = find_accelerator(row["accelerator"])
            except InputError:
                continue
            active, tokens, hours = (float(row[k]) for k in ("active_params", "tokens", "accelerator_hours"))
            shape = RunShape(
                active_parameters=active,
                mixture="moe" in row["architecture"],
                generation=generation_of(chip),
                peak_flop_per_second=chip.bf16_flop_per_second,
                low_precision=low_precision(row["precision"]),
                whole_programme=row["phase"] == "all",
                a100_40gb=chip.name == "A100-SXM-40GB",
            )
            mfu = 6 * active * tokens / (hours * 3600 * chip.bf16_flop_per_second)
            found.append(
                Run(row["model"], row["developer"], row["tier"], shape, tokens, hours, chip.name, float(np.log(mfu)))
            )
    return found


def steady_model(folder: Path) -> LinearModel:
    """Returns the steady model: mean log utilisation of each benchmarked network, accelerator and precision."""
    cells: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    sizes: dict[str, tuple[float, float]] = {}
    with (folder / "throughput_benchmarks.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = row["model"]
            if name.startswith("MPT-"):
                billions = float(name[4:-1]) * (1.0 if name.endswith("b") else 1e-3)
                size = (billions, billions)
            elif name in _BENCHMARKED:
                size = _BENCHMARKED[name]
            else:
                continue
            # At great lengths the attention core, which 6·N leaves out, makes utilisation look low.
            if row["task"] != "Pre-Training" or float(row["seq_len"]) > 8192:
                continue
            peak = find_accelerator(row["accelerator"]).bf16_flop_per_second
            mfu = 6e9 * size[0] * float(row["tokens_per_s_per_acc"]) / peak
            cells[name, row["accelerator"], row["precision"].lower()].append(float(np.log(mfu)))
            sizes[name] = size
    names = sorted(sizes)
    rows, values, groups = [], [], []
    for (name, accelerator, precision), logs in sorted(cells.items()):
        active, total = sizes[name]
        chip = find_accelerator(accelerator)
        shape = RunShape(
            active_parameters=1e9 * active,
            mixture=active < 0.8 * total,
            generation=generation_of(chip),
            peak_flop_per_second=chip.bf16_flop_per_second,
            low_precision=low_precision(precision),
        )
        rows.append(steady_effects(shape))
        values.append(float(np.mean(logs)))
        groups.append(names.index(name))
    return LinearModel(
        effects_RF=np.array(rows),
        log_mfu_R=np.array(values),
        group_R=np.array(groups),
        noise_R=np.ones(len(rows)),
        prior_mean_F=np.array([np.log(0.4)] + [0.0] * (len(STEADY_EFFECTS) - 1)),
        prior_sd_F=np.array([STEADY_PRIOR_SD[name] for name in STEADY_EFFECTS]),
        group_sd=0.15,
        rest_sd=0.10,
        degrees=DEGREES,
    )


def whole_run_models(runs: list[Run], steady: LinearModel) -> dict[str, LinearModel]:
    """Returns the accounts of whole runs with their starting spreads."""
    developers = sorted({run.developer for run in runs})
    rows = [effects(run.shape, steady=float(np.exp(steady.mean(steady_effects(run.shape))))) for run in runs]
    return {
        name: LinearModel(
            effects_RF=np.array(rows),
            log_mfu_R=np.array([run.log_mfu for run in runs]),
            group_R=np.array([developers.index(run.developer) for run in runs]),
            noise_R=np.array([_TIER_NOISE[run.tier] for run in runs]),
            prior_mean_F=np.array([0.0 if e in without else PRIOR_MEAN.get(e, 0.0) for e in EFFECTS]),
            prior_sd_F=np.array([0.0 if e in without else PRIOR_SD[e] for e in EFFECTS]),
            group_sd=_SPREADS[0],
            rest_sd=_SPREADS[1],
            degrees=DEGREES,
        )
        for name, without in ACCOUNTS.items()
    }


def with_fitted_spreads(model: LinearModel) -> LinearModel:
    """Returns the model with the spreads and the prior width that maximise likelihood times weak priors."""
    start = np.log(_SPREADS)

    def loss(logs: Any) -> float:
        group, rest, scale = np.exp(logs)
        weak = float((((logs - start) / np.array(_SPREAD_PRIOR_SD)) ** 2).sum() / 2)
        return weak - model.with_spreads(group_sd=group, rest_sd=rest, scale=scale).log_likelihood()

    group, rest, scale = np.exp(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 300}).x)
    return model.with_spreads(group_sd=float(group), rest_sd=float(rest), scale=float(scale))


def flop_over_short_form() -> list[float]:
    """Returns deciles 1, 5 and 9 of exact FLOP at 4,096 tokens over 6·N_active, over bench/checkpoints.json."""
    table = json.loads(CHECKPOINTS.read_text(encoding="utf-8"))
    ratios = []
    for name, entry in table.items():
        network = architecture_of(Fields(entry["config"], name))
        active = network.active_parameters()["with_both_embeddings"]
        if active > 1e9:
            ratios.append(training_flop_per_token(network, sequence_length=4096, include_mtp=False) / (6 * active))
    return [round(float(x), 4) for x in np.quantile(ratios, (0.1, 0.5, 0.9))]


def rows_as_json(model: LinearModel, labels: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Returns what informs a model, rounded so that two machines write the same; effects of 0 are left out."""
    return [
        {
            **label,
            "effects": {name: round(float(v), 5) for name, v in zip(names, row, strict=True) if v},
            "log_mfu": round(float(y), 5),
            "group": int(group),
            "noise": float(noise),
        }
        for label, row, y, group, noise in zip(
            labels, model.effects_RF, model.log_mfu_R, model.group_R, model.noise_R, strict=True
        )
    ]


def priors_as_json(model: LinearModel, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns priors and spreads of a model; what it does without is left out."""
    given = list(zip(names, model.prior_mean_F, model.prior_sd_F, strict=True))
    return {
        "prior_mean": {name: round(float(mean), 5) for name, mean, _ in given if mean},
        "prior_sd": {name: round(float(sd), 4) for name, _, sd in given if sd},
        "group_sd": round(model.group_sd, 4),
        "rest_sd": round(model.rest_sd, 4),
        "degrees": model.degrees,
    }


def measure(inputs: Inputs) -> Page:
    """Fits, and makes the file."""
    runs = read_runs(inputs["costs"])
    steady = steady_model(inputs["costs"])
    whole = {name: with_fitted_spreads(model) for name, model in whole_run_models(runs, steady).items()}
    labels: list[dict[str, Any]] = [
        {
            "model": run.model,
            "developer": run.developer,
            "accelerator": run.accelerator,
            "mfu": round(np.exp(run.log_mfu), 4),
        }
        for run in runs
    ]
    shipped = {
        "date": dt.date.today().isoformat(),
        "made_by": "bench/fit_utilisation.py",
        "flop_over_short_form": flop_over_short_form(),
        "steady": priors_as_json(steady, STEADY_EFFECTS),
        "benchmarks": rows_as_json(steady, [{} for _ in steady.log_mfu_R], STEADY_EFFECTS),
        "accounts": {name: priors_as_json(model, EFFECTS) for name, model in whole.items()},
        "runs": rows_as_json(next(iter(whole.values())), labels, EFFECTS),
    }
    text = json.dumps(shipped, indent=None, separators=(",", ":")).replace('{"model"', '\n{"model"')
    told = [
        f"{name}: {len(runs)} runs, spreads {model.group_sd:.3f} between developers, {model.rest_sd:.3f} within"
        for name, model in whole.items()
    ]
    return Page("\n".join(told), ships={TARGET: f"{text}\n".encode()})
