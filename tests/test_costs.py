"""Parameters, FLOP and dollars against published figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_per_token import Row, rows
from hydrometer.costs.architecture import Architecture, Dense, Experts
from hydrometer.costs.flop import implied_utilisation, training_flop_per_token
from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.costs.money import acquisition_cost, owned_price_per_hour, staff_cost

DEEPSEEK_V3 = Architecture.uniform(
    n_layers=61,
    hidden_size=7168,
    vocab_size=129280,
    attention=Latent(heads=128, query_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128),
    feed_forward=Experts(expert_size=2048, n_experts=256, experts_per_token=8, shared_size=2048),
    first_dense=(3, Dense(18432)),
    mtp_layers=1,
)


def uniform(layers: int, hidden: int, vocab: int, attention: GroupedQuery, forward: Dense | Experts) -> Architecture:
    return Architecture.uniform(
        n_layers=layers, hidden_size=hidden, vocab_size=vocab, attention=attention, feed_forward=forward
    )


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_flop_per_token_are_the_published_ones_by_the_publishers_conventions(row: Row) -> None:
    assert row.by_their_conventions == pytest.approx(row.published_gflop, rel=0.01)
    # From the shape itself all but two hybrids, whose counter widens the state space.
    assert row.counted_gflop == pytest.approx(row.published_gflop, rel=0.012 if "-30B-A3B" not in row.name else 0.07)


def test_deepseek_v3_parameters_by_every_convention() -> None:
    # 671.03 total and 37.55 / 36.63 / 35.70 active; the report prints 671B and 37B.
    active = DEEPSEEK_V3.active_parameters()
    assert DEEPSEEK_V3.total_parameters() / 1e9 == pytest.approx(671.03, abs=0.005)
    assert active["with_both_embeddings"] / 1e9 == pytest.approx(37.55, abs=0.005)
    assert active["with_head_only"] / 1e9 == pytest.approx(36.63, abs=0.005)
    assert active["without_embeddings"] / 1e9 == pytest.approx(35.70, abs=0.005)
    assert DEEPSEEK_V3.mtp_parameters() / 1e9 == pytest.approx(11.6, abs=0.05)


def test_llama_3_checkpoints_to_the_last_weight() -> None:
    # Parameter counts printed by the published checkpoints.
    llama_70b = uniform(80, 8192, 128256, GroupedQuery(64, 8, 128), Dense(28672))
    llama_8b = uniform(32, 4096, 128256, GroupedQuery(32, 8, 128), Dense(14336))
    qwen_32b = uniform(64, 5120, 152064, GroupedQuery(40, 8, 128, qkv_bias=True), Dense(27648))
    assert llama_70b.total_parameters() == 70_553_706_496
    assert llama_8b.total_parameters() == 8_030_261_248
    assert qwen_32b.total_parameters() == 32_763_876_352


def test_deepseek_v3_utilisation_of_the_published_hours() -> None:
    # ISCA 2025 paper, Table 4: 385 and 432 TFLOP/s, 38.94 and 43.73 % of the BF16 peak.
    for causal, published in ((True, 0.3894), (False, 0.4373)):
        flop = 14.8e12 * training_flop_per_token(DEEPSEEK_V3, sequence_length=4096, causal=causal, include_mtp=False)
        found = implied_utilisation(flop=flop, accelerator_hours=2.664e6, peak_flop_per_second=989e12)
        assert found == pytest.approx(published, rel=0.005)


dimension = st.integers(1, 64)


@given(layers=st.integers(1, 40), hidden=dimension, vocab=st.integers(2, 500), heads=dimension, size=dimension)
def test_flop_grow_with_length_and_full_attention_costs_more(
    layers: int, hidden: int, vocab: int, heads: int, size: int
) -> None:
    network = uniform(layers, hidden, vocab, GroupedQuery(heads, 1, 8), Dense(size))
    short, long = (training_flop_per_token(network, sequence_length=s) for s in (128, 256))
    full = training_flop_per_token(network, sequence_length=128, causal=False)
    assert short < long
    # The core is linear in the length, and a causal mask halves it.
    assert full - short == pytest.approx(long - short)


@given(n=st.integers(1, 16), used=st.integers(1, 16), layers=st.integers(1, 8))
def test_a_token_never_passes_through_more_than_is_stored(n: int, used: int, layers: int) -> None:
    experts = Experts(expert_size=16, n_experts=n, experts_per_token=min(n, used))
    network = uniform(layers, 32, 100, GroupedQuery(2, 1, 16), experts)
    assert network.active_parameters()["with_both_embeddings"] <= network.total_parameters()


def test_buying_deepseeks_cluster() -> None:
    # Epoch's shares with an H800 of 20 to 30 thousand dollars: 83 to 124 million.
    low, high = (acquisition_cost(n_accelerators=2048, chip_price=p) for p in (20e3, 30e3))
    assert low == pytest.approx(83e6, rel=0.01)
    assert high == pytest.approx(124e6, rel=0.01)


def test_an_owned_h800_costs_between_one_and_one_sixty_an_hour() -> None:
    low, high = (owned_price_per_hour(chip_price=p, age_years=1.0, board_power_watts=700) for p in (20e3, 30e3))
    assert 1.0 < low < high < 1.75


def test_staff_cost_is_a_product() -> None:
    assert staff_cost(contributors=10, full_time_share=0.5, years=2.0, pay_per_year=1e5) == pytest.approx(1e6)
