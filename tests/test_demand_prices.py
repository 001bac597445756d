"""Prices at a fixed quality, the index trap, and the audit's third question."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer import cli
from hydrometer.audit import run_audit
from hydrometer.costs.token_prices import Use, apparent_elasticity, effective_price, growth_at_elasticity
from hydrometer.errors import InputError
from hydrometer.instruments.demand.evidence import StatedGain
from hydrometer.instruments.demand.prices import read_index, report_prices
from hydrometer.records.demand import DemandEvidence
from hydrometer.report.page import render_html
from hydrometer.store.token_prices import read_token_prices, shipped_token_prices

ROOT = Path(__file__).parent.parent
V3 = ROOT / "dossiers/deepseek-v3.toml"
LAST = dt.date(2026, 11, 25)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_deepseeks_reported_day_at_its_own_list_prices() -> None:
    # Open-infra day 6: 608 billion input tokens, 342 cached, 168 output; $562,027 at R1's prices ($562,100 by these
    # rounded volumes) and $280,560 at V3's.
    use = Use(168 / 776, 342 / 608)
    for listed, dollars in (((0.55, 2.19, 0.14), 562_100), ((0.27, 1.10, 0.07), 280_560)):
        price = effective_price(
            input_usd=listed[0], output_usd=listed[1], cached_usd=listed[2], use=use, peak_factor=1, peak_hours=0
        )
        assert price * 776e3 == pytest.approx(dollars, rel=2e-3)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(1, 3))
def test_an_effective_price_lies_between_the_cheapest_and_the_dearest_token(
    output: float, cache: float, peak: float, factor: float
) -> None:
    price = effective_price(
        input_usd=0.5, output_usd=2.0, cached_usd=0.05, use=Use(output, cache, peak), peak_factor=factor, peak_hours=7
    )
    assert 0.05 - 1e-9 <= price <= 2.0 * factor + 1e-9


def test_the_four_way_index_trap() -> None:
    found = read_index()
    elasticities = [round(r.elasticity, 2) for r in found.readings]
    assert elasticities == [1.32, 1.26, 0.79, 0.43]
    assert "turns the answer around" in found.in_words
    for r in found.readings:
        again = apparent_elasticity(
            found.quantity_after / found.quantity_before,
            decline_a_year=r.decline_a_year,
            years=found.years,
            growth_a_year=r.growth_for_one,
        )
        assert again == pytest.approx(1.0)
    assert growth_at_elasticity(100.0, decline_a_year=10, years=1, elasticity=0) == pytest.approx(100)


def test_own_figures_and_growth_at_constant_prices() -> None:
    found = read_index(before=1.0, after=100.0, months=12, declines=[10.0], growth=10.0)
    assert found.readings[0].elasticity == pytest.approx(1.0)


def test_prices_at_a_fixed_quality_fall_and_rise() -> None:
    found = report_prices(benchmark="MMLU", at_least=83.0, until=LAST)
    assert found.anchor[0].model == "gpt-4"
    assert found.anchor[-1].model == "deepseek-chat (V3)"
    assert found.anchor[-1].why == "increase"
    assert found.n_increases >= 4
    assert found.decline_low is not None
    assert found.decline_low <= (found.decline_a_year or 0) <= (found.decline_high or 0)
    assert all(a.score >= 83 for a in found.anchor)
    assert all(p.date <= LAST for p in found.prices)
    peak = report_prices(benchmark="AA Intelligence Index", at_least=51.0, peak_share=1.0, until=LAST)
    even = report_prices(benchmark="AA Intelligence Index", at_least=51.0, until=LAST)
    assert peak.anchor[-1].effective_usd > even.anchor[-1].effective_usd


def test_every_shipped_price_has_a_date_and_a_source() -> None:
    prices = shipped_token_prices()
    assert len(prices) > 100
    assert all(p.source and p.date_basis for p in prices)
    assert all((p.score is None) == (not p.score_source) for p in prices)


def test_a_users_prices(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "date,model,input_usd,output_usd,benchmark,score\n2026-01-01,a,2,8,MMLU,85\n2026-06-01,a,4,16,MMLU,85\n"
        "2026-03-01,b,1,4,MMLU,70\n",
        encoding="utf-8",
    )
    found = report_prices(benchmark="MMLU", at_least=80.0, until=LAST, own=path)
    assert [a.why for a in found.anchor] == ["first", "increase"]
    assert (found.n_cuts, found.n_increases) == (0, 1)
    assert len(read_token_prices(path)) == 3


HEAD = "date,model,input_usd,output_usd\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column 'date'"),
        ("model,input_usd,output_usd\na,1,2\n", "without a date cannot be used"),
        (HEAD + ",a,1,2\n", "without a date cannot be used"),
        (HEAD + "soon,a,1,2\n", "write 2026-03-31"),
        (HEAD + "2026-01-01,a,-1,2\n", "input_usd"),
        (HEAD + "2026-01-01,a,nan,2\n", "input_usd"),
        (HEAD + "2026-01-01,a,1\n", "another number of fields"),
        (HEAD, "no prices"),
        ("date,model,input_usd,output_usd,outptu\n", "unknown column"),
    ],
)
def test_bad_prices_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text, encoding="utf-8")
    status, out, error = run(capsys, "demand", "prices", "--prices", str(path))
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert problem in error


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["prices", "--cache", "1.5"], "--cache"),
        (["prices", "--output", "nan"], "--output"),
        (["prices", "--until", "soon"], "--until"),
        (["prices", "--until", "2001-01-01"], "no price on or before"),
        (["prices", "--benchmark", "MMLV"], "did you mean 'MMLU'"),
        (["prices", "--at-least", "99"], "scores run from"),
        (["index", "--before", "3"], "belong together"),
        (["index", "--decline", "1"], "--decline 1"),
        (["index", "--growth", "0"], "--growth 0"),
        (["index", "--before", "-1", "--after", "2", "--months", "3"], "--before -1"),
        (["index", "--plot", "trap.png"], "not an .svg name"),
    ],
)
def test_bad_options_are_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str) -> None:
    status, out, error = run(capsys, "demand", *arguments)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert problem in error


def test_the_commands_print_draw_and_speak_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("index", "prices"):
        picture = tmp_path / f"{name}.svg"
        status, out, error = run(capsys, "demand", name, "--json", "--plot", str(picture))
        assert (status, error, out.count("\n")) == (0, "", 1)
        assert json.loads(out)
        assert picture.read_text(encoding="utf-8").startswith("<svg")
        assert run(capsys, "demand", name)[0] == 0
    picture = tmp_path / "backfire.svg"
    assert run(capsys, "demand", "--gain", "10", "--draws", "1000", "--plot", str(picture))[0] == 0
    assert "after the evidence" in picture.read_text(encoding="utf-8")


# --- the audit


def test_the_third_question_is_answered_with_its_gain_and_can_be_asked_otherwise() -> None:
    audit = run_audit(V3, seed=0)
    question = next(q for q in audit.questions if q.name == "compute")
    found = next(e for e in audit.evidence if e.id == "compute-demand")
    assert isinstance(found.details, DemandEvidence)
    # 405 billion dense parameters and 15.6 trillion tokens against 37 active ones and 14.8 trillion.
    assert found.details.basis.gain == pytest.approx(9.9, rel=0.03)
    assert found.details.basis.serving_gain == pytest.approx(405 / 37, rel=0.12)
    assert found.verdict.value == "inconclusive"
    assert "Llama 3.1 405B" in question.answer
    assert "hardly been measured" in question.answer
    assert {"llama-3.1-405b.toml"} <= {f.name for f in audit.inputs}
    assert question.evidence == ("compute-demand", "serving")
    given = run_audit(V3, StatedGain(3.0))
    other = next(e for e in given.evidence if e.id == "compute-demand")
    assert isinstance(other.details, DemandEvidence)
    assert other.details.basis.gain == 3.0
    assert "Take a gain of 3" in other.answer
    page = render_html(audit)
    assert "index trap" in page
    assert "Elasticity of the market" in page
    with pytest.raises(InputError, match="no gain"):
        run_audit(V3, StatedGain(1.0))


def test_without_a_comparison_the_third_question_stays_open_and_says_how(tmp_path: Path) -> None:
    text = V3.read_text(encoding="utf-8")
    start = text.index("[comparison]")
    bare = text[:start] + text[text.index("# --- size") :]
    (tmp_path / "v3.toml").write_text(bare.replace('siblings = ["deepseek-v2"]', ""), encoding="utf-8")
    audit = run_audit(tmp_path / "v3.toml")
    question = next(q for q in audit.questions if q.name == "compute")
    # Serving can be estimated alone, but only the demand for compute answers the question.
    assert question.evidence == ("serving",)
    assert "[comparison]" in question.missing[0]
    (tmp_path / "lost.toml").write_text(text.replace('siblings = ["deepseek-v2"]', ""), encoding="utf-8")
    with pytest.raises(InputError, match=r"'llama-3\.1-405b' is not beside this dossier"):
        run_audit(tmp_path / "lost.toml")
    (tmp_path / "unsourced.toml").write_text(
        text.replace('source = "v3-report"\nplace = "Table 6"', 'source = "nobody"\nplace = "Table 6"'),
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="the comparison cites unknown source"):
        run_audit(tmp_path / "unsourced.toml")
