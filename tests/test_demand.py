"""Demand for compute: formulas, the pool, the verdict on a gain, and its command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer import cli
from hydrometer.costs import rebound
from hydrometer.errors import DegenerateInputWarning, InputError
from hydrometer.instruments.demand.verdict import judge_gain
from hydrometer.stats.pooling import pool_estimates, shrunken
from hydrometer.store.demand_beliefs import read_beliefs


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(["demand", *arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status, out, error = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return error


# --- the pool


def test_the_pool_agrees_with_statsmodels_and_metafor_on_the_bcg_trials() -> None:
    # Colditz et al., JAMA 271 (1994); statsmodels 0.15 combine_effects(method_re="chi2"), metafor rma(method="DL").
    a, b, c, d = np.array([
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
        (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ], dtype=float).T  # fmt: skip
    log_risk = np.log(a / (a + b)) - np.log(c / (c + d))
    pool = pool_estimates(log_risk, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)))
    assert pool.mean == pytest.approx(-0.714117, abs=1e-6)
    assert pool.standard_error == pytest.approx(0.178742, abs=1e-6)
    assert pool.tau**2 == pytest.approx(0.308760, abs=1e-6)
    assert pool.q == pytest.approx(152.2330, abs=1e-4)
    assert pool.i_squared == pytest.approx(0.921173, abs=1e-6)


def test_one_study_warns_and_hopeless_input_is_refused() -> None:
    with pytest.warns(DegenerateInputWarning, match="one study"):
        assert pool_estimates(np.array([0.5]), np.array([0.1])).tau == 0
    for errors in ([0.0, 0.1], [float("nan"), 0.1], [0.1]):
        with pytest.raises(ValueError, match="standard errors"):
            pool_estimates(np.array([0.5, 0.6]), np.array(errors))


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=2, max_size=12))
def test_a_pool_lies_among_its_studies_and_shrinks_them_towards_itself(studies: list[tuple[float, float]]) -> None:
    y, se = (np.array(column) for column in zip(*studies, strict=True))
    pool = pool_estimates(y, se)
    assert y.min() - 1e-9 <= pool.mean <= y.max() + 1e-9
    value, error = shrunken(y, se, pool)
    assert (np.abs(value - pool.mean) <= np.abs(y - pool.mean) + 1e-9).all()
    assert (error > 0).all()


# --- formulas


@pytest.mark.parametrize(("elasticity", "ratio"), [(0.76, 0.34), (2.0, 2.5)])
def test_the_worked_lines_of_a_tenfold_gain(elasticity: float, ratio: float) -> None:
    response = rebound.response(elasticity, pass_through=0.7, token_intensity=0.0)
    assert rebound.compute_ratio(10, response) == pytest.approx(ratio, rel=0.02)


@given(st.floats(1.01, 1e6), st.floats(0, 5), st.floats(0.01, 50))
def test_rent_and_compute_move_together_and_backfire_is_a_response_above_one(
    gain: float, response: float, supply: float
) -> None:
    ratio = float(rebound.compute_ratio(gain, response))
    rent, compute = rebound.supply_response(gain, response, supply_elasticity=supply)
    assert np.sign(rent) == np.sign(compute) == np.sign(response - 1.0)
    assert abs(response - 1) < 1e-9 or (ratio > 1) == (response > 1)
    assert float(rebound.realised_fraction(gain, ratio)) >= -1e-9


# --- the verdict


def test_the_published_table_of_the_default_beliefs() -> None:
    found = judge_gain(10, read_beliefs(None), draws=200_000)
    assert (found.evidence.mean, found.evidence.standard_error, found.evidence.tau) == pytest.approx(
        (0.62, 0.22, 0.40), abs=0.005
    )
    short, long = found.posterior.short_run, found.posterior.long_run
    assert (short.elasticity.p5, short.elasticity.p50, short.elasticity.p95) == pytest.approx((0, 0.32, 0.83), abs=0.01)
    assert (long.elasticity.p5, long.elasticity.p50, long.elasticity.p95) == pytest.approx((0, 0.76, 2.78), abs=0.03)
    assert short.probability_of_backfire == pytest.approx(0.002, abs=0.001)
    assert (long.compute_ratio.p5, long.compute_ratio.p50) == pytest.approx((0.10, 0.33), abs=0.005)
    assert long.compute_ratio.p95 == pytest.approx(9.8, rel=0.05)
    assert found.probability_of_backfire == pytest.approx(0.22, abs=0.007)
    by_name = {a.what: a.probability_of_backfire for a in found.alternatives}
    assert by_name["token intensity 0.3"] == pytest.approx(0.32, abs=0.005)
    assert by_name["token intensity 0.6"] == pytest.approx(0.45, abs=0.005)
    ranks = {s.prior: s.rank_correlation for s in found.swings}
    for name, rank in (
        ("own_elasticity", 0.80),
        ("inertia", 0.39),
        ("business_stealing", -0.25),
        ("pass_through", 0.21),
    ):
        assert ranks[name] == pytest.approx(rank, abs=0.015)
    assert (found.answer, short.answer) == ("undetermined", "falls")
    assert found.probability_low < found.probability_of_backfire < found.probability_high
    assert found.prior.long_run.probability_of_backfire > found.probability_of_backfire


def test_what_is_given_outright_leaves_nothing_to_draw() -> None:
    found = judge_gain(10, read_beliefs(None, priors=["long_run_elasticity=2", "pass_through=0.7"]), draws=1000)
    assert found.compute_ratio.p5 == pytest.approx(10**0.4) == found.compute_ratio.p95
    assert found.answer == "rises"
    assert found.swings == ()


def test_beliefs_beyond_any_meaning_still_give_numbers() -> None:
    stated = ["long_run_elasticity=100", "pass_through=2", "token_intensity=20"]
    found = judge_gain(1e9, read_beliefs(None, priors=stated), draws=1000)
    assert np.isfinite(found.compute_ratio.p95)
    assert found.answer == "rises"
    nothing = judge_gain(1.0001, read_beliefs(None, priors=["own_elasticity=0", "token_intensity=0"]), draws=1000)
    assert nothing.probability_of_backfire == 0
    assert nothing.compute_ratio.p50 == pytest.approx(1 / 1.0001)


def test_the_users_own_measurement_moves_the_verdict_and_the_users_belief_too() -> None:
    base = judge_gain(10, read_beliefs(None), draws=20_000)
    measured = judge_gain(10, read_beliefs(None, own=["ours=1.4,0.1"]), draws=20_000)
    believed = judge_gain(10, read_beliefs(None, priors=["own_elasticity=uniform:1.0,1.5"]), draws=20_000)
    assert base.probability_of_backfire < believed.probability_of_backfire
    assert base.probability_of_backfire < measured.probability_of_backfire
    assert measured.evidence.used_mean == pytest.approx(1.36, abs=0.03)
    with pytest.raises(InputError, match="exclude each other"):
        judge_gain(10, read_beliefs(None, priors=["own_elasticity=uniform:15,16"]), draws=1000)


def test_a_file_of_beliefs_replaces_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[[priors]]\nname = "inertia"\nfixed = 0.0\nsource = "our churn data"\n'
        '[[estimates]]\nname = "us"\nelasticity = 1.5\nstandard_error = 0.1\ndate = 2026-10-01\nsource = "our API"\n',
        encoding="utf-8",
    )
    found = judge_gain(10, read_beliefs(path), draws=5000)
    assert found.evidence.n == 1
    assert found.posterior.long_run.elasticity == found.posterior.short_run.elasticity
    assert any("one estimate" in w for w in found.warnings)
    assert {p.origin for p in found.priors if p.name == "inertia"} == {"file"}


def test_the_command_prints_one_line_and_is_the_groups_default(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = run(capsys, "--gain", "10", "--draws", "2000", "--json")
    assert (status, error, out.count("\n")) == (0, "", 1)
    found: dict[str, Any] = json.loads(out)
    assert 0 < found["probability_of_backfire"] < 1
    assert set(found["compute_ratio"]) == {"p5", "p10", "p50", "p90", "p95"}
    assert run(capsys, "verdict", "--gain", "10", "--draws", "2000", "--json")[1] == out
    status, out, _ = run(capsys, "--gain", "10", "--draws", "2000")
    assert status == 0
    assert "undetermined" in out
    assert "before the evidence" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--gain", "0"], "--gain 0"),
        (["--gain", "-3"], "--gain -3"),
        (["--gain", "nan"], "--gain nan"),
        (["--gain", "1"], "no gain"),
        (["--gain", "1e12"], "at most"),
        (["--gain", "10", "--draws", "3"], "--draws 3"),
        (["--gain", "10", "--seed", "-1"], "--seed"),
        (["--gain", "10", "--prior", "inertai=0.5"], "did you mean 'inertia'"),
        (["--gain", "10", "--prior", "inertia"], "not a number"),
        (["--gain", "10", "--prior", "inertia=1.5"], "between 0 and 0.99"),
        (["--gain", "10", "--prior", "inertia=0.1,0.2"], "names no distribution"),
        (["--gain", "10", "--prior", "inertia=unifrom:0.1,0.2"], "did you mean 'uniform'"),
        (["--gain", "10", "--prior", "inertia=uniform:0.5,0.2"], "out of order"),
        (["--gain", "10", "--prior", "inertia=uniform:0.5"], "needs 2 numbers"),
        (["--gain", "10", "--prior", "inertia=0.5", "--prior", "inertia=0.5"], "given twice"),
        (["--gain", "10", "--estimate", "ours=0.5"], "ELASTICITY,STANDARD_ERROR"),
        (["--gain", "10", "--estimate", "ours=0.5,0"], "standard error"),
        (["--gain", "10", "--estimate", "ours=0.5,nan"], "not a number"),
        (["--gain", "10", "--priors", "nowhere.toml"], "no such file"),
        ([], ""),
    ],
)
def test_bad_options_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    if arguments:
        assert problem in refused(capsys, *arguments)
    else:
        assert run(capsys)[0] == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not toml =", "not TOML"),
        ("", "no [[priors]]"),
        ("priors = 3", "not tables"),
        ("[[prior]]\nname = 'x'", "did you mean 'priors'"),
        ("[[priors]]\nname = 'inertia'\nfixed = 0.5", "no 'source'"),
        ("[[priors]]\nname = 'inertia'\nsource = 's'", "0 distributions"),
        ("[[priors]]\nname = 'inertia'\nsource = 's'\nfixed = nan", "not a number"),
        ("[[priors]]\nname = 'inertia'\nsource = 's'\nfixed = true", "not a number"),
        ("[[priors]]\nname = 'velocity'\nsource = 's'\nfixed = 1", "unknown prior"),
        ("[[priors]]\nname = 'inertia'\nsource = 's'\nfixd = 1", "did you mean 'fixed'"),
        ("[[estimates]]\nname='a'\nelasticity=1\nstandard_error=0.1\nsource='s'", "no date"),
        ("[[estimates]]\nname='a'\nelasticity=1\ndate=2026-01-01\nsource='s'", "no 'standard_error'"),
    ],
)
def test_a_bad_file_of_beliefs_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    error = refused(capsys, "--gain", "10", "--priors", str(path))
    assert problem in error
    assert "own.toml" in error
