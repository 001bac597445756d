"""How far off are the prices, the amortisation and the ownership build-up?

Back-test: every quote of H100 SXM rents (2023 to 2026) is predicted from all the others; also with the variances
fitted without any H100 quote, and with everything of the same seller left out. Four ways are compared.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

import numpy as np

from fit_prices import fit
from frame import Inputs, Page
from hydrometer.costs import money
from hydrometer.costs.prices import leave_one_out, predict
from hydrometer.instruments.training_cost.estimating.pricing import (
    Z90,
    arrays_of,
    decimal_year,
    owned_hour,
    price_at,
    usd_for,
)
from hydrometer.records.prices import PriceQuote
from hydrometer.stats.proportions import Proportion
from hydrometer.store.prices import price_model, price_quotes

H100 = "H100-SXM-80GB"
Result = tuple[np.ndarray, np.ndarray]
"""Relative errors, and errors in spreads of the log (empty where a way has none)."""


def logs(quotes: Sequence[PriceQuote]) -> np.ndarray:
    """Returns log prices."""
    return np.log([quote.usd_per_hour for quote in quotes])


def nearest_quote(quotes: Sequence[PriceQuote], asked: Sequence[PriceQuote]) -> Result:
    """The last quote of the same contract and kind of seller, else the nearest of all."""
    found = []
    for q in asked:
        others = [o for o in quotes if o is not q and o.accelerator == q.accelerator]
        best = min(others, key=lambda o: (o.contract != q.contract, o.tier != q.tier, abs((o.date - q.date).days)))
        found.append(best.usd_per_hour / q.usd_per_hour - 1)
    return np.array(found), np.array([])


def log_linear(quotes: Sequence[PriceQuote], asked: Sequence[PriceQuote]) -> Result:
    """Log-linear in time within contract and kind of seller; contracts pooled where there is one quote."""
    found = []
    for q in asked:
        pool = [o for o in quotes if o is not q and o.accelerator == q.accelerator]
        same = [o for o in pool if o.contract == q.contract and o.tier == q.tier]
        used = sorted(same if len(same) > 1 else pool, key=lambda o: o.date)
        found.append(
            float(np.exp(np.interp(decimal_year(q.date), [decimal_year(o.date) for o in used], logs(used))))
            / q.usd_per_hour
            - 1
        )
    return np.array(found), np.array([])


def process(quotes: Sequence[PriceQuote], asked: Sequence[PriceQuote], variances: dict[str, float]) -> Result:
    """The price model, every quote left out in turn."""
    y = logs(quotes)
    found = leave_one_out(arrays_of(quotes), log_price=y, variances=variances)
    keep = np.array([any(q is a for a in asked) for q in quotes])
    errors = np.exp(found.log_median - y) - 1
    return errors[keep], ((y - found.log_median) / found.sigma)[keep]


def without_seller(quotes: Sequence[PriceQuote], asked: Sequence[PriceQuote], variances: dict[str, float]) -> Result:
    """The price model, everything of the quote's seller left out (an index: only itself)."""
    errors, spreads = [], []
    for q in asked:
        rest = [o for o in quotes if o is not q and (q.seller in {"market", "model"} or o.seller != q.seller)]
        found = predict(arrays_of([q]), quotes=arrays_of(rest), log_price=logs(rest), variances=variances)
        errors.append(float(found.quantile(0.0)[0]) / q.usd_per_hour - 1)
        spreads.append(float((np.log(q.usd_per_hour) - found.log_median[0]) / found.sigma[0]))
    return np.array(errors), np.array(spreads)


def line(name: str, result: Result) -> str:
    """Returns a row of the table."""
    errors, spreads = result
    n = len(errors)
    near = int((np.abs(errors) < 0.15).sum())
    low, high = Proportion(near, n).confidence_interval()
    covered = f"{np.mean(np.abs(spreads) < Z90):.0%}" if len(spreads) else "none"
    return (
        f"| {name} | {n} | {np.median(np.abs(errors)):.1%} | {near / n:.0%} ({low:.0%} to {high:.0%}) "
        f"| {np.quantile(np.abs(errors), 0.9):.0%} | {covered} |"
    )


def backtest() -> list[str]:
    """Returns the table of the back-test."""
    rents = [q for q in price_quotes() if q.contract != "own"]
    h100 = [q for q in rents if q.accelerator == H100]
    lists = [q for q in h100 if q.grade != "press"]
    variances = price_model().variances
    apart = fit([q for q in rents if not q.accelerator.startswith("H100")])
    return [
        "| way | quotes | median error | within 15 % (95 % interval) | p90 error | 80 % interval holds |",
        "|---|---|---|---|---|---|",
        line("nearest quote of the same contract and kind of seller", nearest_quote(rents, h100)),
        line("log-linear in time", log_linear(rents, h100)),
        line("price model, shipped", process(rents, h100, variances)),
        line("price model, variances fitted without H100", process(rents, h100, apart)),
        line("price model, the quote's seller left out", without_seller(rents, h100, variances)),
        line("price model, price lists and indices only", process(rents, lists, variances)),
        line("price model, all accelerators", process(rents, rents, variances)),
    ]


def gpt4() -> list[str]:
    """Returns GPT-4's costs by Epoch's method, against Epoch's figures."""
    # Epoch's inputs: 25,000 A100 at a DGX share of $24,875 (2020-05), 57 million hours ending 2022-08-15.
    bought = money.acquisition_cost(n_accelerators=25000, chip_price=24875.0, server_factor=1.0)
    start = decimal_year(dt.date(2022, 8, 15)) - 2280 / money.HOURS_PER_YEAR
    age = start - decimal_year(dt.date(2020, 5, 14)) - money.AVAILABLE_AFTER_DAYS / money.DAYS_PER_YEAR
    loss = money.amortised_hardware(acquisition=bought, age_years=age, share_of_year=2280 / money.HOURS_PER_YEAR)
    energy = money.energy_kwh(
        accelerator_hours=57e6, board_power_watts=400, server_factor=money.server_power_factor("A100")
    )
    total = loss + energy * 0.0806
    return [
        f"GPT-4 by Epoch's method: acquisition ${bought / 1e6:.0f}M (Epoch: $800M, {bought / 800e6 - 1:+.1%}), "
        f"amortised hardware and energy ${total / 1e6:.1f}M (Epoch: $40M, {total / 40e6 - 1:+.1%})."
    ]


def ownership() -> list[str]:
    """Returns the build-up of an owner's hour against SemiAnalysis's published rates."""
    rows = ["| accelerator | owner | build-up | SemiAnalysis 2026-04 | gap |", "|---|---|---|---|---|"]
    gaps = []
    for quote in price_quotes():
        if quote.contract != "own" or "placeholder" in quote.source:
            continue
        found = owned_hour(quote.accelerator, tier=quote.tier).total
        gaps.append(found / quote.usd_per_hour - 1)
        rows.append(
            f"| {quote.accelerator} | {quote.tier} | ${found:.2f} | ${quote.usd_per_hour:.2f} | {gaps[-1]:+.0%} |"
        )
    return [*rows, "", f"Median gap {np.median(np.abs(gaps)):.0%}, largest {np.max(np.abs(gaps)):.0%}."]


def timing() -> list[str]:
    """Returns the CPU seconds of 100,000 draws of hours times price."""
    rng = np.random.default_rng(0)
    hours = 2.788e6 * np.exp(0.3 * rng.standard_normal(100_000))
    usd_for(hours, "H800", dt.date(2024, 9, 1), "1_year", rng=rng)
    start = time.process_time()
    usd_for(hours, "H800", dt.date(2024, 9, 1), "1_year", rng=rng)
    draws = time.process_time() - start
    start = time.process_time()
    price_at("H100", date=dt.date(2025, 6, 1))
    return [f"One price: {1e3 * (time.process_time() - start):.0f} ms of CPU; 100,000 draws of dollars: {draws:.2f} s."]


def measure(inputs: Inputs) -> Page:
    """Makes the back-test and the comparisons."""
    del inputs
    lines = [
        "# Benchmark: prices",
        "",
        f"From the {len(price_quotes())} quotes that ship. Every quote is left out in turn.",
        "",
        "## H100 SXM rents, 2023 to 2026",
        "",
        *backtest(),
        "",
        "A quote is of one seller on one day; sellers of the same chip differ by a third. The row with the seller left",
        "out is for a seller that nobody has quoted yet; the shipped row is for one whose other prices are known.",
        "",
        "## Owning",
        "",
        *gpt4(),
        "",
        *ownership(),
        "",
        "SemiAnalysis counts what large buyers pay; the build-up takes the middle of the purchase prices seen.",
        "",
        "## Speed",
        "",
        *timing(),
    ]
    return Page("\n".join(lines))
