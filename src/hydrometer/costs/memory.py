"""Memory of one accelerator in training: weights, gradients, optimiser, activations, and what the kernels need.

Counted for mixed-precision training as Megatron-LM does it: BF16 weights, FP32 gradients, Adam with FP32 master
weights, flash attention, sequence parallelism within the tensor-parallel group, 1F1B pipeline.

References:
    Rajbhandari et al., ZeRO, arXiv:1910.02054, section 3 (bytes a parameter, stages 1 to 3); Korthikanti et al.,
    arXiv:2205.05198, section 4 (activations, recomputation, sequence parallelism); Narayanan et al.,
    arXiv:2104.04473 (micro-batches in flight). Checked against 43 measured rows: `bench/memory_and_steps.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.mixers import GroupedQuery, Latent, Mixer

Recompute = Literal["none", "full"]
# ZeRO, arXiv:1910.02054, section 3.1, but gradients in FP32 (4 bytes, not 2): Megatron-LM's default with BF16 weights.
_WEIGHT, _GRADIENT, _OPTIMISER = 2.0, 4.0, 12.0
"""Bytes a parameter: BF16 weight, FP32 gradient, FP32 master weight with two moments."""
_ACTIVATION = 2.0
"""Bytes of a saved BF16 activation."""
# By hand, 2026-11-25, from what the loss keeps; checked only as part of the sum, on 43 rows
# (bench/memory_and_steps.py).
_LOGIT = 4.0
"""Bytes kept for each logit in the fused cross-entropy."""
# By hand, 2026-11-25; not measured apart.
WORKSPACE = 0.1 * 2**30
"""Bytes that libraries keep for themselves once loaded."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a training is spread over accelerators.

    Attributes:
        tensor: ranks that share every matrix (with sequence parallelism).
        pipeline: stages.
        data: replicas.
        context: ranks that share a sequence.
        expert: ranks that share the experts; they are taken from the data and context ranks.
        zero_stage: 0 to 3, what the data ranks share (1: optimiser, 2: and gradients, 3: and weights).
        recompute: `full` keeps only each layer's input and runs the layer again in the backward pass.
        micro_batch: sequences in a micro-batch.
        micro_batches: micro-batches a replica sees in a step.
    """

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    context: int = 1
    expert: int = 1
    zero_stage: int = 1
    recompute: Recompute = "none"
    micro_batch: int = 1
    micro_batches: int = 1

    @property
    def accelerators(self) -> int:
        """Ranks in all."""
        return self.tensor * self.pipeline * self.data * self.context


@dataclass(frozen=True)
class Stage:
    """What one pipeline stage holds: layers of each kind with their number, and the ends of the network."""

    kinds: tuple[tuple[Layer, int], ...]
    first: bool
    last: bool

    @property
    def n_layers(self) -> int:
        """Layers in all."""
        return sum(n for _, n in self.kinds)


@dataclass(frozen=True)
class MemoryUse:
    """Bytes on the fullest accelerator, by what holds them."""

    weights: float
    gradients: float
    optimiser: float
    activations: float
    logits: float
    buffers: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.weights + self.gradients + self.optimiser + self.activations + self.logits + self.buffers


@lru_cache(maxsize=64)
def stages(architecture: Architecture, pipeline: int) -> tuple[Stage, ...]:
    """Returns the stages of an even split; the first ones take a layer more where it does not divide."""
    n = architecture.n_layers
    sizes = [n // pipeline + (1 if i < n % pipeline else 0) for i in range(pipeline)]
    found, left, kinds = [], 0, list(architecture.layers)
    for i, size in enumerate(sizes):
        here: dict[Layer, int] = {}
        while size:
            layer, count = kinds[0]
            taken = min(size, count - left)
            here[layer] = here.get(layer, 0) + taken
            size, left = size - taken, left + taken
            if left == count:
                kinds, left = kinds[1:], 0
        found.append(Stage(tuple(here.items()), first=i == 0, last=i == pipeline - 1))
    return tuple(found)


def routed_parameters(layer: Layer, hidden_size: int) -> float:
    """Returns a layer's routed experts' parameters, which expert ranks divide."""
    e = layer.feed_forward
    if not isinstance(e, Experts):
        return 0.0
    return float(e.n_experts * (3 if e.gated else 2) * (e.latent or hidden_size) * e.expert_size)


def _shared_parameters(architecture: Architecture, stage: Stage) -> float:
    """Returns the parameters of a stage that every expert rank holds, before tensor parallelism."""
    d = architecture.hidden_size
    inner = sum(
        n * (layer.matmul_parameters(d, active=False) + layer.other_parameters(d) - routed_parameters(layer, d))
        for layer, n in stage.kinds
        if not layer.shared_with_earlier
    )
    ends = (1 if stage.first else 0) + (1 if stage.last else 0)
    if architecture.tied_embeddings and stage.first and stage.last:
        ends = 1
    mtp = architecture.mtp_parameters() if stage.last else 0
    return float(inner + ends * architecture.embedding_parameters + mtp)


def _mixer_elements(mixer: Mixer, hidden_size: int) -> float:
    if isinstance(mixer, GroupedQuery):
        # Queries with keys and values, and the core's output.
        return (mixer.heads + 2 * mixer.kv_heads) * mixer.head_dim + mixer.heads * mixer.head_dim
    if isinstance(mixer, Latent):
        keys = mixer.heads * (mixer.nope_dim + mixer.rope_dim)
        rank = 2 * (mixer.query_rank or 0) + 2 * mixer.kv_rank + mixer.rope_dim
        return rank + 2 * keys + 2 * mixer.heads * mixer.value_dim
    # A recurrence: what goes into and comes out of its matrices, about their weights over the width.
    # No recurrence is among the 43 measured rows: nothing has checked this.
    return mixer.matmul_parameters(hidden_size) / hidden_size


def activation_elements(layer: Layer, hidden_size: int) -> float:
    """Returns the activations that one layer keeps for a token, in elements, before any parallelism.

    Inputs and outputs of both norms (4·d), what the mixer keeps, and the inputs of the feed-forward matrices;
    routing over experts is taken as balanced.
    """
    found = 4.0 * hidden_size + sum(_mixer_elements(mixer, hidden_size) for mixer in layer.mixers)
    f = layer.feed_forward
    if isinstance(f, Dense):
        return found + f.matrices() * f.size
    if isinstance(f, Experts):
        matrices = 3 if f.gated else 2
        routed = f.experts_per_token * ((f.latent or hidden_size) + matrices * f.expert_size)
        return found + routed + matrices * f.shared_size
    return found


def _passing(layer: Layer) -> float:
    """Returns the gradients of feed-forward activations that live while a layer's backward pass runs, a token's."""
    f = layer.feed_forward
    if isinstance(f, Dense):
        return float(f.matrices() * f.size)
    if isinstance(f, Experts):
        return float((3 if f.gated else 2) * f.expert_size * f.experts_per_token)
    return 0.0


def _shapes(layer: Layer, d: int, tensor: int) -> dict[tuple[object, ...], float]:
    """Returns the elements of a layer's matrices on a rank, by shape and place."""
    found: dict[tuple[object, ...], float] = {}
    for m in layer.mixers:
        if isinstance(m, GroupedQuery):
            found["qkv", m] = (m.heads + 2 * m.kv_heads) * m.head_dim * d / tensor
            found["out", m] = m.heads * m.head_dim * d / tensor
        elif isinstance(m, Latent):
            found["query", m] = m.heads * (m.nope_dim + m.rope_dim) * (m.query_rank or d) / tensor
            found["value", m] = m.heads * (m.nope_dim + m.value_dim) * m.kv_rank / tensor
            found["out", m] = m.heads * m.value_dim * d / tensor
        else:
            found["mixer", m] = m.matmul_parameters(d) / tensor
    f = layer.feed_forward
    if isinstance(f, Dense):
        found["dense", f.size] = f.matrices() * f.size * d / tensor
    elif isinstance(f, Experts):
        matrices = 3 if f.gated else 2
        found["expert", f.expert_size] = matrices * f.expert_size * (f.latent or d)
        found["shared", f.shared_size] = matrices * f.shared_size * d / tensor
    return found


# Tried: inputs of matrices and norms alone; 3 to 7 GiB short on Llama 405B. See docs/log.md, 2026-11-25.
def _weight_buffers(stage: Stage, hidden_size: int, tensor: int) -> float:
    """Returns the bytes of the placeholder weight gradients that fused kernels keep, one for each matrix shape."""
    shapes: dict[tuple[object, ...], float] = {}
    for layer, _ in stage.kinds:
        shapes |= _shapes(layer, hidden_size, tensor)
    return _WEIGHT * sum(shapes.values())


def rank_parameters(architecture: Architecture, layout: Layout, stage: Stage) -> tuple[float, float]:
    """Returns the parameters of one rank of a stage: those every expert rank holds, and its routed experts."""
    routed = sum(n * routed_parameters(layer, architecture.hidden_size) for layer, n in stage.kinds)
    return _shared_parameters(architecture, stage) / layout.tensor, routed / layout.expert


def _static(architecture: Architecture, layout: Layout, stage: Stage) -> tuple[float, float, float]:
    """Returns the bytes of weights, gradients and optimiser on a rank of a stage."""
    replicas = layout.data * layout.context
    shared, routed = rank_parameters(architecture, layout, stage)
    parts = ((shared, replicas), (routed, max(layout.tensor * replicas / layout.expert, 1.0)))
    weights = sum(_WEIGHT * n / (group if layout.zero_stage >= 3 else 1) for n, group in parts)
    gradients = sum(_GRADIENT * n / (group if layout.zero_stage >= 2 else 1) for n, group in parts)
    optimiser = sum(_OPTIMISER * n / (group if layout.zero_stage >= 1 else 1) for n, group in parts)
    return weights, gradients, optimiser


def _stage_memory(
    architecture: Architecture, layout: Layout, stage: Stage, *, index: int, sequence_length: int
) -> MemoryUse:
    tokens = layout.micro_batch * sequence_length / layout.context / layout.tensor
    weights, gradients, optimiser = _static(architecture, layout, stage)
    d = architecture.hidden_size
    # 1F1B: stage i holds the micro-batches of the stages behind it (arXiv:2104.04473, section 2.2.1).
    in_flight = min(layout.pipeline - index, layout.micro_batches)
    each = [(activation_elements(layer, d), n) for layer, n in stage.kinds]
    kept = sum(one * n for one, n in each) if layout.recompute == "none" else float(stage.n_layers * d)
    activations = _ACTIVATION * tokens * in_flight * kept
    if layout.recompute == "full":
        activations += _ACTIVATION * tokens * max((one for one, _ in each), default=0.0)
    backward = _ACTIVATION * tokens * max((_passing(layer) for layer, _ in stage.kinds), default=0.0)
    buffers = _weight_buffers(stage, d, layout.tensor) + WORKSPACE
    if layout.zero_stage >= 3:
        # One layer's weights are gathered while it runs, and the next one's are on the way.
        layer = (weights * layout.data * layout.context) / max(stage.n_layers, 1)
        buffers += 2 * layer
    logits = 0.0
    if stage.last:
        head = _WEIGHT * architecture.embedding_parameters / layout.tensor
        logits = _LOGIT * tokens * architecture.vocab_size + head
    # Either the loss or the widest backward pass is the peak, never both at once.
    peak_logits, peak_backward = (logits, 0.0) if logits >= backward else (0.0, backward)
    return MemoryUse(weights, gradients, optimiser, activations + peak_backward, peak_logits, buffers)


def training_memory(architecture: Architecture, layout: Layout, *, sequence_length: int) -> MemoryUse:
    """Returns the memory of the fullest accelerator.

    Args:
        architecture: the network.
        layout: how it is spread.
        sequence_length: tokens in a sequence.

    Returns:
        Bytes, of the pipeline stage that needs the most.
    """
    # Of stages that hold the same, the earliest has the most micro-batches in flight.
    earliest: dict[Stage, int] = {}
    for i, stage in enumerate(stages(architecture, layout.pipeline)):
        earliest.setdefault(stage, i)
    found = [
        _stage_memory(architecture, layout, stage, index=i, sequence_length=sequence_length)
        for stage, i in earliest.items()
    ]
    return max(found, key=lambda use: use.total)
