"""What serving sees of a network: small shapes of distinct primes worked by hand, and published shapes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.mixers import GroupedQuery, Latent, Lightning, Mixer
from hydrometer.costs.served import Served, served

GROUPED = GroupedQuery(heads=10, kv_heads=5, head_dim=7)
LATENT = Latent(heads=3, query_rank=11, kv_rank=17, nope_dim=7, rope_dim=5, value_dim=13)
INDEXED = replace(LATENT, index_heads=2, index_dim=19, index_top=100)
STATEFUL = Lightning(heads=2, head_dim=3)


def network(*layers: tuple[Layer, int], hidden_size: int = 23) -> Served:
    return served(Architecture(hidden_size, 29, layers))


def one(mixer: Mixer, *, count: int = 1) -> Served:
    return network((Layer((mixer,), None, 0), count))


def test_deepseek_v3_by_its_published_shape() -> None:
    attention = Latent(heads=128, query_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    forward = Experts(expert_size=2048, n_experts=256, experts_per_token=8, shared_size=2048)
    net = served(
        Architecture.uniform(
            n_layers=61,
            hidden_size=7168,
            vocab_size=129_280,
            attention=attention,
            feed_forward=forward,
            first_dense=(3, Dense(18_432)),
        )
    )
    # A layer's attention: 11,010,048 + 37,748,736 + 4,128,768 + 16,777,216 + 117,440,512 weights.
    assert net.mixing == 61 * 187_105_280
    assert net.dense == 3 * 3 * 7168 * 18_432
    assert net.routed == 58 * 256 * 44_040_192
    assert net.shared == 58 * (44_040_192 + 7168 * 256)
    assert net.head == 129_280 * 7168
    assert (net.layers, net.mixture_layers, net.n_experts, net.per_token, net.heads) == (61, 58, 256, 8, 128)
    # 36.63 billion active with the head only (the brief of the technical report's 37 billion).
    assert net.active == pytest.approx(36.63e9, rel=2e-4)
    # 70,272 bytes in BF16, the published figure; no tensor-parallel group divides a latent.
    assert net.cache_per_token * 2 == 70_272
    assert net.cache_split == 1
    assert net.key == "61x7168-256of8-latent"


def test_llama_405b_keeps_516096_bytes_a_token() -> None:
    attention = GroupedQuery(heads=128, kv_heads=8, head_dim=128)
    net = served(
        Architecture.uniform(
            n_layers=126, hidden_size=16_384, vocab_size=128_256, attention=attention, feed_forward=Dense(53_248)
        )
    )
    assert net.cache_per_token * 2 == 516_096
    assert (net.cache_split, net.heads, net.n_experts, net.per_token, net.mixture_layers) == (8, 128, 1, 1, 0)
    # 405.85 billion stored, less 2.10 of the embedding that is only looked up, less norms of 4 million.
    assert net.active == pytest.approx(405.85e9 - 2.10e9, rel=1e-4)
    assert net.key == "126x16384-1of1-grouped"


def test_weights_by_kind_add_up_to_what_a_token_meets() -> None:
    net = Served(
        hidden_size=2,
        layers=3,
        mixture_layers=1,
        mixing=5.0,
        dense=70.0,
        shared=1100.0,
        routed=39_000.0,
        head=600_000.0,
        n_experts=13,
        per_token=2,
        kernels=1,
        expert_kernels=1,
        heads=1,
        cache_split=1,
        state_values=0.0,
        mixers=(),
    )
    assert net.common == 1175.0
    assert net.active == 1175.0 + 600_000.0 + 6000.0
    with pytest.raises(FrozenInstanceError):
        net.layers = 4  # type: ignore[misc]


def test_layers_of_different_kinds_are_counted_as_often_as_they_occur() -> None:
    experts = Experts(expert_size=3, n_experts=7, experts_per_token=2, shared_size=5)
    net = network(
        (Layer((GROUPED,), Dense(11), 0), 2),
        (Layer((GROUPED,), experts, 0), 3),
        (Layer((GROUPED,), experts, 0), 1),
        (Layer((STATEFUL, GROUPED), None, 0), 4),
    )
    grouped = 23 * 70 + 2 * 23 * 35 + 70 * 23  # queries, keys and values, output
    assert net.mixing == 10 * grouped + 4 * 5 * 23 * 6
    assert net.dense == 2 * 3 * 23 * 11
    assert net.routed == 4 * 7 * 3 * 23 * 3
    assert net.shared == 4 * (3 * 23 * 5 + 23 * 7)
    assert net.head == 29 * 23
    assert (net.layers, net.mixture_layers, net.n_experts, net.per_token) == (10, 4, 7, 2)
    assert net.state_values == 4 * 2 * 9
    assert dict(net.mixers) == {GROUPED: 10, STATEFUL: 4}


def test_experts_without_a_gate_have_two_matrices_and_latent_ones_are_narrow() -> None:
    plain = Experts(expert_size=3, n_experts=7, experts_per_token=2, gated=False)
    net = network((Layer((GROUPED,), plain, 0), 1))
    assert (net.routed, net.shared) == (7 * 2 * 23 * 3, 23 * 7)
    narrow = Experts(expert_size=3, n_experts=7, experts_per_token=2, latent=13)
    net = network((Layer((GROUPED,), narrow, 0), 1))
    assert (net.routed, net.shared) == (7 * 3 * 13 * 3, 2 * 23 * 13 + 23 * 7)


@pytest.mark.parametrize(
    ("mixer", "kernels"),
    [
        # norm, projection, rotation, cache write, attention, output, norm
        (GROUPED, 7),
        (replace(GROUPED, qk_norm="head"), 9),
        (replace(GROUPED, gated=True), 8),
        (LATENT, 12),
        (INDEXED, 21),
        (STATEFUL, 10),
    ],
)
def test_launches_of_each_mixer(mixer: Mixer, kernels: int) -> None:
    assert one(mixer, count=3).kernels == 3 * kernels
    assert one(mixer).expert_kernels == 0


def test_launches_of_feed_forward_networks() -> None:
    dense = network((Layer((GROUPED,), Dense(11), 0), 2))
    assert (dense.kernels, dense.expert_kernels) == (2 * (7 + 3), 0)
    alone = network((Layer((GROUPED,), Experts(3, 7, 2), 0), 2))
    assert (alone.kernels, alone.expert_kernels) == (2 * 7, 2 * 7)
    shared = network((Layer((GROUPED,), Experts(3, 7, 2, shared_size=1), 0), 2))
    assert (shared.kernels, shared.expert_kernels) == (2 * 7, 2 * 10)


def test_a_cache_divides_over_key_heads_at_most_and_a_latent_not_at_all() -> None:
    narrow = replace(GROUPED, kv_heads=2)
    assert network((Layer((narrow,), None, 0), 1), (Layer((GROUPED,), None, 0), 1)).cache_split == 2
    assert network((Layer((GROUPED,), None, 0), 1), (Layer((narrow,), None, 0), 1)).cache_split == 2
    assert one(LATENT).cache_split == 1
    # Without attention nothing grows, and any group may share it.
    assert one(STATEFUL).cache_split == 1_000_000
    assert (one(STATEFUL).heads, one(GROUPED).heads, one(LATENT).heads) == (1, 10, 3)


def test_keys_tell_kinds_of_attention_apart() -> None:
    assert [one(m).key for m in (GROUPED, LATENT, INDEXED)] == [
        "1x23-1of1-grouped",
        "1x23-1of1-latent",
        "1x23-1of1-indexed",
    ]


def test_a_window_adds_nothing_to_a_long_context() -> None:
    windowed = replace(GROUPED, window=64)
    assert one(windowed).cache_per_token == 0
    assert one(GROUPED, count=3).cache_per_token == 3 * 2 * 35
    assert one(windowed).cache_values(50) == 2 * 35 * 50
    assert one(windowed).cache_values(99) == 2 * 35 * 64


def test_what_a_token_reads_of_the_cache() -> None:
    assert one(GROUPED, count=3).cache_read(11.0) == 3 * 2 * 35 * 11
    assert one(LATENT, count=3).cache_read(11.0) == 3 * 22 * 11
    # An indexer reads its own key of every position, and the latents of the hundred that it picks.
    assert one(INDEXED, count=3).cache_read(400.0) == 3 * (22 * 100 + 19 * 400)
    assert one(INDEXED, count=3).cache_read(40.0) == 3 * (22 * 40 + 19 * 40)


def test_what_attention_works_for_a_token() -> None:
    # Scores and values of every head, 2 FLOP each a number: 4·h·e a position.
    assert one(GROUPED, count=3).core_flop(11.0) == 3 * 4 * 10 * 7 * 11
    assert one(replace(GROUPED, window=64)).core_flop(99.0) == 4 * 10 * 7 * 64
    assert one(replace(GROUPED, window=64)).core_flop(9.0) == 4 * 10 * 7 * 9
    # Absorbed: scores over c + r, values over c.
    assert one(LATENT, count=2).core_flop(11.0) == 2 * 2 * 3 * (22 + 17) * 11
    assert one(INDEXED, count=2).core_flop(400.0) == 2 * (2 * 3 * 39 * 100 + 2 * 2 * 19 * 400)
    assert one(INDEXED).core_flop(40.0) == 2 * 3 * 39 * 40 + 2 * 2 * 19 * 40
    # Writing and reading a state of 2 heads of 3 x 3.
    assert one(STATEFUL, count=5).core_flop(400.0) == 5 * 4 * 18


def test_reading_a_prompt_costs_a_causal_triangle() -> None:
    # Half of all pairs, 4·h·e each.
    assert one(GROUPED, count=3).prompt_core(20.0, 20.0) == pytest.approx(3 * 4 * 70 * 20 * 20 / 2)
    # The last 5 of 20: the triangle of 20 less that of 15.
    assert one(GROUPED, count=3).prompt_core(5.0, 20.0) == pytest.approx(3 * 4 * 70 * (400 - 225) / 2)
    assert one(GROUPED).prompt_core(1.0, 1.0) == pytest.approx(4 * 70 / 2)
    assert one(GROUPED).prompt_core(0.0, 20.0) == 0.0
    assert one(GROUPED).prompt_core(1.0, 2.0) == pytest.approx(4 * 70 * (4 - 1) / 2)
    assert one(GROUPED).prompt_core(0.5, 20.0) == pytest.approx(4 * 70 * (400 - 19.5**2) / 2)
