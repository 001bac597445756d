"""Every weight, FLOP and cached number of one mixer, tensor by tensor.

Expected weights are lists of tensor shapes: those of published checkpoints (as transformers 5.24 builds them), and of
the same layers in distinct primes, so that no two sizes can be swapped unseen.
"""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from hydrometer.costs.mixers import (
    GatedDelta,
    GroupedQuery,
    Latent,
    Lightning,
    Mamba1,
    Mamba2,
    Mixer,
    attended_positions,
)

Shape = tuple[int, ...]


def weights(shapes: list[Shape]) -> int:
    return sum(math.prod(shape) for shape in shapes)


# What attention looks at.


@pytest.mark.parametrize("window", [None, 1, 7, 12, 13, 14, 500])
def test_positions_attended_to_are_the_mean_of_what_a_mask_leaves(window: int | None) -> None:
    # A token t tokens into a sequence of 13 sees min(t, w); the mean over a continuum of t by quadrature.
    t = np.linspace(0, 13, 130_001)
    seen = np.trapezoid(t if window is None else np.minimum(t, window), t) / 13
    assert attended_positions(13, window=window) == pytest.approx(seen, rel=1e-6)
    assert attended_positions(13, window=window, causal=True) == pytest.approx(seen, rel=1e-6)
    assert attended_positions(13, window=window, causal=False) == pytest.approx(2 * seen, rel=1e-6)


def test_positions_without_a_mask_are_the_whole_sequence() -> None:
    assert attended_positions(4096, causal=False) == 4096
    assert attended_positions(4096) == 2048
    # Mistral's window at 32K, by hand: 4096 - 4096²/65536.
    assert attended_positions(32768, window=4096) == 3840


# Weights.

D = 11
QUERY_KEY_VALUE_OUT = [(5 * 7, D), (3 * 7, D), (3 * 7, D), (D, 5 * 7)]
LATENT = Latent(heads=3, query_rank=13, kv_rank=17, nope_dim=5, rope_dim=2, value_dim=7)
LATENT_SHAPES: list[Shape] = [(13, D), (3 * (5 + 2), 13), (17 + 2, D), (3 * (5 + 7), 17), (D, 3 * 7)]
MAMBA_1 = Mamba1(inner=13, state=3, conv=5, rank=2)
MAMBA_2 = Mamba2(heads=3, head_dim=5, groups=2, state=7)
DELTA = GatedDelta(key_heads=3, value_heads=5, key_dim=7, value_dim=13)

CASES: dict[str, tuple[Mixer, int, list[Shape], list[Shape]]] = {
    # name: mixer, hidden size, tensors multiplied for each token, other tensors
    "Llama 3 8B": (GroupedQuery(32, 8, 128), 4096, [(4096, 4096), (1024, 4096), (1024, 4096), (4096, 4096)], []),
    "Qwen2-MoE": (GroupedQuery(16, 16, 128, qkv_bias=True), 2048, [(2048, 2048)] * 4, [(2048,)] * 3),
    "Qwen3": (GroupedQuery(32, 32, 128, qk_norm="head"), 4096, [(4096, 4096)] * 4, [(128,), (128,)]),
    "OLMo 2": (GroupedQuery(32, 32, 128, qk_norm="full"), 4096, [(4096, 4096)] * 4, [(4096,), (4096,)]),
    "OPT 350M": (GroupedQuery(16, 16, 64, qkv_bias=True, out_bias=True), 1024, [(1024, 1024)] * 4, [(1024,)] * 4),
    "GPT-OSS": (
        GroupedQuery(64, 8, 64, qkv_bias=True, out_bias=True, window=128, sinks=True),
        2880,
        [(4096, 2880), (512, 2880), (512, 2880), (2880, 4096)],
        [(64,), (4096,), (512,), (512,), (2880,)],
    ),
    "Qwen3-Next, gated attention": (
        GroupedQuery(16, 2, 256, qk_norm=True, gated=True),
        2048,
        [(8192, 2048), (512, 2048), (512, 2048), (2048, 4096)],
        [(256,), (256,)],
    ),
    "grouped queries, plain": (GroupedQuery(5, 3, 7), D, QUERY_KEY_VALUE_OUT, []),
    "grouped queries, biases": (
        GroupedQuery(5, 3, 7, qkv_bias=True),
        D,
        QUERY_KEY_VALUE_OUT,
        [(5 * 7,), (3 * 7,), (3 * 7,)],
    ),
    "grouped queries, a norm over each head": (
        GroupedQuery(5, 3, 7, qk_norm="head"),
        D,
        QUERY_KEY_VALUE_OUT,
        [(7,), (7,)],
    ),
    "grouped queries, a norm over all heads": (
        GroupedQuery(5, 3, 7, qk_norm="full"),
        D,
        QUERY_KEY_VALUE_OUT,
        [(5 * 7,), (3 * 7,)],
    ),
    "grouped queries, a norm of no stated kind": (
        GroupedQuery(5, 3, 7, qk_norm=True),
        D,
        QUERY_KEY_VALUE_OUT,
        [(7,), (7,)],
    ),
    "grouped queries, output bias": (GroupedQuery(5, 3, 7, out_bias=True), D, QUERY_KEY_VALUE_OUT, [(D,)]),
    "grouped queries, sinks": (GroupedQuery(5, 3, 7, sinks=True), D, QUERY_KEY_VALUE_OUT, [(5,)]),
    "grouped queries, all": (
        GroupedQuery(5, 3, 7, qkv_bias=True, qk_norm="full", out_bias=True, sinks=True, gated=True),
        D,
        [(2 * 5 * 7, D), (3 * 7, D), (3 * 7, D), (D, 5 * 7)],
        [(5 * 7,), (3 * 7,), (3 * 7,), (5 * 7,), (3 * 7,), (D,), (5,)],
    ),
    "DeepSeek-V3": (
        Latent(heads=128, query_rank=1536, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128),
        7168,
        [(1536, 7168), (24576, 1536), (576, 7168), (32768, 512), (7168, 16384)],
        [(1536,), (512,)],
    ),
    "DeepSeek-V2-Lite, no query rank": (
        Latent(heads=16, query_rank=None, kv_rank=512, nope_dim=128, rope_dim=64, value_dim=128),
        2048,
        [(3072, 2048), (576, 2048), (4096, 512), (2048, 2048)],
        [(512,)],
    ),
    "DeepSeek-V3.2": (
        Latent(128, 1536, 512, 128, 64, 128, index_heads=64, index_dim=128, index_top=2048),
        7168,
        [
            (1536, 7168), (24576, 1536), (576, 7168), (32768, 512), (7168, 16384),
            (8192, 1536), (128, 7168), (64, 7168),
        ],
        [(1536,), (512,), (128,), (128,)],
    ),
    "latent, plain": (LATENT, D, LATENT_SHAPES, [(13,), (17,)]),
    "latent, no query rank": (
        Latent(heads=3, query_rank=None, kv_rank=17, nope_dim=5, rope_dim=2, value_dim=7),
        D,
        [(3 * (5 + 2), D), *LATENT_SHAPES[2:]],
        [(17,)],
    ),
    "latent, indexer": (
        Latent(3, 13, 17, 5, 2, 7, index_heads=19, index_dim=23),
        D,
        [*LATENT_SHAPES, (19 * 23, 13), (23, D), (19, D)],
        [(13,), (17,), (23,), (23,)],
    ),
    "latent, indexer and no query rank": (
        Latent(3, None, 17, 5, 2, 7, index_heads=19, index_dim=23),
        D,
        [(3 * (5 + 2), D), *LATENT_SHAPES[2:], (19 * 23, D), (23, D), (19, D)],
        [(17,), (23,), (23,)],
    ),
    "Mamba 130M": (
        Mamba1(inner=1536, state=16, conv=4, rank=48),
        768,
        [(3072, 768), (80, 1536), (1536, 48), (768, 1536)],
        [(1536, 16), (1536,), (1536, 1, 4), (1536,), (1536,)],
    ),
    "Jamba": (
        Mamba1(inner=8192, state=16, conv=4, rank=256, inner_norms=True),
        4096,
        [(16384, 4096), (288, 8192), (8192, 256), (4096, 8192)],
        [(8192, 16), (8192,), (8192, 1, 4), (8192,), (8192,), (256,), (16,), (16,)],
    ),
    "Mamba-1, plain": (
        MAMBA_1,
        D,
        [(2 * 13, D), (2 + 3 + 3, 13), (13, 2), (D, 13)],
        [(13, 3), (13,), (13, 1, 5), (13,), (13,)],
    ),
    "Mamba-1, norms and no bias on the convolution": (
        Mamba1(inner=13, state=3, conv=5, rank=2, inner_norms=True, conv_bias=False),
        D,
        [(2 * 13, D), (2 + 3 + 3, 13), (13, 2), (D, 13)],
        [(13, 3), (13,), (13, 1, 5), (13,), (2,), (3,), (3,)],
    ),
    "Mamba-2 130M": (
        Mamba2(heads=24, head_dim=64, groups=1, state=128),
        768,
        [(3352, 768), (768, 1536)],
        [(24,), (24,), (24,), (1792, 1, 4), (1792,), (1536,)],
    ),
    "Nemotron-H": (
        Mamba2(heads=128, head_dim=64, groups=8, state=128, conv=4),
        4096,
        [(18560, 4096), (4096, 8192)],
        [(128,), (128,), (128,), (10240, 1, 4), (10240,), (8192,)],
    ),
    "Mamba-2, plain": (
        # Gate 15, channels 15, B and C of two groups 14 each, one step a head; the convolution runs over 15 + 28.
        MAMBA_2,
        D,
        [(15 + 15 + 14 + 14 + 3, D), (D, 15)],
        [(3,), (3,), (3,), (15 + 28, 1, 4), (15 + 28,), (15,)],
    ),
    "Mamba-2, projection biases": (
        Mamba2(heads=3, head_dim=5, groups=2, state=7, conv=2, projection_bias=True),
        D,
        [(61, D), (D, 15)],
        [(3,), (3,), (3,), (43, 1, 2), (43,), (15,), (61,), (D,)],
    ),
    "Mamba-2, neither bias nor norm": (
        Mamba2(heads=3, head_dim=5, groups=2, state=7, conv=2, conv_bias=False, gated_norm=False),
        D,
        [(61, D), (D, 15)],
        [(3,), (3,), (3,), (43, 1, 2)],
    ),
    "Qwen3-Next, linear attention": (
        GatedDelta(key_heads=16, value_heads=32, key_dim=128, value_dim=128),
        2048,
        [(12288, 2048), (64, 2048), (2048, 4096)],
        [(32,), (32,), (8192, 1, 4), (128,)],
    ),
    "gated delta rule": (
        # Queries 21, keys 21, values 65, gate 65; two scalars for each of five value heads.
        GatedDelta(key_heads=3, value_heads=5, key_dim=7, value_dim=13, conv=2),
        D,
        [(21 + 21 + 65 + 65, D), (5 + 5, D), (D, 65)],
        [(5,), (5,), (21 + 21 + 65, 1, 2), (13,)],
    ),
    "MiniMax-Text-01, lightning attention": (
        Lightning(heads=64, head_dim=128),
        6144,
        [(3 * 8192, 6144), (8192, 6144), (6144, 8192)],
        [(8192,)],
    ),
    "lightning attention": (Lightning(heads=5, head_dim=7), D, [(35, D)] * 4 + [(D, 35)], [(35,)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_weights_of_a_mixer_are_its_tensors(name: str) -> None:
    mixer, hidden, multiplied, others = CASES[name]
    assert mixer.matmul_parameters(hidden) == weights(multiplied)
    assert mixer.other_parameters(hidden) == weights(others)


def test_published_sizes_of_single_mixers() -> None:
    # DeepSeek-V3's attention with its two norms, as break-downs of the model print it: 187,107,328 weights a layer.
    latent = CASES["DeepSeek-V3"][0]
    assert latent.matmul_parameters(7168) + latent.other_parameters(7168) == 187_107_328
    # mamba-130m: 129,135,360 weights, of which embeddings 50280·768 and a last norm of 768; 24 layers with a norm each.
    layer = (129_135_360 - 50_280 * 768 - 768) // 24 - 768
    mixer = CASES["Mamba 130M"][0]
    assert mixer.matmul_parameters(768) + mixer.other_parameters(768) == layer


def test_gated_delta_and_mamba_2_convolve_four_positions_unless_told() -> None:
    assert DELTA.other_parameters(D) == weights([(5,), (5,), (107, 1, 4), (13,)])
    assert Mamba2(3, 5, 2, 7).other_parameters(D) == weights([(3,)] * 3 + [(43, 1, 4), (43,), (15,)])


def test_inner_channels_of_mamba_2_are_heads_of_channels() -> None:
    assert MAMBA_2.inner == 15


# FLOP of the core.


def test_core_of_grouped_queries_is_scores_and_values() -> None:
    # For each of 5 query heads and each position: a dot product of 7 (14 FLOP) and a weighted sum of 7 (14 FLOP).
    attention = GroupedQuery(5, 3, 7)
    assert attention.core_flop(100, causal=False) == 5 * (14 + 14) * 100
    assert attention.core_flop(100) == 5 * (14 + 14) * 50
    assert attention.core_flop(100, causal=True) == attention.core_flop(100)
    # A window of 20: mean of min(t, 20) over 100 tokens is (20²/2 + 80·20) / 100 = 18.
    assert GroupedQuery(5, 3, 7, window=20).core_flop(100) == 5 * 28 * 18


def test_core_of_llama_is_megatrons_four_s_d() -> None:
    # Narayanan et al., arXiv:2104.04473: scores and values cost 4·B·s²·h, that is 4·s·h a token, in full.
    assert GroupedQuery(64, 8, 128).core_flop(4096, causal=False) == 4 * 4096 * 8192


def test_core_of_latent_attention_has_keys_and_values_of_their_own_size() -> None:
    # 3 heads, keys of 5 + 2, values of 7: 2·7 + 2·7 FLOP a head and position; then with values of 19.
    assert LATENT.core_flop(100, causal=False) == 3 * (2 * 7 + 2 * 7) * 100
    wide = Latent(3, 13, 17, nope_dim=5, rope_dim=2, value_dim=19)
    assert wide.core_flop(100) == 3 * (2 * 7 + 2 * 19) * 50


def test_an_indexer_looks_at_all_positions_and_attention_at_those_picked() -> None:
    indexed = Latent(3, 13, 17, nope_dim=5, rope_dim=2, value_dim=19, index_heads=23, index_dim=29, index_top=20)
    picked, looked = 18, 50  # as above
    assert indexed.core_flop(100) == 3 * (2 * 7 + 2 * 19) * picked + 2 * 23 * 29 * looked
    assert indexed.core_flop(100, causal=False) == 2 * indexed.core_flop(100)


def test_scans_of_state_spaces_cost_seven_a_state_whatever_the_length() -> None:
    # Megatron-LM's counter: 7 FLOP for each number of the state, 13·3 and (3·5)·7 of them.
    for length in (1, 10**6):
        assert MAMBA_1.core_flop(length) == 7 * 39
        assert MAMBA_2.core_flop(length) == 7 * 105


def test_linear_attention_reads_and_writes_a_matrix_a_head() -> None:
    # Gated delta: decay, erase, write, read, one multiply-add each for 5 states of 7 x 13.
    assert DELTA.core_flop(10**6) == DELTA.core_flop(1) == 4 * 2 * 5 * 7 * 13
    # Lightning: write and read, for 5 states of 7 x 7.
    lightning = Lightning(heads=5, head_dim=7)
    assert lightning.core_flop(10**6) == lightning.core_flop(1) == 2 * 2 * 5 * 7 * 7


# What decoding keeps.


def test_attention_keeps_keys_and_values_of_its_kv_heads() -> None:
    assert GroupedQuery(5, 3, 7).cache_values(100) == (3 * 7 + 3 * 7) * 100
    windowed = GroupedQuery(5, 3, 7, window=60)
    assert [windowed.cache_values(n) for n in (59, 60, 61)] == [42 * 59, 42 * 60, 42 * 60]
    # Llama 3.1 405B: 2·8·128 values a layer and token.
    assert GroupedQuery(128, 8, 128).cache_values(1) == 2048


def test_latent_attention_keeps_one_vector_a_token() -> None:
    assert LATENT.cache_values(100) == (17 + 2) * 100
    assert Latent(3, 13, 17, 5, 2, 7, index_heads=19, index_dim=23).cache_values(100) == (17 + 2 + 23) * 100


@pytest.mark.parametrize(
    ("mixer", "values"),
    [
        (GroupedQuery(5, 3, 7), 0),
        (LATENT, 0),
        # The state, and the positions before this one that the convolution looks at, for every channel it runs over.
        (MAMBA_1, 13 * 3 + 13 * 4),
        (MAMBA_2, 15 * 7 + 43 * 3),
        (Mamba2(heads=3, head_dim=5, groups=2, state=7, conv=7), 15 * 7 + 43 * 6),
        (DELTA, 5 * 7 * 13 + 107 * 3),
        (GatedDelta(key_heads=3, value_heads=5, key_dim=7, value_dim=13, conv=7), 5 * 7 * 13 + 107 * 6),
        (Lightning(heads=5, head_dim=7), 5 * 7 * 7),
    ],
)
def test_states_are_kept_for_a_sequence_whatever_its_length(mixer: Mixer, values: int) -> None:
    assert mixer.state_values == values


@pytest.mark.parametrize("mixer", [MAMBA_1, MAMBA_2, DELTA, Lightning(heads=5, head_dim=7)])
def test_nothing_of_a_recurrence_grows_with_the_context(mixer: Mixer) -> None:
    assert mixer.cache_values(1) == mixer.cache_values(10**6) == 0


# The records themselves.


@pytest.mark.parametrize("mixer", [GroupedQuery(5, 3, 7), LATENT, MAMBA_1, MAMBA_2, DELTA, Lightning(5, 7)])
def test_a_mixer_cannot_be_changed_once_made(mixer: Mixer) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(mixer, fields(mixer)[0].name, 2)
