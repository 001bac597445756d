"""Roofline of serving: the time of a decoding step, of a prompt, and the memory they need.

One formula for numbers and for arrays: the fit of its constants (bench/fit_serving.py) and every estimate call the same
functions. Letters: B sequences at once, g accelerators of a step (tp·dp), L layers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hydrometer.costs.served import Served

# vLLM's gpu_memory_utilization.
USABLE_MEMORY = 0.9
"""Share of the memory that weights and cache can take (the default of common engines)."""
STATE_BYTES = 4.0
"""Bytes of a recurrence's number: engines keep the state in FP32 (`mamba_ssm_dtype` of published configurations)."""
# This and the next: set by eye on the 62 disaggregated rows, 2026-11-25 (60 to 85 % of them within 20 %); not a
# held-out figure.
EXCHANGE_SECONDS = 50e-6
"""Least time of a layer's two all-to-all exchanges between more than eight accelerators (GB200 rows, docs/log.md)."""
CROSSING_SECONDS = 55e-6
"""Least time of an all-reduce that leaves the fast domain (H100 rows of 16 accelerators, docs/log.md)."""
# One byte out, two back.
ROUTED_BYTES = 3.0
"""Bytes of a value sent to an expert and back: FP8 out, BF16 back (DeepEP)."""


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
    def fresh_tokens(self) -> float:
        """Tokens of a prompt that are read."""
        return self.input_tokens * (1.0 - self.cache_hit)

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
    # Tried: as many at once as asked for, memory or not; 10.9 instead of 10.8 % median error. See docs/log.md.
    batch = served_at_once / way.pp
    split = min(way.tp, net.cache_split)
    verified = load.drafted + 1.0
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
        # The head is taken to stay in BF16, as published FP8 and FP4 checkpoints leave it.
        head_bytes=2.0 * net.head / way.tp,
        routed_bytes=way.weight_bytes * net.routed / way.across,
        touched=experts_touched(net.n_experts, net.per_token, batch * verified),
        active=net.active,
        cache_read=net.cache_read(load.context) / split,
        # Read and written in each step.
        state_bytes=2.0 * STATE_BYTES * net.state_values / way.tp,
        core_flop=net.core_flop(load.context),
        prompt_core=net.prompt_core(load.fresh_tokens, load.input_tokens),
        inner=net.active - net.head,
        fresh_tokens=load.fresh_tokens,
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
    # 4: two bytes each of the embedding and of the head.
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
