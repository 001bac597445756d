"""FLOP of one token, term by term, from matrices and attention counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from hydrometer.costs.architecture import Architecture, Dense, Experts
from hydrometer.costs.flop import (
    FLOP_PER_PARAMETER_AND_TOKEN,
    FORWARD_PASSES_OF_TRAINING,
    forward_flop_per_token,
    implied_utilisation,
    packed_length,
    training_flop_per_token,
)
from hydrometer.costs.mixers import GroupedQuery

SHAPE: dict[str, Any] = {"n_layers": 6, "hidden_size": 11, "vocab_size": 101, "attention": GroupedQuery(5, 3, 7)}
PLAIN = Architecture.uniform(**SHAPE, feed_forward=Dense(17))
PREDICTING = Architecture.uniform(**SHAPE, feed_forward=Experts(7, 13, 2), first_dense=(4, Dense(17)), mtp_layers=3)

ATTENTION = (35 + 21 + 21 + 35) * 11
DENSE = 3 * 11 * 17
USED_EXPERTS = 2 * 3 * 11 * 7 + 13 * 11
HEAD = 101 * 11
# A causal token of 100 sees 50: for each of 5 heads, 7 multiply-adds for a score and 7 for its share of the values.
CORE = 2 * 5 * (7 + 7) * 50
PLAIN_WEIGHTS = 6 * (ATTENTION + DENSE) + HEAD
PREDICTING_WEIGHTS = 6 * ATTENTION + 4 * DENSE + 2 * USED_EXPERTS + HEAD
# Each module: a layer, the projection of two tokens' states, and the head once more.
MODULE = ATTENTION + USED_EXPERTS + 2 * 11 * 11 + HEAD


def test_a_forward_pass_is_two_flop_a_weight_and_the_core_of_every_layer() -> None:
    assert forward_flop_per_token(PLAIN, sequence_length=100) == 2 * PLAIN_WEIGHTS + 6 * CORE
    assert forward_flop_per_token(PLAIN, sequence_length=100, causal=True) == 2 * PLAIN_WEIGHTS + 6 * CORE
    assert forward_flop_per_token(PLAIN, sequence_length=100, causal=False) == 2 * PLAIN_WEIGHTS + 6 * 2 * CORE


def test_prediction_modules_are_counted_on_request() -> None:
    without = 2 * PREDICTING_WEIGHTS + 6 * CORE
    assert forward_flop_per_token(PREDICTING, sequence_length=100) == without
    assert forward_flop_per_token(PREDICTING, sequence_length=100, include_mtp=False) == without
    found = forward_flop_per_token(PREDICTING, sequence_length=100, include_mtp=True)
    assert found == without + 3 * (2 * MODULE + CORE)
    full = forward_flop_per_token(PREDICTING, sequence_length=100, include_mtp=True, causal=False)
    assert full == without + 3 * 2 * MODULE + (6 + 2 * 3) * CORE


def test_training_is_three_forward_passes_and_four_with_recomputation() -> None:
    forward = 2 * PLAIN_WEIGHTS + 6 * CORE
    assert training_flop_per_token(PLAIN, sequence_length=100) == 3 * forward
    assert training_flop_per_token(PLAIN, sequence_length=100, recompute=False) == 3 * forward
    assert training_flop_per_token(PLAIN, sequence_length=100, recompute=True) == 4 * forward
    full = 2 * PLAIN_WEIGHTS + 12 * CORE
    assert training_flop_per_token(PLAIN, sequence_length=100, causal=False) == 3 * full
    assert FORWARD_PASSES_OF_TRAINING * forward == training_flop_per_token(PLAIN, sequence_length=100)


def test_training_counts_prediction_modules_unless_told_otherwise() -> None:
    forward = 2 * PREDICTING_WEIGHTS + 6 * CORE
    modules = 3 * (2 * MODULE + CORE)
    assert training_flop_per_token(PREDICTING, sequence_length=100) == 3 * (forward + modules)
    assert training_flop_per_token(PREDICTING, sequence_length=100, include_mtp=False) == 3 * forward


def test_the_short_form_is_exact_where_there_is_no_core() -> None:
    assert training_flop_per_token(PLAIN, sequence_length=0) == FLOP_PER_PARAMETER_AND_TOKEN * PLAIN_WEIGHTS


@pytest.mark.parametrize(
    ("lengths", "length"),
    [
        ([7], 7.0),
        ([3, 5], (9 + 25) / 8),
        ([2, 3, 11], (4 + 9 + 121) / 16),
        ([0.5, 0.5], 0.5),
    ],
)
def test_packed_documents_count_their_squares(lengths: list[float], length: float) -> None:
    assert packed_length(lengths) == pytest.approx(length)


@pytest.mark.parametrize("lengths", [[], [0], [3, 0], [3, -1]])
def test_documents_need_a_positive_length(lengths: list[float]) -> None:
    with pytest.raises(ValueError, match="documents need a positive length"):
        packed_length(lengths)


def test_utilisation_is_flop_over_what_the_hours_could_have_done() -> None:
    # 7 hours of 3,600 seconds at 11 FLOP/s: 277,200 FLOP were possible.
    found = implied_utilisation(flop=138_600, accelerator_hours=7, peak_flop_per_second=11)
    assert found == pytest.approx(0.5, rel=1e-12)
