"""Responses that take their time: the statistics, simulated markets, and what the report says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from demand_worlds import BASE, simulate
from hydrometer import cli
from hydrometer.instruments.demand.elasticity import elasticity_of_series
from hydrometer.records.demand_data import ElasticityReport
from hydrometer.stats.responses import Window, average_intervals, fit_responses, response_shapes, trend_of

TIME = np.r_[-28:0, 1:43].astype(float)
NONE = np.zeros((len(TIME), 1))


def test_shapes_are_partial_adjustment() -> None:
    shape = response_shapes(np.array([-1.0, 0.0, 1.0, 40.0]), (0.0, 8.0))
    stays = np.exp(-1 / 8)
    assert shape[:, 0] == pytest.approx([0, 1, 1, 1])
    assert shape[:, 1] == pytest.approx([0, 1 - stays, 1 - stays**2, 1 - stays**41])


@given(st.floats(-2, 2), st.sampled_from([0.0, 2.0, 8.0, 32.0]), st.floats(-0.05, 0.05))
def test_a_response_without_noise_is_found_exactly(size: float, constant: float, slope: float) -> None:
    shape = response_shapes(TIME, (constant,))
    found = fit_responses(Window(3 + slope * TIME + size * shape[:, 0], TIME, 0.5, None, NONE), shape_TK=shape)
    assert found.size_K[0] == pytest.approx(size, abs=1e-4)


def test_the_fit_is_generalised_least_squares() -> None:
    # The textbook formula with the whole covariance, trend and ramp as random effects.
    rng = np.random.default_rng(3)
    value = rng.normal(size=len(TIME))
    shape, ramp = response_shapes(TIME, (8.0,)), np.exp(-(TIME + 40) / 14)[:, None]
    found = fit_responses(Window(value, TIME, 0.7, 0.01, ramp), shape_TK=shape, variance=0.5, shock=2.0)
    fading = np.where(TIME >= 0, 0.7 ** np.maximum(TIME, 0), 0)
    covariance = 0.5 * 0.7 ** np.abs(TIME[:, None] - TIME) + 1e-4 * np.outer(TIME, TIME) + ramp @ ramp.T
    inverse = np.linalg.inv(covariance + 2.0 * np.outer(fading, fading))
    design = np.column_stack([np.ones(len(TIME)), shape])
    both = np.linalg.inv(design.T @ inverse @ design)
    assert found.size_K[0] == pytest.approx((both @ design.T @ inverse @ value)[1], rel=1e-5)
    assert found.error_K[0] == pytest.approx(both[1, 1] ** 0.5, rel=1e-5)


def test_the_trend_of_a_line_is_its_slope() -> None:
    slope, error = trend_of(2 + 0.03 * np.arange(40.0), memory=0.6)
    assert slope == pytest.approx(0.03, abs=1e-6)
    assert error < 1e-3


def test_averaged_intervals() -> None:
    alone = average_intervals(np.array([1.0]), np.array([0.5]), np.array([2.0]), weight_K=np.ones(1), level=0.9)
    assert alone == pytest.approx((1.0, 0.5, 2.0), abs=1e-6)
    reach = norm.ppf(0.95)
    low, high = np.array([0.0, 1.0]) - reach, np.array([0.0, 1.0]) + reach
    middle, bottom, top = average_intervals(np.array([0.0, 1.0]), low, high, weight_K=np.array([0.5, 0.5]), level=0.9)
    assert middle == pytest.approx(0.5)
    assert np.mean([norm.cdf(top), norm.cdf(top - 1)]) == pytest.approx(0.95)
    assert bottom == pytest.approx(1 - top)
    open_end = average_intervals(
        np.array([0.0, 1.0]), low, np.array([high[0], np.inf]), weight_K=np.array([0.2, 0.8]), level=0.9
    )
    assert open_end[2] == np.inf


def reports(n: int, first: int, **changes: float) -> list[ElasticityReport]:
    world = replace(BASE, **changes)  # type: ignore[arg-type]
    return [
        elasticity_of_series(simulate(world, np.random.default_rng(first + seed)), with_naive=False)
        for seed in range(n)
    ]


def holding(found: list[ElasticityReport]) -> int:
    best = [r.recommended for r in found]
    return sum(b is not None and (b.low or -9) <= 0.6 <= (b.high if b.high is not None else 9) for b in best)


def test_a_response_that_takes_weeks_is_seen_in_the_end() -> None:
    """The short form of bench/demand.py: nine tenths of demand stays from day to day."""
    found = reports(10, 4000, inertia=0.9)
    assert holding(found) >= 8
    adjusted = [r.adjustment for r in found if r.adjustment is not None]
    assert 3 < np.median([a.half_days for a in adjusted]) < 12
    assert np.mean([a.first_week for a in adjusted]) < 0.45


def test_a_response_that_takes_months_gives_a_lower_bound_only() -> None:
    found = reports(6, 4100, inertia=0.97)
    still = [r for r in found if r.adjustment is not None and r.adjustment.still_moving]
    assert len(still) >= 3
    for report in still:
        assert report.recommended is not None
        assert report.recommended.high is None
        assert "slow_response" in {w.kind for w in report.warnings}


def test_a_shock_of_the_day_is_mostly_told_from_a_response() -> None:
    assert holding(reports(8, 4200, jump=0.3)) >= 4  # one of eight before shocks of the day were allowed for


def test_scores_without_a_source_are_said_to_be_unchecked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("date,model,input_usd,output_usd,benchmark,score\n2026-01-01,a,2,8,MMLU,85\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        cli.main(["demand", "prices", "--prices", str(path), "--benchmark", "MMLU", "--until", "2026-06-01", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert any(w.startswith("scores: not checked") and " a" in w for w in found["warnings"])
    with pytest.raises(SystemExit):
        cli.main(["demand", "prices", "--benchmark", "MMLU", "--at-least", "83", "--until", "2026-06-01", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert not any(w.startswith("scores:") for w in found["warnings"])
    assert all(a["score_source"] for a in found["anchor"])


def test_the_tornado_is_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "tornado.svg"
    with pytest.raises(SystemExit) as stop:
        cli.main(["demand", "--gain", "10", "--draws", "5000", "--tornado", str(path)])
    assert stop.value.code == 0
    text = path.read_text(encoding="utf-8")
    assert "Elasticity of one model, short run" in text
    assert "as before" in text
    fixed = [f"--prior={name}=0.5" for name in ("own_elasticity", "business_stealing", "inertia", "pass_through")]
    with pytest.raises(SystemExit) as stop:
        cli.main(["demand", "--gain", "10", "--draws", "5000", *fixed, "--tornado", str(tmp_path / "none.svg")])
    assert stop.value.code == 2
    assert "nothing to draw" in capsys.readouterr().err
