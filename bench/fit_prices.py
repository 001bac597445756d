"""Fits the variances of the price model to the shipped quotes: src/hydrometer/data/price_model.toml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from frame import Inputs, Page
from hydrometer.costs.prices import PARTS, log_likelihood
from hydrometer.instruments.training_cost.estimating.pricing import arrays_of
from hydrometer.records.prices import PriceQuote
from hydrometer.store.prices import price_quotes

CENTRE = {
    "market_walk": 0.05, "accelerator": 0.1, "accelerator_walk": 0.02, "contract": 0.1, "contract_tier": 0.02,
    "contract_accelerator_walk": 0.03, "tier": 0.1, "tier_walk": 0.03, "tier_accelerator": 0.03, "seller": 0.05,
    "seller_accelerator": 0.03, "region": 0.01, "noise": 0.01, "press_noise": 0.03,
}  # fmt: skip
"""Centres of lognormal priors of the variances, spread one natural log unit: they keep 14 variances from
over-fitting two hundred quotes. Set from the spread of list prices before any back-test."""
OUT = "src/hydrometer/data/price_model.toml"


def fit(quotes: Sequence[PriceQuote]) -> dict[str, float]:
    """Returns the variances of greatest posterior density."""
    arrays = arrays_of(quotes)
    y = np.log([quote.usd_per_hour for quote in quotes])
    centre = np.log([CENTRE[part] for part in PARTS])

    def loss(x: np.ndarray) -> float:
        try:
            fitted = log_likelihood(arrays, log_price=y, variances=dict(zip(PARTS, np.exp(x), strict=True)))
        except np.linalg.LinAlgError:
            return 1e9
        return -fitted + 0.5 * float(np.sum((x - centre) ** 2))

    found = minimize(loss, centre, method="L-BFGS-B", bounds=[(np.log(1e-5), np.log(3.0))] * len(PARTS))
    return {part: float(value) for part, value in zip(PARTS, np.exp(found.x), strict=True)}


def measure(inputs: Inputs) -> Page:
    """Fits, and makes the file."""
    del inputs
    rents = [quote for quote in price_quotes() if quote.contract != "own"]
    variances = fit(rents)
    lines = [
        "# Variances of the parts of a log price (walks: a year), see hydrometer/costs/prices.py.",
        f"date = {dt.date.today().isoformat()}",
        'command = "python bench/run.py fit_prices --ship"',
        f"n_quotes = {len(rents)}",
        "[variances]",
        *(f"{part} = {value:.5f}" for part, value in variances.items()),
    ]
    text = "\n".join(lines)
    return Page(text, ships={OUT: f"{text}\n".encode()})
