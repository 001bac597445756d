"""A network of which only headline figures are known: its shape is guessed from networks whose shapes ship."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer
from hydrometer.costs.served import Served, served
from hydrometer.errors import InputError
from hydrometer.instruments.serving.request import find_network
from hydrometer.instruments.training_cost.estimating.request import network_from_headline
from hydrometer.records.estimates import Quantiles
from hydrometer.store.serving import shipped_network, shipped_networks

# Printed by bench/serving.py, 2026-11-26 (docs/benchmarks/serving.md, "Only headline figures"); copied by hand.
TPOT_WIDTH, TTFT_WIDTH = 0.426, 0.726
"""Half widths of 80 % intervals in logs: configurations hidden, developers left out (bench/serving.py)."""
CACHE = Quantiles(p10=0.20, p50=1.0, p90=1.31)
"""The cache of a token over the guess, on the same page; windows and recurrences keep far less."""
MEASURED = (5e9, 71e9)
"""Active weights of the networks that guesses were checked on."""
# These three as in most networks whose shapes ship (DeepSeek-V3, Qwen3, Kimi K2: 8 experts; heads of 128; 8 for keys).
_EXPERTS_OF_TOKEN = 8
_HEAD = 128
_KV_HEADS = 8


@dataclass(frozen=True)
class Headline:
    """What is published of a network without its configuration.

    Attributes:
        total_parameters: stored weights.
        active_parameters: of a token; all where absent.
        architecture: kind, as `dense_gqa`, `moe` or `moe_mla`; latent attention only where it is named.
    """

    total_parameters: float
    active_parameters: float | None = None
    architecture: str = "dense"


@dataclass(frozen=True)
class Shape:
    """A network whose shape is known already.

    Attributes:
        name: the model.
        net: the network as serving's formulas see it.
    """

    name: str
    net: Served


Named = Path | Headline | Shape
"""A model: a dossier, a config.json, a checkpoint's folder or a shipped model's name; headline figures; a shape."""


def model_from_options(model: Path | None, *, total: float | None, active: float | None, kind: str) -> Path | Headline:
    """Returns what `--model` names, or the headline figures that stand in its place.

    Raises:
        InputError: if there is neither, or both.
    """
    if model is not None:
        if total is not None or active is not None:
            raise InputError("--model gives the size already", cure="leave --total-params and --active-params out")
        return model
    if total is None:
        raise InputError("no network is given", cure="give --model MODEL or --total-params N", where="--model")
    return Headline(total, active, kind)


def find_served(model: Named, *, where: str = "--model") -> tuple[str, Served]:
    """Returns name and network of what is named, or a guess from headline figures.

    Raises:
        InputError: as `find_network` and `guess`.
    """
    if isinstance(model, Shape):
        return model.name, model.net
    if isinstance(model, Headline):
        return guess(model, shipped_shapes())
    name, architecture = find_network(model, where=where)
    return name, served(architecture)


@cache
def shipped_shapes() -> tuple[Served, ...]:
    """Returns the networks whose shapes ship, each shape once."""
    found = (shipped_network(name) for name in shipped_networks())
    return tuple({net.key: net for net in (served(one[1]) for one in found if one is not None)}.values())


def guess(headline: Headline, known: Sequence[Served]) -> tuple[str, Served]:
    """Returns a name and the network that a headline suggests: medians of known networks of its kind.

    Depth and width follow from the active weights, their share of attention and the ratio of width to depth; routed
    experts hold what a token does not use. Attention is grouped, eight key and value heads of 128, unless the kind
    names latent attention.

    Args:
        headline: what is known.
        known: networks to learn the ratios from.

    Raises:
        InputError: for impossible figures or an unknown kind.
    """
    stated = network_from_headline(
        total_parameters=headline.total_parameters,
        active_parameters=headline.active_parameters,
        architecture=headline.architecture,
    )
    alike = [net for net in known if bool(net.routed) == stated.mixture]
    latent = "mla" in headline.architecture.lower()
    active = stated.active_parameters
    # The first form tried; no constant of it was fitted to the rows (docs/log.md, 2026-11-26).
    aspect = median(net.hidden_size / net.layers for net in alike)
    filled = median(net.active / net.layers / net.hidden_size**2 for net in alike)
    layers = max(1, round((active / filled / aspect**2) ** (1 / 3)))
    width = max(_HEAD, round(aspect * layers / _HEAD) * _HEAD)
    # Of tiny networks the embeddings are most; they must leave room for layers.
    head = min(median(net.head / net.hidden_size for net in alike) * width, active / 4)
    inner = active - 2 * head
    mixing, shared = (
        inner * median(getattr(net, part) / (net.active - net.head) for net in alike) for part in ("mixing", "shared")
    )
    forward = inner - mixing - shared
    routed = forward + stated.total_parameters - active if stated.mixture else 0.0
    per_token = _EXPERTS_OF_TOKEN if stated.mixture else 1
    # A power of two, so that tensor parallelism divides it.
    heads = 2 ** round(
        math.log2(max(1.0, median(net.heads * _HEAD / net.hidden_size for net in alike) * width / _HEAD))
    )
    mixer: Mixer = (
        # DeepSeek-V3's ranks and head sizes, which Kimi K2 took over.
        Latent(heads, 1536, 512, 128, 64, 128) if latent else GroupedQuery(heads, min(heads, _KV_HEADS), _HEAD)
    )
    return stated.name, Served(
        hidden_size=width,
        layers=layers,
        mixture_layers=layers if stated.mixture else 0,
        mixing=mixing,
        dense=0.0 if stated.mixture else forward,
        shared=shared,
        routed=routed,
        head=head,
        n_experts=max(per_token + 1, round(per_token * routed / forward)) if stated.mixture else 1,
        per_token=per_token,
        kernels=round(layers * median(net.kernels / net.layers for net in alike)),
        expert_kernels=round(layers * median(net.expert_kernels / net.layers for net in alike)),
        heads=heads,
        cache_split=1 if latent else min(heads, _KV_HEADS),
        state_values=0.0,
        mixers=((mixer, layers),),
    )
