"""The numbers of two pictures: speed against cost, and the cache of a token by kind of attention."""

from __future__ import annotations

import math
from dataclasses import replace

from hydrometer.costs.mixers import GroupedQuery, Latent
from hydrometer.costs.served import Served, served
from hydrometer.instruments.serving.estimate import ask, estimate
from hydrometer.instruments.serving.headline import Named
from hydrometer.instruments.serving.request import ServingRequest
from hydrometer.records.serving import CacheSize, Comparison, Frontier, SpeedAndCost
from hydrometer.store.serving import shipped_network, shipped_networks

_BF16 = 2.0


def frontier(model: Named, request: ServingRequest) -> Frontier:
    """Returns speed and cost at doubling concurrency, up to what fits.

    Raises:
        InputError: as `estimate`.
    """
    # 65,536: a picture of seventeen points, beyond any engine's limit of sequences.
    most = min(ask(model, request).most, 65536.0)
    doubling = {2.0**i for i in range(int(math.log2(most)) + 1)}
    found = [
        estimate(model, replace(request, concurrency=at_once)) for at_once in sorted(doubling | {request.concurrency})
    ]
    points = tuple(
        SpeedAndCost(
            concurrency=e.concurrency, tokens_per_second_per_user=e.tokens_per_second_per_user,
            usd_per_million_output=e.usd_per_million_output,
            joules_per_output_token=e.joules_per_output_token.p50 if e.joules_per_output_token else None,
            asked=e.concurrency == request.concurrency,
        )
        for e in found
    )  # fmt: skip
    tokens = f"{request.input_tokens:g} in, {request.output_tokens:g} out"
    one = found[0]
    layout = f"{one.accelerators} {one.accelerator}, {one.precision}, {tokens}"
    return Frontier(model=one.model, deployment=layout, points=points)


def cache_sizes(compared: Comparison | None = None) -> tuple[CacheSize, ...]:
    """Returns bytes of a BF16 cache of one token: the compared networks, and those whose shapes ship.

    Args:
        compared: what was compared; its rows come first.
    """
    sizes = []
    for name in shipped_networks():
        found = shipped_network(name)
        assert found is not None
        net = served(found[1])
        sizes.append(CacheSize(name=name, bytes_per_token=net.cache_per_token * _BF16, kind=_kind(net)))
    if compared is not None:
        every = next((row for row in compared.rows if "every head cached" in row.without), None)
        if every is not None:
            name = f"{compared.model}, every head cached"
            sizes.append(CacheSize(name=name, bytes_per_token=every.cache_bytes_per_token, kind="every head"))
    return tuple(sorted(sizes, key=lambda size: size.bytes_per_token))


def _kind(net: Served) -> str:
    mixers = [mixer for mixer, _ in net.mixers]
    if any(isinstance(mixer, Latent) for mixer in mixers):
        return "latent"
    grouped = [mixer for mixer in mixers if isinstance(mixer, GroupedQuery)]
    if len(grouped) < len(mixers):
        return "grouped and recurrent"
    if any(mixer.window is not None for mixer in grouped):
        return "grouped, half in a window"
    return "grouped" if all(mixer.kv_heads < mixer.heads for mixer in grouped) else "every head"
