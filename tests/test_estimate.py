"""Estimates of training cost: numbers, laws and bad input."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_commands import V3, json_line, run

from hydrometer.costs.utilisation import SELECTION_WIDENING, LinearModel, Prediction, averaged
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.estimate import estimate
from hydrometer.instruments.training_cost.estimating.request import TrainingPlan, network_from_headline, precision_of
from hydrometer.store.reference import find_accelerator

DAY = dt.date(2024, 12, 1)


def estimated(total: float, tokens: float, **plan: Any) -> Any:
    network = network_from_headline(total_parameters=total)
    options = {"accelerator": "H100", "date": DAY} | plan
    return estimate(network, TrainingPlan(tokens=tokens, **options), rng=np.random.default_rng(0))


def test_the_contract_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_line(
        capsys, "cost", "estimate", "--total-params", "671e9", "--active-params", "37.55e9", "--tokens", "14.8e12",
        "--architecture", "MoE-MLA", "--accelerator", "h800", "--n-accelerators", "2048", "--precision", "FP8",
    )  # fmt: skip
    for key in ("training_flop", "accelerator_hours", "usd", "days"):
        assert 0 < found[key]["p10"] < found[key]["p50"] < found[key]["p90"], key
    assert found["parameters"]["total"] == {"p10": 671e9, "p50": 671e9, "p90": 671e9}
    assert found["parameters"]["active"]["as_given"]["p50"] == 37.55e9
    # Published: 2.664 million hours.
    assert found["accelerator_hours"]["p10"] < 2.8e6 < found["accelerator_hours"]["p90"]


def test_a_dossier_gives_exact_parameters_and_flop(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_line(capsys, "cost", "estimate", "--model", V3, "--tokens", "14.8e12", "--accelerator", "H800")
    assert found["parameters"]["total"]["p50"] / 1e9 == pytest.approx(671.03, abs=0.005)
    assert set(found["parameters"]["active"]) == {"with_both_embeddings", "with_head_only", "without_embeddings"}
    assert found["training_flop"]["p10"] == found["training_flop"]["p90"] == pytest.approx(3.857e24, rel=1e-3)
    assert found["kv_bytes_per_token"] == 70_272


def test_context_extension_of_deepseek_v3_within_a_quarter() -> None:
    from test_commands import ROOT

    from hydrometer.instruments.training_cost.estimating.request import network_from_file

    network = network_from_file(ROOT / "dossiers/deepseek-v3.toml")
    hours = 0.0
    for tokens, length in ((1000 * 1920 * 32_768, 32_768), (1000 * 480 * 131_072, 131_072)):
        plan = TrainingPlan(tokens=tokens, accelerator="H800", precision="fp8", sequence_length=length, date=DAY)
        hours += estimate(network, plan, rng=np.random.default_rng(0)).accelerator_hours.p50
    assert hours == pytest.approx(119_000, rel=0.25)


@settings(max_examples=10)
@given(st.floats(1e8, 1e12), st.floats(1e9, 1e14), st.sampled_from(["H100", "A100", "B200", "MI300X", "TPUv4"]))
def test_twice_the_tokens_take_twice_the_hours(total: float, tokens: float, chip: str) -> None:
    once, twice = (estimated(total, n * tokens, accelerator=chip) for n in (1, 2))
    assert twice.accelerator_hours.p50 == pytest.approx(2 * once.accelerator_hours.p50)
    assert twice.usd.p50 == pytest.approx(2 * once.usd.p50)
    assert once.accelerator_hours.p10 < once.accelerator_hours.p50 < once.accelerator_hours.p90


def test_hardware_that_no_run_has_used_gets_a_wider_interval() -> None:
    def width(chip: str) -> float:
        hours = estimated(7e9, 1e12, accelerator=chip).accelerator_hours
        return float(hours.p90 / hours.p10)

    assert width("MI300X") > 1.2 * width("A100")
    assert 1.8 < width("A100") < 2.8


def test_an_average_of_accounts_holds_their_disagreement() -> None:
    one, other = (Prediction(location, 0.3, 6.0, np.array([1.0])) for location in (-1.0, -2.0))
    both = averaged([one, other])
    assert both.location == -1.5
    assert both.scale == pytest.approx(SELECTION_WIDENING * np.hypot(0.3, 0.5))
    assert averaged([one, one]).scale == pytest.approx(SELECTION_WIDENING * 0.3)


def test_reported_utilisation_and_lost_time_give_the_hours_of_llama_405b() -> None:
    # Llama 3.1's report: 41 % on 16,384 H100; its card: 30.84 million hours.
    found = estimated(405.85e9, 15.6e12, steady_mfu=0.41)
    assert found.accelerator_hours.p50 == pytest.approx(30.84e6, rel=0.1)
    assert found.goodput.p10 < 0.87 < found.goodput.p90 < 1


@pytest.mark.parametrize(
    ("total", "active", "phase", "published"),
    [
        (671.03e9, 37.55e9, "rl", 147_336),  # DeepSeek-R1
        (456e9, 45.9e9, "rl", 258_048),  # MiniMax-M1
        (8.2e9, None, "rl", 17_920),  # Qwen3-8B
        (8.2e9, None, "distillation", 1_800),
    ],
)
def test_reasoning_runs_come_out_within_a_factor_of_two(
    total: float, active: float | None, phase: Any, published: float
) -> None:
    kind = "dense" if active is None else "moe"
    network = network_from_headline(total_parameters=total, active_parameters=active, architecture=kind)
    plan = TrainingPlan(tokens=None, accelerator="H800", phase=phase, date=DAY)
    hours = estimate(network, plan, rng=np.random.default_rng(0)).accelerator_hours
    assert published / 2 < hours.p50 < published * 2
    assert hours.p10 < published < hours.p90


@pytest.mark.parametrize(
    "kind", ["dense", "dense_gqa", "Dense (GQA)", "dense_encdec", "dense_nas", "transformer", "ssm"]
)
def test_kinds_that_use_all_their_weights(kind: str) -> None:
    assert not network_from_headline(total_parameters=7e9, architecture=kind).mixture


@pytest.mark.parametrize("kind", ["moe", "MoE-MLA", "moe_linear", "moe_vlm", "Mixture of Experts", "hybrid", "sparse"])
def test_kinds_that_use_some_of_their_weights(kind: str) -> None:
    assert network_from_headline(total_parameters=7e9, active_parameters=1e9, architecture=kind).mixture


@pytest.mark.parametrize("precision", [None, "", "bf16", "FP16", "bfloat16", "unknown", "tf32", "mixed"])
def test_precisions_of_sixteen_bits(precision: str | None) -> None:
    assert not precision_of(precision)[1]


@pytest.mark.parametrize("precision", ["fp8", "MXFP8", "nvfp4", "bf16+fp8 gen", "FP8 (E4M3)"])
def test_precisions_of_fewer_bits(precision: str) -> None:
    assert precision_of(precision)[1]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("H100 SXM5 80GB", "H100-SXM-80GB"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM-80GB"),
        ("A100-SXM4-40GB", "A100-SXM-40GB"),
        ("AMD Instinct MI250X", "MI250X"),
        ("GB200 NVL72", "GB200"),
        ("Google TPU v5p", "TPUv5p"),
        ("h100-pcie", "H100-PCIe-80GB"),
    ],
)
def test_accelerators_by_their_long_names(written: str, meant: str) -> None:
    assert find_accelerator(written).name == meant


def test_what_was_never_seen_is_said() -> None:
    assert any("extrapolates" in w for w in estimated(7e9, 1e12, accelerator="MI300X").warnings)
    assert any("extrapolates" in w for w in estimated(7e9, 1e12, accelerator="A100", precision="fp8").warnings)
    assert any("taken as bf16" in w for w in estimated(7e9, 1e12).warnings)


def test_a_linear_model_without_groups_is_ridge_regression() -> None:
    # Without a group effect the posterior mean is ridge regression: (X'X/s² + P⁻¹)⁻¹ X'y/s².
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    sd, rest = np.array([0.5, 1.0, 2.0]), 0.3
    model = LinearModel(x, y, np.arange(30), np.ones(30), np.zeros(3), sd, 0.0, rest, 1e9)
    ridge = np.linalg.solve(x.T @ x / rest**2 + np.diag(1 / sd**2), x.T @ y / rest**2)
    asked = np.array([1.0, -1.0, 0.5])
    prediction = model.predict(asked)
    assert prediction.location == pytest.approx(asked @ ridge)
    inverse = np.linalg.inv(x.T @ x / rest**2 + np.diag(1 / sd**2))
    assert prediction.scale**2 == pytest.approx(asked @ inverse @ asked + rest**2)
    assert prediction.quantile(0.9) == pytest.approx(
        np.exp(prediction.location + prediction.scale * stats.norm.ppf(0.9)), rel=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--total-params", "7e9", "--tokens", "1e30"), "--tokens: 1e+30 is not possible"),
        (("--total-params", "7e9", "--tokens", "nan"), "--tokens: nan is not possible"),
        (("--total-params", "-1", "--tokens", "1e12"), "--total-params: -1 is not possible"),
        (("--total-params", "7e9", "--tokens", "1e12", "--accelerator", "H1000"), "did you mean"),
        (("--total-params", "7e9", "--tokens", "1e12", "--precision", "bf17"), "--precision: no precision"),
        (("--total-params", "7e9", "--tokens", "1e12", "--architecture", "x"), "--architecture: no kind"),
        (("--total-params", "7e9", "--active-params", "1e9", "--tokens", "1e12"), "a dense network uses all"),
        (("--total-params", "7e9", "--tokens", "1e12", "--phase", "rlhf?"), "no phase is called"),
        (("--total-params", "7e9", "--tokens", "1e12", "--n-accelerators", "0"), "--n-accelerators: 0 is not"),
        (("--total-params", "7e9"), "the tokens are not given"),
        (("--total-params", "7e9", "--tokens", "1e12", "--steady-mfu", "41"), "--steady-mfu: 41 is not"),
        (("--total-params", "7e9", "--tokens", "1e12", "--teacher-params", "7e10"), "only distillation has a teacher"),
        (("--total-params", "7e9", "--tokens", "1e12", "--sequence-length", "0"), "--sequence-length: 0 is not"),
        (("--tokens", "1e12"), "no network is given"),
        (("--tokens", "1e12", "--model", "no-such.json"), "no such file"),
    ],
)
def test_bad_input_gets_one_line(capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str) -> None:
    chip = () if "--accelerator" in options else ("--accelerator", "H100")
    status, out, error = run(capsys, "cost", "estimate", *options, *chip)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert message in error


def test_unknown_kinds_are_told_before_anything_is_computed() -> None:
    with pytest.raises(InputError, match="no kind of architecture"):
        network_from_headline(total_parameters=1e9, architecture="quantum")


def test_the_terminal_shows_interval_and_error(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(
        capsys, "cost", "estimate", "--total-params", "70e9", "--tokens", "15e12", "--accelerator", "H100"
    )
    assert status == 0
    assert "accelerator-hours" in out
    assert "How sure" in out
