"""Families whose tokens pass through some of many experts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.parts import (
    grouped,
    hidden_size,
    layered,
    n_layers,
    network,
    sparse_layers,
    windows,
    with_windows,
)


def _checked(fields: Fields, experts: Experts) -> Experts:
    if experts.experts_per_token > experts.n_experts:
        raise fields.refuse(
            "num_experts_per_tok", f"{experts.experts_per_token} experts a token of {experts.n_experts}"
        )
    return experts


def _mixed(
    fields: Fields,
    attention: GroupedQuery | Latent,
    experts: Experts,
    *,
    sparse: list[bool] | None = None,
    dense_size: int | None = None,
    norms: int = 2,
    tied: bool = False,
    mtp_layers: int = 0,
) -> Architecture:
    """Returns a network whose layers are mixtures, but for those that are dense.

    Args:
        fields: the configuration.
        attention: of every layer.
        experts: of every mixture.
        sparse: for every layer whether it is a mixture; all by default.
        dense_size: width of the dense layers; `intermediate_size` by default.
        norms: norms without bias in every layer.
        tied: whether embeddings are tied where the configuration does not say.
        mtp_layers: multi-token-prediction modules.
    """
    d = hidden_size(fields)
    chosen = sparse or [True] * n_layers(fields)
    checked = _checked(fields, experts)
    dense = None if all(chosen) else Dense(dense_size or fields.count("intermediate_size"), experts.gated)
    layers = layered(Layer((attention,), checked if is_sparse else dense, norms * d) for is_sparse in chosen)
    return network(fields, layers, tied=tied, mtp_layers=mtp_layers)


def _mixtral(fields: Fields) -> Architecture:
    experts = Experts(
        fields.count("intermediate_size"), fields.count("num_local_experts"), fields.count("num_experts_per_tok")
    )
    spans = windows(fields, everywhere=True)
    d = hidden_size(fields)
    checked = _checked(fields, experts)
    return network(
        fields, with_windows(fields, grouped(fields), spans, lambda mixer, _: Layer((mixer,), checked, 2 * d))
    )


def _qwen_moe(fields: Fields, *, qkv_bias: bool, qk_norm: bool) -> Architecture:
    if fields.flag("use_sliding_window"):
        raise fields.refuse("use_sliding_window", "mixtures with sliding windows")
    shared = fields.count("shared_expert_intermediate_size", default=0, least=0)
    experts = Experts(
        fields.count("moe_intermediate_size"),
        fields.count("num_experts"),
        fields.count("num_experts_per_tok"),
        shared,
        shared_gate=shared > 0,
    )
    bias = fields.flag("qkv_bias", "attention_bias", default=qkv_bias)
    # Qwen2's bias is on queries, keys and values alone; Qwen3's `attention_bias` is on all four.
    attention = grouped(fields, qkv_bias=bias, out_bias=bias and not qkv_bias, qk_norm=qk_norm)
    every = fields.count("decoder_sparse_step", default=1)
    sparse = sparse_layers(fields, every=every, dense=fields.numbers("mlp_only_layers"))
    return _mixed(fields, attention, experts, sparse=sparse)


def _deepseek_experts(fields: Fields) -> Experts:
    size = fields.count("moe_intermediate_size")
    shared = fields.count("n_shared_experts", "num_shared_experts", default=0, least=0)
    return Experts(
        size,
        fields.count("n_routed_experts", "num_experts"),
        fields.count("num_experts_per_tok"),
        shared * size,
    )


def _indexer(fields: Fields) -> tuple[int, int, int | None]:
    """Returns heads, head size and picks of DeepSeek sparse attention's indexer; zeros where there is none."""
    if fields.maybe("index_topk") is None:
        return 0, 0, None
    return fields.count("index_n_heads"), fields.count("index_head_dim"), fields.count("index_topk")


def _deepseek(fields: Fields) -> Architecture:
    if fields.flag("attention_bias"):
        raise fields.refuse("attention_bias", "biases in latent attention")
    attention = Latent(
        fields.count("num_attention_heads"),
        fields.maybe("q_lora_rank"),
        fields.count("kv_lora_rank"),
        fields.count("qk_nope_head_dim"),
        fields.count("qk_rope_head_dim"),
        fields.count("v_head_dim"),
        *_indexer(fields),
    )
    every = fields.count("moe_layer_freq", default=1)
    first = fields.count("first_k_dense_replace", default=0, least=0)
    return _mixed(
        fields,
        attention,
        _deepseek_experts(fields),
        sparse=[i >= first and i % every == 0 for i in range(n_layers(fields))],
        mtp_layers=fields.count("num_nextn_predict_layers", default=0, least=0),
    )


def _glm4_moe(fields: Fields) -> Architecture:
    norm: Literal["head"] | bool = "head" if fields.flag("use_qk_norm") else False
    attention = grouped(fields, qkv_bias=fields.flag("attention_bias"), qk_norm=norm)
    first = fields.count("first_k_dense_replace", default=1, least=0)
    return _mixed(
        fields,
        attention,
        _deepseek_experts(fields),
        sparse=sparse_layers(fields, first_dense=first),
        mtp_layers=fields.count("num_nextn_predict_layers", default=0, least=0),
    )


def _dots1(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="head")
    first = fields.count("first_k_dense_replace", default=0, least=0)
    return _mixed(fields, attention, _deepseek_experts(fields), sparse=sparse_layers(fields, first_dense=first))


def _deepseek_v1(fields: Fields) -> Architecture:
    first = fields.count("first_k_dense_replace", default=0, least=0)
    return _mixed(fields, grouped(fields), _deepseek_experts(fields), sparse=sparse_layers(fields, first_dense=first))


def _bailing(fields: Fields) -> Architecture:
    first = fields.count("first_k_dense_replace", default=0, least=0)
    bias = fields.flag("use_qkv_bias")
    norm: Literal["head"] | bool = "head" if fields.flag("use_qk_norm") else False
    return _mixed(
        fields,
        grouped(fields, qkv_bias=bias, out_bias=fields.flag("use_bias"), qk_norm=norm),
        _deepseek_experts(fields),
        sparse=sparse_layers(fields, first_dense=first),
        mtp_layers=fields.count("num_nextn_predict_layers", default=0, least=0),
    )


def _olmoe(fields: Fields) -> Architecture:
    experts = Experts(
        fields.count("intermediate_size"), fields.count("num_experts"), fields.count("num_experts_per_tok")
    )
    bias = fields.flag("attention_bias")
    return _mixed(fields, grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="full"), experts)


def _granite_moe(fields: Fields) -> Architecture:
    experts = Experts(
        fields.count("intermediate_size"),
        fields.count("num_local_experts"),
        fields.count("num_experts_per_tok"),
        fields.count("shared_intermediate_size", default=0, least=0),
    )
    bias = fields.flag("attention_bias")
    return _mixed(fields, grouped(fields, qkv_bias=bias, out_bias=bias), experts)


def _phimoe(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    experts = _checked(
        fields,
        Experts(
            fields.count("intermediate_size"), fields.count("num_local_experts"), fields.count("num_experts_per_tok")
        ),
    )
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    spans = windows(fields, everywhere=True)
    head_bias = fields.count("vocab_size") if fields.flag("lm_head_bias") else 0
    layers = with_windows(fields, attention, spans, lambda mixer, _: Layer((mixer,), experts, 4 * d))
    return network(fields, layers, other=2 * d + head_bias)


def _gpt_oss(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    experts = _checked(
        fields,
        Experts(
            fields.count("intermediate_size"),
            fields.count("num_local_experts"),
            fields.count("num_experts_per_tok", "experts_per_token"),
            bias=True,
            router_bias=True,
        ),
    )
    bias = fields.flag("attention_bias", default=True)
    attention = grouped(fields, qkv_bias=bias, out_bias=bias, sinks=True)
    spans = windows(fields, every=2)
    return network(fields, with_windows(fields, attention, spans, lambda m, _: Layer((m,), experts, 2 * d)))


def _llama4(fields: Fields) -> Architecture:
    d, n = hidden_size(fields), n_layers(fields)
    size = fields.count("intermediate_size")
    experts = _checked(
        fields,
        Experts(size, fields.count("num_local_experts"), fields.count("num_experts_per_tok"), shared_size=size),
    )
    dense = Dense(fields.count("intermediate_size_mlp"))
    step = fields.count("interleave_moe_layer_step", default=1)
    sparse = set(fields.numbers("moe_layers")) or {i for i in range(n) if (i + 1) % step == 0}
    # Every fourth layer leaves out rotary positions and attends to everything; the others attend within chunks.
    spans = windows(fields, every=fields.count("no_rope_layer_interval", default=4))
    bias = fields.flag("attention_bias")
    layers = with_windows(
        fields,
        grouped(fields, qkv_bias=bias, out_bias=bias),
        spans,
        lambda mixer, i: Layer((mixer,), experts if i in sparse else dense, 2 * d),
    )
    return network(fields, layers)


def _dbrx(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    attention_part, ffn = fields.part("attn_config"), fields.part("ffn_config")
    if attention_part is None or ffn is None:
        raise fields.refuse("attn_config", "attn_config and ffn_config are needed")
    heads = fields.count("n_heads")
    attention = GroupedQuery(heads, attention_part.count("kv_n_heads", default=heads), d // heads)
    experts = _checked(
        fields, Experts(ffn.count("ffn_hidden_size"), ffn.count("moe_num_experts"), ffn.count("moe_top_k"))
    )
    return network(fields, ((Layer((attention,), experts, 2 * d), n_layers(fields)),))


def _minimax_m2(fields: Fields) -> Architecture:
    experts = Experts(
        fields.count("intermediate_size"), fields.count("num_local_experts"), fields.count("num_experts_per_tok")
    )
    norm: Literal["full"] | bool = "full" if fields.flag("use_qk_norm", default=True) else False
    return _mixed(fields, grouped(fields, qk_norm=norm), experts)


def _hunyuan_moe(fields: Fields) -> Architecture:
    size = fields.values.get("moe_intermediate_size")
    used = fields.values.get("moe_topk")
    # Lists hold one value a layer; the published checkpoints repeat one.
    for key, value in (("moe_intermediate_size", size), ("moe_topk", used)):
        if isinstance(value, list) and len(set(map(str, value))) > 1:
            raise fields.refuse(key, "layers with different experts")
    flat = {k: v[0] if isinstance(v, list) and v else v for k, v in fields.values.items() if k != "layer_types"}
    one = Fields(flat, fields.where, fields.inside)
    width = one.count("moe_intermediate_size", "intermediate_size")
    shared = one.count("num_shared_expert", default=1, least=0) * width
    experts = Experts(width, one.count("num_experts"), one.count("moe_topk", default=1), shared)
    bias = one.flag("attention_bias")
    norm: Literal["head"] | bool = "head" if one.flag("use_qk_norm", default=True) else False
    return _mixed(one, grouped(one, qkv_bias=bias, out_bias=bias, qk_norm=norm), experts)


def _ernie_moe(fields: Fields) -> Architecture:
    size = fields.count("moe_intermediate_size")
    shared = fields.count("moe_num_shared_experts", default=0, least=0) * size
    experts = Experts(size, fields.count("moe_num_experts"), fields.count("moe_k"), shared)
    if fields.flag("use_bias"):
        raise fields.refuse("use_bias", "biases in shared experts")
    n = n_layers(fields)
    start = fields.count("moe_layer_start_index", default=1, least=0)
    end = fields.count("moe_layer_end_index", default=-1, least=-1)
    sparse = sparse_layers(
        fields,
        first_dense=start,
        every=fields.count("moe_layer_interval", default=1),
        dense=range(n if end < 0 else end + 1, n),
    )
    return _mixed(fields, grouped(fields), experts, sparse=sparse, tied=True)


MIXTURES: dict[str, Callable[[Fields], Architecture]] = {
    "mixtral": _mixtral,
    "qwen2_moe": lambda f: _qwen_moe(f, qkv_bias=True, qk_norm=False),
    "qwen3_moe": lambda f: _qwen_moe(f, qkv_bias=False, qk_norm=True),
    "qwen3_vl_moe_text": lambda f: _qwen_moe(f, qkv_bias=False, qk_norm=True),
    "deepseek": _deepseek_v1, "deepseek_v2": _deepseek, "deepseek_v3": _deepseek, "kimi_k2": _deepseek,
    "deepseek_v32": _deepseek, "glm_moe_dsa": _deepseek,
    "glm4_moe": _glm4_moe, "dots1": _dots1, "bailing_moe": _bailing, "bailing_moe_v2": _bailing, "olmoe": _olmoe,
    "granitemoe": _granite_moe, "granitemoeshared": _granite_moe, "phimoe": _phimoe, "gpt_oss": _gpt_oss,
    "llama4_text": _llama4, "dbrx": _dbrx, "minimax_m2": _minimax_m2, "hunyuan_v1_moe": _hunyuan_moe,
    "ernie4_5_moe": _ernie_moe,
}  # fmt: skip
