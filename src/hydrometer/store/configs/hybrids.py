"""Families that mix attention with recurrences, or do without attention."""

from __future__ import annotations

import math
from collections.abc import Callable

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.mixers import GatedDelta, Lightning, Mamba1, Mamba2, Mixer
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.parts import grouped, hidden_size, layered, n_layers, network, sparse_layers

_STEP_RANK_DIVISOR = 16
"""Mamba's "auto" rank of the step projection: hidden size over 16, rounded up."""


def _step_rank(fields: Fields, *keys: str) -> int:
    value = next((fields.values[key] for key in keys if key in fields.values), "auto")
    return math.ceil(hidden_size(fields) / _STEP_RANK_DIVISOR) if value == "auto" else fields.count(*keys)


def _refuse_projection_bias(fields: Fields, key: str) -> None:
    if fields.flag(key):
        raise fields.refuse(key, "biases on Mamba's projections")


def _mamba(fields: Fields) -> Architecture:
    _refuse_projection_bias(fields, "use_bias")
    d = hidden_size(fields)
    inner = fields.maybe("intermediate_size") or d * fields.count("expand", default=2)
    mixer = Mamba1(
        inner,
        fields.count("state_size", default=16),
        fields.count("conv_kernel", default=4),
        _step_rank(fields, "time_step_rank"),
        conv_bias=fields.flag("use_conv_bias", default=True),
    )
    return network(fields, ((Layer((mixer,), None, d), n_layers(fields)),), tied=True)


def _mamba2(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    mixer = Mamba2(
        fields.count("num_heads"),
        fields.count("head_dim"),
        fields.count("n_groups", default=8),
        fields.count("state_size", default=128),
        fields.count("conv_kernel", default=4),
        projection_bias=fields.flag("use_bias"),
        conv_bias=fields.flag("use_conv_bias", default=True),
    )
    return network(fields, ((Layer((mixer,), None, d), n_layers(fields)),))


def _hybrid_mamba2(fields: Fields, *, groups: int = 1, state: int = 256) -> Mamba2:
    """Returns the recurrence of a hybrid that spells its keys `mamba_...`.

    Args:
        fields: the configuration.
        groups: where the configuration does not say.
        state: where the configuration does not say.
    """
    heads = fields.count("mamba_n_heads", "mamba_num_heads")
    head_dim = fields.values.get("mamba_d_head")
    if head_dim == "auto":
        width = hidden_size(fields) * fields.count("mamba_expand", default=2)
        head_dim = width // heads
    else:
        head_dim = fields.count("mamba_d_head", "mamba_head_dim")
    return Mamba2(
        heads,
        head_dim,
        fields.count("mamba_n_groups", "n_groups", default=groups),
        fields.count("mamba_d_state", "ssm_state_size", default=state),
        fields.count("mamba_d_conv", "conv_kernel", default=4),
        projection_bias=fields.flag("mamba_proj_bias", "use_bias"),
        conv_bias=fields.flag("mamba_conv_bias", "use_conv_bias", default=True),
    )


def _jamba(fields: Fields) -> Architecture:
    _refuse_projection_bias(fields, "mamba_proj_bias")
    d, n = hidden_size(fields), n_layers(fields)
    mixer = Mamba1(
        d * fields.count("mamba_expand", default=2),
        fields.count("mamba_d_state", default=16),
        fields.count("mamba_d_conv", default=4),
        _step_rank(fields, "mamba_dt_rank"),
        inner_norms=True,
        conv_bias=fields.flag("mamba_conv_bias", default=True),
    )
    size = fields.count("intermediate_size")
    dense = Dense(size)
    experts = Experts(size, fields.count("num_experts"), fields.count("num_experts_per_tok"))
    period, offset = fields.count("attn_layer_period"), fields.count("attn_layer_offset", least=0)
    expert_period, expert_offset = fields.count("expert_layer_period"), fields.count("expert_layer_offset", least=0)
    many = experts.n_experts > 1
    layers = [
        Layer(
            (grouped(fields) if i % period == offset else mixer,),
            experts if many and i % expert_period == expert_offset else dense,
            2 * d,
        )
        for i in range(n)
    ]
    return network(fields, layered(layers))


def _bamba(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    attending = set(fields.numbers("attn_layer_indices"))
    forward = Dense(fields.count("intermediate_size"), bias=fields.flag("mlp_bias"))
    bias = fields.flag("attention_bias")
    mixer, attention = _hybrid_mamba2(fields), grouped(fields, qkv_bias=bias, out_bias=bias)
    layers = (Layer((attention if i in attending else mixer,), forward, 2 * d) for i in range(n_layers(fields)))
    return network(fields, layered(layers))


def _falcon_h1(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    projection_bias = fields.flag("mamba_proj_bias")
    if projection_bias != fields.flag("projectors_bias"):
        raise fields.refuse("mamba_proj_bias", "a bias on one of Mamba's projections only")
    inner = fields.maybe("mamba_d_ssm")
    heads = fields.count("mamba_n_heads")
    width = inner or d * fields.count("mamba_expand", default=2)
    mixer = Mamba2(
        heads,
        width // heads,
        fields.count("mamba_n_groups", default=1),
        fields.count("mamba_d_state", default=256),
        fields.count("mamba_d_conv", default=4),
        projection_bias=projection_bias,
        conv_bias=fields.flag("mamba_conv_bias", default=True),
        gated_norm=fields.flag("mamba_rms_norm"),
    )
    bias = fields.flag("attention_bias")
    forward = Dense(fields.count("intermediate_size"), bias=fields.flag("mlp_bias"))
    layer = Layer((grouped(fields, qkv_bias=bias, out_bias=bias), mixer), forward, 2 * d)
    return network(fields, ((layer, n_layers(fields)),))


_NEMOTRON_KINDS = {"mamba": "M", "attention": "*", "mlp": "-", "moe": "E"}


def _nemotron_pattern(fields: Fields, pattern_key: str, list_key: str) -> str:
    """Returns the kinds of layers as one letter each, from either spelling; empty where neither is there."""
    kinds = fields.values.get(list_key)
    if kinds is None:
        return fields.text(pattern_key, default="").replace("|", "")
    if not isinstance(kinds, list) or any(kind not in _NEMOTRON_KINDS for kind in map(str, kinds)):
        raise fields.refuse(list_key, f"must be a list of {', '.join(_NEMOTRON_KINDS)}")
    return "".join(_NEMOTRON_KINDS[str(kind)] for kind in kinds)


def _nemotron_h(fields: Fields) -> Architecture:
    d = hidden_size(fields)
    pattern = _nemotron_pattern(fields, "hybrid_override_pattern", "layers_block_type")
    if not pattern:
        raise fields.refuse("hybrid_override_pattern", "neither it nor 'layers_block_type' names the layers")
    predicting = _nemotron_pattern(fields, "mtp_hybrid_override_pattern", "mtp_layers_block_type")
    bias = fields.flag("attention_bias")
    mlp_bias = fields.flag("mlp_bias")
    kinds: dict[str, Callable[[], Layer]] = {
        "M": lambda: Layer((_hybrid_mamba2(fields, groups=8, state=128),), None, d),
        "*": lambda: Layer((grouped(fields, qkv_bias=bias, out_bias=bias),), None, d),
        "-": lambda: Layer((), Dense(fields.count("intermediate_size"), gated=False, bias=mlp_bias), d),
        "E": lambda: Layer((), _nemotron_experts(fields), d),
    }
    unknown = sorted(set(pattern + predicting) - set(kinds))
    if unknown:
        raise fields.refuse("hybrid_override_pattern", f"layers of an unknown kind {''.join(unknown)!r}")
    layers = {kind: kinds[kind]() for kind in set(pattern + predicting)}
    return network(
        fields,
        layered(layers[kind] for kind in pattern),
        mtp_layers=fields.count("num_nextn_predict_layers", default=0, least=0),
        mtp_module=tuple(layers[kind] for kind in predicting),
    )


def _nemotron_experts(fields: Fields) -> Experts:
    shared = fields.count("n_shared_experts", default=0, least=0)
    return Experts(
        fields.count("moe_intermediate_size"),
        fields.count("n_routed_experts"),
        fields.count("num_experts_per_tok"),
        shared * fields.count("moe_shared_expert_intermediate_size", default=1),
        gated=False,
        latent=fields.maybe("moe_latent_size"),
    )


def _granite_hybrid(fields: Fields) -> Architecture:
    d, n = hidden_size(fields), n_layers(fields)
    kinds = fields.items("layer_types", length=n) or ["mamba"] * n
    n_experts = fields.count("num_local_experts", default=0, least=0)
    shared = fields.count("shared_intermediate_size")
    forward: Dense | Experts = Dense(shared)
    if n_experts:
        size = fields.count("intermediate_size")
        forward = Experts(size, n_experts, fields.count("num_experts_per_tok"), shared)
    bias = fields.flag("attention_bias")
    mixers: dict[str, Mixer] = {
        "mamba": _hybrid_mamba2(fields),
        "attention": grouped(fields, qkv_bias=bias, out_bias=bias),
    }
    unknown = {str(kind) for kind in kinds} - set(mixers)
    if unknown:
        raise fields.refuse("layer_types", f"a kind of layer that is not known: {min(unknown)!r}")
    return network(fields, layered(Layer((mixers[kind],), forward, 2 * d) for kind in kinds))


def _qwen3_next(fields: Fields) -> Architecture:
    if fields.flag("attention_bias"):
        raise fields.refuse("attention_bias", "biases in gated attention")
    d, n = hidden_size(fields), n_layers(fields)
    linear = GatedDelta(
        fields.count("linear_num_key_heads", default=16),
        fields.count("linear_num_value_heads", default=32),
        fields.count("linear_key_head_dim", default=128),
        fields.count("linear_value_head_dim", default=128),
        fields.count("linear_conv_kernel_dim", default=4),
    )
    # The gate on the output is always there, whatever the configuration says.
    base = grouped(fields, qk_norm="head")
    attention = type(base)(base.heads, base.kv_heads, base.head_dim, qk_norm="head", gated=True)
    every = fields.count("full_attention_interval", default=4)
    kinds = fields.items("layer_types", length=n)
    full = [k == "full_attention" for k in kinds] if kinds else [(i + 1) % every == 0 for i in range(n)]
    shared = fields.count("shared_expert_intermediate_size", default=0, least=0)
    experts = Experts(
        fields.count("moe_intermediate_size"),
        fields.count("num_experts"),
        fields.count("num_experts_per_tok"),
        shared,
        shared_gate=shared > 0,
    )
    step = fields.count("decoder_sparse_step", default=1)
    sparse = sparse_layers(fields, every=step, dense=fields.numbers("mlp_only_layers"))
    dense = Dense(fields.count("intermediate_size")) if not all(sparse) else None
    layers = (Layer((attention if full[i] else linear,), experts if sparse[i] else dense, 2 * d) for i in range(n))
    return network(fields, layered(layers))


def _minimax(fields: Fields) -> Architecture:
    d, n = hidden_size(fields), n_layers(fields)
    attention = grouped(fields)
    linear = Lightning(attention.heads, attention.head_dim)
    old = fields.items("attn_type_list", length=n)
    kinds = fields.items("layer_types", length=n)
    if old is not None:
        full = [kind == 1 for kind in old]
    elif kinds is not None:
        full = [kind == "full_attention" for kind in kinds]
    else:
        full = [i % 2 == 0 for i in range(n)]
    experts = Experts(
        fields.count("intermediate_size"), fields.count("num_local_experts"), fields.count("num_experts_per_tok")
    )
    layers = (Layer((attention if full[i] else linear,), experts, 2 * d) for i in range(n))
    return network(fields, layered(layers))


HYBRIDS: dict[str, Callable[[Fields], Architecture]] = {
    "mamba": _mamba, "falcon_mamba": _mamba, "mamba2": _mamba2, "jamba": _jamba, "bamba": _bamba,
    "falcon_h1": _falcon_h1, "nemotron_h": _nemotron_h, "granitemoehybrid": _granite_hybrid,
    "qwen3_next": _qwen3_next, "qwen3_5_moe_text": _qwen3_next, "minimax": _minimax, "minimax_text_01": _minimax,
}  # fmt: skip
