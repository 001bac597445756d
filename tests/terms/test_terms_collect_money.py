"""What asking costs: prices, limits, reserves and estimates, in whole tokens and 1e-9 US dollars."""

from __future__ import annotations

import pytest

from hydrometer.collect.money import Budget, Price, estimate, price_of, usd
from hydrometer.errors import InputError
from hydrometer.records.exchange import Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import Limits, Spend

# A million tokens of prompt for 3 dollars: 3,000 of 1e-9 dollars for a token.
PRICE = Price(3.0, 11.0)


def test_a_price_counts_prompt_and_answer_apart() -> None:
    assert PRICE.nano_usd(1_000_000, 0) == 3 * 10**9
    assert PRICE.nano_usd(0, 1_000_000) == 11 * 10**9
    assert PRICE.nano_usd(7, 5) == 7 * 3000 + 5 * 11_000
    assert usd(PRICE.nano_usd(7, 5)) == pytest.approx(0.000076)


def test_part_of_the_smallest_unit_is_charged_as_a_whole_one() -> None:
    assert Price(0.0004, 0).nano_usd(1, 100) == 1
    assert Price(0.0004, 0).nano_usd(3, 0) == 2
    assert Price(0, 0).nano_usd(1000, 1000) == 0


@pytest.mark.parametrize("price", [0.0, 0.5, 999_999.0, 1_000_000.0])
def test_usable_prices(price: float) -> None:
    assert Price(price, 1.0).usd_per_million_in == Price(1.0, price).usd_per_million_out == price


@pytest.mark.parametrize("price", [-1e-9, 1_000_000.5, 1_000_001.0, float("inf"), float("nan")])
def test_prices_that_no_sum_can_be_counted_with(price: float) -> None:
    for given in ((price, 1.0), (1.0, price)):
        with pytest.raises(InputError, match=r"--usd-per-million: no usable price; give 0 to 1,000,000 for a million"):
            Price(*given)


def test_both_prices_or_none() -> None:
    assert price_of(None, None) is None
    assert price_of(0.0, 2.0) == Price(0.0, 2.0)
    for given in ((1.0, None), (None, 0.0)):
        with pytest.raises(InputError, match="one of the two prices is missing; give both"):
            price_of(*given)


@pytest.mark.parametrize("limit", [-0.01, 1_000_000_000.5, 1_000_000_001.0, float("nan")])
def test_limits_that_are_none(limit: float) -> None:
    with pytest.raises(InputError, match="--max-usd: no usable limit; give 0 to 1,000,000,000 dollars"):
        Budget(usd=limit, price=PRICE)


def test_a_limit_in_dollars_needs_a_price() -> None:
    with pytest.raises(InputError, match="without a price, dollars cannot be counted"):
        Budget(usd=1.0)
    assert Budget(price=PRICE).usd is None
    for limit in (0.0, 1_000_000_000.0):
        assert Budget(usd=limit, price=PRICE).usd == limit


def test_the_store_counts_whole_units_and_none_is_no_limit() -> None:
    assert Budget().limits == Limits()
    # Rounded down: not a billionth more than the limit.
    assert Budget(requests=5, tokens=7, usd=1.2345678999, price=PRICE).limits == Limits(
        requests=5, tokens=7, nano_usd=1_234_567_899
    )
    assert Budget(usd=0.0, price=PRICE).limits.nano_usd == 0


def test_the_reserve_is_every_byte_a_token_the_longest_answer_and_the_providers_own_marks() -> None:
    # ä and the half of a character take two and three bytes; 256 for the chat format.
    request = Request(prompt="aä\ud83d", max_tokens=13)
    assert Budget().reserve(request) == Spend(requests=1, tokens=6 + 256 + 13, nano_usd=0)
    told = Request(prompt="aä", system="éé!", max_tokens=13)
    assert Budget(price=PRICE).reserve(told) == Spend(
        requests=1, tokens=3 + 5 + 256 + 13, nano_usd=(3 + 5 + 256) * 3000 + 13 * 11_000
    )


def reply(prompt_tokens: int | None, completion_tokens: int | None) -> Reply:
    return Reply(
        status=ResponseStatus.ANSWERED, text="x", raw=b"", prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )  # fmt: skip


def test_paid_is_what_the_provider_says_or_else_the_reserve() -> None:
    reserved = Spend(requests=1, tokens=999, nano_usd=888)
    budget = Budget(price=PRICE)
    assert budget.paid(reply(7, 5), reserved) == Spend(requests=1, tokens=12, nano_usd=76_000)
    assert budget.paid(reply(0, 0), reserved) == Spend(requests=1)
    for half in (reply(7, None), reply(None, 5), reply(None, None)):
        assert budget.paid(half, reserved) is reserved


def test_expected_is_a_token_for_four_bytes_and_half_of_the_longest_answer() -> None:
    # 17 + 4 bytes are 5.25 tokens, so 6, and 8 for the chat format; half of 7 is 4.
    request = Request(prompt="p" * 15 + "é", system="four", max_tokens=7)
    assert Budget(price=PRICE).expected(request) == Spend(requests=1, tokens=14 + 4, nano_usd=14 * 3000 + 4 * 11_000)
    assert Budget().expected(Request(prompt="p" * 8, max_tokens=10)).tokens == 2 + 8 + 5


def test_an_estimate_adds_up_what_is_expected_and_the_most() -> None:
    requests = [Request(prompt="p" * 8, max_tokens=10), Request(prompt="p" * 20, max_tokens=100)]
    # Expected 10 + 5 and 13 + 50; at most 264 + 10 and 276 + 100.
    found = estimate(iter(requests), Budget(price=PRICE))
    assert (found.requests, found.tokens, found.most_tokens) == (2, 78, 650)
    assert found.usd == pytest.approx((23 * 3 + 55 * 11) / 1e6)
    assert found.most_usd == pytest.approx((540 * 3 + 110 * 11) / 1e6)
    unpriced = estimate(requests, Budget())
    assert (unpriced.requests, unpriced.tokens, unpriced.most_tokens) == (2, 78, 650)
    assert (unpriced.usd, unpriced.most_usd) == (None, None)
    assert estimate([], Budget()).requests == 0
