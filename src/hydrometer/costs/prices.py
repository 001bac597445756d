"""What an accelerator-hour rents for on a day: a Gaussian process over dated quotes of the log price.

A quote's log price is a sum of independent parts: what the accelerator is worth (from its peak and its age), a
random walk of the accelerator's market, offsets and walks of the contract types, offsets of the kind of seller
and of the single seller, and noise. Parts are shared by every quote of their kind, so a chip with one quote
borrows from the others. Between and beyond its quotes the interval widens as a random walk does.

References:
    Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), equations 2.25, 2.26 and 2.42 (the
    posterior with a linear mean). The variances are fitted by maximum marginal likelihood (`bench/fit_prices.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Keys = npt.NDArray[np.str_]

# Four natural logs are a factor of 55. By hand, 2026-11-25.
_WIDE = 4.0
"""Prior standard deviation of the coefficients of the mean, natural logs: wide against any price seen."""
# Tried: one noise for all quotes; five months after the last quote it put H100 at $4.08 from $3.23, as the market's
# walk took up what press quotes contradict. Noise of their own, indices taken out of the press: level forecasts. See
# docs/log.md.
PARTS = (
    "market_walk",
    "accelerator",
    "accelerator_walk",
    "contract",
    "contract_tier",
    "contract_accelerator_walk",
    "tier",
    "tier_walk",
    "tier_accelerator",
    "seller",
    "seller_accelerator",
    "region",
    "noise",
    "press_noise",
)
"""The parts of a log price; each has a variance (walks: a variance per year)."""


@dataclass(frozen=True)
class Quotes:
    """Dated prices, one element of every array a quote; shape (Q,).

    Attributes:
        year: date as a decimal year.
        log_peak: natural log of the accelerator's dense BF16 peak in FLOP/s.
        launch: decimal year in which the accelerator came out.
        accelerator: its name.
        contract: `on_demand`, `spot`, `1_year` or `3_year`.
        tier: `hyperscaler`, `neocloud` or `marketplace`.
        seller: who quoted; `market` for an index, which no single seller's offset applies to.
        region: `us`, `europe`, `asia` or `any`.
        press: reported by the press or a web page, not by a price list: noisier.
    """

    year: Array
    log_peak: Array
    launch: Array
    accelerator: Keys
    contract: Keys
    tier: Keys
    seller: Keys
    region: Keys
    press: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LogPrice:
    """A lognormal price: median and spread on the natural log scale.

    Attributes:
        log_median: shape (Q,), log USD per accelerator-hour.
        sigma: standard deviation of the log, same shape.
    """

    log_median: Array
    sigma: Array

    def quantile(self, z: float) -> Array:
        """Returns the price at a standard normal quantile, USD per accelerator-hour."""
        price: Array = np.exp(self.log_median + z * self.sigma)
        return price


def _same(a: Keys, b: Keys) -> Array:
    return np.asarray(a[:, None] == b[None, :], dtype=float)


def _features(quotes: Quotes) -> Array:
    age = quotes.year - quotes.launch
    # Centred on a peak of e^34 = 580 TFLOP/s and an age of two years, so that the three coefficients are nearly
    # independent.
    return np.stack([np.ones_like(age), quotes.log_peak - 34.0, age - 2.0], axis=1)


def covariance(a: Quotes, b: Quotes, variances: Mapping[str, float]) -> Array:
    """Returns the prior covariance of two sets of log prices, noise left out; shape (A, B)."""
    v = variances
    # A walk is tied at its start; starting before the first quote only adds to the accelerator's own offset.
    walk = np.maximum(np.minimum(a.year[:, None], b.year[None, :]) - 2015.0, 0.0)
    chip, contract, tier = _same(a.accelerator, b.accelerator), _same(a.contract, b.contract), _same(a.tier, b.tier)
    seller = _same(a.seller, b.seller) * (a.seller != "market")[:, None]
    k = _WIDE**2 * _features(a) @ _features(b).T
    k += walk * (
        v["market_walk"]
        + tier * v["tier_walk"]
        + chip * (v["accelerator_walk"] + contract * v["contract_accelerator_walk"])
    )
    k += chip * (v["accelerator"] + tier * v["tier_accelerator"] + seller * v["seller_accelerator"])
    k += contract * (v["contract"] + tier * v["contract_tier"]) + tier * v["tier"] + seller * v["seller"]
    k += _same(a.region, b.region) * v["region"]
    return np.asarray(k, dtype=float)


def _noise(quotes: Quotes, variances: Mapping[str, float]) -> Array:
    return np.diag(variances["noise"] + quotes.press * variances["press_noise"])


def predict(
    asked: Quotes, *, quotes: Quotes, log_price: Array, variances: Mapping[str, float], of_one_seller: bool = True
) -> LogPrice:
    """Returns the prices that quotes imply for other days, contracts and sellers.

    Args:
        asked: what is asked for, shape (A,).
        quotes: what was seen, shape (Q,).
        log_price: natural log of the quoted prices, shape (Q,).
        variances: of every part in `PARTS`.
        of_one_seller: the spread is of what one seller of that kind asks; without, of the market's middle.

    Returns:
        Log median and spread, shape (A,).

    Raises:
        numpy.linalg.LinAlgError: if the quotes' covariance is singular (no noise).
    """
    centre = float(np.mean(log_price))
    inside = covariance(quotes, quotes, variances) + _noise(quotes, variances)
    across = covariance(asked, quotes, variances)
    solved = np.linalg.solve(inside, across.T)
    mean = centre + solved.T @ (log_price - centre)
    prior = np.diag(covariance(asked, asked, variances)).copy()
    if of_one_seller:
        # An index has no seller of its own; a bill comes from one.
        index = asked.seller == "market"
        prior += variances["noise"] + index * (variances["seller"] + variances["seller_accelerator"])
    # Rounding can leave a variance below 0 where a quote is asked for again.
    spread = np.sqrt(np.maximum(prior - np.sum(across * solved.T, axis=1), 1e-9))
    return LogPrice(np.asarray(mean), np.asarray(spread))


def leave_one_out(quotes: Quotes, *, log_price: Array, variances: Mapping[str, float]) -> LogPrice:
    """Returns what each quote is predicted to be from all the others; shape (Q,).

    References:
        Rasmussen and Williams, equations 5.10 to 5.12.
    """
    centre = float(np.mean(log_price))
    inside = covariance(quotes, quotes, variances) + _noise(quotes, variances)
    inverse = np.linalg.inv(inside)
    diagonal = np.diag(inverse)
    mean = log_price - (inverse @ (log_price - centre)) / diagonal
    return LogPrice(np.asarray(mean), np.asarray(1.0 / np.sqrt(diagonal)))


def log_likelihood(quotes: Quotes, *, log_price: Array, variances: Mapping[str, float]) -> float:
    """Returns the log marginal likelihood of the quotes (Rasmussen and Williams, equation 2.30)."""
    y = log_price - float(np.mean(log_price))
    inside = covariance(quotes, quotes, variances) + _noise(quotes, variances)
    factor = np.linalg.cholesky(inside)
    solved = np.linalg.solve(factor, y)
    return float(-0.5 * solved @ solved - np.log(np.diag(factor)).sum() - 0.5 * len(y) * np.log(2 * np.pi))


def bridge(asked: float, *, year: Array, log_price: Array, walk: float) -> LogPrice:
    """Returns a price between, before or after exact quotes: log-linear between, level outside.

    Args:
        asked: decimal year.
        year: of the quotes, increasing, shape (Q,).
        log_price: shape (Q,).
        walk: variance a year of the random walk between them (a Brownian bridge; a walk outside).

    Returns:
        Log median and spread, shape (1,).
    """
    middle = float(np.interp(asked, year, log_price))
    after = int(np.searchsorted(year, asked))
    if after == 0 or after == len(year):
        variance = walk * float(np.min(np.abs(year - asked)))
    else:
        left, right = asked - float(year[after - 1]), float(year[after]) - asked
        variance = walk * left * right / (left + right)
    return LogPrice(np.array([middle]), np.array([np.sqrt(variance)]))
