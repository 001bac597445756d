"""Memory, step time, plans and what a sum could train."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_commands import V3, json_line, run

import memory_and_steps as bench
from hydrometer.costs.layouts import USABLE, best_layout
from hydrometer.costs.memory import Layout, stages, training_memory
from hydrometer.costs.step_time import step_time

ROOT = Path(__file__).parent.parent
SMOL = str(ROOT / "dossiers/smollm3-3b.toml")
with bench.ROWS.open(newline="") as _file:
    ROWS = list(csv.DictReader(_file))
LLAMA = bench.network("llama3-70b", 80)
V2 = bench.network("deepseek-v2", 60)


def test_memory_is_within_5_percent_of_43_measured_rows() -> None:
    errors = np.array([bench.predicted_gib(row) / float(row["memory_gib"]) - 1 for row in ROWS])
    assert len(errors) == 43
    assert np.abs(errors).max() < 0.05


def test_step_time_is_within_15_percent_of_43_measured_rows() -> None:
    errors = np.array([bench.predicted_ms(row, bench.b200()) / float(row["step_ms"]) - 1 for row in ROWS])
    assert np.abs(errors).max() < 0.15
    assert np.median(np.abs(errors)) < 0.05


def test_the_parameters_of_all_ranks_are_the_networks() -> None:
    """Weights over a whole pipeline, tensor group and expert group make up the network, whatever the split."""
    whole = LLAMA.total_parameters()
    for pipeline in (1, 2, 3, 16):
        found = stages(LLAMA, pipeline)
        assert sum(stage.n_layers for stage in found) == 80
        assert (found[0].first, found[-1].last) == (True, True)
    one = training_memory(LLAMA, Layout(), sequence_length=4096)
    assert one.weights == pytest.approx(2 * (whole - LLAMA.other_parameters), rel=1e-6)
    assert one.gradients == 2 * one.weights
    assert one.optimiser == 6 * one.weights


@settings(max_examples=40)
@given(st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 8, 32]))
def test_more_sharing_never_needs_more(tensor: int, pipeline: int, data: int) -> None:
    base = Layout(tensor=tensor, pipeline=pipeline, data=data, expert=1, micro_batches=8)
    use = training_memory(V2, base, sequence_length=4096)
    wider = training_memory(V2, replace(base, tensor=2 * tensor), sequence_length=4096)
    assert wider.total < use.total
    assert training_memory(V2, replace(base, recompute="full"), sequence_length=4096).total < use.total
    longer = training_memory(V2, base, sequence_length=8192)
    assert use.total < longer.total < 2 * use.total
    zero = [training_memory(V2, replace(base, zero_stage=z), sequence_length=4096) for z in (0, 1, 2, 3)]
    states = [z.weights + z.gradients + z.optimiser for z in zero]
    assert states == sorted(states, reverse=True)


@settings(max_examples=40)
@given(st.integers(1, 64), st.sampled_from([1, 2, 4, 8]))
def test_a_step_grows_with_its_work(micro_batches: int, pipeline: int) -> None:
    machine = bench.b200()
    layout = Layout(pipeline=pipeline, data=8, micro_batches=micro_batches)
    one = step_time(LLAMA, layout, machine, sequence_length=4096)
    two = step_time(LLAMA, replace(layout, micro_batches=2 * micro_batches), machine, sequence_length=4096)
    assert one.total < two.total < 2 * one.total + 1e-9
    assert two.bubble == pytest.approx(one.bubble)
    faster = replace(machine, peak=2 * machine.peak)
    assert step_time(LLAMA, layout, faster, sequence_length=4096).matrices == pytest.approx(one.matrices / 2)


def test_the_best_layout_fits_and_uses_every_accelerator() -> None:
    found = best_layout(
        LLAMA, machine=bench.b200(), memory_bytes=180e9, accelerators=384, sequence_length=4096, sequences_per_step=1024
    )
    assert found is not None
    assert found.layout.accelerators == 384
    assert found.memory.total <= USABLE * 180e9
    assert (
        best_layout(
            LLAMA, machine=bench.b200(), memory_bytes=1e9, accelerators=8, sequence_length=4096, sequences_per_step=64
        )
        is None
    )


def test_a_plan_of_smollm3_holds_the_published_run(capsys: pytest.CaptureFixture[str]) -> None:
    # Published: 384 H100 over 24 days without, 30 days with downtimes.
    found = json_line(
        capsys, "cost", "plan", "--model", SMOL, "--tokens", "11.2e12", "--deadline", "30", "--accelerator", "H100",
        "--count", "384", "--count", "128", "--date", "2025-05-01",
    )  # fmt: skip
    few, many = found["options"]
    assert few["n_accelerators"] == 128
    assert many["days"]["p10"] < 24 < many["days"]["p90"]
    assert many["chance_in_time"] > few["chance_in_time"]
    assert many["layout"]["memory_share"] < 0.92
    assert many["on_the_frontier"]
    assert few["usd"]["p50"] <= many["usd"]["p50"]


def test_the_frontier_is_what_nothing_beats(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["cost", "plan", "--model", V3, "--tokens", "14.8e12", "--budget", "6e6", "--date", "2024-09-01"]
    arguments += [
        "--accelerator",
        "H100",
        "--accelerator",
        "MI300X",
        "--count",
        "64",
        "--count",
        "1024",
        "--count",
        "2048",
    ]
    options = json_line(capsys, *arguments)["options"]
    fitting = [o for o in options if o["fits"]]
    assert {o["accelerator"] for o in options if not o["fits"]} == {"H100-SXM-80GB", "MI300X"}
    for o in fitting:
        beaten = any(
            p["days"]["p50"] < o["days"]["p50"] and p["usd"]["p50"] < o["usd"]["p50"] for p in fitting if p is not o
        )
        assert not (o["on_the_frontier"] and beaten)
        assert o["chance_in_time"] is None
    assert any(o["on_the_frontier"] for o in fitting)
    assert "no other option is both cheaper and sooner" in run(capsys, *arguments)[1]


def test_the_frontier_is_drawn_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "plan.svg"
    arguments = ["cost", "plan", "--model", SMOL, "--tokens", "1e12", "--deadline", "9", "--accelerator", "H100"]
    arguments += ["--count", "64", "--plot", str(target)]
    assert run(capsys, *arguments)[0] == 0
    assert target.read_text(encoding="utf-8").startswith("<svg")
    assert "var(--" not in target.read_text(encoding="utf-8")
    status, _, error = run(capsys, *arguments)
    assert status == 2
    assert "exists" in error


def test_the_headline_of_deepseek_v3_inverted(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_line(
        capsys, "cost", "invert", "--usd", "5.576e6", "--accelerator", "H800", "--price", "2", "--moe",
        "--precision", "fp8", "--date", "2024-09-01",
    )  # fmt: skip
    assert found["accelerator_hours"]["p50"] == pytest.approx(2_788_000)
    point = next(p for p in found["frontier"] if p["active_parameters"] == 37e9)
    assert point["tokens"]["p10"] < 14.8e12 < point["tokens"]["p90"] * 1.05
    tokens = [p["tokens"]["p50"] for p in found["frontier"]]
    assert tokens == sorted(tokens, reverse=True)
    best = next(p for p in found["frontier"] if p["note"])
    assert best["tokens_per_parameter"] == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tokens", "1e30", "--budget", "1e6"], "--tokens"),
        (["--tokens", "-1", "--budget", "1e6"], "--tokens"),
        (["--tokens", "nan", "--budget", "1e6"], "--tokens"),
        (["--tokens", "1e12"], "neither a budget nor a deadline"),
        (["--tokens", "1e12", "--budget", "-5"], "--budget"),
        (["--tokens", "1e12", "--budget", "1e6", "--accelerator", "H1O0"], "unknown accelerator"),
        (["--tokens", "1e12", "--budget", "1e6", "--accelerator", "TPUv4"], "not in the table"),
        (["--tokens", "1e12", "--budget", "1e6", "--count", "0"], "--count"),
        (["--tokens", "1e12", "--budget", "1e6", "--precision", "fp3"], "--precision"),
        (["--tokens", "1e12", "--budget", "1e6", "--sequence-length", "0"], "--sequence-length"),
        (["--tokens", "1e12", "--budget", "1e6", "--contract", "weekly"], "unknown contract"),
    ],
)
def test_plans_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    status, out, error = run(capsys, "cost", "plan", "--model", SMOL, *arguments)
    assert (status, out) == (2, "")
    assert words in error
    assert error.count("\n") == 1


def test_sums_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--usd", "0"], ["--usd", "inf"], ["--usd", "1", "--price", "-2"]):
        assert run(capsys, "cost", "invert", *arguments)[0] == 2
