"""Elasticity from data: the bootstrap, steps, simulated markets, the reader of CSVs, and its command."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demand_worlds import BASE, simulate
from hydrometer import cli
from hydrometer.errors import DegenerateInputWarning, InputError
from hydrometer.instruments.demand.elasticity import clusters, elasticity_of_events, elasticity_of_series
from hydrometer.instruments.demand.run import judge_gain_from_options
from hydrometer.stats.steps import fit_step
from hydrometer.stats.wild_bootstrap import wild_cluster_interval, wild_cluster_pvalue
from hydrometer.store.demand_series import read_series, shipped_events


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(["demand", *arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


# --- statistics


def test_the_bootstrap_agrees_with_wildboottest() -> None:
    # wildboottest 0.3.2, bootstrap_type="11", impose_null=True, all 512 sign patterns: t 1.506168, p 0.429688 and
    # 0.835938. It counts only patterns beyond the observed t; the two that equal it count here too.
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(9), 12)
    x = rng.normal(size=108) + rng.normal(size=9)[cluster]
    c = rng.normal(size=108)
    y = 1 + 0.3 * x + 0.5 * c + rng.normal(size=9)[cluster] * 0.8 + rng.normal(size=108)
    controls = np.column_stack([np.ones(108), c])
    for value, expected in ((0.0, 0.429688), (0.2, 0.835938)):
        p = wild_cluster_pvalue(y, x, cluster, value=value, rng=rng, controls_RK=controls)
        assert p - 2 / 512 == pytest.approx(expected, abs=1e-6)
    found = wild_cluster_interval(y, x, cluster, rng=rng, controls_RK=controls)
    # statsmodels OLS with cluster covariance: standard error with G/(G-1)·(N-1)/(N-K).
    assert found.estimate / (found.standard_error * np.sqrt(107 / 105)) == pytest.approx(1.506168, abs=1e-5)
    assert found.low < found.estimate < found.high


def test_few_clusters_fall_back_on_student_and_say_so() -> None:
    y, x = np.array([1.0, 2.1, 2.9]), np.array([1.0, 2.0, 3.0])
    with pytest.warns(DegenerateInputWarning, match="3 clusters"):
        found = wild_cluster_interval(y, x, np.arange(3), rng=np.random.default_rng(0))
    assert "Student" in found.method
    with pytest.raises(ValueError, match="does not vary"):
        wild_cluster_interval(y, np.ones(3), np.arange(3), rng=np.random.default_rng(0), controls_RK=np.ones((3, 1)))


def test_a_weak_instrument_gives_a_wide_interval_and_not_a_wrong_one() -> None:
    rng = np.random.default_rng(2)
    z, u = rng.normal(size=60), rng.normal(size=60)
    x = 0.01 * z + u
    found = wild_cluster_interval(x * 2 + u, x, np.arange(60), rng=rng, instrument_R=z)
    assert found.high - found.low > 3


@given(st.floats(-2, 2), st.floats(-0.1, 0.1), st.floats(-0.01, 0.01), st.integers(4, 20))
def test_a_step_over_trend_and_curve_is_found_exactly(size: float, slope: float, bend: float, half: int) -> None:
    time = np.r_[-half:0, 1 : half + 1].astype(float)
    value = 3 + slope * time + bend * time**2 + size * (time > 0)
    assert fit_step(value, time, curved=True).size == pytest.approx(size, abs=1e-6)
    assert fit_step(value, time, memory=0.0).size == pytest.approx(size, abs=1e-6)


def test_the_error_of_a_step_counts_the_memory_of_the_noise() -> None:
    rng = np.random.default_rng(0)
    time = np.r_[-14:0, 1:15].astype(float)
    sizes, errors = [], []
    for _ in range(400):
        noise = np.zeros(41)
        for t in range(1, 41):
            noise[t] = 0.7 * noise[t - 1] + rng.normal()
        # The day of the event is left out: the row before it foretells less of the row after.
        step = fit_step(np.delete(noise[12:], 14), time, memory=0.7)
        sizes.append(step.size)
        errors.append(step.standard_error)
    assert np.std(sizes) == pytest.approx(np.mean(errors), rel=0.1)


def test_moves_of_one_model_or_of_one_vendors_day_are_one_cluster() -> None:
    keys = [("a", "x", 100), ("a", "x", 150), ("b", "x", 101), ("c", "y", 100), ("d", "", 100), ("e", "", 100)]
    assert list(clusters(keys)) == [0, 0, 0, 1, 2, 3]


# --- simulated markets


def test_intervals_cover_where_least_squares_fails() -> None:
    """The short form of bench/demand.py: simultaneity, quality, drift, ramps and growth planted at once."""
    hits, naive = 0, 0
    for seed in range(20):
        found = elasticity_of_series(simulate(BASE, np.random.default_rng(1000 + seed)), with_naive=seed < 5)
        best = found.recommended
        assert best is not None
        assert best.low is not None
        assert best.high is not None
        hits += best.low <= BASE.elasticity <= best.high
        if found.others:
            low, high = found.others[0].low, found.others[0].high
            naive += (low or -9) <= BASE.elasticity <= (high or 9)
            assert found.others[0].estimate < 0  # the wrong sign: dearer models sell more
    assert hits >= 17
    assert naive == 0


def test_the_same_seed_gives_the_same_report() -> None:
    series = simulate(replace(BASE, n_models=8, n_days=90), np.random.default_rng(1))
    assert elasticity_of_series(series, seed=3) == elasticity_of_series(series, seed=3)


def test_the_shipped_moves_show_their_published_elasticities() -> None:
    found = elasticity_of_events(shipped_events())
    own = {(m.model, m.date.isoformat()): m.elasticity for m in found.events}
    published = {
        ("GPT-5.6 Sol", "2026-08-18"): 0.81,
        ("GPT-5.6 Luna", "2026-08-18"): 0.21,
        ("GPT-5.6 Terra", "2026-08-18"): 0.53,
        ("Gemini 3.6 Flash", "2026-08-14"): 0.01,
        ("DeepSeek V4-Pro", "2026-08-17"): 0.34,
        ("GPT-5.6 Luna", "2026-07-30"): 0.98,
    }
    for key, value in published.items():
        assert own[key] == pytest.approx(value, abs=0.006)
    assert not found.identified
    assert {"few_clusters", "launch_ramp", "business_stealing"} <= {w.kind for w in found.warnings}
    assert all(m.shrunken_error <= m.standard_error + 1e-9 for m in found.events)


# --- files


def write(path: Path, n: int = 60, *, price: str = "step", extra: str = "") -> Path:
    lines = ["date,price,quantity" + (f",{extra}" if extra else "")]
    for i in range(n):
        p = {"step": 2.0 if i < n // 2 else 1.0, "still": 1.0}[price]
        q = 100 * p**-0.8 * (1 + 0.01 * ((i * 7) % 5))
        lines.append(f"{dt.date(2026, 1, 1) + dt.timedelta(days=i)},{p},{q}" + (",1" if extra else ""))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_one_move_of_one_series_is_measured_and_not_trusted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write(tmp_path / "one.csv")
    status, out, error = run(capsys, "elasticity", str(path), "--json")
    assert (status, error, out.count("\n")) == (0, "", 1)
    found = json.loads(out)
    assert found["recommended"]["estimate"] == pytest.approx(0.8, abs=0.05)
    assert not found["identified"]
    kinds = {w["kind"] for w in found["warnings"]}
    assert {"list_price", "platform_growth", "few_clusters"} <= kinds
    status, out, _ = run(capsys, "elasticity", str(path))
    assert status == 0
    assert "NOT IDENTIFIED" in out
    with pytest.raises(InputError, match="identify no elasticity"):
        judge_gain_from_options(10, prior=[], priors=None, estimate=[], data=path, draws=1000, seed=0)


def test_data_that_identify_an_elasticity_move_the_verdict(tmp_path: Path) -> None:
    series = simulate(replace(BASE, timing=0.0, elasticity=1.3, n_days=120), np.random.default_rng(0))
    path = tmp_path / "use.csv"
    rows = [f"{r.date},{r.model},{r.price},{r.effective_price},{r.quantity},{r.launched}" for r in series.rows]
    path.write_text("date,model,price,effective_price,quantity,launched\n" + "\n".join(rows), encoding="utf-8")
    plain = judge_gain_from_options(10, prior=[], priors=None, estimate=[], data=None, draws=5000, seed=0)
    informed = judge_gain_from_options(10, prior=[], priors=None, estimate=[], data=path, draws=5000, seed=0)
    assert informed.probability_of_backfire > plain.probability_of_backfire
    assert informed.evidence.own[0].name == "use.csv"


@pytest.mark.parametrize(
    ("extra", "kind"),
    [("rationed", "supply_rationing"), ("model", "business_stealing"), ("platform", None)],
)
def test_columns_bring_their_warnings(tmp_path: Path, extra: str, kind: str | None) -> None:
    found = elasticity_of_series(read_series(write(tmp_path / "x.csv", extra=extra)))
    kinds = {w.kind for w in found.warnings}
    assert kind is None or kind in kinds
    assert ("platform_growth" in kinds) == (extra != "platform")


def test_a_price_that_drifts_every_day_is_no_experiment(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{dt.date(2026, 1, 1) + dt.timedelta(days=i)},{np.exp(x)},{np.exp(-0.5 * x + rng.normal(0, 0.1))}"
        for i, x in enumerate(rng.normal(0, 0.02, 80).cumsum())
    ]
    path = tmp_path / "drift.csv"
    path.write_text("date,price,quantity\n" + "\n".join(rows), encoding="utf-8")
    found = elasticity_of_series(read_series(path))
    assert not found.identified
    assert {"no_price_events", "simultaneity"} <= {w.kind for w in found.warnings}


HEAD = "date,price,quantity\n"
GOOD = "2026-01-01,1,1\n2026-01-02,2,1\n2026-01-03,1,3\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column 'date'"),
        (HEAD, "0 rows"),
        (HEAD + "2026-01-01,1,1\n", "1 row"),
        ("price,quantity\n1,2\n", "a price without a date"),
        (HEAD + ",1,1\n", "date missing"),
        (HEAD + "soon,1,1\n", "'soon' is not a date"),
        (HEAD + "1999-01-01,1,1\n", "out of range"),
        (HEAD + "2026-01-01,-1,1\n", "not positive"),
        (HEAD + "2026-01-01,0,1\n", "leave out rows that are free"),
        (HEAD + "2026-01-01,nan,1\n", "not a number"),
        (HEAD + "2026-01-01,1,inf\n", "not a number"),
        (HEAD + "2026-01-01,1,\n", "not a number"),
        (HEAD + "2026-01-01,1\n", "another number of fields"),
        (HEAD + GOOD + "2026-01-01,1,1\n", "is there twice"),
        ("date,price,quantity,pric\n", "did you mean 'price'"),
        ("date,price,quantity,price\n", "a column is there twice"),
        (HEAD + '2026-01-01,"1,1\n', "not CSV"),
        (HEAD + "2026-01-01,1,1\n2026-01-02,1,2\n2026-01-03,1,3\n", "the price never changes"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    status, out, error = run(capsys, "elasticity", str(path))
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert problem in error
    assert "bad.csv" in error


def test_a_huge_file_is_refused_unread(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    status, _, error = run(capsys, "elasticity", str(path))
    assert status == 2
    assert "too large" in error


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text(HEAD + text, encoding="utf-8", errors="replace")
    try:
        elasticity_of_series(read_series(path))
    except InputError as error:
        assert "\n" not in str(error)
