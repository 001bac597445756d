"""Families and keys that transformers does not build, counted by hand, matrix by matrix."""

from __future__ import annotations

from typing import Any

import pytest

from hydrometer.costs.architecture import Architecture
from hydrometer.errors import InputError
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from small_networks import counted_here
from small_networks import rows as small_networks

D, F, V = 60, 37, 101
LLAMA = {
    "hidden_size": D,
    "intermediate_size": F,
    "num_hidden_layers": 5,
    "num_attention_heads": 6,
    "num_key_value_heads": 3,
    "vocab_size": V,
}
ATTENTION = 2 * D * 60 + 2 * D * 30
"""Queries and output of 6 heads of 10; keys and values of 3."""
GATED = 3 * D * F
NORMS = 2 * D
MIXTURE = LLAMA | {"moe_intermediate_size": 29, "num_experts_per_tok": 2, "tie_word_embeddings": False}


def read(family: str, config: dict[str, Any], **change: Any) -> Architecture:
    return architecture_of(Fields({**config, **change, "model_type": family}, "config.json"))


def layers(family: str, config: dict[str, Any], **change: Any) -> list[int]:
    return counted_here(read(family, config, **change)).layers


def windows(family: str, config: dict[str, Any], **change: Any) -> list[int | None]:
    return counted_here(read(family, config, **change)).windows


def small(name: str) -> dict[str, Any]:
    return next(row.config for row in small_networks() if row.name == name)


@pytest.mark.parametrize("family", ["aquila", "internlm2", "minicpm", "granite", "smollm3"])
def test_llamas_under_other_names(family: str) -> None:
    assert layers(family, LLAMA) == [ATTENTION + GATED + NORMS] * 5
    biased = layers(family, LLAMA, attention_bias=True)
    assert biased == [ATTENTION + GATED + NORMS + (60 + 30 + 30) + D] * 5


def test_published_size_of_internlm2() -> None:
    # The 7B checkpoint: Llama-3.1-8B's layers (8,030,261,248 weights) between embeddings of 92,544 words, not 128,256.
    config = LLAMA | {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 92544,
    }
    assert read("internlm2", config).total_parameters() == 8_030_261_248 - 2 * 4096 * (128_256 - 92_544)


@pytest.mark.parametrize(
    ("family", "like"),
    [
        ("mistral3_text", "mistral"),
        ("qwen2_vl_text", "qwen2"),
        ("qwen2_5_vl_text", "qwen2"),
        ("qwen3_vl_text", "qwen3"),
        ("phi4_multimodal", "phi3"),
        ("qwen3_vl_moe_text", "qwen3_moe"),
        ("kimi_k2", "deepseek_v3"),
        ("granitemoeshared", "granitemoe"),
        ("minimax_text_01", "minimax"),
    ],
)
def test_the_same_network_under_another_name(family: str, like: str) -> None:
    config = small(like)
    assert read(family, config) == read(like, config)


CHATGLM = {
    "hidden_size": D,
    "ffn_hidden_size": F,
    "num_layers": 5,
    "num_attention_heads": 6,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "kv_channels": 11,
    "add_qkv_bias": True,
    "padded_vocab_size": V,
}


def test_chatglm() -> None:
    queries, keys = 6 * 11, 2 * 11
    matrices = 2 * D * queries + 2 * D * keys + GATED
    assert layers("chatglm", CHATGLM) == [matrices + queries + 2 * keys + NORMS] * 5
    assert layers("chatglm", CHATGLM, add_qkv_bias=False) == [matrices + NORMS] * 5
    every = layers("chatglm", CHATGLM, multi_query_attention=False, add_qkv_bias=False)
    assert every == [4 * D * queries + GATED + NORMS] * 5


def test_published_size_of_chatglm3() -> None:
    # THUDM/chatglm3-6b: 12,487,168,064 bytes of half precision in its index, 64 of them the 32 rotary frequencies.
    config = CHATGLM | {
        "hidden_size": 4096,
        "ffn_hidden_size": 13696,
        "num_layers": 28,
        "num_attention_heads": 32,
        "kv_channels": 128,
        "padded_vocab_size": 65024,
    }
    assert read("chatglm", config).total_parameters() == (12_487_168_064 - 64) / 2


# Gates and norms of mixtures: a router scores every expert, so it has D weights for each.
EXPERT = 3 * D * 29
DENSE_LAYER = ATTENTION + GATED + NORMS


def mixture(n: int, shared: int) -> int:
    return ATTENTION + n * EXPERT + shared * EXPERT + n * D + NORMS


def test_the_first_deepseek_has_common_attention() -> None:
    config = MIXTURE | {"n_routed_experts": 7, "n_shared_experts": 3, "first_k_dense_replace": 2}
    assert layers("deepseek", config) == [DENSE_LAYER] * 2 + [mixture(7, 3)] * 3
    del config["first_k_dense_replace"]
    assert layers("deepseek", config) == [mixture(7, 3)] * 5
    del config["n_shared_experts"]
    assert layers("deepseek", config) == [mixture(7, 0)] * 5
    assert layers("deepseek", config, first_k_dense_replace=0) == [mixture(7, 0)] * 5


BAILING = MIXTURE | {"num_experts": 7, "num_shared_experts": 3, "first_k_dense_replace": 1}


def test_bailing() -> None:
    assert layers("bailing_moe", BAILING) == [DENSE_LAYER] + [mixture(7, 3)] * 4
    assert layers("bailing_moe", BAILING, first_k_dense_replace=None) == [mixture(7, 3)] * 5
    assert layers("bailing_moe", BAILING, num_shared_experts=0)[1:] == [mixture(7, 0)] * 4
    assert layers("bailing_moe", BAILING, use_qkv_bias=True)[1] == mixture(7, 3) + 60 + 30 + 30
    assert layers("bailing_moe", BAILING, use_bias=True)[1] == mixture(7, 3) + D
    assert layers("bailing_moe", BAILING, use_qk_norm=True)[1] == mixture(7, 3) + 2 * 10
    assert read("bailing_moe_v2", BAILING) == read("bailing_moe", BAILING)


# One module of multi-token prediction adds a layer like the last and joins two vectors of D to one.
@pytest.mark.parametrize("modules", [0, 1, 3])
def test_modules_of_multi_token_prediction(modules: int) -> None:
    found = read("bailing_moe", BAILING, num_nextn_predict_layers=modules)
    assert found.mtp_parameters() == modules * (mixture(7, 3) - NORMS + 2 * D * D)
    latent = small("deepseek_v3")
    one = counted_here(read("deepseek_v3", latent)).layers[-1] - NORMS - (17 + 19)
    found = read("deepseek_v3", latent, num_nextn_predict_layers=modules)
    assert found.mtp_parameters() == modules * (one + 2 * D * D)
    glm = small("glm4_moe")
    one = counted_here(read("glm4_moe", glm)).layers[-1] - NORMS
    assert read("glm4_moe", glm, num_nextn_predict_layers=modules).mtp_parameters() == modules * (one + 2 * D * D)
    # Nemotron's own keys name the layers of a module: here attention (6 heads of 14, 3 of keys), then a network.
    nemotron = small("nemotron_h") | {"mtp_hybrid_override_pattern": "*-"}
    one = 2 * D * 84 + 2 * D * 42 + 2 * D * F
    found = read("nemotron_h", nemotron, num_nextn_predict_layers=modules)
    assert found.mtp_parameters() == modules * (one + 2 * D * D)


@pytest.mark.parametrize("family", ["bailing_moe", "deepseek_v3", "glm4_moe", "nemotron_h"])
def test_no_module_of_multi_token_prediction_unless_named(family: str) -> None:
    config = BAILING if family == "bailing_moe" else small(family)
    assert read(family, config).mtp_parameters() == 0


def test_every_second_layer_of_a_deepseek_counts_from_the_first() -> None:
    # DeepSeek's own code: a mixture where the layer is a multiple of moe_layer_freq and past the dense ones.
    config = small("deepseek_v3") | {"num_hidden_layers": 7}
    each = counted_here(read("deepseek_v3", config)).layers
    dense, sparse = each[0], each[-1]
    assert each == [dense] * 2 + [sparse] * 5
    assert layers("deepseek_v3", config, moe_layer_freq=2) == [dense, dense, sparse, dense, sparse, dense, sparse]
    assert layers("deepseek_v3", config, moe_layer_freq=3) == [dense, dense, dense, sparse, dense, dense, sparse]


def test_expansion_of_an_mpt() -> None:
    config = {"d_model": D, "n_layers": 5, "n_heads": 6, "vocab_size": V}
    assert layers("mpt", config, expansion_ratio=3) == [4 * D * D + 2 * D * (3 * D) + NORMS] * 5
    # Two of six heads hold keys and values.
    shared = layers("mpt", config, attn_config={"kv_n_heads": 2})
    assert shared == [2 * D * D + 2 * D * 20 + 2 * D * (4 * D) + NORMS] * 5


def test_spellings_of_a_pattern_of_windows() -> None:
    config = small("gemma3_text")
    thirds = [13, 13, None]
    assert windows("gemma3_text", config, _sliding_window_pattern=3, num_hidden_layers=6) == thirds * 2
    assert windows("gemma3_text", config, _sliding_window_pattern=2, sliding_window_pattern=3)[:3] == thirds
    config = small("cohere2")
    assert windows("cohere2", config, _sliding_window_pattern=3, num_hidden_layers=6) == thirds * 2
    config = small("exaone4")
    assert windows("exaone4", config, sliding_window=None) == [None] * 9
    del config["sliding_window_pattern"]
    assert windows("exaone4", config) == [None] * 9


def test_switches_that_transformers_does_not_know() -> None:
    config = small("minimax_m2")
    plain = layers("minimax_m2", config, use_qk_norm=False)
    # A norm over all 6 query heads of 14, and one over all 3 key heads.
    assert layers("minimax_m2", config) == [n + 84 + 42 for n in plain]
    config = small("hunyuan_v1_dense")
    plain = layers("hunyuan_v1_dense", config, use_qk_norm=False)
    assert layers("hunyuan_v1_dense", config) == [n + 2 * 14 for n in plain]
    config = small("hunyuan_v1_moe")
    plain = layers("hunyuan_v1_moe", config, use_qk_norm=False)
    assert layers("hunyuan_v1_moe", config) == [n + 2 * 14 for n in plain]


def test_nemotron_biases() -> None:
    config = small("nemotron_h")
    mamba, attention, mlp, moe, _ = layers("nemotron_h", config)
    assert layers("nemotron_h", config, attention_bias=True) == [mamba, attention + 84 + 2 * 42 + D, mlp, moe, mlp]
    assert layers("nemotron_h", config, mlp_bias=True) == [mamba, attention, mlp + F + D, moe, mlp + F + D]
    head = D * V
    untied, tied = read("nemotron_h", config), read("nemotron_h", config, tie_word_embeddings=True)
    assert untied.total_parameters() - tied.total_parameters() == head


def test_nemotron_shared_experts() -> None:
    config = small("nemotron_h")
    none = layers("nemotron_h", config, n_shared_experts=0)[3]
    # Experts without a gate: 7 of width 29, and the router.
    assert none == 7 * 2 * D * 29 + 7 * D + D
    assert layers("nemotron_h", config, n_shared_experts=None)[3] == none
    assert layers("nemotron_h", config, n_shared_experts=1)[3] == none + 2 * D * 23
    assert layers("nemotron_h", config, n_shared_experts=2)[3] == none + 2 * 2 * D * 23


def test_nemotron_bars_between_layers_are_no_layers() -> None:
    config = small("nemotron_h")
    assert layers("nemotron_h", config, hybrid_override_pattern="M*|-E|-") == layers("nemotron_h", config)


def test_hunyuan_shares_its_experts_size() -> None:
    config = small("hunyuan_v1_moe")
    plain = layers("hunyuan_v1_moe", config, num_shared_expert=0)
    assert layers("hunyuan_v1_moe", config) == [n + GATED for n in plain]
    assert layers("hunyuan_v1_moe", config, num_shared_expert=[2] * 5) == [n + 2 * GATED for n in plain]
    other = layers("hunyuan_v1_moe", config, moe_intermediate_size=[29] * 5)
    assert other == [n - 8 * GATED + 8 * EXPERT for n in layers("hunyuan_v1_moe", config)]
    used = read("hunyuan_v1_moe", config, moe_topk=3).active_parameters()["without_embeddings"]
    assert (
        used - read("hunyuan_v1_moe", config, moe_topk=None).active_parameters()["without_embeddings"] == 5 * 2 * GATED
    )


def test_old_minimax_marks_full_attention_with_one() -> None:
    config = small("minimax")
    full = 2 * D * 84 + 2 * D * 42
    linear = 5 * D * 84 + 84
    experts = 7 * GATED + 7 * D + NORMS
    found = layers("minimax_text_01", config, attn_type_list=[0, 1, 0, 0, 1])
    assert found == [experts + (full if kind else linear) for kind in (0, 1, 0, 0, 1)]


def test_experts_and_attention_of_a_jamba_start_at_their_offset() -> None:
    config = small("jamba") | {"num_hidden_layers": 8, "attn_layer_period": 4, "attn_layer_offset": 3}
    config |= {"expert_layer_period": 2, "expert_layer_offset": 1}
    network = read("jamba", config)
    kinds = [
        (type(layer.mixers[0]).__name__, type(layer.feed_forward).__name__)
        for layer, n in network.layers
        for _ in range(n)
    ]
    assert [mixer for mixer, _ in kinds] == ["Mamba1"] * 3 + ["GroupedQuery"] + ["Mamba1"] * 3 + ["GroupedQuery"]
    assert [forward for _, forward in kinds] == ["Dense", "Experts"] * 4


def test_gemma3_fills_in_what_small_files_leave_out() -> None:
    # transformers' defaults for Gemma 3: 8 heads of 256, 4 of keys, 262,208 words.
    found = read("gemma3_text", {"hidden_size": 1152, "intermediate_size": 6912, "num_hidden_layers": 26})
    assert found.total_parameters() == 262_208 * 1152 + 1152 + 26 * (
        2 * 1152 * 2048 + 2 * 1152 * 1024 + 3 * 1152 * 6912 + 4 * 1152 + 2 * 256
    )


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("phi", {"qk_layernorm": True}, r"qk_layernorm: norms with biases over queries and keys \(True\)"),
        ("stablelm", {"qk_layernorm": True}, "qk_layernorm: norms over queries and keys of each head apart"),
        ("cohere", {"use_qk_norm": True}, "use_qk_norm: norms over queries and keys of each head apart"),
        ("qwen2_moe", {"use_sliding_window": True}, "use_sliding_window: mixtures with sliding windows"),
        ("deepseek_v3", {"attention_bias": True}, "attention_bias: biases in latent attention"),
        ("ernie4_5_moe", {"use_bias": True}, "use_bias: biases in shared experts"),
        ("mamba", {"use_bias": True}, "use_bias: biases on Mamba's projections"),
        ("jamba", {"mamba_proj_bias": True}, "mamba_proj_bias: biases on Mamba's projections"),
        ("falcon_h1", {"mamba_proj_bias": True}, "mamba_proj_bias: a bias on one of Mamba's projections only"),
        ("falcon_h1", {"projectors_bias": True}, "mamba_proj_bias: a bias on one of Mamba's projections only"),
        ("qwen3_next", {"attention_bias": True}, "attention_bias: biases in gated attention"),
        ("llama", {"num_key_value_heads": 4}, "6 attention heads cannot share 4 KV heads"),
        ("llama", {"num_attention_heads": 7, "num_key_value_heads": 7}, "7 heads do not divide a hidden size of 60"),
        ("mistral", {"layer_types": ["full_attention"] * 4 + ["odd"]}, "a kind of layer that is not known: 'odd'"),
        ("dbrx", {"attn_config": None}, "attn_config and ffn_config are needed"),
        ("dbrx", {"ffn_config": None}, "attn_config and ffn_config are needed"),
        ("hunyuan_v1_moe", {"moe_topk": [2, 2, 3, 2, 2]}, "moe_topk: layers with different experts"),
        ("hunyuan_v1_moe", {"moe_intermediate_size": [29, 31]}, "moe_intermediate_size: layers with different experts"),
        ("nemotron_h", {"hybrid_override_pattern": None}, "neither it nor 'layers_block_type' names the layers"),
        (
            "nemotron_h",
            {"layers_block_type": "mamba"},
            "layers_block_type: must be a list of mamba, attention, mlp, moe",
        ),
        ("nemotron_h", {"layers_block_type": ["mamba", "x"]}, "must be a list of mamba, attention, mlp, moe"),
        ("nemotron_h", {"mtp_hybrid_override_pattern": "Z"}, "layers of an unknown kind 'Z'"),
        ("granitemoehybrid", {"layer_types": ["mamba"] * 3 + ["b", "a"]}, "a kind of layer that is not known: 'a'"),
        ("mixtral", {"num_experts_per_tok": 8}, "8 experts a token of 7"),
        ("qwen3_moe", {"num_experts_per_tok": 8}, "8 experts a token of 7"),
        ("phimoe", {"num_experts_per_tok": 8}, "8 experts a token of 7"),
        (
            "dbrx",
            {"ffn_config": {"ffn_hidden_size": 3, "moe_num_experts": 7, "moe_top_k": 8}},
            "8 experts a token of 7",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(family: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(family, small(family), **change)


def test_all_experts_may_be_used() -> None:
    found = read("mixtral", small("mixtral"), num_experts_per_tok=7)
    assert found.active_parameters()["with_both_embeddings"] == found.total_parameters()


def test_equal_biases_on_both_projections_of_a_falcon_h1() -> None:
    config = small("falcon_h1")
    # In: gate and channels 2·126, B and C 2·2·11, a step a head 6; out: D.
    one = 2 * 126 + 2 * 2 * 11 + 6 + D
    biased = layers("falcon_h1", config, mamba_proj_bias=True, projectors_bias=True)
    assert biased == [n + one for n in layers("falcon_h1", config)]


def test_channels_of_a_falcon_h1_come_from_the_expansion_where_they_are_not_given() -> None:
    config = small("falcon_h1") | {"mamba_d_ssm": None}
    assert layers("falcon_h1", config, mamba_expand=2) == layers("falcon_h1", config, mamba_d_ssm=120)
    assert layers("falcon_h1", config, mamba_expand=None) == layers("falcon_h1", config, mamba_d_ssm=120)


def test_automatic_sizes_of_recurrences() -> None:
    config = small("mamba")
    # 60 over 16, rounded up.
    assert layers("mamba", config, time_step_rank="auto") == layers("mamba", config, time_step_rank=4)
    config = small("bamba")
    assert layers("bamba", config, mamba_d_head="auto", mamba_expand=3) == layers("bamba", config, mamba_d_head=30)
    assert layers("bamba", config, mamba_d_head="auto", mamba_expand=None) == layers("bamba", config, mamba_d_head=20)
