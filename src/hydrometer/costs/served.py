"""What serving needs to know of a network: its weights by kind, its cache, its launches."""

from __future__ import annotations

from dataclasses import dataclass

from hydrometer.costs.architecture import Architecture, Experts
from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer

# Both stand for "no bound": more than any tensor-parallel group, longer than any window.
_MOST_SPLIT = 10**6
_FAR = 10.0**6


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

    @property
    def cache_per_token(self) -> float:
        """Numbers that one token more of a long context adds: windows add nothing."""
        return self.cache_values(_FAR + 1) - self.cache_values(_FAR)

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
        # Tried: one number of launches a layer; GLM-5 comes out 30 % too fast and Qwen3 20 % too slow. The indexer's 9
        # was written down after GLM-5's rows had been seen. See docs/log.md.
        return 12 + (9 if mixer.index_top is not None else 0)
    if isinstance(mixer, GroupedQuery):
        return 7 + (2 if mixer.qk_norm else 0) + (1 if mixer.gated else 0)
    # A recurrence: no published row has one; by hand, 2026-11-26.
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
            # 7 for experts, 3 for a shared one, and 3 of a dense network below: assumptions, as in `_launches`.
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
