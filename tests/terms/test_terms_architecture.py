"""Every weight of a network, tensor by tensor: feed-forward networks, layers, embeddings, prediction modules.

Expected weights are lists of tensor shapes: those of published checkpoints (as transformers 5.24 builds them), and of
the same layers in distinct primes, so that no two sizes can be swapped unseen.
"""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.mixers import GroupedQuery, Latent, Mamba1

Shape = tuple[int, ...]
D = 11


def weights(shapes: list[Shape]) -> int:
    return sum(math.prod(shape) for shape in shapes)


# Feed-forward networks.

EXPERTS = Experts(expert_size=7, n_experts=13, experts_per_token=3, shared_size=5)
ROUTER: Shape = (13, D)
SHARED: list[Shape] = [(5, D), (5, D), (D, 5)]
EXPERT: list[Shape] = [(7, D), (7, D), (D, 7)]

FORWARD: dict[str, tuple[Dense | Experts, int, list[Shape], list[Shape], list[Shape]]] = {
    # name: network, hidden size, matrices stored, matrices that one token meets, other tensors
    "Llama 3 8B": (Dense(14336), 4096, *([[(14336, 4096)] * 2 + [(4096, 14336)]] * 2), []),
    "OPT 350M": (
        Dense(4096, gated=False, bias=True),
        1024,
        *([[(4096, 1024), (1024, 4096)]] * 2),
        [(4096,), (1024,)],
    ),
    "gated": (Dense(7), D, EXPERT, EXPERT, []),
    "gated, biases": (Dense(7, bias=True), D, EXPERT, EXPERT, [(7,), (7,), (D,)]),
    "without a gate": (Dense(7, gated=False), D, EXPERT[1:], EXPERT[1:], []),
    "Qwen2-MoE": (
        Experts(1408, 60, 4, shared_size=5632, shared_gate=True),
        2048,
        [(60, 2 * 1408, 2048), (60, 2048, 1408), (60, 2048), (5632, 2048), (5632, 2048), (2048, 5632), (1, 2048)],
        [(4, 2 * 1408, 2048), (4, 2048, 1408), (60, 2048), (5632, 2048), (5632, 2048), (2048, 5632), (1, 2048)],
        [],
    ),
    "GPT-OSS": (
        Experts(2880, 128, 4, bias=True, router_bias=True),
        2880,
        [(128, 2880, 5760), (128, 2880, 2880), (128, 2880)],
        [(4, 2880, 5760), (4, 2880, 2880), (128, 2880)],
        [(128, 5760), (128, 2880), (128,)],
    ),
    "Nemotron-H, no gate": (
        Experts(7688, 8, 2, shared_size=7688, gated=False),
        4096,
        [(8, 7688, 4096), (8, 4096, 7688), (8, 4096), (7688, 4096), (4096, 7688)],
        [(2, 7688, 4096), (2, 4096, 7688), (8, 4096), (7688, 4096), (4096, 7688)],
        [],
    ),
    "experts": (EXPERTS, D, EXPERT * 13 + SHARED + [ROUTER], EXPERT * 3 + SHARED + [ROUTER], []),
    "experts, none shared": (Experts(7, 13, 3), D, EXPERT * 13 + [ROUTER], EXPERT * 3 + [ROUTER], []),
    "experts, a gate on the shared one": (
        replace(EXPERTS, shared_gate=True),
        D,
        EXPERT * 13 + SHARED + [ROUTER, (1, D)],
        EXPERT * 3 + SHARED + [ROUTER, (1, D)],
        [],
    ),
    "experts, biases": (
        Experts(7, 13, 3, bias=True),
        D,
        EXPERT * 13 + [ROUTER],
        EXPERT * 3 + [ROUTER],
        [(7,), (7,), (D,)] * 13,
    ),
    "experts, biases and no gate": (
        Experts(7, 13, 3, gated=False, bias=True, router_bias=True),
        D,
        EXPERT[1:] * 13 + [ROUTER],
        EXPERT[1:] * 3 + [ROUTER],
        [*([(7,), (D,)] * 13), (13,)],
    ),
    "experts, a bias on the router": (
        Experts(7, 13, 3, router_bias=True),
        D,
        EXPERT * 13 + [ROUTER],
        EXPERT * 3 + [ROUTER],
        [(13,)],
    ),
    "latent experts": (
        # Tokens go down to 2 before the routed experts and up again after; the shared expert and router work at 11.
        replace(EXPERTS, latent=2),
        D,
        [(7, 2), (7, 2), (2, 7)] * 13 + SHARED + [ROUTER, (2, D), (D, 2)],
        [(7, 2), (7, 2), (2, 7)] * 3 + SHARED + [ROUTER, (2, D), (D, 2)],
        [],
    ),
}


@pytest.mark.parametrize("name", FORWARD)
def test_weights_of_a_feed_forward_network_are_its_tensors(name: str) -> None:
    network, hidden, stored, used, others = FORWARD[name]
    assert network.matmul_parameters(hidden, active=False) == weights(stored)
    assert network.matmul_parameters(hidden, active=True) == weights(used)
    assert network.other_parameters(hidden) == weights(others)


def test_a_gate_is_a_third_matrix() -> None:
    assert Dense(7).matrices() == 3
    assert Dense(7, gated=False).matrices() == 2


# Layers.

ATTENTION = GroupedQuery(5, 3, 7, qkv_bias=True)
ATTENTION_WEIGHTS = weights([(35, D), (21, D), (21, D), (D, 35)])
ATTENTION_BIASES = 35 + 21 + 21
MAMBA = Mamba1(inner=13, state=3, conv=5, rank=2)
MAMBA_WEIGHTS = weights([(26, D), (8, 13), (13, 2), (D, 13)])
MAMBA_OTHERS = weights([(13, 3), (13,), (13, 1, 5), (13,), (13,)])


def test_a_layer_is_its_mixers_its_feed_forward_network_and_its_norms() -> None:
    layer = Layer((ATTENTION, MAMBA), Dense(17, bias=True), norm_parameters=23)
    both = ATTENTION_WEIGHTS + MAMBA_WEIGHTS
    assert layer.matmul_parameters(D, active=True) == layer.matmul_parameters(D, active=False) == both + 3 * D * 17
    assert layer.other_parameters(D) == 23 + ATTENTION_BIASES + MAMBA_OTHERS + 17 + 17 + D


def test_a_layer_of_experts_stores_more_than_a_token_meets() -> None:
    layer = Layer((MAMBA,), EXPERTS, norm_parameters=D)
    assert layer.matmul_parameters(D, active=False) == MAMBA_WEIGHTS + weights(EXPERT * 13 + SHARED + [ROUTER])
    assert layer.matmul_parameters(D, active=True) == MAMBA_WEIGHTS + weights(EXPERT * 3 + SHARED + [ROUTER])


def test_a_layer_may_only_mix() -> None:
    layer = Layer((ATTENTION,), None, norm_parameters=D)
    assert layer.matmul_parameters(D, active=True) == ATTENTION_WEIGHTS
    assert layer.other_parameters(D) == D + ATTENTION_BIASES


# Networks.

DENSE = Layer((ATTENTION,), Dense(17), norm_parameters=2 * D)
MIXED = Layer((ATTENTION,), EXPERTS, norm_parameters=2 * D)
NETWORK = Architecture(D, 101, ((DENSE, 2), (MIXED, 4)), mtp_layers=3, other_parameters=29)
DENSE_WEIGHTS = ATTENTION_WEIGHTS + 3 * D * 17
MIXED_STORED = ATTENTION_WEIGHTS + weights(EXPERT * 13 + SHARED + [ROUTER])
MIXED_USED = ATTENTION_WEIGHTS + weights(EXPERT * 3 + SHARED + [ROUTER])
SMALL = 6 * (2 * D + ATTENTION_BIASES) + 29


def test_layers_are_counted_as_often_as_they_occur() -> None:
    assert NETWORK.n_layers == 6
    assert NETWORK.layer_parameters(active=False) == 2 * DENSE_WEIGHTS + 4 * MIXED_STORED
    assert NETWORK.layer_parameters(active=True) == 2 * DENSE_WEIGHTS + 4 * MIXED_USED
    assert NETWORK.small_parameters() == SMALL


def test_stored_weights_are_layers_small_ones_and_two_embeddings() -> None:
    stored = 2 * DENSE_WEIGHTS + 4 * MIXED_STORED + SMALL
    assert NETWORK.embedding_parameters == 101 * D
    assert NETWORK.total_parameters() == stored + 2 * 101 * D
    assert replace(NETWORK, tied_embeddings=True).total_parameters() == stored + 101 * D


def test_active_weights_by_every_convention() -> None:
    inner = 2 * DENSE_WEIGHTS + 4 * MIXED_USED + SMALL
    assert NETWORK.active_parameters() == {
        "with_both_embeddings": inner + 2 * 101 * D,
        "with_head_only": inner + 101 * D,
        "without_embeddings": inner,
    }
    assert replace(NETWORK, tied_embeddings=True).active_parameters() == {
        "with_both_embeddings": inner + 101 * D,
        "with_head_only": inner + 101 * D,
        "without_embeddings": inner,
    }


def test_a_prediction_module_is_the_last_layer_again_and_a_projection_of_two_tokens() -> None:
    assert NETWORK.mtp_layer_kinds == (MIXED,)
    assert NETWORK.mtp_parameters() == 3 * (MIXED_STORED + D * 2 * D)
    assert NETWORK.mtp_parameters(active=False) == NETWORK.mtp_parameters()
    assert NETWORK.mtp_parameters(active=True) == 3 * (MIXED_USED + D * 2 * D)


def test_a_prediction_module_may_have_layers_of_its_own() -> None:
    own = replace(NETWORK, mtp_module=(DENSE, Layer((MAMBA,), None, D)))
    assert own.mtp_layer_kinds == own.mtp_module
    assert own.mtp_parameters() == 3 * (DENSE_WEIGHTS + MAMBA_WEIGHTS + D * 2 * D)


def test_a_network_has_no_prediction_module_and_no_other_weights_unless_told() -> None:
    network = Architecture(D, 101, ((DENSE, 2),))
    assert network.mtp_parameters() == 0
    assert network.small_parameters() == 2 * (2 * D + ATTENTION_BIASES)


def test_a_shared_layer_is_used_again_and_stored_once() -> None:
    again = replace(DENSE, shared_with_earlier=True)
    network = Architecture(D, 101, ((DENSE, 1), (again, 3)), tied_embeddings=True, other_parameters=29)
    assert network.layer_parameters(active=True) == 4 * DENSE_WEIGHTS
    assert network.layer_parameters(active=False) == DENSE_WEIGHTS
    assert network.small_parameters() == 2 * D + ATTENTION_BIASES + 29
    assert network.total_parameters() == DENSE_WEIGHTS + 2 * D + ATTENTION_BIASES + 29 + 101 * D


@pytest.mark.parametrize(
    ("size", "projections", "embedding"),
    [
        (None, 0, 101 * D),
        (D, 0, 101 * D),
        # Embeddings of another width need a projection in and one out, as in OPT-350m.
        (5, weights([(D, 5), (5, D)]), 101 * 5),
        (13, weights([(D, 13), (13, D)]), 101 * 13),
    ],
)
def test_embeddings_of_another_width_are_projected_in_and_out(
    size: int | None, projections: int, embedding: int
) -> None:
    network = Architecture(D, 101, ((DENSE, 2),), embedding_size=size)
    assert network.layer_parameters(active=True) == 2 * DENSE_WEIGHTS + projections
    assert network.layer_parameters(active=False) == 2 * DENSE_WEIGHTS + projections
    assert network.embedding_parameters == embedding


def test_opt_350m_to_the_last_weight() -> None:
    # 331,196,416: the count of the published checkpoint, whose 1024-wide layers stand between 512-wide embeddings.
    attention = GroupedQuery(16, 16, 64, qkv_bias=True, out_bias=True)
    layer = Layer((attention,), Dense(4096, gated=False, bias=True), norm_parameters=4 * 1024)
    network = Architecture(
        1024, 50272, ((layer, 24),), tied_embeddings=True, embedding_size=512, other_parameters=2050 * 1024
    )
    assert network.total_parameters() == 331_196_416


# The commonest shape.

SHAPE: dict[str, Any] = {"n_layers": 6, "hidden_size": D, "vocab_size": 101, "attention": GroupedQuery(5, 3, 7)}


def test_the_commonest_shape_has_two_norms_a_layer_and_one_at_the_end() -> None:
    network = Architecture.uniform(**SHAPE, feed_forward=Dense(17))
    assert network.n_layers == 6
    assert network.small_parameters() == (6 * 2 + 1) * D
    assert network.layer_parameters(active=False) == 6 * DENSE_WEIGHTS
    assert network.total_parameters() == 6 * DENSE_WEIGHTS + 13 * D + 2 * 101 * D
    assert network.mtp_parameters() == 0


def test_the_first_layers_may_be_dense() -> None:
    network = Architecture.uniform(**SHAPE, feed_forward=EXPERTS, first_dense=(2, Dense(17)), mtp_layers=1)
    assert [count for _, count in network.layers] == [2, 4]
    assert network.n_layers == 6
    assert network.layer_parameters(active=False) == 2 * DENSE_WEIGHTS + 4 * MIXED_STORED
    assert network.small_parameters() == (6 * 2 + 1) * D
    assert network.mtp_parameters() == MIXED_STORED + 2 * D * D


def test_the_commonest_shape_may_tie_its_embeddings() -> None:
    network = Architecture.uniform(**SHAPE, feed_forward=Dense(17), tied_embeddings=True)
    assert network.total_parameters() == 6 * DENSE_WEIGHTS + 13 * D + 101 * D


def test_published_sizes_of_single_layers() -> None:
    # Llama 3.1 8B: 218,112,000 weights a layer: (8,030,261,248 - 2·128256·4096 - 4096) / 32.
    layer = Layer((GroupedQuery(32, 8, 128),), Dense(14336), norm_parameters=2 * 4096)
    assert layer.matmul_parameters(4096, active=True) + layer.other_parameters(4096) == 218_112_000
    # A mixture layer of DeepSeek-V3: attention 187,107,328, two norms, 257 experts of 3·7168·2048, a router of 256·7168
    # (its balancing bias, 256 numbers, is no weight): 11,507,286,016.
    latent = Latent(heads=128, query_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128)
    mixture = Layer((latent,), Experts(2048, 256, 8, shared_size=2048), norm_parameters=2 * 7168)
    assert mixture.matmul_parameters(7168, active=False) + mixture.other_parameters(7168) == 11_507_286_016


def test_what_kind_of_network_it_is() -> None:
    latent = Layer((MAMBA, Latent(3, 13, 17, 5, 2, 7)), None, D)
    assert NETWORK.is_mixture
    assert not NETWORK.is_latent
    assert Architecture(D, 101, ((DENSE, 1), (latent, 1))).is_latent
    assert not Architecture(D, 101, ((DENSE, 1), (latent, 1))).is_mixture


# What decoding keeps.


def test_a_cache_holds_what_every_mixer_of_every_layer_keeps() -> None:
    # Attention: 2·3·7 = 42 a token, 20 tokens at most where it slides; a state of 13·3 and a convolution's 13·4.
    sliding = Layer((replace(ATTENTION, window=20), MAMBA), None, D)
    network = Architecture(D, 101, ((DENSE, 2), (sliding, 5)))
    for context, values in [(19, 2 * 42 * 19 + 5 * (42 * 19 + 91)), (1000, 2 * 42 * 1000 + 5 * (42 * 20 + 91))]:
        assert network.cache_bytes(context) == 2 * values
        assert network.cache_bytes(context, bytes_per_value=1.25) == 1.25 * values
    assert network.cache_bytes_per_token() == 2 * 2 * 42
    assert network.cache_bytes_per_token(bytes_per_value=1.25) == 1.25 * 2 * 42


@pytest.mark.parametrize("window", [128, 10**6])
def test_a_window_adds_nothing_to_a_long_context(window: int) -> None:
    network = Architecture(D, 101, ((Layer((replace(ATTENTION, window=window),), None, D), 3),))
    assert network.cache_bytes_per_token() == 0


def test_a_window_as_large_as_an_integer_is_none() -> None:
    # Some configurations spell "no window" as the largest 32-bit integer.
    network = Architecture(D, 101, ((Layer((replace(ATTENTION, window=2**31 - 1),), None, D), 3),))
    assert network.cache_bytes_per_token() == 3 * 42 * 2


# The records themselves.


@pytest.mark.parametrize("record", [Dense(7), EXPERTS, DENSE, NETWORK])
def test_a_network_cannot_be_changed_once_made(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 2)
