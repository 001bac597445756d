"""Which ways of spreading a training over accelerators fit in memory, and which of them is the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hydrometer.costs.architecture import Architecture, Experts
from hydrometer.costs.memory import Layout, MemoryUse, training_memory
from hydrometer.costs.step_time import Machine, StepTime, step_time

# By hand, 2026-11-25; not measured.
USABLE = 0.92
"""Share of an accelerator's memory that a training can fill: the rest is fragments, buffers of links, the driver."""
# Powers of two as frameworks take them, up to what published runs have used; by hand, 2026-11-25. Sixteen stages are
# few for DeepSeek-V3's size (it used 16), so that larger networks may find no layout.
_TENSOR = (1, 2, 4, 8)
_PIPELINE = (1, 2, 4, 8, 16)
_EXPERT = (1, 4, 8, 16, 32, 64)
_CONTEXT = (1, 2, 4, 8, 16)
# By hand, 2026-11-25: the rows that were measured with context ranks have 32,768 tokens.
_LONG = 16384
"""Sequences from here on may be split over accelerators."""
# By hand, 2026-11-25: fewer splits to search; what a rank keeps is at least a usual pre-training sequence.
_SHORTEST, _LONGEST = 4096, 65536


@dataclass(frozen=True)
class Choice:
    """A layout, the memory it needs and the time its step takes."""

    layout: Layout
    memory: MemoryUse
    step: StepTime


def best_layout(
    architecture: Architecture,
    *,
    machine: Machine,
    memory_bytes: float,
    accelerators: int,
    sequence_length: int,
    sequences_per_step: int,
) -> Choice | None:
    """Returns the fastest layout that fits, or None where none does.

    Args:
        architecture: the network.
        machine: the accelerator.
        memory_bytes: of one accelerator.
        accelerators: in all; every one works.
        sequence_length: tokens in a sequence.
        sequences_per_step: the batch; a replica needs at least one.
    """
    best: Choice | None = None
    for plain in _layouts(architecture, machine.domain, accelerators, sequence_length, sequences_per_step):
        # What saves memory costs time, so it is tried only where the plain layout does not fit.
        for layout in (plain, *_savings(plain)):
            memory = training_memory(architecture, layout, sequence_length=sequence_length)
            if memory.total > USABLE * memory_bytes:
                continue
            step = step_time(architecture, layout, machine, sequence_length=sequence_length)
            if best is None or step.total < best.step.total:
                best = Choice(layout, memory, step)
            if layout is plain:
                break
    return best


def _savings(layout: Layout) -> Iterator[Layout]:
    """Yields the layout with recomputation, with sharded weights (without a pipeline), and with both."""
    yield replace(layout, recompute="full")
    if layout.pipeline == 1:
        yield replace(layout, zero_stage=3)
        yield replace(layout, zero_stage=3, recompute="full")


def _contexts(sequence_length: int) -> tuple[int, ...]:
    """Returns how many ranks may share a sequence: each keeps 4,096 to 65,536 tokens, where that can be."""
    if sequence_length < _LONG:
        return (1,)
    kept = tuple(c for c in _CONTEXT if _SHORTEST <= sequence_length / c <= _LONGEST)
    return kept or (_CONTEXT[-1],)


def _layouts(
    architecture: Architecture, domain: int, accelerators: int, sequence_length: int, sequences: int
) -> Iterator[Layout]:
    forward = [layer.feed_forward for layer, _ in architecture.layers]
    expert_counts = {f.n_experts for f in forward if isinstance(f, Experts)}
    for tensor in _TENSOR:
        for pipeline in _PIPELINE:
            for context in _contexts(sequence_length):
                inner = tensor * pipeline * context
                if tensor > domain or pipeline > architecture.n_layers or accelerators % inner:
                    continue
                data = accelerators // inner
                if data > sequences:
                    continue
                for expert in _EXPERT if expert_counts else (1,):
                    if any(n % expert for n in (*expert_counts, tensor * data * context)):
                        continue
                    yield Layout(
                        tensor=tensor, pipeline=pipeline, data=data, context=context, expert=expert,
                        micro_batches=-(-sequences // data),
                    )  # fmt: skip
