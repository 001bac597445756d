"""Which layouts are tried, and which is chosen, with memory and step time of a given layout put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import pytest

from hydrometer.costs import layouts
from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.layouts import Choice, best_layout
from hydrometer.costs.memory import Layout, MemoryUse
from hydrometer.costs.mixers import GroupedQuery
from hydrometer.costs.step_time import Machine, StepTime

ATTENTION = GroupedQuery(5, 3, 7)
DENSE = Layer((ATTENTION,), Dense(17), norm_parameters=22)
MEMORY_BYTES = 100.0


def mixed(n_experts: int) -> Layer:
    return Layer((ATTENTION,), Experts(7, n_experts, 2), norm_parameters=22)


def network(*layers: tuple[Layer, int]) -> Architecture:
    return Architecture(11, 101, layers)


def machine(domain: int) -> Machine:
    return Machine(
        peak=1e6, memory_bandwidth=1e5, link_bandwidth=1e4, network_bandwidth=1e3, domain=domain,
        matrix=0.5, grouped=0.2, attention=0.4,
    )  # fmt: skip


@dataclass
class Bench:
    """Stands in for the two models: every layout needs `bytes_of` it and takes `seconds_of` it."""

    bytes_of: Callable[[Layout], float] = lambda layout: 1.0
    seconds_of: Callable[[Layout], float] = lambda layout: 1.0
    tried: list[Layout] = field(default_factory=list)

    def memory(self, architecture: Architecture, layout: Layout, *, sequence_length: int) -> MemoryUse:
        self.tried.append(layout)
        return MemoryUse(self.bytes_of(layout), 0, 0, 0, 0, 0)

    def time(self, architecture: Architecture, layout: Layout, chip: Machine, *, sequence_length: int) -> StepTime:
        return StepTime(self.seconds_of(layout), 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    found = Bench()
    monkeypatch.setattr(layouts, "training_memory", found.memory)
    monkeypatch.setattr(layouts, "step_time", found.time)
    return found


def choose(architecture: Architecture, **asked: Any) -> Choice | None:
    question: dict[str, Any] = {
        "domain": 8,
        "accelerators": 6,
        "sequence_length": 4096,
        "sequences_per_step": 12,
    } | asked
    chip = machine(question.pop("domain"))
    return best_layout(architecture, machine=chip, memory_bytes=MEMORY_BYTES, **question)


# What is tried.


def test_six_accelerators_and_three_layers_by_hand(bench: Bench) -> None:
    choose(network((DENSE, 3)))
    # Neither four nor eight divide six, three layers make no four stages; two by two leave nothing whole.
    assert bench.tried == [
        Layout(tensor=1, pipeline=1, data=6, micro_batches=2),
        Layout(tensor=1, pipeline=2, data=3, micro_batches=4),
        Layout(tensor=2, pipeline=1, data=3, micro_batches=4),
    ]


@pytest.mark.parametrize(
    ("sequences", "replicas"),
    [
        # Every replica needs a sequence; where they do not divide, some step with one more than others.
        (13, {6: 3, 3: 5}),
        (6, {6: 1, 3: 2}),
        (5, {3: 2}),
        (3, {3: 1}),
        (2, {}),
    ],
)
def test_a_replica_has_at_least_one_sequence(sequences: int, replicas: dict[int, int], bench: Bench) -> None:
    choose(network((DENSE, 3)), sequences_per_step=sequences)
    assert {layout.data: layout.micro_batches for layout in bench.tried} == replicas


@pytest.mark.parametrize(
    ("domain", "tensor"), [(1, {1}), (3, {1, 2}), (4, {1, 2, 4}), (8, {1, 2, 4, 8}), (72, {1, 2, 4, 8})]
)
def test_ranks_that_share_matrices_lie_in_one_domain(domain: int, tensor: set[int], bench: Bench) -> None:
    choose(network((DENSE, 3)), domain=domain, accelerators=64, sequences_per_step=64)
    assert {layout.tensor for layout in bench.tried} == tensor


@pytest.mark.parametrize(
    ("layers", "pipeline"),
    [(1, {1}), (2, {1, 2}), (3, {1, 2}), (15, {1, 2, 4, 8}), (16, {1, 2, 4, 8, 16}), (99, {1, 2, 4, 8, 16})],
)
def test_a_stage_has_at_least_one_layer(layers: int, pipeline: set[int], bench: Bench) -> None:
    choose(network((DENSE, layers)), accelerators=64, sequences_per_step=64)
    assert {layout.pipeline for layout in bench.tried} == pipeline


@pytest.mark.parametrize(
    ("sequence_length", "context"),
    [
        (16383, {1}),
        # Split from 16,384 tokens on, into parts of 4,096 to 65,536.
        (16384, {1, 2, 4}),
        (32767, {1, 2, 4}),
        (32768, {1, 2, 4, 8}),
        (65536, {1, 2, 4, 8, 16}),
        (65537, {2, 4, 8, 16}),
        (131072, {2, 4, 8, 16}),
        (131073, {4, 8, 16}),
        (1 << 20, {16}),
        # Longer than 16 parts of 65,536: split as far as can be.
        ((1 << 20) + 1, {16}),
    ],
)
def test_long_sequences_are_split(sequence_length: int, context: set[int], bench: Bench) -> None:
    choose(network((DENSE, 1)), accelerators=64, sequences_per_step=64, sequence_length=sequence_length)
    assert {layout.context for layout in bench.tried} == context
    assert {layout.accelerators for layout in bench.tried} == {64}


@pytest.mark.parametrize(
    ("n_experts", "accelerators", "expert"),
    [
        (12, 64, {1, 4}),
        (8, 64, {1, 4, 8}),
        (64, 64, {1, 4, 8, 16, 32, 64}),
        (128, 128, {1, 4, 8, 16, 32, 64}),
        # Sixteen do not divide 24 experts, nor 24 ranks; eight do.
        (24, 24, {1, 4, 8}),
        (64, 12, {1, 4}),
        (64, 6, {1}),
        (13, 64, {1}),
    ],
)
def test_expert_ranks_divide_the_experts_and_the_ranks(
    n_experts: int, accelerators: int, expert: set[int], bench: Bench
) -> None:
    choose(network((DENSE, 1), (mixed(n_experts), 1)), accelerators=accelerators, sequences_per_step=128)
    assert {layout.expert for layout in bench.tried} == expert


def test_expert_ranks_come_from_tensor_data_and_context_ranks_but_not_from_stages(bench: Bench) -> None:
    choose(network((mixed(64), 8)), accelerators=64, sequences_per_step=1, sequence_length=65536)
    # One replica: with 8 tensor, 2 context ranks and 4 stages, the 16 ranks of a stage share the experts.
    seen = {(x.tensor, x.pipeline, x.context): set[int]() for x in bench.tried}
    for x in bench.tried:
        seen[x.tensor, x.pipeline, x.context].add(x.expert)
    assert seen == {
        (8, 8, 1): {1, 4, 8},
        (8, 4, 2): {1, 4, 8, 16},
        (8, 2, 4): {1, 4, 8, 16, 32},
        (8, 1, 8): {1, 4, 8, 16, 32, 64},
        (4, 8, 2): {1, 4, 8},
        (4, 4, 4): {1, 4, 8, 16},
        (4, 2, 8): {1, 4, 8, 16, 32},
        (4, 1, 16): {1, 4, 8, 16, 32, 64},
        (2, 8, 4): {1, 4, 8},
        (2, 4, 8): {1, 4, 8, 16},
        (2, 2, 16): {1, 4, 8, 16, 32},
        (1, 8, 8): {1, 4, 8},
        (1, 4, 16): {1, 4, 8, 16},
    }


def test_expert_ranks_divide_every_kind_of_layer(bench: Bench) -> None:
    choose(network((mixed(16), 1), (mixed(24), 1)), accelerators=64, sequences_per_step=64)
    assert {layout.expert for layout in bench.tried} == {1, 4, 8}


def test_dense_networks_have_no_expert_ranks(bench: Bench) -> None:
    choose(network((DENSE, 2)), accelerators=64, sequences_per_step=64)
    assert {layout.expert for layout in bench.tried} == {1}


# What is chosen.


def chosen(choice: Choice | None) -> Layout:
    assert choice is not None
    return choice.layout


def test_the_fastest_layout_is_chosen(bench: Bench) -> None:
    bench.seconds_of = lambda layout: 1.0 if layout.pipeline == 2 else 2.0
    choice = choose(network((DENSE, 3)))
    assert choice is not None
    assert choice.layout == Layout(pipeline=2, data=3, micro_batches=4)
    assert choice.step.total == 1.0
    assert choice.memory.total == 1.0
    bench.seconds_of = lambda layout: 1.0 if layout.tensor == 2 else 2.0
    assert chosen(choose(network((DENSE, 3)))).tensor == 2
    bench.seconds_of = lambda layout: 1.0 if layout.data == 6 else 2.0
    assert chosen(choose(network((DENSE, 3)))).data == 6


def test_of_equally_fast_layouts_the_least_divided_is_chosen(bench: Bench) -> None:
    assert chosen(choose(network((DENSE, 3)))) == Layout(data=6, micro_batches=2)


@pytest.mark.parametrize(("needed", "fits"), [(91.9, True), (92.0, True), (92.1, False), (101.0, False)])
def test_a_training_may_fill_92_percent_of_memory(needed: float, fits: bool, bench: Bench) -> None:
    bench.bytes_of = lambda layout: needed
    assert (choose(network((DENSE, 3))) is not None) == fits


def test_what_saves_memory_is_not_tried_where_the_plain_layout_fits(bench: Bench) -> None:
    bench.seconds_of = lambda layout: 1.0 if layout.recompute == "none" and layout.zero_stage == 1 else 0.5
    found = chosen(choose(network((DENSE, 3))))
    assert (found.recompute, found.zero_stage) == ("none", 1)
    assert len(bench.tried) == 3


def test_where_nothing_fits_every_saving_was_tried(bench: Bench) -> None:
    bench.bytes_of = lambda layout: 1000.0
    assert choose(network((DENSE, 3))) is None
    # Sharded weights do not go with a pipeline.
    savings = [("none", 1), ("full", 1), ("none", 3), ("full", 3)]
    found = [(x.pipeline, x.data, x.recompute, x.zero_stage) for x in bench.tried]
    assert found == [
        *((1, 6, *saving) for saving in savings),
        *((2, 3, *saving) for saving in savings[:2]),
        *((1, 3, *saving) for saving in savings),
    ]


@pytest.mark.parametrize(("recompute", "zero_stage"), [("full", 1), ("none", 3), ("full", 3)])
def test_the_fastest_saving_that_fits_is_chosen(recompute: str, zero_stage: int, bench: Bench) -> None:
    def wanted(layout: Layout) -> bool:
        return (layout.recompute, layout.zero_stage) == (recompute, zero_stage)

    bench.bytes_of = lambda layout: 1000.0 if layout.recompute == "none" and layout.zero_stage == 1 else 1.0
    bench.seconds_of = lambda layout: 1.0 if wanted(layout) else 2.0
    assert wanted(chosen(choose(network((DENSE, 3)))))


def test_a_choice_cannot_be_changed(bench: Bench) -> None:
    choice = choose(network((DENSE, 3)))
    record: Any = choice
    with pytest.raises(FrozenInstanceError):
        record.layout = Layout()
