"""Statistics against outside answers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.errors import DegenerateInputWarning
from hydrometer.records.numbers import readable, rough_usd, usd
from hydrometer.records.quantities import half_width, significant_digits
from hydrometer.stats.priors import SplitLognormal
from hydrometer.stats.proportions import Proportion


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (7, 10, 0.3475471, 0.9332605),  # R: binom.test(7, 10)$conf.int
        (0, 20, 0.0, 0.1684335),  # R: binom.test(0, 20)$conf.int
        (20, 20, 0.8315665, 1.0),
    ],
)
def test_exact_interval_is_that_of_r(successes: int, n: int, low: float, high: float) -> None:
    assert Proportion(successes, n).confidence_interval() == pytest.approx((low, high), abs=1e-6)


def test_wilson_interval_is_that_of_r() -> None:
    # R: prop.test(7, 10, correct = FALSE)$conf.int
    found = Proportion(7, 10).confidence_interval(method="wilson")
    assert found == pytest.approx((0.3967781, 0.8922087), abs=1e-6)


def test_no_trials_warn_by_type() -> None:
    with pytest.warns(DegenerateInputWarning, match="no trials"):
        assert Proportion(0, 0).confidence_interval() == (0.0, 1.0)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_outside_the_unit_interval_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        Proportion(1, 2).confidence_interval(level=level)


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        Proportion(3, 2)


def test_a_prior_holds_its_three_points() -> None:
    prior = SplitLognormal(1.35, 2.0, 3.42)
    draws = prior.sample(400_000, rng=np.random.default_rng(1))
    assert np.quantile(draws, [0.05, 0.5, 0.95]) == pytest.approx([1.35, 2.0, 3.42], rel=0.01)


def test_a_prior_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="p5 <= p50 <= p95"):
        SplitLognormal(2.0, 1.0, 3.0)


@given(st.decimals(min_value="0.001", max_value="1e9", places=3))
def test_a_rounded_number_covers_the_number_it_was_rounded_from(true: Decimal) -> None:
    for places in ("1.", "0.1", "0.01"):
        printed = true.quantize(Decimal(places), rounding=ROUND_HALF_EVEN)
        if printed:
            # Exactly: of floats near 1e9 the last digits alone are more than a millionth of 0.05.
            assert abs(printed - true) <= Decimal(repr(half_width(printed, stipulated=False)))


@given(st.integers(1, 10**15))
def test_whole_numbers_are_coarser_only_from_a_thousand_on(value: int) -> None:
    width = half_width(value, stipulated=False)
    assert width == 0.5 or (value >= 1000 and value % 10 == 0)
    assert half_width(value, stipulated=True) == 0.0
    assert 1 <= significant_digits(value) <= len(str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_written_on_one_line(value: float) -> None:
    for text in (readable(value), usd(value), rough_usd(value)):
        assert text
        assert "\n" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2788000, "2,788,000"), (14.8e12, "14.8 trillion"), (3.94e25, "3.940e25"), (19.926, "19.93"), (5000, "5,000")],
)
def test_numbers_read_as_people_write_them(value: float, text: str) -> None:
    assert readable(value) == text
