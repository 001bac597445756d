"""Families with one feed-forward network in every layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from hydrometer.costs.architecture import Architecture, Dense, Layer
from hydrometer.costs.mixers import GroupedQuery
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.parts import grouped, hidden_size, n_layers, network, window, windows, with_windows


def _dense(
    fields: Fields,
    attention: GroupedQuery,
    *,
    norms: int = 2,
    norm_bias: bool = False,
    small: int = 0,
    gated: bool = True,
    bias: bool = False,
    spans: list[int | None] | None = None,
    size: int | None = None,
    tied: bool = False,
    other: int | None = None,
) -> Architecture:
    """Returns a network of equal layers but for their windows.

    Args:
        fields: the configuration.
        attention: without its window.
        norms: norms as wide as the hidden size, in every layer.
        norm_bias: whether they have a bias.
        small: further weights of every layer that cost no matrix multiplication.
        gated: a gate in the feed-forward network.
        bias: biases in the feed-forward network.
        spans: window of every layer; none by default.
        size: width of the feed-forward network; `intermediate_size` by default.
        tied: whether embeddings are tied where the configuration does not say.
        other: weights outside the layers; by default the last norm.
    """
    d = hidden_size(fields)
    each = d * (2 if norm_bias else 1)
    forward = Dense(fields.count("intermediate_size") if size is None else size, gated, bias)
    layers = with_windows(
        fields,
        attention,
        spans or [None] * n_layers(fields),
        lambda mixer, _: Layer((mixer,), forward, norms * each + small),
    )
    return network(fields, layers, tied=tied, other=each if other is None else other)


def _llama(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias", "attention_qkv_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    return _dense(fields, attention, bias=fields.flag("mlp_bias"), tied=fields.model_type == "smollm3")


def _arcee(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias), gated=False, bias=fields.flag("mlp_bias"))


def _apertus(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    # Its activation, xIELU, learns two numbers a layer.
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="head"), small=2, gated=False)


def _helium(fields: Fields) -> Architecture:
    return _dense(fields, grouped(fields, qkv_bias=fields.flag("attention_bias")), bias=fields.flag("mlp_bias"))


def _mistral(fields: Fields) -> Architecture:
    return _dense(fields, grouped(fields), spans=windows(fields, everywhere=True))


def _qwen_windows(fields: Fields) -> list[int | None] | None:
    """Returns the windows of a Qwen: the first `max_window_layers` attend to all; none unless they are switched on."""
    if not fields.flag("use_sliding_window"):
        return None
    if fields.values.get("layer_types") is not None:
        return windows(fields)
    first = fields.count("max_window_layers", default=28, least=0)
    return [None if i < first else window(fields) for i in range(n_layers(fields))]


# What configurations leave out is filled with the defaults of transformers' classes, here and in the other families; 87
# of 88 checkpoints are then counted to the last weight (bench/parameter_counts.py).
def _qwen2(fields: Fields) -> Architecture:
    return _dense(fields, grouped(fields, qkv_bias=True), spans=_qwen_windows(fields))


def _qwen3(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="head")
    return _dense(fields, attention, spans=_qwen_windows(fields))


def _gemma(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias), tied=True)


def _gemma2(fields: Fields) -> Architecture:
    # Four norms: before and after attention, before and after the feed-forward network.
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    return _dense(fields, attention, norms=4, spans=windows(fields, every=2), tied=True)


def _gemma3(fields: Fields) -> Architecture:
    # transformers fills in what the smaller files leave out; these are its defaults for Gemma 3.
    filled = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208}
    complete = Fields({**filled, **fields.values}, fields.where, fields.inside)
    every = complete.count("sliding_window_pattern", "_sliding_window_pattern", default=6)
    bias = complete.flag("attention_bias")
    attention = grouped(complete, qkv_bias=bias, out_bias=bias, qk_norm="head")
    return _dense(complete, attention, norms=4, spans=windows(complete, every=every), tied=True)


def _phi(fields: Fields) -> Architecture:
    if fields.flag("qk_layernorm"):
        raise fields.refuse("qk_layernorm", "norms with biases over queries and keys")
    d, vocab = hidden_size(fields), fields.count("vocab_size")
    attention = grouped(fields, qkv_bias=True, out_bias=True)
    # One norm a layer, as attention and feed-forward run side by side; the head has a bias.
    return _dense(fields, attention, norms=1, norm_bias=True, gated=False, bias=True, other=2 * d + vocab)


def _phi3(fields: Fields) -> Architecture:
    return _dense(fields, grouped(fields), spans=windows(fields, everywhere=True))


def _olmo(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    # Its norms have no weights.
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias), norms=0, other=0)


def _olmo2(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="full"))


def _olmo3(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm="full")
    return _dense(fields, attention, spans=windows(fields, every=4))


def _gpt2(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    positions = fields.count("n_positions", "max_position_embeddings") * d
    size = fields.maybe("n_inner") or 4 * d
    attention = grouped(fields, qkv_bias=True, out_bias=True)
    other = positions + 2 * d
    return _dense(fields, attention, norm_bias=True, gated=False, bias=True, size=size, tied=True, other=other)


def _gpt_bigcode(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    heads = fields.count("n_head")
    kv_heads = 1 if fields.flag("multi_query", default=True) else heads
    attention = GroupedQuery(heads, kv_heads, d // heads, qkv_bias=True, out_bias=True)
    size = fields.maybe("n_inner") or 4 * d
    other = fields.count("n_positions") * d + 2 * d
    return _dense(fields, attention, norm_bias=True, gated=False, bias=True, size=size, tied=True, other=other)


def _gpt_neox(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias", default=True)
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    return _dense(fields, attention, norm_bias=True, gated=False, bias=True)


def _gptj(fields: Fields) -> Architecture:
    d, vocab = hidden_size(fields), fields.count("vocab_size")
    size = fields.maybe("n_inner") or 4 * d
    return _dense(
        fields, grouped(fields), norms=1, norm_bias=True, gated=False, bias=True, size=size, other=2 * d + vocab
    )


def _gpt_neo(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    heads = fields.count("num_heads")
    attention = GroupedQuery(heads, heads, d // heads, out_bias=True)
    # GPT-Neo alternates global and local attention, and the first layer is global.
    spans = [fields.maybe("window_size") if i % 2 else None for i in range(n_layers(fields))]
    size = fields.maybe("intermediate_size") or 4 * d
    other = fields.count("max_position_embeddings") * d + 2 * d
    return _dense(
        fields, attention, norm_bias=True, gated=False, bias=True, spans=spans, size=size, tied=True, other=other
    )


def _opt(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    attention = grouped(fields, qkv_bias=True, out_bias=True)
    # Two positions more than are used; the last norm is left out where norms stand after the layers.
    last = fields.flag("do_layer_norm_before", default=True) and not fields.flag("_remove_final_layer_norm")
    layers = with_windows(
        fields,
        attention,
        [None] * n_layers(fields),
        lambda mixer, _: Layer((mixer,), Dense(fields.count("ffn_dim"), gated=False, bias=True), 4 * d),
    )
    other = (fields.count("max_position_embeddings") + 2) * d + (2 * d if last else 0)
    width = fields.count("word_embed_proj_dim", default=d)
    return network(fields, layers, tied=True, other=other, embedding_size=width)


def _bloom(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    attention = grouped(fields, qkv_bias=True, out_bias=True)
    # A norm after the embedding and one at the end.
    return _dense(fields, attention, norm_bias=True, gated=False, bias=True, size=4 * d, tied=True, other=4 * d)


def _falcon(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    heads = fields.count("num_attention_heads", "n_head")
    new = fields.flag("new_decoder_architecture")
    if new:
        kv_heads = fields.count("num_kv_heads", "n_head_kv", default=heads)
    else:
        kv_heads = 1 if fields.flag("multi_query", default=True) else heads
    bias = fields.flag("bias")
    attention = GroupedQuery(heads, kv_heads, d // heads, qkv_bias=bias, out_bias=bias)
    parallel = fields.flag("parallel_attn", default=True)
    norms = fields.count("num_ln_in_parallel_attn", default=2) if new else (1 if parallel else 2)
    size = fields.maybe("ffn_hidden_size") or 4 * d
    return _dense(fields, attention, norms=norms, norm_bias=True, gated=False, bias=bias, size=size, tied=True)


def _mpt(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    inner = fields.part("attn_config")
    heads = fields.count("n_heads")
    kv_heads = inner.count("kv_n_heads", default=heads) if inner is not None else heads
    attention = GroupedQuery(heads, kv_heads, d // heads)
    size = d * fields.count("expansion_ratio", default=4)
    return _dense(fields, attention, gated=False, size=size, tied=True)


def _stablelm(fields: Fields) -> Architecture:
    if fields.flag("qk_layernorm"):
        raise fields.refuse("qk_layernorm", "norms over queries and keys of each head apart")
    norms = 1 if fields.flag("use_parallel_residual") else 2
    attention = grouped(fields, qkv_bias=fields.flag("use_qkv_bias"))
    return _dense(fields, attention, norms=norms, norm_bias=True)


def _starcoder2(fields: Fields) -> Architecture:
    bias = fields.flag("use_bias", default=True)
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    spans = windows(fields, everywhere=True)
    return _dense(fields, attention, norm_bias=True, gated=False, bias=bias, spans=spans, tied=True)


def _cohere(fields: Fields) -> Architecture:
    if fields.flag("use_qk_norm"):
        raise fields.refuse("use_qk_norm", "norms over queries and keys of each head apart")
    bias = fields.flag("attention_bias")
    # One norm a layer without bias, as attention and feed-forward run side by side.
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias), norms=1, tied=True)


def _cohere2(fields: Fields) -> Architecture:
    every = fields.count("sliding_window_pattern", "_sliding_window_pattern", default=4)
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    return _dense(fields, attention, norms=1, spans=windows(fields, every=every), tied=True)


def _nemotron(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    attention = grouped(fields, qkv_bias=bias, out_bias=bias)
    return _dense(fields, attention, norm_bias=True, gated=False, bias=fields.flag("mlp_bias"))


def _glm(fields: Fields) -> Architecture:
    return _dense(fields, grouped(fields, qkv_bias=fields.flag("attention_bias", default=True)))


def _glm4(fields: Fields) -> Architecture:
    # Norms after attention and feed-forward too, unlike GLM.
    return _dense(fields, grouped(fields, qkv_bias=fields.flag("attention_bias", default=True)), norms=4)


def _chatglm(fields: Fields) -> Architecture:
    heads = fields.count("num_attention_heads")
    shared = fields.flag("multi_query_attention")
    kv_heads = fields.count("multi_query_group_num") if shared else heads
    attention = GroupedQuery(heads, kv_heads, fields.count("kv_channels"), fields.flag("add_qkv_bias"))
    return _dense(fields, attention, size=fields.count("ffn_hidden_size"))


def _seed_oss(fields: Fields) -> Architecture:
    attention = grouped(
        fields,
        qkv_bias=fields.flag("attention_bias", default=True),
        out_bias=fields.flag("attention_out_bias"),
    )
    return _dense(fields, attention, bias=fields.flag("mlp_bias"))


def _exaone4(fields: Fields) -> Architecture:
    every = fields.maybe("sliding_window_pattern") if window(fields) is not None else None
    return _dense(fields, grouped(fields, qk_norm="head"), spans=windows(fields, every=every))


def _hunyuan(fields: Fields) -> Architecture:
    bias = fields.flag("attention_bias")
    norm: Literal["head"] | bool = "head" if fields.flag("use_qk_norm", default=True) else False
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias, qk_norm=norm))


def _ernie(fields: Fields) -> Architecture:
    bias = fields.flag("use_bias")
    return _dense(fields, grouped(fields, qkv_bias=bias, out_bias=bias), bias=bias, tied=True)


DENSE: dict[str, Callable[[Fields], Architecture]] = {
    "llama": _llama, "granite": _llama, "smollm3": _llama, "aquila": _llama, "internlm2": _llama, "internlm3": _llama,
    "minicpm": _llama, "arcee": _arcee, "apertus": _apertus, "helium": _helium,
    "mistral": _mistral, "ministral": _mistral, "mistral3_text": _mistral,
    "qwen2": _qwen2, "qwen2_vl_text": _qwen2, "qwen2_5_vl_text": _qwen2, "qwen3": _qwen3, "qwen3_vl_text": _qwen3,
    "gemma": _gemma, "gemma2": _gemma2, "gemma3_text": _gemma3, "phi": _phi, "phi3": _phi3, "phi4_multimodal": _phi3,
    "olmo": _olmo, "olmo2": _olmo2, "olmo3": _olmo3, "gpt2": _gpt2, "gpt_bigcode": _gpt_bigcode,
    "gpt_neox": _gpt_neox, "gptj": _gptj, "gpt_neo": _gpt_neo, "opt": _opt, "bloom": _bloom, "falcon": _falcon,
    "mpt": _mpt, "stablelm": _stablelm, "starcoder2": _starcoder2, "cohere": _cohere, "cohere2": _cohere2,
    "nemotron": _nemotron, "glm": _glm, "glm4": _glm4, "chatglm": _chatglm, "seed_oss": _seed_oss,
    "exaone4": _exaone4, "hunyuan_v1_dense": _hunyuan, "ernie4_5": _ernie,
}  # fmt: skip
