"""Time of one optimiser step from the kernels' speeds: matrices, attention, memory traffic, links, pipeline.

Nothing overlaps here: communication that a framework hides behind compute makes a step shorter than this by the
hidden part. Kernel speeds are measured shares of peak; the share of attention, the two launch times and a factor on
matrices were fitted to measured steps (`bench/memory_and_steps.py` refits them with every model left out). Tried:
overlap fitted to tuned frameworks; it hides all of dense communication, which no step can (docs/log.md, 2026-11-25).

References:
    Narayanan et al., arXiv:2104.04473, section 3 (1F1B bubble, tensor-parallel traffic); Korthikanti et al.,
    arXiv:2205.05198, section 4.2 (sequence parallelism: gathers and scatters); Dao, arXiv:2307.08691 (the backward
    pass of flash attention costs 2.5 forward passes); Thakur et al., 2005 (ring collectives move (n-1)/n).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hydrometer.costs.architecture import Architecture, Experts, Layer
from hydrometer.costs.memory import Layout, Stage, activation_elements, rank_parameters, routed_parameters, stages
from hydrometer.costs.mixers import FLOP_PER_MULTIPLY_ADD

_BF16, _FP32 = 2.0, 4.0
# FlashAttention-2, arXiv:2307.08691, section 4.1: the backward pass has five matrix products, the forward pass two.
_FLASH_BACKWARD = 2.5
_COLLECTIVES_A_LAYER = 10
"""Gathers and scatters of a layer with sequence parallelism: four forward, four backward, two for weight gradients."""
_EXCHANGES_A_LAYER = 4
"""All-to-alls of a layer of experts: dispatch and combine, forward and backward."""
# Both numbers of passes and the bytes of a logit are by hand, 2026-11-25: never measured apart, only in the sum of 43
# steps (bench/memory_and_steps.py).
_PASSES_OVER_ACTIVATIONS = 6.0
"""Times that saved activations are read or written by norms, gates, rotations and residuals in a step."""
_PASSES_OVER_ROUTED = 10.0
"""The same for the copies that routing makes of a token: permute, gather, weigh, and back."""
_BYTES_A_LOGIT = 14.0
"""Traffic of the fused cross-entropy for one logit, both passes."""
# 4 · 4 bytes read, 3 · 4 written, 2 of BF16.
_OPTIMISER_BYTES = 30.0
"""Traffic of Adam for one parameter: gradient, master weight and moments read, three written, BF16 written."""
# By hand, 2026-11-25: three passes over four bytes.
_GRADIENT_BYTES = 12.0
"""Traffic over the FP32 gradient buffer: cleared, scaled, its norm taken."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One accelerator and its links, with the shares of peak that kernels reach.

    Attributes:
        peak: dense FLOP per second at the training's precision.
        memory_bandwidth: bytes per second.
        link_bandwidth: bytes per second each way to accelerators of the same domain.
        network_bandwidth: bytes per second each way to other domains.
        domain: accelerators that share fast links.
        matrix: share of peak of matrix products.
        grouped: share of peak of grouped (expert) matrix products.
        attention: share of peak of flash attention.
        memory: share of memory bandwidth of element-wise kernels.
        loss: share of memory bandwidth of the cross-entropy.
        link: share of link bandwidth of collectives.
        latency: seconds before a collective moves its first byte.
        launch: seconds that the host spends on one layer and micro-batch, both passes, whatever its size.
        launch_experts: the same for a layer of experts.
    """

    peak: float
    memory_bandwidth: float
    link_bandwidth: float
    network_bandwidth: float
    domain: int
    matrix: float
    grouped: float
    attention: float
    # Shares: SimuMax's measurements of single kernels on B200 (read 2026-11-25), taken for every chip.
    memory: float = 0.66
    loss: float = 0.28
    link: float = 0.65
    # By hand, 2026-11-25; nothing was fitted to it.
    latency: float = 30e-6
    # Both fitted to 43 steps on B200 (bench/memory_and_steps.py, 2026-11-25); other chips' hosts are taken to be as
    # slow.
    launch: float = 0.92e-3
    launch_experts: float = 2.4e-3


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step, by what they are spent on; the pipeline's idle time apart."""

    matrices: float
    attention: float
    memory: float
    links: float
    launches: float
    bubble: float
    gradients: float
    optimiser: float

    @property
    def total(self) -> float:
        """The sum."""
        return (
            self.matrices
            + self.attention
            + self.memory
            + self.links
            + self.launches
            + self.bubble
            + self.gradients
            + self.optimiser
        )


@dataclass(frozen=True)
class _Part:
    """Seconds of one micro-batch on one stage."""

    matrices: float = 0.0
    attention: float = 0.0
    memory: float = 0.0
    links: float = 0.0
    launches: float = 0.0

    @property
    def total(self) -> float:
        return self.matrices + self.attention + self.memory + self.links + self.launches

    def __add__(self, other: _Part) -> _Part:
        return _Part(
            self.matrices + other.matrices,
            self.attention + other.attention,
            self.memory + other.memory,
            self.links + other.links,
            self.launches + other.launches,
        )

    def times(self, n: int) -> _Part:
        return _Part(n * self.matrices, n * self.attention, n * self.memory, n * self.links, n * self.launches)


def _collective(machine: Machine, size: float, ranks: int, *, spread: int | None = None) -> float:
    """Returns the seconds to gather or scatter `size` bytes over `ranks`, which lie `spread` accelerators apart."""
    if ranks <= 1 or not size:
        return 0.0
    within = (spread or ranks) <= machine.domain
    bandwidth = machine.link_bandwidth if within else machine.network_bandwidth
    return machine.latency + size * (ranks - 1) / ranks / (bandwidth * machine.link)


def _layer_part(
    architecture: Architecture, layer: Layer, layout: Layout, machine: Machine, *, sequence_length: int
) -> _Part:
    d = architecture.hidden_size
    tokens = layout.micro_batch * sequence_length / layout.context
    # Forward once, backward twice, and forward again where activations are recomputed.
    passes = 4.0 if layout.recompute == "full" else 3.0
    routed = routed_parameters(layer, d)
    f = layer.feed_forward
    plain = layer.matmul_parameters(d, active=True)
    per_token = routed * f.experts_per_token / f.n_experts if isinstance(f, Experts) else 0.0
    flop = FLOP_PER_MULTIPLY_ADD * passes * tokens
    matrices = flop * (plain - per_token) / layout.tensor / (machine.peak * machine.matrix)
    matrices += flop * per_token / layout.tensor / (machine.peak * machine.grouped)
    core = sum(m.core_flop(sequence_length) for m in layer.mixers) * tokens / layout.tensor
    attention = core * (passes - 2.0 + _FLASH_BACKWARD) / (machine.peak * machine.attention)
    traffic = _PASSES_OVER_ACTIVATIONS * _BF16 * tokens * activation_elements(layer, d) / layout.tensor
    links = _COLLECTIVES_A_LAYER * _collective(machine, _BF16 * tokens * d, layout.tensor)
    if isinstance(f, Experts):
        # With sequence parallelism each tensor rank sends its own share of the tokens.
        copies = _BF16 * tokens * f.experts_per_token * (f.latent or d) / layout.tensor
        traffic += _PASSES_OVER_ROUTED * copies
        links += _EXCHANGES_A_LAYER * _collective(machine, copies, layout.expert)
    # Heads are exchanged for sequence around attention, both ways, queries to outputs.
    # 8: four tensors, forward and backward; keys and values counted as wide as queries.
    links += 8 * _collective(machine, _BF16 * tokens * d / layout.tensor, layout.context)
    launches = machine.launch_experts if isinstance(f, Experts) else machine.launch
    return _Part(matrices, attention, traffic / (machine.memory_bandwidth * machine.memory), links, launches)


def _ends_part(
    architecture: Architecture, stage: Stage, layout: Layout, machine: Machine, *, sequence_length: int
) -> _Part:
    tokens = layout.micro_batch * sequence_length / layout.context
    if not stage.last:
        return _Part()
    flop = 3 * FLOP_PER_MULTIPLY_ADD * tokens * architecture.embedding_parameters / layout.tensor
    loss = _BYTES_A_LOGIT * tokens * architecture.vocab_size / layout.tensor
    return _Part(
        matrices=flop / (machine.peak * machine.matrix), memory=loss / (machine.memory_bandwidth * machine.loss)
    )


def step_time(architecture: Architecture, layout: Layout, machine: Machine, *, sequence_length: int) -> StepTime:
    """Returns the seconds of one optimiser step.

    Args:
        architecture: the network.
        layout: how it is spread; a step is `micro_batches` micro-batches for each replica.
        machine: the accelerator.
        sequence_length: tokens in a sequence.

    Returns:
        Seconds by part. The slowest pipeline stage sets the pace; the others' idle time is the bubble.
    """
    found, counts = [], []
    for stage, count in Counter(stages(architecture, layout.pipeline)).items():
        part = _ends_part(architecture, stage, layout, machine, sequence_length=sequence_length)
        for layer, n in stage.kinds:
            one = _layer_part(architecture, layer, layout, machine, sequence_length=sequence_length)
            part += one.times(n)
        found.append(part)
        counts.append(count)
    slowest = max(found, key=lambda part: part.total)
    hop = _BF16 * layout.micro_batch * sequence_length / layout.context / layout.tensor * architecture.hidden_size
    # hop · 2: the collective moves (n - 1) / n of its bytes, half for two ranks, while a hop moves all of them.
    hops = (layout.pipeline - 1) * 2 * _collective(machine, hop * 2, 2, spread=layout.tensor * 2)
    n = layout.micro_batches
    shared, routed = (max(p) for p in zip(*_parameters(architecture, layout), strict=True))
    replicas = layout.data * layout.context
    expert_replicas = max(layout.tensor * replicas // layout.expert, 1)
    world = layout.tensor * replicas
    gradients = _collective(machine, (_FP32 + _BF16) * shared, replicas, spread=world) + _collective(
        machine, (_FP32 + _BF16) * routed, expert_replicas, spread=world
    )
    if layout.zero_stage >= 3:
        # Weights are gathered anew for the forward and for the backward pass of every micro-batch.
        gathers = _collective(machine, _BF16 * (shared + routed), replicas, spread=world)
        gradients += 2 * n * gathers
    bandwidth = machine.memory_bandwidth * machine.memory
    optimiser = _OPTIMISER_BYTES * (shared / replicas + routed / expert_replicas) / bandwidth
    optimiser += _GRADIENT_BYTES * (shared + routed) / bandwidth
    return StepTime(
        matrices=n * slowest.matrices,
        attention=n * slowest.attention,
        memory=n * slowest.memory,
        links=n * slowest.links,
        launches=n * slowest.launches,
        bubble=sum(part.total * count for part, count in zip(found, counts, strict=True)) - slowest.total + hops,
        gradients=gradients,
        optimiser=optimiser,
    )


def _parameters(architecture: Architecture, layout: Layout) -> list[tuple[float, float]]:
    return [rank_parameters(architecture, layout, stage) for stage in set(stages(architecture, layout.pipeline))]
