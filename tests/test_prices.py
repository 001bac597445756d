"""Dated prices: the table, the price model, a user's own file, owning, energy, exchange rates."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_commands import json_line, run

import prices as bench
from hydrometer.costs import money
from hydrometer.costs.ownership import annuity
from hydrometer.costs.prices import bridge, leave_one_out
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.pricing import arrays_of, energy_of, owned_hour, price_at, usd_for
from hydrometer.records.prices import PriceQuote
from hydrometer.store.prices import electricity, exchange_rates, price_model, price_quotes, read_price_file
from hydrometer.store.reference import find_accelerator

RENTS = [q for q in price_quotes() if q.contract != "own"]


def test_every_quote_names_a_known_chip_a_date_and_a_source() -> None:
    for quote in price_quotes():
        assert find_accelerator(quote.accelerator).name == quote.accelerator
        assert dt.date(2018, 1, 1) <= quote.date <= dt.date(2026, 12, 31)
        assert quote.source
    assert {q.contract for q in price_quotes()} == {"on_demand", "spot", "1_year", "3_year", "own"}
    assert all(rate.source for rate in exchange_rates())
    assert all(grid.source for grid in electricity())


def test_the_h100_backtest_is_within_15_percent() -> None:
    y = bench.logs(RENTS)
    found = leave_one_out(arrays_of(RENTS), log_price=y, variances=price_model().variances)
    h100 = np.array([q.accelerator == "H100-SXM-80GB" for q in RENTS])
    assert np.median(np.abs(np.exp(found.log_median - y) - 1)[h100]) < 0.15
    covered = np.abs((y - found.log_median) / found.sigma) < 1.2816
    assert 0.75 <= covered.mean() <= 0.85


def test_leaving_one_out_by_formula_is_leaving_it_out() -> None:
    from hydrometer.costs.prices import predict

    some = RENTS[::6]
    y, v = bench.logs(some), price_model().variances
    found = leave_one_out(arrays_of(some), log_price=y, variances=v)
    rest, gone = some[1:], some[:1]
    # The centre of the logs moves by a trifle when one quote goes.
    alone = predict(arrays_of(gone), quotes=arrays_of(rest), log_price=bench.logs(rest), variances=v)
    assert found.log_median[0] == pytest.approx(alone.log_median[0], abs=0.02)


@pytest.mark.parametrize(
    ("contract", "date", "usd"),
    [
        ("1_year", "2026-03-31", 2.35),
        ("1_year", "2026-06-26", 2.65),
        ("1_year", "2025-10-15", 1.70),
        ("on_demand", "2026-05-20", 2.95),
        ("spot", "2026-06-26", 2.42),
    ],
)
def test_the_h100_indices_are_met(contract: Any, date: str, usd: float) -> None:
    found = price_at("H100", date=dt.date.fromisoformat(date), contract=contract)
    assert found.p50 == pytest.approx(usd, rel=0.15)
    assert found.p10 < usd < found.p90


def test_the_interval_widens_away_from_the_quotes() -> None:
    spreads = [price_at("H100", date=dt.date(year, 6, 1)).sigma for year in (2026, 2027, 2029)]
    assert spreads[0] < spreads[1] < spreads[2]
    assert "wide" in price_at("H100", date=dt.date(2029, 1, 1)).warnings[-1]
    assert "after this date" in price_at("B200", date=dt.date(2022, 1, 1)).warnings[0]
    assert "no quote of H20" in price_at("H20", date=dt.date(2025, 1, 1)).warnings[0]


def test_gpt4_by_epochs_method() -> None:
    bought = money.acquisition_cost(n_accelerators=25000, chip_price=24875.0, server_factor=1.0)
    assert bought == pytest.approx(800e6, rel=0.15)
    assert "+0.4%" in bench.gpt4()[0]


def test_an_owned_h800_costs_what_the_worked_audit_says() -> None:
    found = price_at("H800", date=dt.date(2024, 8, 28), contract="own")
    assert 1.10 <= found.p10 < found.p50 < found.p90 <= 1.60


def test_the_build_up_of_an_owners_hour() -> None:
    assert owned_hour("H100").total == pytest.approx(1.69, rel=0.15)
    assert owned_hour("H200", tier="hyperscaler").total == pytest.approx(1.41, rel=0.15)
    assert annuity(rate=0.0, years=4) == 0.25
    # 10 % over 5 years: the textbook factor.
    assert annuity(rate=0.10, years=5) == pytest.approx(0.263797, rel=1e-5)


def test_energy_and_emissions() -> None:
    found = energy_of(1000.0, "H100", dt.date(2024, 6, 1), region="us")
    # 0.7 kW × 10.2/8/0.7 × 0.75 × 1.25 an hour
    assert found.kwh == pytest.approx(1000 * 10.2 / 8 * 0.75 * 1.25)
    assert found.kg_co2 == pytest.approx(found.kwh * 0.384)
    assert energy_of(1000.0, "H100", dt.date(2024, 6, 1), owner="Microsoft").kwh < found.kwh
    with pytest.raises(InputError, match="no grid"):
        energy_of(1.0, "H100", dt.date(2024, 1, 1), region="atlantis")


def test_the_energy_command(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["cost", "energy", "--hours", "2.788e6", "--accelerator", "H800", "--date", "2024-09-01"]
    found = json_line(capsys, *arguments, "--region", "china")
    assert found["kg_co2"] == pytest.approx(found["kwh"] * 0.582)
    assert "grid of 2023 stands in for 2024" in run(capsys, *arguments, "--region", "china")[1]
    for bad in (["--hours", "-1"], ["--pue", "0.5"], ["--region", "moon"], ["--accelerator", "H8000"]):
        assert run(capsys, *arguments, *bad)[0] == 2


def test_dollars_of_hours_and_of_draws_agree() -> None:
    rng = np.random.default_rng(0)
    date = dt.date(2024, 9, 1)
    one = usd_for(1e6, "H800", date, "1_year")
    many = usd_for(np.full(50_000, 1e6), "H800", date, "1_year", rng=rng)
    assert many.p50 == pytest.approx(one.p50, rel=0.02)
    assert many.p90 == pytest.approx(one.p90, rel=0.03)
    with pytest.raises(InputError, match="positive"):
        usd_for(-1.0, "H800", date)


@given(st.floats(2024.0, 2026.0), st.floats(0.1, 20.0), st.floats(0.1, 20.0))
def test_a_bridge_holds_its_ends_and_stays_between(asked: float, first: float, last: float) -> None:
    found = bridge(asked, year=np.array([2024.0, 2026.0]), log_price=np.log([first, last]), walk=0.1)
    low, high = sorted((first, last))
    assert low * 0.999 <= found.quantile(0.0)[0] <= high * 1.001
    assert bridge(2024.0, year=np.array([2024.0, 2026.0]), log_price=np.log([first, last]), walk=0.1).sigma[0] == 0.0


def test_own_prices_override(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[[prices]]\naccelerator = "h100"\ncontract = "1-year"\ndate = 2026-01-01\nprice_per_hour = 8.0\n'
        'currency = "CNY"\n',
        encoding="utf-8",
    )
    found = json_line(
        capsys, "cost", "prices", "--accelerator", "H100", "--contract", "1_year", "--at", "2026-01-01",
        "--prices", str(file),
    )  # fmt: skip
    assert found["quotes"][0]["source"] == "your file"
    assert found["estimates"][0]["p50"] == pytest.approx(8.0 * 0.1392, rel=1e-6)
    assert found["estimates"][0]["p10"] == pytest.approx(found["estimates"][0]["p90"])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "accelerator,contract,usd_per_hour\nH100,spot,2\n", "a price without a date"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,spot,,2\n", "no 'date'"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,spot,soon,2\n", "not a date"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,spot,2024-01-01,-2\n", "not a price"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,spot,2024-01-01,nan\n", "not a price"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH1OOO,spot,2024-01-01,2\n", "unknown accelerator"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,weekly,2024-01-01,2\n", "unknown contract"),
        ("a.csv", "accelerator,contract,date,usd_per_hour\nH100,spot,2024-01-01\n", "number of fields"),
        ("a.csv", "", "no column 'date'"),
        ("a.toml", "[[prices]]\naccelerator='H100'\ncontract='spot'\nusd_per_hour=2\n", "no 'date'"),
        ("a.toml", "[[prices]]\naccelerator='H100'\ncontract='spot'\ndate=2024-01-01\n", "usd_per_hour"),
        ("a.toml", "[[prices]]\naccelerator='H100'\ncontract='spot'\ndate=2024-01-01\nprize=2\n", "unknown key"),
        ("a.toml", "prices = 3\n", "[[prices]]"),
        ("a.toml", "[[prices]\n", "not TOML"),
        (
            "a.toml",
            "[[prices]]\naccelerator='H100'\ncontract='spot'\ndate=2024-01-01\nprice_per_hour=2\ncurrency='XYZ'\n",
            "no exchange rate",
        ),
    ],
)
def test_bad_price_files_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, words: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    status, out, error = run(capsys, "cost", "prices", "--prices", str(file))
    assert (status, out) == (2, "")
    assert words in error
    assert str(file)[-20:] in error
    assert error.count("\n") == 1


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("x.csv", "x.toml"):
        file = tmp_path_factory.mktemp("fuzz") / name
        file.write_bytes(content)
        try:
            assert all(isinstance(q, PriceQuote) for q in read_price_file(file))
        except InputError as error:
            assert error.cure


def test_prices_are_filtered(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_line(
        capsys, "cost", "prices", "--accelerator", "A100", "--contract", "1_year", "--tier", "hyperscaler",
        "--since", "2022-01-01", "--until", "2024-12-31",
    )  # fmt: skip
    assert found["quotes"]
    for quote in found["quotes"]:
        assert (quote["accelerator"], quote["contract"], quote["tier"]) == ("A100-SXM-80GB", "1_year", "hyperscaler")
        assert "2022-01-01" <= quote["date"] <= "2024-12-31"
    assert found["estimates"] == []
    text = run(capsys, "cost", "prices", "--accelerator", "H100", "--contract", "own", "--at", "2026-04-01")[1]
    assert "An owner's hour, line by line" in text
    for bad, words in (
        (["--at", "2024-01-01"], "--accelerator"),
        (["--accelerator", "H100", "--at", "yesterday"], "not a date"),
        (["--contract", "daily"], "unknown contract"),
        (["--region", "moon"], "--region"),
    ):
        status, _, error = run(capsys, "cost", "prices", *bad)
        assert status == 2
        assert words in error


def test_json_of_prices_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "cost", "prices", "--json")[1]
    assert out.count("\n") == 1
    assert len(json.loads(out)["quotes"]) == len(price_quotes())
