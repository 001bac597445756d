"""Bytes of one accelerator in training, term by term, from tensors counted by hand.

Sizes are distinct primes. A stage of hidden size 11 with attention of 5 query and 3 KV heads of 7 has matrices of
35 + 2·21 + 35 rows or columns of 11; the other numbers are worked out beside each test.
"""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from hydrometer.costs.architecture import Architecture, Dense, Experts, Layer
from hydrometer.costs.memory import (
    Layout,
    MemoryUse,
    Stage,
    activation_elements,
    rank_parameters,
    routed_parameters,
    stages,
    training_memory,
)
from hydrometer.costs.mixers import GroupedQuery, Latent, Lightning, Mamba1, Mixer

D, V = 11, 101
ATTENTION = GroupedQuery(5, 3, 7)
ATTENTION_WEIGHTS = (35 + 21 + 21 + 35) * D
LATENT = Latent(heads=3, query_rank=13, kv_rank=17, nope_dim=5, rope_dim=2, value_dim=7)
EXPERTS = Experts(expert_size=7, n_experts=13, experts_per_token=3, shared_size=5)
DENSE = Layer((ATTENTION,), Dense(17), norm_parameters=2 * D)
MIXED = Layer((ATTENTION,), EXPERTS, norm_parameters=2 * D)
DENSE_PARAMETERS = ATTENTION_WEIGHTS + 3 * 17 * D + 2 * D
ROUTED = 13 * 3 * 7 * D
MIXED_SHARED = ATTENTION_WEIGHTS + 3 * 5 * D + 13 * D + 2 * D
WORKSPACE = 107_374_182.4
"""A tenth of a GiB."""


def network(*layers: tuple[Layer, int], **more: Any) -> Architecture:
    return Architecture(D, V, layers, **more)


def memory(architecture: Architecture, *, sequence_length: int = 19, **layout: Any) -> MemoryUse:
    return training_memory(architecture, Layout(**layout), sequence_length=sequence_length)


# How a network is cut into stages.


def held(architecture: Architecture, pipeline: int) -> list[tuple[dict[Layer, int], bool, bool]]:
    return [(dict(stage.kinds), stage.first, stage.last) for stage in stages(architecture, pipeline)]


def test_one_stage_holds_everything_and_both_ends() -> None:
    assert held(network((DENSE, 2), (MIXED, 5)), 1) == [({DENSE: 2, MIXED: 5}, True, True)]


def test_the_first_stages_take_a_layer_more() -> None:
    found = held(network((DENSE, 2), (MIXED, 9)), 4)
    assert found == [
        ({DENSE: 2, MIXED: 1}, True, False),
        ({MIXED: 3}, False, False),
        ({MIXED: 3}, False, False),
        ({MIXED: 2}, False, True),
    ]


def test_stages_that_divide_are_alike() -> None:
    found = held(network((DENSE, 2), (MIXED, 4)), 3)
    assert found == [({DENSE: 2}, True, False), ({MIXED: 2}, False, False), ({MIXED: 2}, False, True)]


def test_a_stage_may_end_one_kind_and_begin_the_next() -> None:
    found = held(network((DENSE, 3), (MIXED, 3)), 3)
    assert found == [({DENSE: 2}, True, False), ({DENSE: 1, MIXED: 1}, False, False), ({MIXED: 2}, False, True)]


def test_a_stage_counts_a_kind_that_returns() -> None:
    found = held(network((DENSE, 1), (MIXED, 2), (DENSE, 3)), 2)
    assert found == [({DENSE: 1, MIXED: 2}, True, False), ({DENSE: 3}, False, True)]
    assert held(network((DENSE, 1), (MIXED, 2), (DENSE, 3)), 1) == [({DENSE: 4, MIXED: 2}, True, True)]


def test_more_stages_than_layers_leave_the_last_ones_empty() -> None:
    assert held(network((DENSE, 2)), 3) == [({DENSE: 1}, True, False), ({DENSE: 1}, False, False), ({}, False, True)]


def test_layers_of_a_stage_are_counted() -> None:
    assert Stage(((DENSE, 3), (MIXED, 4)), first=True, last=False).n_layers == 7


# Parameters of a rank.


@pytest.mark.parametrize(
    ("forward", "parameters"),
    [
        (None, 0),
        (Dense(17), 0),
        (EXPERTS, 13 * 3 * D * 7),
        (replace(EXPERTS, gated=False), 13 * 2 * D * 7),
        (replace(EXPERTS, latent=2), 13 * 3 * 2 * 7),
    ],
)
def test_routed_experts_are_what_expert_ranks_divide(forward: Dense | Experts | None, parameters: int) -> None:
    assert routed_parameters(Layer((ATTENTION,), forward, 2 * D), D) == parameters


def test_a_rank_holds_its_share_of_every_matrix_and_of_the_experts() -> None:
    architecture = network((DENSE, 2), (MIXED, 5))
    (stage,) = stages(architecture, 1)
    shared, routed = rank_parameters(architecture, Layout(tensor=2, data=6, expert=3), stage)
    assert shared == (2 * DENSE_PARAMETERS + 5 * MIXED_SHARED + 2 * V * D) / 2
    assert routed == 5 * ROUTED / 3


def shared_by_stage(architecture: Architecture, pipeline: int) -> list[float]:
    layout = Layout(pipeline=pipeline)
    return [rank_parameters(architecture, layout, stage)[0] for stage in stages(architecture, pipeline)]


def test_embeddings_lie_on_the_first_stage_and_the_head_on_the_last() -> None:
    middle = 2 * DENSE_PARAMETERS
    for tied in (False, True):
        # A tied head on another stage is a copy.
        found = shared_by_stage(network((DENSE, 6), tied_embeddings=tied), 3)
        assert found == [middle + V * D, middle, middle + V * D]
    assert shared_by_stage(network((DENSE, 6)), 1) == [3 * middle + 2 * V * D]
    assert shared_by_stage(network((DENSE, 6), tied_embeddings=True), 1) == [3 * middle + V * D]


def test_prediction_modules_lie_on_the_last_stage() -> None:
    # A module: the matrices of its layer and the projection of two states.
    module = DENSE_PARAMETERS - 2 * D + 2 * D * D
    found = shared_by_stage(network((DENSE, 4), mtp_layers=3), 2)
    assert found == [2 * DENSE_PARAMETERS + V * D, 2 * DENSE_PARAMETERS + V * D + 3 * module]


def test_a_layer_shared_with_an_earlier_one_is_not_stored_again() -> None:
    again = replace(DENSE, shared_with_earlier=True)
    assert shared_by_stage(network((DENSE, 1), (again, 3)), 1) == [DENSE_PARAMETERS + 2 * V * D]


# Weights, gradients, optimiser.

WHOLE = 2 * DENSE_PARAMETERS + 5 * MIXED_SHARED + 2 * V * D


@pytest.mark.parametrize(
    ("zero_stage", "weights", "gradients", "optimiser"),
    [
        # What a rank of the layout below divides by: its 15 replicas for what all hold; for the experts, that ten ranks
        # have divided already, the three ranks that hold the same ones.
        (0, (1, 1), (1, 1), (1, 1)),
        (1, (1, 1), (1, 1), (15, 3)),
        (2, (1, 1), (15, 3), (15, 3)),
        (3, (15, 3), (15, 3), (15, 3)),
    ],
)
def test_bytes_a_parameter_are_those_of_mixed_precision_and_zero(
    zero_stage: int, weights: tuple[int, int], gradients: tuple[int, int], optimiser: tuple[int, int]
) -> None:
    use = memory(
        network((DENSE, 2), (MIXED, 5)), tensor=2, data=5, context=3, expert=10, zero_stage=zero_stage, micro_batches=1
    )
    shared, routed = WHOLE / 2, 5 * ROUTED / 10
    # ZeRO, section 3: BF16 weights 2, FP32 gradients 4, FP32 master weights and two moments 12.
    assert use.weights == pytest.approx(2 * (shared / weights[0] + routed / weights[1]))
    assert use.gradients == pytest.approx(4 * (shared / gradients[0] + routed / gradients[1]))
    assert use.optimiser == pytest.approx(12 * (shared / optimiser[0] + routed / optimiser[1]))


def test_one_rank_holds_eighteen_bytes_a_parameter_as_in_megatron() -> None:
    use = memory(network((DENSE, 2), (MIXED, 5)))
    assert use.weights + use.gradients + use.optimiser == pytest.approx(18 * (WHOLE + 5 * ROUTED))


def test_a_distributed_optimiser_holds_six_bytes_and_twelve_over_the_replicas_as_in_megatron() -> None:
    use = memory(network((DENSE, 7)), data=5)
    parameters = 7 * DENSE_PARAMETERS + 2 * V * D
    assert use.weights + use.gradients + use.optimiser == pytest.approx((6 + 12 / 5) * parameters)


@pytest.mark.parametrize(("expert", "group"), [(2, 3), (4, 1.5), (6, 1), (12, 1)])
def test_experts_are_sharded_over_the_ranks_that_hold_the_same_ones_and_never_copied(expert: int, group: float) -> None:
    use = memory(network((MIXED, 5)), data=6, expert=expert)
    shared = 5 * MIXED_SHARED + 2 * V * D
    assert use.optimiser == pytest.approx(12 * (shared / 6 + 5 * ROUTED / expert / group))


# Activations.


def test_a_layer_of_gpt_keeps_what_korthikanti_count_less_two_dropout_masks() -> None:
    # arXiv:2205.05198, equation 1: s·b·h(34 + 5·a·s/h) bytes, of which flash attention saves 5·a·s/h, and two dropout
    # masks take a byte each.
    layer = Layer((GroupedQuery(16, 16, 64),), Dense(4 * 1024, gated=False), norm_parameters=4 * 1024)
    assert 2 * activation_elements(layer, 1024) == (34 - 2) * 1024


NORMS = 4 * D
MAMBA_1 = Mamba1(inner=13, state=3, conv=5, rank=2)


@pytest.mark.parametrize(
    ("mixers", "elements"),
    [
        # Queries 35, keys and values 21 each, the output 35.
        ((ATTENTION,), 35 + 21 + 21 + 35),
        # Each compressed vector before and after its norm, a rotary key; queries and keys, values and output.
        ((LATENT,), (13 + 13) + (17 + 17) + 2 + (21 + 21) + (21 + 21)),
        ((replace(LATENT, query_rank=None),), (17 + 17) + 2 + (21 + 21) + (21 + 21)),
        ((replace(LATENT, value_dim=19),), (13 + 13) + (17 + 17) + 2 + (21 + 21) + (57 + 57)),
        # A recurrence: the weights of its matrices over the width (in, step-B-C, step, out).
        ((MAMBA_1,), (26 * D + 8 * 13 + 13 * 2 + 13 * D) / D),
        ((Lightning(5, 7),), 5 * 35),
        ((ATTENTION, Lightning(5, 7)), 112 + 5 * 35),
    ],
)
def test_what_a_mixer_keeps_for_a_token(mixers: tuple[Mixer, ...], elements: float) -> None:
    assert activation_elements(Layer(mixers, None, 2 * D), D) == pytest.approx(NORMS + elements)


@pytest.mark.parametrize(
    ("forward", "elements"),
    [
        (None, 0),
        # The outputs of the first two matrices and their product; without a gate before and after the activation.
        (Dense(17), 17 + 17 + 17),
        (Dense(17, gated=False), 17 + 17),
        # Three copies of the token, each with what an expert keeps, and what the shared expert keeps.
        (EXPERTS, 3 * (D + 3 * 7) + 3 * 5),
        (replace(EXPERTS, gated=False), 3 * (D + 2 * 7) + 2 * 5),
        (replace(EXPERTS, latent=2), 3 * (2 + 3 * 7) + 3 * 5),
        (replace(EXPERTS, shared_size=0), 3 * (D + 3 * 7)),
    ],
)
def test_what_a_feed_forward_network_keeps_for_a_token(forward: Dense | Experts | None, elements: int) -> None:
    assert activation_elements(Layer((ATTENTION,), forward, 2 * D), D) == NORMS + 112 + elements


DENSE_KEEPS = 44 + 112 + 51
MIXED_KEEPS = 44 + 112 + 3 * (11 + 21) + 15


def test_activations_are_two_bytes_for_the_tokens_of_a_rank() -> None:
    # 5 sequences of 42 tokens, 3 ranks to a sequence and 2 to a matrix: 35 tokens.
    use = memory(
        network((DENSE, 2), (MIXED, 5)), sequence_length=42, micro_batch=5, context=3, tensor=2, micro_batches=4
    )
    assert use.activations == pytest.approx(2 * 35 * (2 * DENSE_KEEPS + 5 * MIXED_KEEPS))
    assert use.logits == pytest.approx(35 * 4 * V + 2 * V * D / 2)


HEAVY = Layer((ATTENTION,), Dense(5003), norm_parameters=2 * D)
HEAVY_KEEPS = 44 + 112 + 3 * 5003
HEAVY_PASSES = 3 * 5003


def test_full_recomputation_keeps_inputs_and_runs_the_largest_layer_again() -> None:
    use = memory(network((DENSE, 2), (MIXED, 5)), recompute="full")
    assert use.activations == pytest.approx(2 * 19 * (7 * D + max(DENSE_KEEPS, MIXED_KEEPS)))
    # Two micro-batches in flight leave their inputs; one of them runs a layer again, and backwards through it.
    use = memory(network((DENSE, 3), (HEAVY, 1), (DENSE, 4)), recompute="full", pipeline=2, micro_batches=7)
    assert use.activations == pytest.approx(2 * 19 * (2 * 4 * D + HEAVY_KEEPS + HEAVY_PASSES))


@pytest.mark.parametrize(
    ("layers", "micro_batches", "in_flight"),
    [
        # 1F1B: a stage has as many micro-batches in flight as there are stages from it to the end.
        (((HEAVY, 1), (DENSE, 3)), 7, 4),
        (((DENSE, 1), (HEAVY, 1), (DENSE, 2)), 7, 3),
        (((DENSE, 2), (HEAVY, 1), (DENSE, 1)), 7, 2),
        (((DENSE, 3), (HEAVY, 1)), 7, 1),
        # Of two alike the earlier one is the fuller.
        (((DENSE, 1), (HEAVY, 2), (DENSE, 1)), 7, 3),
        # And never more than there are.
        (((HEAVY, 1), (DENSE, 3)), 5, 4),
        (((HEAVY, 1), (DENSE, 3)), 4, 4),
        (((HEAVY, 1), (DENSE, 3)), 3, 3),
        (((HEAVY, 1), (DENSE, 3)), 1, 1),
    ],
)
def test_micro_batches_in_flight(layers: tuple[tuple[Layer, int], ...], micro_batches: int, in_flight: int) -> None:
    use = memory(network(*layers), pipeline=4, micro_batches=micro_batches, sequence_length=1000)
    assert use.activations == pytest.approx(2 * 1000 * (in_flight * HEAVY_KEEPS + HEAVY_PASSES))


# The peak: the loss, or a backward pass.


@pytest.mark.parametrize(
    ("forward", "passing"),
    [
        (Dense(997), 3 * 997),
        (Dense(997, gated=False), 2 * 997),
        (Experts(499, 13, 3, shared_size=5), 3 * 499 * 3),
        (Experts(499, 13, 3, shared_size=5, gated=False), 2 * 499 * 3),
    ],
)
def test_a_backward_pass_holds_the_gradients_of_the_widest_feed_forward_network(
    forward: Dense | Experts, passing: int
) -> None:
    wide = Layer((ATTENTION,), forward, 2 * D)
    use = memory(network((DENSE, 2), (wide, 1)), sequence_length=1000)
    assert use.activations == pytest.approx(2 * 1000 * (2 * DENSE_KEEPS + activation_elements(wide, D) + passing))
    assert use.logits == 0


def test_a_layer_that_only_mixes_passes_nothing_back() -> None:
    use = memory(Architecture(D, 2, ((Layer((ATTENTION,), None, 2 * D), 3),)))
    assert use.activations == 2 * 19 * 3 * (44 + 112)
    assert use.logits == 4 * 19 * 2 + 2 * 2 * D


@pytest.mark.parametrize(
    ("sequence_length", "loss", "backward"),
    [(10, 12 * 10 + 66, 0), (11, 12 * 11 + 66, 0), (12, 0, 18 * 12)],
)
def test_the_larger_of_loss_and_backward_pass_counts(sequence_length: int, loss: int, backward: int) -> None:
    # With a vocabulary of 3 the loss takes 4·3 bytes a token and 2·3·11 for the head's gradient; with a width of 3 the
    # backward pass takes 2·3·3 a token. At 11 tokens both are 198, and the loss is named.
    narrow = Layer((ATTENTION,), Dense(3), 2 * D)
    use = memory(Architecture(D, 3, ((narrow, 1),)), sequence_length=sequence_length)
    assert use.logits == loss
    assert use.activations == 2 * sequence_length * (44 + 112 + 9) + backward


def test_only_the_last_stage_has_a_loss() -> None:
    # The first stage is the fuller, with three micro-batches in flight.
    use = memory(network((HEAVY, 1), (DENSE, 2)), pipeline=3, micro_batches=3, sequence_length=1000)
    assert use.logits == 0
    narrow = Layer((ATTENTION,), None, 2 * D)
    use = memory(Architecture(D, 2, ((HEAVY, 1), (narrow, 1))), pipeline=2, micro_batches=1, sequence_length=2)
    assert use.logits == 0


# Buffers.


@pytest.mark.parametrize(
    ("layers", "elements"),
    [
        # One placeholder for each shape of matrix, however many layers have it.
        (((DENSE, 4),), (35 + 21 + 21) * D + 35 * D + 3 * 17 * D),
        (((Layer((ATTENTION,), Dense(17, gated=False), 0), 4),), 112 * D + 2 * 17 * D),
        (((DENSE, 2), (MIXED, 2)), 112 * D + 51 * D + 3 * 7 * D + 3 * 5 * D),
        (((MIXED, 3),), 112 * D + 3 * 7 * D + 3 * 5 * D),
        (((Layer((ATTENTION,), replace(EXPERTS, gated=False), 0), 3),), 112 * D + 2 * 7 * D + 2 * 5 * D),
        (((Layer((ATTENTION,), replace(EXPERTS, latent=2), 0), 3),), 112 * D + 3 * 7 * 2 + 3 * 5 * D),
        (((Layer((ATTENTION,), None, 0), 3),), 112 * D),
        # Latent attention: queries from their rank (or the width), keys and values from theirs, the output.
        (((Layer((LATENT,), None, 0), 3),), 21 * 13 + (15 + 21) * 17 + 21 * D),
        (((Layer((replace(LATENT, query_rank=None),), None, 0), 3),), 21 * D + (15 + 21) * 17 + 21 * D),
        (((Layer((replace(LATENT, value_dim=19),), None, 0), 3),), 21 * 13 + (15 + 57) * 17 + 57 * D),
        (((Layer((Lightning(5, 7),), None, 0), 3),), 5 * 35 * D),
        (((Layer((ATTENTION, Lightning(5, 7)), None, 0), 3),), 112 * D + 5 * 35 * D),
    ],
)
def test_fused_kernels_keep_a_placeholder_gradient_for_each_shape(
    layers: tuple[tuple[Layer, int], ...], elements: int
) -> None:
    assert memory(network(*layers)).buffers == pytest.approx(2 * elements + WORKSPACE, abs=1e-3)


@pytest.mark.parametrize(
    ("mixer", "forward", "divided", "whole"),
    [
        (ATTENTION, Dense(17), 112 * D + 51 * D, 0),
        # Tensor ranks share every matrix but the routed experts'.
        (ATTENTION, EXPERTS, 112 * D + 15 * D, 21 * D),
        (LATENT, None, 21 * 13 + 36 * 17 + 21 * D, 0),
        (Lightning(5, 7), None, 5 * 35 * D, 0),
    ],
)
def test_tensor_ranks_divide_the_placeholders(
    mixer: Mixer, forward: Dense | Experts | None, divided: int, whole: int
) -> None:
    use = memory(network((Layer((mixer,), forward, 0), 3)), tensor=5)
    assert use.buffers == pytest.approx(2 * (divided / 5 + whole) + WORKSPACE, abs=1e-3)


@pytest.mark.parametrize(("zero_stage", "gathered"), [(1, 0), (2, 0), (3, 2)])
def test_sharded_weights_are_gathered_two_layers_at_a_time(zero_stage: int, gathered: int) -> None:
    use = memory(network((DENSE, 7)), data=5, context=3, zero_stage=zero_stage)
    layer = 2 * (7 * DENSE_PARAMETERS + 2 * V * D) / 7
    placeholders = 2 * (112 * D + 51 * D)
    assert use.buffers == pytest.approx(placeholders + WORKSPACE + gathered * layer, abs=1e-3)


@pytest.mark.parametrize("layers", [2, 3])
def test_a_stage_of_one_layer_or_none_gathers_what_it_has(layers: int) -> None:
    # A vocabulary so large that the last of three stages, with one layer or only the head, is the fullest.
    architecture = Architecture(D, 10**7, ((DENSE, layers),))
    use = memory(architecture, pipeline=3, data=5, zero_stage=3)
    here = (layers - 2) * DENSE_PARAMETERS + 10**7 * D
    placeholders = 2 * (layers - 2) * (112 * D + 51 * D)
    assert use.logits > 0
    assert use.weights == pytest.approx(2 * here / 5)
    assert use.buffers == pytest.approx(placeholders + WORKSPACE + 2 * 2 * here, rel=1e-12)


# The whole.


def test_the_total_is_the_sum_of_what_is_held() -> None:
    assert MemoryUse(2, 3, 5, 7, 11, 13).total == 41


def test_the_fullest_stage_is_reported() -> None:
    # The only mixture lies on the second of three stages; nothing else has experts.
    many = Layer((ATTENTION,), Experts(1009, 97, 1), norm_parameters=2 * D)
    use = memory(network((DENSE, 1), (many, 1), (DENSE, 1)), pipeline=3)
    assert use.weights == 2 * (ATTENTION_WEIGHTS + 2 * D + 97 * D + 97 * 3 * 1009 * D)


def test_expert_ranks_are_taken_from_the_others() -> None:
    assert Layout(tensor=2, pipeline=3, data=5, context=7, expert=11).accelerators == 2 * 3 * 5 * 7


def test_a_layout_is_one_rank_with_a_sharded_optimiser_unless_told() -> None:
    architecture = network((DENSE, 2), (MIXED, 5))
    one = Layout(
        tensor=1, pipeline=1, data=1, context=1, expert=1, zero_stage=1, recompute="none", micro_batch=1,
        micro_batches=1,
    )  # fmt: skip
    assert Layout() == one
    assert Layout().accelerators == 1
    assert memory(architecture, data=3).optimiser == pytest.approx(12 * (WHOLE + 5 * ROUTED) / 3)
    assert memory(architecture, data=3).gradients == pytest.approx(4 * (WHOLE + 5 * ROUTED))


def test_a_layout_is_spelt_by_names() -> None:
    positional: Any = Layout
    with pytest.raises(TypeError, match="positional"):
        positional(2)


@pytest.mark.parametrize("record", [Layout(), Stage((), first=True, last=True), MemoryUse(2, 3, 5, 7, 11, 13)])
def test_a_record_of_memory_cannot_be_changed(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 2)


def test_published_memory_of_a_large_model_is_met() -> None:
    # Rajbhandari et al., section 3.1 and figure 1: 7.5 billion parameters over 64 replicas. With FP16 gradients the
    # paper holds 120, 31.4, 16.6 and 1.9 GB; FP32 gradients add 2 bytes a parameter, sharded from stage 2 on.
    layer = Layer((GroupedQuery(32, 32, 128),), Dense(16384, gated=False), norm_parameters=0)
    count = round(7.5e9 / (12 * 4096**2))
    parameters = count * 12 * 4096**2
    architecture = Architecture(4096, 1, ((layer, count),), tied_embeddings=True)
    published = {0: 120.0, 1: 31.4, 2: 16.6, 3: 1.9}
    for zero_stage, gigabytes in published.items():
        use = training_memory(architecture, Layout(data=64, zero_stage=zero_stage), sequence_length=1)
        found = use.weights + use.gradients + use.optimiser
        wider = 2 * parameters / (64 if zero_stage >= 2 else 1)
        assert math.isclose((found - wider) / 1e9, gigabytes, rel_tol=0.02), zero_stage
