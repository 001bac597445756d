"""Do the memory and step-time models hold on measured rows?

Rows: 43 public measurements on one node of eight B200 (SimuMax v1.2, docs/b200/b200_release_v1.2_summary.json of
2026-05-01, MooreThreads/SimuMax on GitHub, read 2026-11-25): Megatron-LM, BF16, distributed optimiser, micro-batch 1,
nothing overlapped. SimuMax's own predictions stand in the same file. Kernel speeds come from SimuMax's published
measurements of single kernels; four numbers (attention, both launch times, a factor on matrices) are fitted to step
times, here with every model left out in turn.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from frame import Inputs, Page
from hydrometer.costs.architecture import Architecture, Dense, Experts
from hydrometer.costs.memory import Layout, training_memory
from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.costs.step_time import Machine, step_time
from hydrometer.store.reference import find_accelerator, machines

ROOT = Path(__file__).parent.parent
ROWS = ROOT / "bench/b200_measured_steps.csv"
MATRIX, GROUPED = 0.488, 0.302
"""Mean measured share of peak of single matrix products and grouped ones (SimuMax, b200_bf16_ceperm.json)."""
START = (0.5, 1.0, 2.5, 0.95)
Row = dict[str, str]


def network(model: str, layers: int) -> Architecture:
    """Returns the cut-down network of a row: the published shape with fewer layers, one of them dense where mixed."""
    if model.startswith("llama3"):
        large = model.endswith("405b")
        return Architecture.uniform(
            n_layers=layers,
            hidden_size=16384 if large else 8192,
            vocab_size=128256,
            attention=GroupedQuery(128 if large else 64, 8, 128),
            feed_forward=Dense(53248 if large else 28672),
        )
    third = model.endswith("v3")
    return Architecture.uniform(
        n_layers=layers,
        hidden_size=7168 if third else 5120,
        vocab_size=129280 if third else 102400,
        attention=Latent(128, 1536, 512, 128, 64, 128),
        feed_forward=Experts(2048, 256, 8, 2048) if third else Experts(1536, 160, 6, 3072),
        first_dense=(1, Dense(18432 if third else 12288)),
    )


def layout_of(row: Row) -> Layout:
    """Returns the layout of a row."""
    keys = ("tensor", "pipeline", "data", "context", "expert", "micro_batches")
    return Layout(**{key: int(row[key]) for key in keys})


def b200(x: np.ndarray | None = None) -> Machine:
    """Returns the B200, as shipped or with the four fitted numbers."""
    chip, row = find_accelerator("B200-SXM"), machines()["B200-SXM"]
    a, dense, mixed, factor = (row.attention, None, None, None) if x is None else x
    fitted = {} if x is None else {"launch": dense * 1e-3, "launch_experts": mixed * 1e-3}
    return Machine(
        peak=chip.bf16_flop_per_second,
        memory_bandwidth=row.memory_tb_s * 1e12,
        link_bandwidth=row.link_gb_s * 1e9,
        network_bandwidth=row.network_gbit_s / 8 * 1e9,
        domain=row.domain,
        matrix=row.matrix if x is None else MATRIX * factor,
        grouped=row.grouped if x is None else GROUPED * factor,
        attention=a,
        **fitted,
    )


def predicted_ms(row: Row, machine: Machine) -> float:
    """Returns the predicted milliseconds of a step."""
    shape = network(row["model"], int(row["layers"]))
    return 1e3 * step_time(shape, layout_of(row), machine, sequence_length=int(row["sequence_length"])).total


def predicted_gib(row: Row) -> float:
    """Returns the predicted memory of the fullest accelerator in GiB."""
    shape = network(row["model"], int(row["layers"]))
    return training_memory(shape, layout_of(row), sequence_length=int(row["sequence_length"])).total / 2**30


def fit(rows: list[Row]) -> np.ndarray:
    """Returns the four numbers of least squared log error."""

    def residuals(x: np.ndarray) -> list[float]:
        return [float(np.log(predicted_ms(row, b200(x)) / float(row["step_ms"]))) for row in rows]

    return np.asarray(least_squares(residuals, START, bounds=([0.2, 0, 0, 0.7], [0.9, 8, 8, 1.2])).x)


def summary(errors: np.ndarray) -> str:
    """Returns median, largest and share within 5 and 15 %, of relative errors."""
    size = np.abs(errors)
    shares = f"{np.mean(size < 0.05):.0%} within 5 %, {np.mean(size < 0.15):.0%} within 15 %"
    return f"median {np.median(size):.1%}, largest {size.max():.1%}, {shares}"


def left_out_errors(rows: list[Row]) -> np.ndarray:
    """Returns every row's error of step time by numbers that were fitted without its model."""
    errors = np.zeros(len(rows))
    for model in sorted({row["model"] for row in rows}):
        x = fit([row for row in rows if row["model"] != model])
        for i, row in enumerate(rows):
            if row["model"] == model:
                errors[i] = predicted_ms(row, b200(x)) / float(row["step_ms"]) - 1
    return errors


def measure(inputs: Inputs) -> Page:
    """Predicts every row."""
    del inputs
    with ROWS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    memory = np.array([predicted_gib(row) / float(row["memory_gib"]) - 1 for row in rows])
    shipped = np.array([predicted_ms(row, b200()) / float(row["step_ms"]) - 1 for row in rows])
    left_out = left_out_errors(rows)
    theirs = np.array([float(row["simumax_step_ms"]) / float(row["step_ms"]) - 1 for row in rows])
    their_memory = np.array([float(row["simumax_memory_gib"]) / float(row["memory_gib"]) - 1 for row in rows])
    lines = [
        "# Benchmark: memory and step time on measured rows",
        "",
        "Rows: 43 public measurements on eight B200 (SimuMax v1.2, 2026-05-01): Megatron-LM, BF16, nothing overlapped;",
        "cut-down Llama-3 70B and 405B, DeepSeek-V2 and V3.",
        "",
        "| | errors over 43 rows |",
        "|---|---|",
        f"| memory | {summary(memory)} |",
        f"| memory, SimuMax's own | {summary(their_memory)} |",
        f"| step time, the model left out of the fit | {summary(left_out)} |",
        f"| step time, as shipped (fitted to all) | {summary(shipped)} |",
        f"| step time, SimuMax's own (kernels measured for each shape) | {summary(theirs)} |",
        "",
        "What this says and does not. The memory formula was worked out on these rows (what TransformerEngine keeps,",
        "how the loss peaks), so its error on other software may be larger; no number in it is fitted. Step times",
        "carry four fitted numbers; the row for left-out models is the fair one. All rows are one node of one chip:",
        "other chips' kernel shares are assumptions (`data/machines.csv`), networks between nodes are unmeasured, and",
        "overlap is not modelled. `hydrometer cost plan` therefore takes hours from published whole runs, and uses",
        "step times only to choose layouts and to compare cluster sizes.",
        "",
        "## Every row",
        "",
        "| model | layers | tp·pp·dp·cp·ep | tokens | micro-batches | GiB | error | ms | left-out error | SimuMax |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row, m, s, t in zip(rows, memory, left_out, theirs, strict=True):
        spread = "·".join(row[key] for key in ("tensor", "pipeline", "data", "context", "expert"))
        lines.append(
            f"| {row['model']} | {row['layers']} | {spread} | {row['sequence_length']} | {row['micro_batches']} "
            f"| {row['memory_gib']} | {m:+.1%} | {row['step_ms']} | {s:+.1%} | {t:+.1%} |"
        )
    return Page("\n".join(lines))
