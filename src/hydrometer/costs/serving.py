"""Roofline of serving: the time of a decoding step, of a prompt, and the memory they need.

One formula for numbers and for arrays: the fit of its constants (bench/fit_serving.py) and every estimate call the same
functions. Letters: B sequences at once, g accelerators of a step (tp·dp), L layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hydrometer.costs.architecture import Architecture, Experts
from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer

USABLE_MEMORY = 0.9
"""Share of the memory that weights and cache can take (the default of common engines)."""
STATE_BYTES = 4.0
"""Bytes of a recurrence's number: engines keep the state in FP32 (`mamba_ssm_dtype` of published configurations)."""
EXCHANGE_SECONDS = 50e-6
"""Least time of a layer's two all-to-all exchanges between more than eight accelerators (GB200 rows, docs/log.md)."""
CROSSING_SECONDS = 55e-6
"""Least time of an all-reduce that leaves the fast domain (H100 rows of 16 accelerators, docs/log.md)."""
ROUTED_BYTES = 3.0
"""Bytes of a value sent to an expert and back: FP8 out, BF16 back (DeepEP)."""
_MOST_SPLIT = 10**6


@dataclass(frozen=True)
class Served:
    """What serving needs to know of a network.

    Attributes:
        hidden_size: d.
        layers: L.
        mixture_layers: layers with experts.
        mixing: matrix weights of attention and recurrences.
        dense: matrix weights of dense feed-forward networks.
        shared: matrix weights of shared experts and routers.
        routed: weights of all routed experts.
        head: weights of the output head.
        n_experts: routed experts in a layer (1 where there are none).
        per_token: routed experts of a token.
        kernels: launches of a step outside mixtures of experts.
        expert_kernels: launches of a step in mixtures of experts.
        heads: attention heads (1 where there is no attention).
        cache_split: over how many accelerators of a tensor-parallel group the cache divides at most.
        state_values: numbers kept for a sequence whatever its length.
        mixers: every mixer, and how often it occurs.
    """

    hidden_size: int
    layers: int
    mixture_layers: int
    mixing: float
    dense: float
    shared: float
    routed: float
    head: float
    n_experts: int
    per_token: int
    kernels: int
    expert_kernels: int
    heads: int
    cache_split: int
    state_values: float
    mixers: tuple[tuple[Mixer, int], ...]

    @property
    def active(self) -> float:
        """Matrix weights that a token is multiplied with, the head's included."""
        return self.mixing + self.dense + self.shared + self.head + self.routed * self.per_token / self.n_experts

    @property
    def common(self) -> float:
        """Matrix weights outside the routed experts and the head."""
        return self.mixing + self.dense + self.shared

    @property
    def key(self) -> str:
        """The shape in a word: equal for models whose networks are alike."""
        latent = [mixer for mixer, _ in self.mixers if isinstance(mixer, Latent)]
        kind = "grouped" if not latent else "latent" if latent[0].index_top is None else "indexed"
        return f"{self.layers}x{self.hidden_size}-{self.n_experts}of{self.per_token}-{kind}"

    def cache_values(self, context: float) -> float:
        """Returns the numbers kept for a sequence of `context` tokens, recurrent states left out."""
        return sum(count * mixer.cache_values(context) for mixer, count in self.mixers)

    def cache_read(self, context: float) -> float:
        """Returns the numbers of the cache that one decoded token reads: an indexer's picks where there is one."""
        total = 0.0
        for mixer, count in self.mixers:
            if isinstance(mixer, Latent) and mixer.index_top is not None:
                picked = min(context, mixer.index_top)
                total += count * ((mixer.kv_rank + mixer.rope_dim) * picked + mixer.index_dim * context)
            else:
                total += count * mixer.cache_values(context)
        return total

    def core_flop(self, context: float) -> float:
        """Returns the FLOP of attention for one decoded token: every head on the latent itself where it is latent."""
        total = 0.0
        for mixer, count in self.mixers:
            if isinstance(mixer, Latent):
                seen = context if mixer.index_top is None else min(context, mixer.index_top)
                absorbed = 2.0 * mixer.heads * (2 * mixer.kv_rank + mixer.rope_dim) * seen
                total += count * (absorbed + 2.0 * mixer.index_heads * mixer.index_dim * context)
            elif isinstance(mixer, GroupedQuery):
                seen = context if mixer.window is None else min(context, mixer.window)
                total += count * 4.0 * mixer.heads * mixer.head_dim * seen
            else:
                total += count * mixer.core_flop(context)
        return total

    def prompt_core(self, fresh: float, length: float) -> float:
        """Returns the FLOP of attention for reading `fresh` tokens at the end of a prompt of `length`."""
        if fresh <= 0:
            return 0.0
        # Causal means of the whole prompt less those of the part that a cache already holds.
        before = length - fresh
        core = sum(count * m.core_flop(length) * length for m, count in self.mixers)
        if before > 0:
            core -= sum(count * m.core_flop(before) * before for m, count in self.mixers)
        return core


def _launches(mixer: Mixer) -> int:
    """Returns kernels of one decoding step, counted from what engines launch; an assumption, not fitted.

    Grouped attention: two norms, projection, rotation, cache write, attention, output. Latent attention: two
    down-projections, their norms and the two absorbing products more. An indexer: its projections, norm, rotation,
    quantisation, scores and choice.
    """
    if isinstance(mixer, Latent):
        return 12 + (9 if mixer.index_top is not None else 0)
    if isinstance(mixer, GroupedQuery):
        return 7 + (2 if mixer.qk_norm else 0) + (1 if mixer.gated else 0)
    return 10


def served(architecture: Architecture) -> Served:
    """Returns the view of a network that serving needs."""
    d = architecture.hidden_size
    sums = dict.fromkeys(("mixing", "dense", "shared", "routed", "kernels", "expert_kernels", "state", "mixtures"), 0.0)
    n_experts, per_token, split, heads = 1, 1, _MOST_SPLIT, 0
    mixers: dict[Mixer, int] = {}
    for layer, count in architecture.layers:
        for mixer in layer.mixers:
            mixers[mixer] = mixers.get(mixer, 0) + count
            sums["mixing"] += count * mixer.matmul_parameters(d)
            sums["kernels"] += count * _launches(mixer)
            sums["state"] += count * mixer.state_values
            if isinstance(mixer, Latent):
                split, heads = 1, mixer.heads
            elif isinstance(mixer, GroupedQuery):
                split, heads = min(split, mixer.kv_heads), mixer.heads
        forward = layer.feed_forward
        if isinstance(forward, Experts):
            matrices = 3 if forward.gated else 2
            routed = forward.n_experts * matrices * (forward.latent or d) * forward.expert_size
            sums["routed"] += count * routed
            sums["shared"] += count * (forward.matmul_parameters(d, active=False) - routed)
            sums["mixtures"] += count
            sums["expert_kernels"] += count * (7 + (3 if forward.shared_size else 0))
            n_experts, per_token = forward.n_experts, forward.experts_per_token
        elif forward is not None:
            sums["dense"] += count * forward.matmul_parameters(d, active=True)
            sums["kernels"] += 3 * count
    return Served(
        hidden_size=d,
        layers=architecture.n_layers,
        mixture_layers=int(sums["mixtures"]),
        mixing=sums["mixing"],
        dense=sums["dense"],
        shared=sums["shared"],
        routed=sums["routed"],
        head=float(architecture.embedding_parameters),
        n_experts=n_experts,
        per_token=per_token,
        kernels=int(sums["kernels"]),
        expert_kernels=int(sums["expert_kernels"]),
        heads=max(heads, 1),
        cache_split=split,
        state_values=sums["state"],
        mixers=tuple(mixers.items()),
    )


@dataclass(frozen=True)
class Chip:
    """One accelerator.

    Attributes:
        peak: FLOP/s at the weights' precision.
        peak_bf16: FLOP/s in BF16, at which attention works.
        bandwidth: of its memory, B/s.
        memory: bytes.
        link: to its neighbours in the fast domain, B/s one way.
        network: out of the domain, B/s one way.
        domain: accelerators in the fast domain.
        hopper: of NVIDIA's Hopper generation or older: launches and four-bit weights cost more there.
    """

    peak: float
    peak_bf16: float
    bandwidth: float
    memory: float
    link: float
    network: float
    domain: int
    hopper: bool


@dataclass(frozen=True)
class Deployment:
    """How one replica is laid out: tp·dp·pp accelerators; experts spread over ep groups, each over tp·dp/ep of them."""

    tp: int = 1
    dp: int = 1
    ep: int = 1
    pp: int = 1
    disaggregated: bool = False
    weight_bytes: float = 1.0
    cache_bytes: float = 1.0
    precision: str = "fp8"
    engine: str = ""

    @property
    def across(self) -> int:
        """tp·dp: accelerators of one step."""
        return self.tp * self.dp

    @property
    def accelerators(self) -> int:
        """Accelerators of one replica."""
        return self.across * self.pp


@dataclass(frozen=True)
class Load:
    """Sequences at once over the whole replica, and the tokens of one request.

    Attributes:
        concurrency: B.
        input_tokens: of a prompt.
        output_tokens: of an answer.
        cache_hit: share of the prompt found in a cache.
        drafted: tokens that a draft proposes for each step; 0 without speculative decoding.
        accepted: share of proposals that hold, each given that those before it held.
    """

    concurrency: float
    input_tokens: float
    output_tokens: float
    cache_hit: float = 0.0
    drafted: int = 0
    accepted: float = 0.0

    @property
    def context(self) -> float:
        """Mean context while decoding: the prompt and half of the answer."""
        return self.input_tokens + self.output_tokens / 2

    @property
    def tokens_per_step(self) -> float:
        """1 + a + ... + a^n: Leviathan et al., arXiv:2211.17192, equation 1."""
        return float(sum(self.accepted**i for i in range(self.drafted + 1)))


@dataclass(frozen=True)
class Terms:
    """What the formula takes of a network, a chip, a deployment and a load: numbers, or arrays of one shape (R,)."""

    batch: Any
    """Sequences of one pipeline stage's step."""
    verified: Any
    """Tokens that a step works on for each sequence: 1, or the drafted ones too."""
    yielded: Any
    """Tokens that a step gives each sequence."""
    tp: Any
    dp: Any
    domain: Any
    layers: Any
    mixture_layers: Any
    hidden_size: Any
    per_token: Any
    kernels: Any
    expert_kernels: Any
    common_bytes: Any
    head_bytes: Any
    routed_bytes: Any
    touched: Any
    """Share of the routed experts that a step touches."""
    active: Any
    inner: Any
    """Weights that a token of a prompt is multiplied with: the head is for the last one only."""
    cache_read: Any
    """Numbers of the cache that a token reads, on one accelerator of its group."""
    state_bytes: Any
    core_flop: Any
    prompt_core: Any
    fresh_tokens: Any
    output_tokens: Any
    concurrency: Any
    """Sequences that are served at once: no more than fit."""
    waiting: Any
    """Sequences that wait for memory, over those that are served."""
    peak: Any
    peak_bf16: Any
    bandwidth: Any
    link: Any
    network: Any
    hopper: Any
    four_bit: Any
    weight_only: Any
    """Are weights narrower than what the matrix units compute in?"""
    wide_cache: Any
    """Is the cache kept in BF16?"""
    trtllm: Any
    sglang: Any
    vllm: Any
    aggregated: Any


def experts_touched(n_experts: int, per_token: int, batch: float) -> float:
    """Returns the expected share of experts that a batch touches: 1 - (1 - k/E)^B."""
    return 1.0 if n_experts <= 1 else float(1.0 - (1.0 - per_token / n_experts) ** batch)


def terms(net: Served, chip: Chip, way: Deployment, load: Load) -> Terms:
    """Returns what the formula takes; sequences beyond those that fit into memory wait."""
    most = max(1.0, most_concurrency(net, chip, way, load.input_tokens + load.output_tokens))
    served_at_once = min(load.concurrency, most)
    batch = served_at_once / way.pp
    split = min(way.tp, net.cache_split)
    verified = load.drafted + 1.0
    fresh = load.input_tokens * (1.0 - load.cache_hit)
    return Terms(
        batch=batch,
        verified=verified,
        yielded=load.tokens_per_step,
        tp=float(way.tp),
        dp=float(way.dp),
        domain=float(chip.domain),
        layers=float(net.layers),
        mixture_layers=float(net.mixture_layers),
        hidden_size=float(net.hidden_size),
        per_token=float(net.per_token),
        kernels=float(net.kernels),
        expert_kernels=float(net.expert_kernels),
        common_bytes=way.weight_bytes * net.common / way.tp,
        head_bytes=2.0 * net.head / way.tp,
        routed_bytes=way.weight_bytes * net.routed / way.across,
        touched=experts_touched(net.n_experts, net.per_token, batch * verified),
        active=net.active,
        cache_read=net.cache_read(load.context) / split,
        state_bytes=2.0 * STATE_BYTES * net.state_values / way.tp,
        core_flop=net.core_flop(load.context),
        prompt_core=net.prompt_core(fresh, load.input_tokens),
        inner=net.active - net.head,
        fresh_tokens=fresh,
        output_tokens=load.output_tokens,
        concurrency=served_at_once,
        waiting=load.concurrency / served_at_once - 1.0,
        peak=chip.peak,
        peak_bf16=chip.peak_bf16,
        bandwidth=chip.bandwidth,
        link=chip.link,
        network=chip.network,
        hopper=float(chip.hopper),
        four_bit=float(way.precision == "fp4"),
        weight_only=float(way.precision == "int4"),
        wide_cache=float(way.cache_bytes >= 2),
        # Where the engine is not known, the three count a third each.
        **{name: float(way.engine == name) if way.engine else 1 / 3 for name in ("trtllm", "sglang", "vllm")},
        aggregated=float(not way.disaggregated),
    )


def stacked(rows: list[Terms]) -> Terms:
    """Returns rows as arrays of shape (R,)."""
    return Terms(**{f.name: np.array([getattr(row, f.name) for row in rows], dtype=float) for f in fields(Terms)})


def weight_bytes_per_accelerator(net: Served, way: Deployment) -> float:
    """Returns bytes of weights on one accelerator: experts over tp·dp·pp, all else over tp·pp; embeddings BF16."""
    return (way.weight_bytes * (net.common / way.tp + net.routed / way.across) + 4.0 * net.head / way.tp) / way.pp


def cache_bytes_per_sequence(net: Served, way: Deployment, context: float) -> float:
    """Returns bytes of cache that one sequence takes on each accelerator of its tensor-parallel group."""
    values = net.cache_values(context) * way.cache_bytes / min(way.tp, net.cache_split)
    return (values + STATE_BYTES * net.state_values / way.tp) / way.pp


def most_concurrency(net: Served, chip: Chip, way: Deployment, context: float) -> float:
    """Returns how many sequences of `context` tokens fit into one replica; negative bytes left give 0."""
    left = chip.memory * USABLE_MEMORY - weight_bytes_per_accelerator(net, way)
    each = cache_bytes_per_sequence(net, way, context)
    return math.inf if each == 0 else max(0.0, left / each) * way.dp
