"""Seconds of one optimiser step, part by part, worked out by hand on a machine of round speeds.

Sizes are distinct primes, times are compared with FLOP or bytes counted beside each test.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.memory import Layout
from hydrometer.costs.mixers import GroupedQuery, Lightning
from hydrometer.costs.step_time import Machine, StepTime, step_time

D, V = 11, 101
MACHINE = Machine(
    peak=1e6,
    memory_bandwidth=1e5,
    link_bandwidth=1e4,
    network_bandwidth=1e3,
    domain=8,
    matrix=0.5,
    grouped=0.2,
    attention=0.4,
    memory=0.8,
    loss=0.3,
    link=0.6,
    latency=17.0,
    launch=0.3,
    launch_experts=0.7,
)
ON_MATRICES, ON_GROUPED, ON_ATTENTION = 0.5e6, 0.2e6, 0.4e6
"""FLOP a second."""
ON_MEMORY, ON_LOSS, ON_LINKS, ON_NETWORK = 0.8e5, 0.3e5, 0.6e4, 0.6e3
"""Bytes a second."""

ATTENTION = GroupedQuery(5, 3, 7)
ATTENTION_WEIGHTS = (35 + 21 + 21 + 35) * D
EXPERTS = Experts(expert_size=7, n_experts=13, experts_per_token=3, shared_size=5)
DENSE = Layer((ATTENTION,), Dense(17), norm_parameters=2 * D)
MIXED = Layer((ATTENTION,), EXPERTS, norm_parameters=2 * D)
DENSE_WEIGHTS = ATTENTION_WEIGHTS + 3 * 17 * D
MIXED_WEIGHTS = ATTENTION_WEIGHTS + 3 * 5 * D + 13 * D
ROUTED, ROUTED_USED = 13 * 3 * 7 * D, 3 * 3 * 7 * D
DENSE_KEEPS = 44 + 112 + 51
MIXED_KEEPS = 44 + 112 + 3 * (11 + 21) + 15
HEAD = V * D


def network(*layers: tuple[Layer, int], **more: Any) -> Architecture:
    return Architecture(D, V, layers, **more)


def step(
    architecture: Architecture, *, machine: Machine = MACHINE, sequence_length: int = 42, **layout: Any
) -> StepTime:
    return step_time(architecture, Layout(**layout), machine, sequence_length=sequence_length)


TWO_DENSE = network((DENSE, 2))
BOTH = network((DENSE, 2), (MIXED, 5))
SPREAD: dict[str, Any] = {"micro_batch": 5, "context": 3, "tensor": 2, "micro_batches": 4}
"""70 tokens a micro-batch on a rank, half of every matrix, four micro-batches."""


# Compute.


def test_matrices_take_six_flop_a_weight_and_token() -> None:
    found = step(TWO_DENSE)
    assert found.matrices == pytest.approx(6 * 42 * (2 * DENSE_WEIGHTS + HEAD) / ON_MATRICES)


def test_experts_run_at_the_speed_of_grouped_products() -> None:
    found = step(BOTH, **SPREAD)
    plain = 6 * 70 * (2 * DENSE_WEIGHTS + 5 * MIXED_WEIGHTS + HEAD) / 2
    grouped = 6 * 70 * 5 * ROUTED_USED / 2
    assert found.matrices == pytest.approx(4 * (plain / ON_MATRICES + grouped / ON_GROUPED))


def test_recomputation_runs_every_layer_a_fourth_time_and_the_head_three_times() -> None:
    found = step(BOTH, **SPREAD, recompute="full")
    plain = 70 * (8 * (2 * DENSE_WEIGHTS + 5 * MIXED_WEIGHTS) + 6 * HEAD) / 2
    grouped = 8 * 70 * 5 * ROUTED_USED / 2
    assert found.matrices == pytest.approx(4 * (plain / ON_MATRICES + grouped / ON_GROUPED))


@pytest.mark.parametrize(("recompute", "passes"), [("none", 1 + 2.5), ("full", 2 + 2.5)])
def test_flash_attention_costs_two_and_a_half_times_as_much_backwards(recompute: str, passes: float) -> None:
    # A token sees half of the whole sequence of 42: 5 heads, 7 multiply-adds for scores and 7 for values.
    core = 2 * 5 * 14 * 21
    found = step(BOTH, **SPREAD, recompute=recompute)
    assert found.attention == pytest.approx(4 * 7 * passes * core * 70 / 2 / ON_ATTENTION)


def test_every_mixer_of_a_layer_has_a_core() -> None:
    layer = Layer((ATTENTION, Lightning(5, 7)), None, 2 * D)
    core = 2 * 5 * 14 * 21 + 2 * 2 * 5 * 7 * 7
    assert step(network((layer, 3))).attention == pytest.approx(3 * 3.5 * core * 42 / ON_ATTENTION)


# Memory traffic.


def test_activations_pass_six_times_and_logits_take_fourteen_bytes() -> None:
    found = step(TWO_DENSE)
    expected = 6 * 2 * 42 * 2 * DENSE_KEEPS / ON_MEMORY + 14 * 42 * V / ON_LOSS
    assert found.memory == pytest.approx(expected)


@pytest.mark.parametrize(("latent", "width", "keeps"), [(None, 11, MIXED_KEEPS), (2, 2, 44 + 112 + 3 * (2 + 21) + 15)])
def test_copies_for_the_experts_pass_ten_times(latent: int | None, width: int, keeps: int) -> None:
    mixed = replace(MIXED, feed_forward=replace(EXPERTS, latent=latent))
    found = step(network((DENSE, 2), (mixed, 5)), **SPREAD)
    saved = 6 * 2 * 70 * (2 * DENSE_KEEPS + 5 * keeps) / 2
    copies = 10 * 2 * 70 * 5 * 3 * width / 2
    assert found.memory == pytest.approx(4 * ((saved + copies) / ON_MEMORY + 14 * 70 * V / 2 / ON_LOSS))


# Links.


def moved(size: float, ranks: int, speed: float) -> float:
    """Seconds of a ring: each rank passes on all but its own share."""
    return 17.0 + size * (ranks - 1) / ranks / speed


def test_a_rank_alone_sends_nothing() -> None:
    found = step(BOTH)
    assert found.links == 0
    assert found.gradients == 0
    assert found.bubble == 0


def test_what_is_not_there_is_not_sent() -> None:
    # A dense network has no gradients of experts: one collective starts in a step, not two.
    parameters = 2 * (DENSE_WEIGHTS + 2 * D) + 2 * HEAD
    found = step(TWO_DENSE, data=2, machine=replace(MACHINE, latency=1e6))
    assert found.gradients == pytest.approx(1e6 + 6 * parameters / 2 / ON_LINKS)


def test_tensor_ranks_gather_and_scatter_ten_times_a_layer() -> None:
    found = step(TWO_DENSE, tensor=4, micro_batches=3)
    assert found.links == pytest.approx(3 * 2 * 10 * moved(2 * 42 * D, 4, ON_LINKS))


@pytest.mark.parametrize(("tensor", "speed"), [(2, ON_LINKS), (7, ON_LINKS), (8, ON_LINKS), (9, ON_NETWORK)])
def test_ranks_beyond_a_domain_meet_on_the_network(tensor: int, speed: float) -> None:
    found = step(TWO_DENSE, tensor=tensor)
    assert found.links == pytest.approx(2 * 10 * moved(2 * 42 * D, tensor, speed))


@pytest.mark.parametrize(("expert", "speed"), [(3, ON_LINKS), (8, ON_LINKS), (13, ON_NETWORK)])
def test_experts_exchange_tokens_four_times_a_layer(expert: int, speed: float) -> None:
    found = step(BOTH, data=26, expert=expert)
    assert found.links == pytest.approx(5 * 4 * moved(2 * 42 * 3 * D, expert, speed))
    latent = network((replace(MIXED, feed_forward=replace(EXPERTS, latent=2)), 5))
    assert step(latent, data=26, expert=expert).links == pytest.approx(5 * 4 * moved(2 * 42 * 3 * 2, expert, speed))


def test_each_tensor_rank_sends_its_share_of_the_tokens_to_the_experts() -> None:
    found = step(BOTH, tensor=2, data=13, expert=3)
    gathers = 7 * 10 * moved(2 * 42 * D, 2, ON_LINKS)
    assert found.links == pytest.approx(gathers + 5 * 4 * moved(2 * 42 * 3 * D / 2, 3, ON_LINKS))


def test_ranks_that_share_a_sequence_exchange_heads_eight_times_a_layer() -> None:
    found = step(TWO_DENSE, context=3)
    assert found.links == pytest.approx(2 * 8 * moved(2 * 14 * D, 3, ON_LINKS))
    both = step(TWO_DENSE, context=2, tensor=7)
    gathers = 10 * moved(2 * 21 * D, 7, ON_LINKS)
    assert both.links == pytest.approx(2 * (gathers + 8 * moved(2 * 21 * D / 7, 2, ON_LINKS)))


def test_the_host_launches_every_layer_of_every_micro_batch() -> None:
    assert step(BOTH, **SPREAD).launches == pytest.approx(4 * (2 * 0.3 + 5 * 0.7))


# Pipeline.


def test_a_pipeline_idles_while_the_other_stages_work() -> None:
    # Four stages: dense, mixed, mixed, dense and head. The idle time of 1F1B is one micro-batch through all the others.
    architecture = network((DENSE, 2), (MIXED, 4), (DENSE, 2))
    found = step(architecture, pipeline=4, micro_batches=5)
    one = {
        name: step(network(kind), micro_batches=1) for name, kind in {"dense": (DENSE, 2), "mixed": (MIXED, 2)}.items()
    }

    def seconds(use: StepTime) -> float:
        return use.matrices + use.attention + use.memory + use.links + use.launches

    loss = 6 * 42 * HEAD / ON_MATRICES + 14 * 42 * V / ON_LOSS
    dense, mixed = seconds(one["dense"]) - loss, seconds(one["mixed"]) - loss
    stages = [dense, mixed, mixed, dense + loss]
    # Between stages each token's state goes forward and its gradient back: the whole of it, not a ring's share.
    hops = 3 * 2 * (17.0 + 2 * 42 * D / ON_LINKS)
    assert max(stages) == mixed
    assert found.bubble == pytest.approx(sum(stages) - mixed + hops)
    assert sum(getattr(found, part) for part in ("matrices", "attention", "memory", "links", "launches")) == (
        pytest.approx(5 * mixed)
    )


def test_the_slowest_stage_sets_the_pace_whatever_makes_it_slow() -> None:
    architecture = network((DENSE, 1), (MIXED, 1))
    slow_loss = replace(MACHINE, loss=1e-9)
    assert step(architecture, pipeline=2, machine=slow_loss).memory == pytest.approx(
        6 * 2 * 42 * MIXED_KEEPS / ON_MEMORY + 10 * 2 * 42 * 3 * D / ON_MEMORY + 14 * 42 * V / 1e-4
    )
    # A step of the dense stage is slow only where its launches are.
    slow_launch = replace(MACHINE, launch=1e6)
    found = step(architecture, pipeline=2, machine=slow_launch)
    assert found.launches == 1e6
    assert found.memory == pytest.approx(6 * 2 * 42 * DENSE_KEEPS / ON_MEMORY)


@pytest.mark.parametrize(
    ("tensor", "speed"),
    # Neighbouring stages lie side by side: two groups of tensor ranks must fit in a domain of eight.
    [(3, ON_LINKS), (4, ON_LINKS), (5, ON_NETWORK)],
)
def test_a_state_crosses_to_the_next_stage(tensor: int, speed: float) -> None:
    alike = network((DENSE, 2), mtp_layers=0)
    found = step(alike, pipeline=2, tensor=tensor, context=3, micro_batch=5, micro_batches=1)
    state = 2 * 70 * D / tensor
    first = step(alike, pipeline=1, tensor=tensor, context=3, micro_batch=5, micro_batches=1)
    loss = 6 * 70 * HEAD / tensor / ON_MATRICES + 14 * 70 * V / tensor / ON_LOSS
    layers = sum(getattr(first, part) for part in ("matrices", "attention", "memory", "links", "launches")) - loss
    assert found.bubble == pytest.approx(layers / 2 + 2 * (17.0 + state / speed))


# Gradients and optimiser.

SHARED = 2 * (DENSE_WEIGHTS + 2 * D) + 5 * (MIXED_WEIGHTS + 2 * D) + 2 * HEAD


@pytest.mark.parametrize(("data", "speed"), [(7, ON_LINKS), (8, ON_LINKS), (9, ON_NETWORK)])
def test_gradients_are_scattered_in_four_bytes_and_weights_gathered_in_two(data: int, speed: float) -> None:
    parameters = 2 * (DENSE_WEIGHTS + 2 * D) + 2 * HEAD
    assert step(TWO_DENSE, data=data).gradients == pytest.approx(moved((4 + 2) * parameters, data, speed))


@pytest.mark.parametrize(
    ("tensor", "data", "context", "speed"),
    [(2, 2, 2, ON_LINKS), (3, 3, 1, ON_NETWORK), (3, 1, 3, ON_NETWORK), (1, 2, 3, ON_LINKS), (2, 1, 3, ON_LINKS)],
)
def test_replicas_lie_as_far_apart_as_all_ranks_reach(tensor: int, data: int, context: int, speed: float) -> None:
    parameters = (2 * (DENSE_WEIGHTS + 2 * D) + 2 * HEAD) / tensor
    found = step(TWO_DENSE, tensor=tensor, data=data, context=context)
    assert found.gradients == pytest.approx(moved(6 * parameters, data * context, speed))


@pytest.mark.parametrize(("expert", "copies"), [(1, 24), (3, 8), (12, 2), (24, 1)])
def test_experts_meet_only_the_ranks_that_hold_the_same_ones(expert: int, copies: int) -> None:
    found = step(BOTH, tensor=2, data=4, context=3, expert=expert)
    scattered = moved(6 * SHARED / 2, 12, ON_NETWORK)
    if copies > 1:
        scattered += moved(6 * 5 * ROUTED / expert, copies, ON_NETWORK)
    assert found.gradients == pytest.approx(scattered)
    # Adam: gradient, master weight and two moments read (16), three of them written (12), a BF16 weight written (2).
    updated = (16 + 12 + 2) * (SHARED / 2 / 12 + 5 * ROUTED / expert / copies)
    # The FP32 gradient buffer is cleared, scaled and its norm taken, whole.
    cleared = 3 * 4 * (SHARED / 2 + 5 * ROUTED / expert)
    assert found.optimiser == pytest.approx((updated + cleared) / ON_MEMORY)


@pytest.mark.parametrize(("zero_stage", "gathers"), [(0, 0), (1, 0), (2, 0), (3, 2)])
def test_sharded_weights_are_gathered_twice_a_micro_batch(zero_stage: int, gathers: int) -> None:
    found = step(BOTH, data=3, zero_stage=zero_stage, micro_batches=5)
    once = moved(6 * SHARED, 3, ON_LINKS) + moved(6 * 5 * ROUTED, 3, ON_LINKS)
    assert found.gradients == pytest.approx(once + 5 * gathers * moved(2 * (SHARED + 5 * ROUTED), 3, ON_LINKS))


def test_sharded_weights_beyond_a_domain_come_over_the_network() -> None:
    found = step(TWO_DENSE, tensor=3, data=3, zero_stage=3)
    parameters = (2 * (DENSE_WEIGHTS + 2 * D) + 2 * HEAD) / 3
    gathers = 2 * moved(2 * parameters, 3, ON_NETWORK)
    assert found.gradients == pytest.approx(moved(6 * parameters, 3, ON_NETWORK) + gathers)


def test_the_largest_stage_is_waited_for() -> None:
    # Stages of 3 and 2 layers; both have an end.
    found = step(network((DENSE, 5)), pipeline=2, data=3)
    parameters = 3 * (DENSE_WEIGHTS + 2 * D) + HEAD
    assert found.gradients == pytest.approx(moved(6 * parameters, 3, ON_LINKS))
    assert found.optimiser == pytest.approx((30 * parameters / 3 + 12 * parameters) / ON_MEMORY)


# The whole, and the machine.


def test_a_step_is_the_sum_of_its_parts() -> None:
    assert StepTime(2, 3, 5, 7, 11, 13, 17, 19).total == 77


def test_a_machine_has_measured_shares_unless_told() -> None:
    # Shares and times that the page of measured rows ships with: 66 and 28 % of memory bandwidth, 65 % of links, 30
    # microseconds to start a collective, 0.92 and 2.4 ms of the host for a layer.
    machine = Machine(
        peak=1e6,
        memory_bandwidth=1e5,
        link_bandwidth=1e4,
        network_bandwidth=1e3,
        domain=8,
        matrix=0.5,
        grouped=0.2,
        attention=0.4,
    )
    found = step(TWO_DENSE, machine=machine, tensor=2)
    memory = 6 * 2 * 42 * 2 * DENSE_KEEPS / 2 / (0.66 * 1e5) + 14 * 42 * V / 2 / (0.28 * 1e5)
    assert found.memory == pytest.approx(memory)
    assert found.launches == pytest.approx(2 * 0.92e-3)
    assert found.links == pytest.approx(20 * (30e-6 + 2 * 42 * D / 2 / (0.65 * 1e4)), rel=1e-9)
    assert step(network((MIXED, 5)), machine=machine).launches == pytest.approx(5 * 2.4e-3)


def test_a_machine_is_spelt_by_names() -> None:
    positional: Any = Machine
    with pytest.raises(TypeError, match="positional"):
        positional(1e6, 1e5, 1e4, 1e3, 8, 0.5, 0.2, 0.4)


@pytest.mark.parametrize("record", [MACHINE, StepTime(2, 3, 5, 7, 11, 13, 17, 19)])
def test_a_record_of_time_cannot_be_changed(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 2)
