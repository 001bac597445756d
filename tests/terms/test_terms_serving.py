"""What the roofline takes of network, chip, layout and load: each term from distinct primes, by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import numpy as np
import pytest

from hydrometer.costs.mixers import GroupedQuery, Lightning
from hydrometer.costs.served import Served
from hydrometer.costs.serving import (
    Chip,
    Deployment,
    Load,
    cache_bytes_per_sequence,
    experts_touched,
    most_concurrency,
    stacked,
    terms,
    weight_bytes_per_accelerator,
)

# One attention layer of 3 key heads of 5: 30 numbers a token.
NET = Served(
    hidden_size=23,
    layers=7,
    mixture_layers=5,
    mixing=1000.0,
    dense=300.0,
    shared=20.0,
    routed=8400.0,
    head=600.0,
    n_experts=4,
    per_token=2,
    kernels=41,
    expert_kernels=43,
    heads=6,
    cache_split=3,
    state_values=18.0,
    mixers=((GroupedQuery(heads=6, kv_heads=3, head_dim=5), 1), (Lightning(heads=2, head_dim=3), 1)),
)
CHIP = Chip(peak=101.0, peak_bf16=53.0, bandwidth=59.0, memory=1e6, link=31.0, network=37.0, domain=8, hopper=True)
LOAD = Load(concurrency=12.0, input_tokens=100.0, output_tokens=40.0)


def test_a_layout_counts_its_accelerators() -> None:
    way = Deployment(tp=2, dp=3, pp=5)
    assert (way.across, way.accelerators) == (6, 30)
    assert (Deployment().across, Deployment().accelerators, Deployment().ep) == (1, 1, 1)


def test_an_unsaid_layout_is_one_accelerator_at_a_byte_a_number_serving_both_phases() -> None:
    found = terms(NET, CHIP, Deployment(), LOAD)
    assert (found.tp, found.dp, found.aggregated, found.wide_cache, found.four_bit) == (1, 1, 1, 0, 0)
    assert found.common_bytes == 1320
    assert cache_bytes_per_sequence(replace(NET, state_values=0), Deployment(), 10.0) == 300


def test_a_load_counts_its_tokens() -> None:
    load = Load(1.0, 100.0, 40.0, cache_hit=0.25)
    assert load.fresh_tokens == 75
    assert load.context == 120  # the prompt and half of the answer
    assert Load(1.0, 100.0, 40.0).fresh_tokens == 100


@pytest.mark.parametrize(
    ("drafted", "accepted", "tokens"), [(0, 0.0, 1.0), (0, 0.9, 1.0), (1, 0.5, 1.5), (3, 0.5, 1.875), (4, 1.0, 5.0)]
)
def test_tokens_of_a_speculative_step_are_leviathans(drafted: int, accepted: float, tokens: float) -> None:
    # (1 - a^(n+1)) / (1 - a)
    assert Load(1, 1, 1, drafted=drafted, accepted=accepted).tokens_per_step == pytest.approx(tokens)


def test_nothing_is_drafted_unless_asked() -> None:
    assert Load(1, 1, 1).tokens_per_step == 1.0
    assert Load(1, 1, 1, accepted=0.5).tokens_per_step == 1.0
    assert Load(1, 1, 1, drafted=3).tokens_per_step == 1.0


@pytest.mark.parametrize(("n", "k", "batch"), [(4, 2, 3), (8, 1, 2), (2, 1, 1), (3, 2, 2)])
def test_experts_touched_by_counting_cases(n: int, k: int, batch: int) -> None:
    # A token misses a given expert with probability 1 - k/n.
    missed = Fraction(n - k, n) ** batch
    assert experts_touched(n, k, batch) == pytest.approx(float(1 - missed))


def test_without_a_mixture_every_weight_is_touched() -> None:
    assert experts_touched(1, 1, 0.5) == 1.0
    assert experts_touched(1, 0, 3.0) == 1.0
    # Two experts are a mixture.
    assert experts_touched(2, 1, 1.0) == 0.5


WAY = Deployment(tp=2, dp=3, ep=6, pp=5, weight_bytes=0.5, cache_bytes=2.0, precision="fp4", engine="sglang")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch", 12 / 5),  # of one stage
        ("verified", 1.0),
        ("yielded", 1.0),
        ("tp", 2.0),
        ("dp", 3.0),
        ("domain", 8.0),
        ("layers", 7.0),
        ("mixture_layers", 5.0),
        ("hidden_size", 23.0),
        ("per_token", 2.0),
        ("kernels", 41.0),
        ("expert_kernels", 43.0),
        ("common_bytes", 0.5 * 1320 / 2),
        ("head_bytes", 2 * 600 / 2),  # BF16 whatever the rest is kept in
        ("routed_bytes", 0.5 * 8400 / 6),
        ("touched", 1 - 0.5**2.4),
        ("active", 1320 + 600 + 8400 / 2),
        ("inner", 1320 + 8400 / 2),
        ("cache_read", 30 * 120 / 2),
        ("state_bytes", 2 * 4 * 18 / 2),  # read and written, in FP32
        ("core_flop", 4 * 6 * 5 * 120 + 4 * 18),
        ("prompt_core", 4 * 6 * 5 * 100 * 100 / 2 + 4 * 18 * 100),
        ("fresh_tokens", 100.0),
        ("output_tokens", 40.0),
        ("concurrency", 12.0),
        ("waiting", 0.0),
        ("peak", 101.0),
        ("peak_bf16", 53.0),
        ("bandwidth", 59.0),
        ("link", 31.0),
        ("network", 37.0),
        ("hopper", 1.0),
        ("four_bit", 1.0),
        ("weight_only", 0.0),
        ("wide_cache", 1.0),
        ("trtllm", 0.0),
        ("sglang", 1.0),
        ("vllm", 0.0),
        ("aggregated", 1.0),
    ],
)
def test_each_term_by_hand(name: str, value: float) -> None:
    assert getattr(terms(NET, CHIP, WAY, LOAD), name) == pytest.approx(value)


def test_drafts_are_verified_by_the_same_experts() -> None:
    found = terms(NET, CHIP, WAY, replace(LOAD, drafted=3, accepted=0.5))
    assert (found.verified, found.yielded) == (4.0, 1.875)
    assert found.touched == pytest.approx(1 - 0.5 ** (2.4 * 4))


def test_more_accelerators_than_key_heads_do_not_divide_the_cache_further() -> None:
    found = terms(NET, CHIP, replace(WAY, tp=4), LOAD)
    assert found.cache_read == 30 * 120 / 3
    assert found.state_bytes == 2 * 4 * 18 / 4


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"precision": "int4"}, "weight_only", 1.0),
        ({"precision": "int4"}, "four_bit", 0.0),
        ({"cache_bytes": 1.0}, "wide_cache", 0.0),
        ({"cache_bytes": 1.99}, "wide_cache", 0.0),
        ({"engine": ""}, "trtllm", 1 / 3),
        ({"engine": ""}, "sglang", 1 / 3),
        ({"engine": ""}, "vllm", 1 / 3),
        ({"engine": "trtllm"}, "trtllm", 1.0),
        ({"engine": "vllm"}, "vllm", 1.0),
        ({"disaggregated": True}, "aggregated", 0.0),
    ],
)
def test_what_is_said_of_a_layout_sets_its_switch(change: dict[str, object], name: str, value: float) -> None:
    assert getattr(terms(NET, CHIP, replace(WAY, **change), LOAD), name) == value  # type: ignore[arg-type]


def test_weights_on_one_accelerator() -> None:
    # Half a byte: 1,320 over two, 8,400 over six; both embeddings in BF16 over two; all over five stages.
    assert weight_bytes_per_accelerator(NET, WAY) == pytest.approx((0.5 * (660 + 1400) + 4 * 600 / 2) / 5)


def test_cache_of_a_sequence_on_one_accelerator() -> None:
    assert cache_bytes_per_sequence(NET, WAY, 140.0) == pytest.approx((30 * 140 * 2 / 2 + 4 * 18 / 2) / 5)
    assert cache_bytes_per_sequence(NET, replace(WAY, tp=4), 140.0) == pytest.approx(
        (30 * 140 * 2 / 3 + 4 * 18 / 4) / 5
    )


def test_nine_tenths_of_the_memory_hold_weights_and_caches() -> None:
    # Weights 446 B and 847.2 B a sequence of 140 tokens; room for ten of them on each of three replicas of attention.
    chip = replace(CHIP, memory=(446 + 10 * 847.2) / 0.9)
    assert most_concurrency(NET, chip, WAY, 140.0) == pytest.approx(30.0)


def test_weights_that_do_not_fit_leave_no_room_and_no_cache_leaves_all() -> None:
    assert most_concurrency(NET, replace(CHIP, memory=10.0), WAY, 140.0) == 0.0
    assert most_concurrency(replace(NET, mixers=(), state_values=0.0), CHIP, WAY, 140.0) == math.inf


def test_whoever_does_not_fit_waits() -> None:
    chip = replace(CHIP, memory=(446 + 2 * 847.2) / 0.9)  # six at once of 140 tokens
    found = terms(NET, chip, WAY, LOAD)
    assert found.concurrency == pytest.approx(6.0)
    assert found.batch == pytest.approx(6 / 5)
    assert found.waiting == pytest.approx(1.0)
    # One is always served, even where none would fit.
    found = terms(NET, replace(CHIP, memory=10.0), WAY, LOAD)
    assert (found.concurrency, found.waiting) == (1.0, 11.0)


def test_rows_are_stacked_field_by_field() -> None:
    rows = [terms(NET, CHIP, WAY, replace(LOAD, concurrency=n)) for n in (5.0, 10.0)]
    together = stacked(rows)
    assert np.array_equal(together.batch, [1.0, 2.0])
    assert together.peak.dtype == np.float64
    assert together.tp.shape == (2,)


@pytest.mark.parametrize(
    ("record", "name"), [(CHIP, "peak"), (WAY, "tp"), (LOAD, "drafted"), (terms(NET, CHIP, WAY, LOAD), "batch")]
)
def test_what_was_asked_stays_as_it_is(record: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, 1)
