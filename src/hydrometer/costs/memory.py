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
from typing import Literal

from hydrometer.costs.architecture import Architecture, GroupedQuery, Latent

Recompute = Literal["none", "full"]
_WEIGHT, _GRADIENT, _OPTIMISER = 2.0, 4.0, 12.0
"""Bytes a parameter: BF16 weight, FP32 gradient, FP32 master weight with two moments."""
_ACTIVATION = 2.0
"""Bytes of a saved BF16 activation."""
_LOGIT = 4.0
"""Bytes kept for each logit in the fused cross-entropy."""
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
    """What one pipeline stage holds: layers of either kind, and the ends of the network."""

    dense_layers: int
    expert_layers: int
    first: bool
    last: bool

    @property
    def layers(self) -> int:
        """Layers in all."""
        return self.dense_layers + self.expert_layers


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


def stages(architecture: Architecture, pipeline: int) -> list[Stage]:
    """Returns the stages of an even split; the first ones take a layer more where it does not divide."""
    n, dense = architecture.n_layers, _dense_layers(architecture)
    sizes = [n // pipeline + (1 if i < n % pipeline else 0) for i in range(pipeline)]
    found, start = [], 0
    for i, size in enumerate(sizes):
        here = max(min(dense - start, size), 0)
        found.append(Stage(here, size - here, first=i == 0, last=i == pipeline - 1))
        start += size
    return found


def _dense_layers(architecture: Architecture) -> int:
    return architecture.n_layers if architecture.experts is None else architecture.experts.dense_layers


def _gates(architecture: Architecture) -> int:
    return 2 if architecture.gated else 1


def _shared_parameters(architecture: Architecture, stage: Stage) -> float:
    """Returns the parameters of a stage that every expert rank holds, before tensor parallelism."""
    d = architecture.hidden_size
    attention = architecture.attention
    each = attention.matmul_parameters(d) + attention.other_parameters() + 2 * d
    dense = (_gates(architecture) + 1) * d * architecture.dense_size
    found = stage.layers * each + stage.dense_layers * dense
    if architecture.experts is not None:
        e = architecture.experts
        found += stage.expert_layers * (
            (_gates(architecture) + 1) * d * e.expert_size * e.shared_experts + d * e.n_experts
        )
    ends = (1 if stage.first else 0) + (1 if stage.last else 0)
    if architecture.tied_embeddings and stage.first and stage.last:
        ends = 1
    return float(found + ends * architecture.embedding_parameters)


def _expert_parameters(architecture: Architecture, stage: Stage) -> float:
    """Returns the routed experts' parameters of a stage, before expert parallelism."""
    if architecture.experts is None:
        return 0.0
    e = architecture.experts
    each = (_gates(architecture) + 1) * architecture.hidden_size * e.expert_size
    return float(stage.expert_layers * e.n_experts * each)


def _attention_elements(architecture: Architecture) -> float:
    """Returns the activations that attention keeps for a token, in elements."""
    d, a = architecture.hidden_size, architecture.attention
    if isinstance(a, GroupedQuery):
        # Norm's input and output, queries with keys and values, the core's output.
        return 2 * d + (a.heads + 2 * a.kv_heads) * a.head_dim + a.heads * a.head_dim
    assert isinstance(a, Latent)
    keys = a.heads * (a.nope_dim + a.rope_dim)
    rank = 2 * (a.query_rank or 0) + 2 * a.kv_rank + a.rope_dim
    return 2 * d + rank + 2 * keys + 2 * a.heads * a.value_dim


def activation_elements(architecture: Architecture, *, mixture: bool) -> float:
    """Returns the activations that one layer keeps for a token, in elements, before any parallelism.

    Args:
        architecture: the network.
        mixture: a layer of experts (balanced routing) instead of a dense one.
    """
    d, gates = architecture.hidden_size, _gates(architecture)
    found = _attention_elements(architecture) + 2 * d
    if not mixture:
        return found + (gates + 1) * architecture.dense_size
    assert architecture.experts is not None
    e = architecture.experts
    routed = e.experts_per_token * (d + (gates + 1) * e.expert_size)
    return found + routed + (gates + 1) * e.expert_size * e.shared_experts


def _weight_buffers(architecture: Architecture, stage: Stage, tensor: int) -> float:
    """Returns the bytes of the placeholder weight gradients that fused kernels keep, one for each matrix shape."""
    d, a, gates = architecture.hidden_size, architecture.attention, _gates(architecture)
    shapes = {(gates * architecture.dense_size, d, 0), (d, architecture.dense_size, 1)} if stage.dense_layers else set()
    if isinstance(a, GroupedQuery):
        shapes |= {((a.heads + 2 * a.kv_heads) * a.head_dim, d, 2), (d, a.heads * a.head_dim, 3)}
    else:
        keys = a.heads * (a.nope_dim + a.rope_dim)
        shapes |= {(keys, a.query_rank or d, 2), (d, a.heads * a.value_dim, 3)}
        shapes |= {(a.heads * (a.nope_dim + a.value_dim), a.kv_rank, 4)}
    found = sum(rows * columns for rows, columns, _ in shapes) / tensor
    if architecture.experts is not None and stage.expert_layers:
        e = architecture.experts
        found += (gates + 1) * d * e.expert_size * (1 + e.shared_experts / tensor)
    return _WEIGHT * found


def _static(architecture: Architecture, layout: Layout, stage: Stage) -> tuple[float, float, float]:
    """Returns the bytes of weights, gradients and optimiser on a rank of a stage."""
    replicas = layout.data * layout.context
    expert_replicas = max(layout.tensor * replicas / layout.expert, 1.0)
    parts = (
        (_shared_parameters(architecture, stage) / layout.tensor, replicas),
        (_expert_parameters(architecture, stage) / layout.expert, expert_replicas),
    )
    weights = sum(_WEIGHT * n / (group if layout.zero_stage >= 3 else 1) for n, group in parts)
    gradients = sum(_GRADIENT * n / (group if layout.zero_stage >= 2 else 1) for n, group in parts)
    optimiser = sum(_OPTIMISER * n / (group if layout.zero_stage >= 1 else 1) for n, group in parts)
    return weights, gradients, optimiser


def _stage_memory(
    architecture: Architecture, layout: Layout, stage: Stage, *, index: int, sequence_length: int
) -> MemoryUse:
    tokens = layout.micro_batch * sequence_length / layout.context / layout.tensor
    weights, gradients, optimiser = _static(architecture, layout, stage)
    dense = activation_elements(architecture, mixture=False)
    mixed = activation_elements(architecture, mixture=True) if stage.expert_layers else 0.0
    in_flight = min(layout.pipeline - index, layout.micro_batches)
    whole = stage.dense_layers * dense + stage.expert_layers * mixed
    widest = max(dense if stage.dense_layers else 0.0, mixed)
    kept = whole if layout.recompute == "none" else stage.layers * architecture.hidden_size
    activations = _ACTIVATION * tokens * in_flight * kept
    if layout.recompute == "full":
        activations += _ACTIVATION * tokens * widest
    # Gradients of the widest layer's feed-forward outputs live while its backward pass runs.
    wide = _gates(architecture) + 1
    passing = wide * architecture.dense_size if stage.dense_layers else 0
    if architecture.experts is not None and stage.expert_layers:
        passing = max(passing, wide * architecture.experts.expert_size * architecture.experts.experts_per_token)
    backward = _ACTIVATION * tokens * passing
    buffers = _weight_buffers(architecture, stage, layout.tensor) + WORKSPACE
    if layout.zero_stage >= 3:
        # One layer's weights are gathered while it runs, and the next one's are on the way.
        layer = (weights * layout.data * layout.context) / max(stage.layers, 1)
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
    found = [
        _stage_memory(architecture, layout, stage, index=i, sequence_length=sequence_length)
        for i, stage in enumerate(stages(architecture, layout.pipeline))
    ]
    return max(found, key=lambda use: use.total)
