"""Does the step-time model hold on tuned frameworks, where communication hides behind compute?

The table of throughputs: NVIDIA Megatron-Bridge's published performance tables (columns `model, task, accelerator,
n_accelerators, precision, seq_len, gbs, tp, pp, cp, ep, tokens_per_s_per_acc`); it is not part of the project. The
tables give neither micro-batch nor interleaving nor recomputation, so a micro-batch of 1 is taken, and what overlaps
is fitted: the hidden share of communication (dense and mixed), launch times, attention, grouped products, the visible
share of the bubble, and one share of matrices for each generation and precision. Every model is left out in turn.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from frame import Inputs, Page
from hydrometer.costs.architecture import Architecture, Dense, Experts
from hydrometer.costs.memory import Layout
from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.costs.step_time import Machine, step_time
from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import find_accelerator, machines
from prose import paragraph, table

CHIPS = ("H100", "B200", "GB200", "B300", "GB300")
PRECISIONS = {"BF16": "bf16", "FP8": "fp8", "MXFP8": "fp8"}
SHARED = 7
"""Fitted numbers of all rows: overlap (mixed, dense), launch, bubble, attention, grouped, launch of experts."""


def _llama(layers: int, width: int, heads: int, feed: int) -> Architecture:
    return Architecture.uniform(
        n_layers=layers, hidden_size=width, vocab_size=128256, attention=GroupedQuery(heads, 8, 128),
        feed_forward=Dense(feed),
    )  # fmt: skip


def _latent(heads: int, vocab: int, experts: int, dense: int) -> Architecture:
    return Architecture.uniform(
        n_layers=61, hidden_size=7168, vocab_size=vocab, attention=Latent(heads, 1536, 512, 128, 64, 128),
        feed_forward=Experts(2048, experts, 8, 2048), first_dense=(dense, Dense(18432)),
    )  # fmt: skip


def _mixed(layers: int, width: int, vocab: int, attention: GroupedQuery, experts: Experts) -> Architecture:
    return Architecture.uniform(
        n_layers=layers, hidden_size=width, vocab_size=vocab, attention=attention, feed_forward=experts
    )


NETWORKS = {
    "LLAMA3_70B": _llama(80, 8192, 64, 28672),
    "LLAMA3.1_405B": _llama(126, 16384, 128, 53248),
    "DeepSeekV3": _latent(128, 129280, 256, 3),
    "Kimi_K2": _latent(64, 163840, 384, 1),
    "Qwen3_235B_a22B": _mixed(94, 4096, 151936, GroupedQuery(64, 4, 128), Experts(1536, 128, 8)),
    "Qwen3_30B_a3B": _mixed(48, 2048, 151936, GroupedQuery(32, 4, 128), Experts(768, 128, 8)),
    "GPT OSS 120B": _mixed(36, 2880, 201088, GroupedQuery(64, 8, 64), Experts(2880, 128, 4)),
}


@dataclass(frozen=True)
class Row:
    """One published throughput as a step."""

    model: str
    chip: Accelerator
    kind: str
    layout: Layout
    sequence_length: int
    seconds: float


def read(path: Path) -> list[Row]:
    """Returns the rows whose network and layout are known."""
    rows = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            precision = PRECISIONS.get(row["precision"])
            if row["model"] not in NETWORKS or row["task"] != "Pre-Training" or row["accelerator"] not in CHIPS:
                continue
            if precision is None:
                continue
            n, batch, length = (int(row[key]) for key in ("n_accelerators", "gbs", "seq_len"))
            tensor, pipeline, context, expert = (
                int(row[key]) if row[key].isdigit() else 1 for key in ("tp", "pp", "cp", "ep")
            )
            data = n // (tensor * pipeline * context)
            if data < 1 or batch % data:
                continue
            layout = Layout(
                tensor=tensor, pipeline=pipeline, data=data, context=context, expert=expert,
                micro_batches=batch // data,
            )  # fmt: skip
            chip = find_accelerator(row["accelerator"])
            generation = "Hopper" if chip.name.startswith("H") else "B300" if "300" in chip.name else "B200"
            seconds = batch * length / n / float(row["tokens_per_s_per_acc"])
            rows.append(Row(row["model"], chip, f"{generation} {precision}", layout, length, seconds))
    return rows


def predicted(row: Row, x: np.ndarray, kinds: list[str]) -> float:
    """Returns the seconds of a step with the fitted numbers."""
    mixed, dense, launch, bubble, attention, grouped, expert_launch = x[:SHARED]
    matrix = x[SHARED + kinds.index(row.kind)]
    sizes = machines()[row.chip.name]
    machine = Machine(
        peak=row.chip.bf16_flop_per_second,
        memory_bandwidth=sizes.memory_tb_s * 1e12,
        link_bandwidth=sizes.link_gb_s * 1e9,
        network_bandwidth=sizes.network_gbit_s / 8 * 1e9,
        domain=sizes.domain,
        matrix=matrix,
        grouped=matrix * grouped,
        attention=attention,
        launch=launch * 1e-3,
        launch_experts=expert_launch * 1e-3,
    )
    t = step_time(NETWORKS[row.model], row.layout, machine, sequence_length=row.sequence_length)
    seen = 1 - (dense if row.model.startswith("LLAMA") else mixed)
    busy = t.matrices + t.attention + t.memory + t.launches + t.optimiser
    return float(busy + seen * (t.links + t.gradients) + bubble * t.bubble)


def fit(rows: list[Row], kinds: list[str]) -> np.ndarray:
    """Returns the numbers of least squared log error."""
    start = [0.5, 0.5, 0.2, 0.5, 0.5, 0.7, 0.5, *(0.6 if kind.endswith("bf16") else 1.0 for kind in kinds)]
    low = [0, 0, 0, 0, 0.2, 0.3, 0, *(0.3 for _ in kinds)]
    high = [1, 1, 2, 1, 0.9, 1.2, 4, *(1.9 for _ in kinds)]

    def residuals(x: np.ndarray) -> list[float]:
        return [float(np.log(predicted(row, x, kinds) / row.seconds)) for row in rows]

    return np.asarray(least_squares(residuals, start, bounds=(low, high)).x)


def measure(inputs: Inputs) -> Page:
    """Fits with every model left out in turn."""
    rows = read(inputs["throughputs"])
    kinds = sorted({row.kind for row in rows})
    whole = fit(rows, kinds)
    fitted = np.array([predicted(row, whole, kinds) / row.seconds - 1 for row in rows])
    left_out = np.zeros(len(rows))
    cells = []
    for model in sorted({row.model for row in rows}):
        x = fit([row for row in rows if row.model != model], kinds)
        here = [i for i, row in enumerate(rows) if row.model == model]
        for i in here:
            left_out[i] = predicted(rows[i], x, kinds) / rows[i].seconds - 1
        errors = left_out[here]
        cells.append((model, len(here), f"{np.median(np.abs(errors)):.1%}", f"{np.median(errors):+.1%}"))
    size = np.abs(left_out)
    cells.append(("all", len(rows), f"{np.median(size):.1%}", f"{np.median(left_out):+.1%}"))
    text = [
        "# Benchmark: step time on tuned frameworks",
        paragraph(
            f"From NVIDIA Megatron-Bridge's published tables, which are not part of the project: {len(rows)} rows on "
            "H100, B200, GB200, B300 and GB300. Micro-batch, interleaving and recomputation are not in them, so a "
            "micro-batch of 1 is taken and what overlaps is fitted."
        ),
        table(("model left out of the fit", "rows", "median error", "bias"), cells),
        paragraph(
            f"Within 15 %: {np.mean(size < 0.15):.0%}; p90 error {np.quantile(size, 0.9):.0%}. Fitted to all rows: "
            f"median {np.median(np.abs(fitted)):.1%}, within 15 % {np.mean(np.abs(fitted) < 0.15):.0%}."
        ),
        paragraph(
            f"The fit hides {whole[1]:.0%} of a dense model's communication, {whole[0]:.0%} of a mixture's. These "
            "numbers do not ship: `hydrometer cost plan` shows steps without overlap and takes hours from whole runs."
        ),
    ]
    return Page("\n\n".join(text))
