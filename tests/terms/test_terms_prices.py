"""Rents as a Gaussian process: each part of the covariance alone, and the posterior by another route."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from hydrometer.costs.prices import PARTS, LogPrice, Quotes, bridge, covariance, leave_one_out, log_likelihood, predict

NONE = dict.fromkeys(PARTS, 0.0)
SAME = ("H100", "spot", "neocloud", "lambda", "us")


def quotes(
    *keys: tuple[str, str, str, str, str],
    year: tuple[float, ...] | None = None,
    log_peak: tuple[float, ...] | None = None,
    launch: tuple[float, ...] | None = None,
    press: tuple[bool, ...] | None = None,
) -> Quotes:
    """Quotes of 2022, of chips two years old and of a typical peak, unless said otherwise: the mean is then flat."""
    n = len(keys)
    years = np.array(year or [2022.0] * n)
    return Quotes(
        years,
        np.array(log_peak or [34.0] * n),
        np.array(launch) if launch else years - 2.0,
        *(np.array(column) for column in zip(*keys, strict=True)),
        press=np.array(press or [False] * n),
    )


def test_the_mean_is_wide_and_linear_in_the_logs_of_peak_and_in_age() -> None:
    # A standard deviation of 4 on each coefficient: 16·(1 + 3·5 + 7·2), peaks from 34 and ages from two years.
    a = quotes(SAME, log_peak=(37.0,), launch=(2013.0,))
    b = quotes(SAME, log_peak=(39.0,), launch=(2018.0,))
    assert covariance(a, b, NONE) == pytest.approx(16 * (1 + 15 + 14))
    assert covariance(quotes(SAME), b, NONE) == pytest.approx(16.0)


NEEDS = {
    "market_walk": (),
    "accelerator": ("accelerator",),
    "accelerator_walk": ("accelerator",),
    "contract": ("contract",),
    "contract_tier": ("contract", "tier"),
    "contract_accelerator_walk": ("contract", "accelerator"),
    "tier": ("tier",),
    "tier_walk": ("tier",),
    "tier_accelerator": ("tier", "accelerator"),
    "seller": ("seller",),
    "seller_accelerator": ("seller", "accelerator"),
    "region": ("region",),
}
OTHER = {"accelerator": "A100", "contract": "1_year", "tier": "marketplace", "seller": "vast", "region": "asia"}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("differs", [None, *OTHER])
def test_two_quotes_share_a_part_if_they_share_all_its_keys(part: str, differs: str | None) -> None:
    keys = dict(zip(OTHER, SAME, strict=True))
    if differs:
        keys[differs] = OTHER[differs]
    a = quotes(SAME, year=(2018.0,))
    b = quotes(tuple(keys.values()), year=(2022.0,))  # type: ignore[arg-type]
    found = float(covariance(a, b, {**NONE, part: 0.5})[0, 0]) - 16.0
    shared = part in NEEDS and differs not in NEEDS[part]
    # A walk has gone three years, from 2015 to the earlier quote.
    assert found == pytest.approx(0.5 * (3 if part.endswith("walk") else 1) if shared else 0.0)


def test_a_walk_begins_in_2015() -> None:
    walk = {**NONE, "market_walk": 1.0}
    for year, gone in ((2014.0, 0.0), (2015.0, 0.0), (2015.5, 0.5), (2017.0, 2.0)):
        a, b = quotes(SAME, year=(year,)), quotes(SAME, year=(2026.0,))
        assert covariance(a, b, walk) == pytest.approx(16 + gone)
        assert covariance(b, a, walk) == pytest.approx(16 + gone)


def test_an_index_is_no_seller() -> None:
    index = quotes(("H100", "spot", "neocloud", "market", "us"))
    for part in ("seller", "seller_accelerator"):
        assert covariance(index, index, {**NONE, part: 1.0}) == pytest.approx(16.0)


def test_covariance_has_a_row_for_each_of_the_first() -> None:
    assert covariance(quotes(SAME, SAME, SAME), quotes(SAME, SAME), NONE).shape == (3, 2)


MIXED = quotes(
    SAME,
    ("A100", "spot", "neocloud", "lambda", "us"),
    ("H100", "1_year", "hyperscaler", "market", "europe"),
    ("H100", "spot", "marketplace", "vast", "us"),
    year=(2023.0, 2024.0, 2025.0, 2026.0),
    log_peak=(34.5, 33.0, 34.5, 34.5),
    launch=(2022.0, 2020.5, 2022.0, 2022.0),
    press=(False, True, False, True),
)
LOG_PRICE = np.array([0.9, 0.1, 0.7, 0.4])
VARIANCES = {part: 0.01 * (i + 2) for i, part in enumerate(PARTS)}
NOISE = np.diag([0.14, 0.14 + 0.15, 0.14, 0.14 + 0.15])


def test_one_quotes_likelihood_is_its_density_at_the_centre() -> None:
    # The centre is the mean, so a single quote lies on it: covariance 16, noise 2, and the press adds 7.
    variances = {**NONE, "noise": 2.0, "press_noise": 7.0}
    told, listed = quotes(SAME, press=(True,)), quotes(SAME)
    for asked, variance in ((listed, 18.0), (told, 25.0)):
        found = log_likelihood(asked, log_price=np.array([3.0]), variances=variances)
        assert found == pytest.approx(norm.logpdf(0, scale=math.sqrt(variance)))


def test_the_likelihood_is_scipys_multivariate_normal() -> None:
    assert VARIANCES["noise"] == pytest.approx(0.14)
    inside = covariance(MIXED, MIXED, VARIANCES) + NOISE
    expected = multivariate_normal.logpdf(LOG_PRICE, mean=np.full(4, LOG_PRICE.mean()), cov=inside)
    assert log_likelihood(MIXED, log_price=LOG_PRICE, variances=VARIANCES) == pytest.approx(expected)


def joint_posterior(asked: Quotes, extra: float) -> tuple[float, float]:
    """The conditional normal from the precision of both together, Rasmussen and Williams, equation A.7."""
    both = np.zeros((5, 5))
    both[:4, :4] = covariance(MIXED, MIXED, VARIANCES) + NOISE
    both[:4, 4:] = covariance(MIXED, asked, VARIANCES)
    both[4:, :4] = both[:4, 4:].T
    both[4:, 4:] = covariance(asked, asked, VARIANCES)
    precision = np.linalg.inv(both)
    centre = LOG_PRICE.mean()
    mean = centre - precision[4, :4] @ (LOG_PRICE - centre) / precision[4, 4]
    return float(mean), math.sqrt(1 / precision[4, 4] + extra)


@pytest.mark.parametrize(
    ("seller", "extra"),
    [
        ("lambda", 0.14),  # a bill has noise
        ("market", 0.14 + 0.11 + 0.12),  # and where no seller is named, a seller of its own
    ],
)
def test_a_prediction_is_the_conditional_normal(seller: str, extra: float) -> None:
    assert (VARIANCES["seller"], VARIANCES["seller_accelerator"]) == pytest.approx((0.11, 0.12))
    asked = quotes(("H100", "spot", "hyperscaler", seller, "us"), year=(2025.5,), log_peak=(34.5,), launch=(2022.0,))
    found = predict(asked, quotes=MIXED, log_price=LOG_PRICE, variances=VARIANCES)
    assert (found.log_median[0], found.sigma[0]) == pytest.approx(joint_posterior(asked, extra))
    middle = predict(asked, quotes=MIXED, log_price=LOG_PRICE, variances=VARIANCES, of_one_seller=False)
    assert (middle.log_median[0], middle.sigma[0]) == pytest.approx(joint_posterior(asked, 0.0))


def test_what_was_seen_without_noise_is_known_to_three_digits_of_ten_thousand() -> None:
    # The variance left is 1e-12; no spread is told below the root of 1e-9.
    found = predict(
        quotes(SAME),
        quotes=quotes(SAME),
        log_price=np.array([3.0]),
        variances={**NONE, "noise": 1e-12},
        of_one_seller=False,
    )
    assert found.sigma == pytest.approx([1e-9**0.5])


def test_leaving_one_out_is_the_conditional_normal_of_the_others() -> None:
    inside = covariance(MIXED, MIXED, VARIANCES) + NOISE
    found = leave_one_out(MIXED, log_price=LOG_PRICE, variances=VARIANCES)
    centre = LOG_PRICE.mean()
    for i in range(4):
        rest = [j for j in range(4) if j != i]
        weights = np.linalg.solve(inside[np.ix_(rest, rest)], inside[rest, i])
        assert found.log_median[i] == pytest.approx(centre + weights @ (LOG_PRICE[rest] - centre))
        assert found.sigma[i] == pytest.approx(math.sqrt(inside[i, i] - weights @ inside[rest, i]))


def test_a_quantile_of_a_lognormal_price() -> None:
    price = LogPrice(np.array([math.log(2.0)]), np.array([math.log(1.5)]))
    assert price.quantile(0.0) == pytest.approx([2.0])
    assert price.quantile(2.0) == pytest.approx([4.5])
    assert price.quantile(-1.0) == pytest.approx([2 / 1.5])


YEAR = np.array([2020.0, 2022.0, 2026.0])
VALUE = np.array([1.0, 3.0, 11.0])


@pytest.mark.parametrize(
    ("asked", "log_median", "variance"),
    [
        (2021.0, 2.0, 0.1 * 1 * 1 / 2),  # a Brownian bridge: walk · left · right / whole
        (2023.0, 5.0, 0.1 * 1 * 3 / 4),
        (2020.0, 1.0, 0.0),
        (2022.0, 3.0, 0.0),
        (2026.0, 11.0, 0.0),
        (2019.5, 1.0, 0.05),  # level before, and a walk away from the nearest quote
        (2029.0, 11.0, 0.3),
    ],
)
def test_a_bridge_between_exact_quotes(asked: float, log_median: float, variance: float) -> None:
    found = bridge(asked, year=YEAR, log_price=VALUE, walk=0.1)
    assert found.log_median == pytest.approx([log_median])
    assert found.sigma == pytest.approx([math.sqrt(variance)])


def test_quotes_and_prices_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        MIXED.year = YEAR  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        bridge(2021.0, year=YEAR, log_price=VALUE, walk=0.1).sigma = YEAR  # type: ignore[misc]
