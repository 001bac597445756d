"""A day of a fleet and the life of a model, counted by hand and against DeepSeek's report of 2025-02-28."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from hydrometer.costs.serving_days import (
    Day,
    break_even_tokens,
    inference_flop,
    inference_share,
    training_days,
    training_flop,
)

DEEPSEEK = Day(
    input_tokens=608e9,
    cached_tokens=342e9,
    output_tokens=168e9,
    input_rate=73_700,
    output_rate=14_800,
    accelerators_per_node=8,
    usd_per_hour=2.0,
)


def test_deepseeks_nodes_are_226_75_as_reported() -> None:
    assert DEEPSEEK.input_nodes == pytest.approx(95.48, abs=0.005)
    assert DEEPSEEK.output_nodes == pytest.approx(131.38, abs=0.005)


def test_deepseeks_day_cost_87072_dollars_and_could_have_earned_562027() -> None:
    assert DEEPSEEK.cost(226.75) == pytest.approx(87_072)
    # 342k·0.14 + 266k·0.55 + 168k·2.19
    found = DEEPSEEK.revenue(usd_input=0.55, usd_cached=0.14, usd_output=2.19)
    assert found == pytest.approx(47_880 + 146_300 + 367_920)
    assert found == pytest.approx(562_027, rel=2e-4)


def test_a_day_of_whole_nodes_by_hand() -> None:
    # 86,400 seconds: 3 nodes read 7 a second, 5 nodes write 2 a second.
    day = Day(3 * 7 * 86_400, 0, 5 * 2 * 86_400, 7, 2, 3, 11.0)
    assert (day.input_nodes, day.output_nodes) == (3, 5)
    assert day.cost(5) == 5 * 3 * 24 * 11
    assert day.revenue(usd_input=1e6, usd_cached=0, usd_output=0) == 3 * 7 * 86_400
    assert day.revenue(usd_input=0, usd_cached=1e6, usd_output=0) == 0
    assert day.revenue(usd_input=0, usd_cached=0, usd_output=1e6) == 5 * 2 * 86_400


def test_v3s_training_is_64_days_of_that_fleet() -> None:
    # 2.788M hours over 43,536 a day.
    assert training_days(2.788e6, accelerators=1814) == pytest.approx(64.04, abs=0.005)


def test_flop_are_six_and_two_a_weight_and_token() -> None:
    assert training_flop(37e9, 14.8e12) == pytest.approx(3.2856e24)
    assert inference_flop(37e9, 14.8e12) == pytest.approx(1.0952e24)


def test_serving_breaks_even_at_three_times_the_tokens() -> None:
    assert break_even_tokens(14.8e12) == pytest.approx(44.4e12)
    assert break_even_tokens(7.0, research_factor=5.0) == pytest.approx(105)
    assert training_flop(13.0, 7.0) == inference_flop(13.0, break_even_tokens(7.0))


def test_the_share_of_serving() -> None:
    assert inference_share(30.0, 10.0) == 0.75
    assert inference_share(0.0, 10.0) == 0.0


def test_a_day_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        DEEPSEEK.input_rate = 1.0  # type: ignore[misc]
