"""Pieces that families share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

from hydrometer.costs.architecture import Architecture, Layer
from hydrometer.costs.mixers import GroupedQuery
from hydrometer.store.configs.fields import Fields

_SLIDING = {"sliding_attention", "chunked_attention", "sliding_window"}
_FULL = {"full_attention", "attention", "global"}


# By hand, 2026-11-25: each layer is an object, and a hostile count would fill memory.
_MOST_LAYERS = 10_000
_LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")


def n_layers(fields: Fields) -> int:
    """Returns the number of layers.

    Raises:
        InputError: if it is missing, no whole number, or more than any network has (each is laid out on its own).
    """
    found = fields.count(*_LAYER_KEYS)
    if found > _MOST_LAYERS:
        key = next(key for key in _LAYER_KEYS if fields.values.get(key) is not None)
        raise fields.refuse(key, f"more than {_MOST_LAYERS:,} layers")
    return found


def hidden_size(fields: Fields) -> int:
    """Returns d."""
    return fields.count("hidden_size", "n_embd", "d_model")


def grouped(
    fields: Fields,
    *,
    qkv_bias: bool = False,
    out_bias: bool = False,
    qk_norm: bool | Literal["head", "full"] = False,
    sinks: bool = False,
) -> GroupedQuery:
    """Returns the attention of a configuration, without its window.

    Raises:
        InputError: if the heads do not divide.
    """
    heads = fields.count("num_attention_heads", "n_head", "n_heads")
    kv_heads = fields.count("num_key_value_heads", "num_kv_heads", "multi_query_group_num", default=heads)
    if heads % kv_heads:
        raise fields.refuse("num_key_value_heads", f"{heads} attention heads cannot share {kv_heads} KV heads")
    d = hidden_size(fields)
    head_dim = fields.maybe("head_dim", "attention_head_dim")
    if head_dim is None:
        if d % heads:
            raise fields.refuse("num_attention_heads", f"{heads} heads do not divide a hidden size of {d}")
        head_dim = d // heads
    return GroupedQuery(heads, kv_heads, head_dim, qkv_bias, qk_norm, out_bias, sinks=sinks)


def window(fields: Fields) -> int | None:
    """Returns the sliding window, or None where there is none."""
    return fields.maybe("sliding_window", "attention_chunk_size")


def windows(fields: Fields, *, every: int | None = None, everywhere: bool = False) -> list[int | None]:
    """Returns the window of every layer.

    Args:
        fields: the configuration; `layer_types` decides where it is given.
        every: else every so many layers one attends to all.
        everywhere: else all layers slide.

    Raises:
        InputError: if `layer_types` holds a kind that is not known.
    """
    layers, size = n_layers(fields), window(fields)
    kinds = fields.items("layer_types", length=layers)
    if kinds is not None:
        found: list[int | None] = []
        for kind in kinds:
            if kind not in _SLIDING | _FULL:
                raise fields.refuse("layer_types", f"a kind of layer that is not known: {kind!r}")
            found.append(size if kind in _SLIDING else None)
        return found
    if every is not None:
        return [None if (i + 1) % every == 0 else size for i in range(layers)]
    return [size if everywhere else None] * layers


def layered(layers: Iterable[Layer]) -> tuple[tuple[Layer, int], ...]:
    """Returns runs of equal layers with their length, in order."""
    return tuple((layer, len(list(run))) for layer, run in groupby(layers))


def with_windows(
    fields: Fields,
    attention: GroupedQuery,
    spans: list[int | None],
    layer: Callable[[GroupedQuery, int], Layer],
) -> tuple[tuple[Layer, int], ...]:
    """Returns the layers, each with its own window.

    Args:
        fields: the configuration.
        attention: without its window.
        spans: window of every layer.
        layer: makes the layer of an attention and its position.
    """
    return layered(layer(replace(attention, window=span), i) for i, span in enumerate(spans))


def network(
    fields: Fields,
    layers: tuple[tuple[Layer, int], ...],
    *,
    tied: bool = False,
    mtp_layers: int = 0,
    mtp_module: tuple[Layer, ...] = (),
    other: int | None = None,
    embedding_size: int | None = None,
) -> Architecture:
    """Returns the network around its layers.

    Args:
        fields: the configuration.
        layers: as `layered` gives them.
        tied: what the family does where the configuration does not say.
        mtp_layers: multi-token-prediction modules.
        mtp_module: layers of one such module, where it is no copy of the last layer.
        other: weights outside the layers without matrix multiplication; by default one norm without bias.
        embedding_size: width of the embeddings where it is not the hidden size.
    """
    d = hidden_size(fields)
    return Architecture(
        hidden_size=d,
        vocab_size=fields.count("vocab_size", "padded_vocab_size"),
        layers=layers,
        tied_embeddings=fields.flag("tie_word_embeddings", default=tied),
        mtp_layers=mtp_layers,
        embedding_size=embedding_size,
        other_parameters=d if other is None else other,
        mtp_module=mtp_module,
    )


def sparse_layers(fields: Fields, *, first_dense: int = 0, every: int = 1, dense: Iterable[Any] = ()) -> list[bool]:
    """Returns for every layer whether its feed-forward network is a mixture.

    Args:
        fields: the configuration.
        first_dense: layers at the start that are dense.
        every: each so many layers one is a mixture.
        dense: positions that are dense.
    """
    apart = set(dense)
    return [i >= first_dense and (i + 1) % every == 0 and i not in apart for i in range(n_layers(fields))]
