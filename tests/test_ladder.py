"""The ladder with replaced beliefs, and which unknown matters most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from test_commands import ROOT, V3, json_line, run

import cost_ladder as bench
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.stats.sensitivity import influences


def ladder_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> CostLadder:
    found = json_line(capsys, "cost", "ladder", V3, *arguments)
    return CostLadder.model_validate(found["ladder"], strict=False)


def test_known_multipliers_and_readings_are_covered() -> None:
    table = [line for line in bench.coverage() if line.startswith("| ")][1:]
    assert len(table) == 11
    assert all(line.endswith("| yes |") for line in table)


def test_replacing_a_prior_moves_what_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    base = {r.id: r.usd for r in ladder_of(capsys).levels}
    found = ladder_of(capsys, "--prior", "price_per_hour=2", "--prior", "chip_price=25e3,30e3,40e3")
    levels = {r.id: r.usd for r in found.levels}
    assert levels["final_run"].low == levels["final_run"].high == pytest.approx(5.576e6)
    assert levels["cluster"].low > base["cluster"].low
    assert levels["company"] == base["company"]
    given = {p.name: p for p in found.priors}
    assert given["price_per_hour"].from_command_line
    assert not given["pay_per_year"].from_command_line
    fixed = next(s for s in found.swings if s.prior == "price_per_hour")
    assert fixed.low == fixed.high
    assert fixed.rank_correlation == 0


def test_the_tornado_is_sorted_and_names_every_prior(capsys: pytest.CaptureFixture[str]) -> None:
    found = ladder_of(capsys, "--draws", "20000")
    widths = [s.high - s.low for s in found.swings]
    assert widths == sorted(widths, reverse=True)
    assert {s.prior for s in found.swings} == {p.name for p in found.priors} - {"chip_price"}
    assert found.swings[0].prior == "full_time_share"
    text = run(capsys, "cost", "ladder", V3, "--draws", "5000")[1]
    for words in ("Which unknown matters most", "Beliefs that the ranges rest on", "as recounted", "as printed"):
        assert words in text


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 5000))
    output = np.exp(a + 0.3 * b)
    found = {i.name: i for i in influences({"a": a, "b": b}, output=output)}
    assert found["a"].rank_correlation == pytest.approx(spearmanr(a, output).statistic, abs=1e-9)
    assert found["b"].rank_correlation == pytest.approx(spearmanr(b, output).statistic, abs=1e-9)
    # The median of exp(a + 0.3 b) where a is in its top tenth: a is about 1.645 there.
    assert np.log(found["a"].high) == pytest.approx(1.645, abs=0.08)


def test_draws_that_are_alike_share_a_rank() -> None:
    """Beliefs are cut at their limits, so that many draws are alike; their order must not matter."""
    rng = np.random.default_rng(0)
    a, b = np.maximum(rng.standard_normal((2, 2000)), 0)
    output = np.maximum(a - b, 0)
    found = {i.name: i.rank_correlation for i in influences({"a": a, "b": b}, output=output)}
    assert found == pytest.approx({n: spearmanr(x, output).statistic for n, x in (("a", a), ("b", b))}, abs=1e-9)
    back = {i.name: i.rank_correlation for i in influences({"a": a[::-1], "b": b[::-1]}, output=output[::-1])}
    assert back == pytest.approx(found, abs=1e-9)
    (one,) = influences({"a": a}, output=np.zeros(2000))
    assert one.rank_correlation == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prior", "luck=1,2,3"], "unknown prior 'luck'"),
        (["--prior", "price_per_hour=3,2,1"], "out of order"),
        (["--prior", "price_per_hour=0,1,2"], "not LOW,MIDDLE,HIGH"),
        (["--prior", "price_per_hour=1,2"], "not LOW,MIDDLE,HIGH"),
        (["--prior", "price_per_hour"], "not LOW,MIDDLE,HIGH"),
        (["--prior", "price_per_hour=1,2,nan"], "not LOW,MIDDLE,HIGH"),
        (["--prior", "project_years=1", "--prior", "project_years=2"], "given twice"),
        (["--draws", "3"], "--draws"),
        (["--seed", "-1"], "--seed"),
        (["--plot", "x.png"], "not an .svg name"),
    ],
)
def test_beliefs_that_cannot_be_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    status, out, error = run(capsys, "cost", "ladder", V3, *arguments)
    assert (status, out) == (2, "")
    assert words in error


def test_a_model_without_hours_has_no_ladder_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "cost", "ladder", str(ROOT / "dossiers/kimi-k2-thinking.toml"))[1]
    assert "no level can be computed" in " ".join(out.split())


def test_own_prices_move_the_rent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.csv"
    rows = [f"H100,{contract},2025-03-01,9" for contract in ("on_demand", "1_year", "3_year")]
    file.write_text("\n".join(["accelerator,contract,date,usd_per_hour", *rows]), encoding="utf-8")
    smol = str(ROOT / "dossiers/smollm3-3b.toml")
    found = json_line(capsys, "cost", "ladder", smol, "--prices", str(file))
    prior = next(p for p in found["ladder"]["priors"] if p["name"] == "price_per_hour")
    assert prior["p50"] == pytest.approx(9, rel=0.01)
