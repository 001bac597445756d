"""A change between rounds: gaps, spreads and permutations small enough to count."""

from __future__ import annotations

import itertools
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hydrometer.stats.drift import ChangeTestResult, change_test


def square(n: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    similarity = np.eye(n)
    for (i, j), value in pairs.items():
        similarity[i, j] = similarity[j, i] = value
    return similarity


def found(*squares: np.ndarray, n: int = 999, seed: int = 0) -> ChangeTestResult:
    return change_test(np.array(squares), rng=np.random.default_rng(seed), n_permutations=n)


LAST_DIFFERS = square(3, {(0, 1): 0.9, (0, 2): 0.1, (1, 2): 0.3})
"""Apart from its third round: within 0.9, across 0.2."""


def test_one_probe_by_hand() -> None:
    # Which round stands alone decides: the third 0.9 - 0.2, the first 0.3 - 0.5, the second 0.1 - 0.6; variance 0.26.
    result = found(LAST_DIFFERS, n=4999)
    assert result.statistic == pytest.approx(0.7 / math.sqrt(0.26))
    assert (result.change_point, result.n_probes) == (2, 1)
    # In two of three orders the third round stands first or last: 0.667 ± 0.013.
    assert result.pvalue == pytest.approx(2 / 3, abs=0.027)


def test_gaps_and_variances_of_probes_add_up() -> None:
    # The second: within 0.8, across 0.2; alone 0.6, -0.3 and -0.3: variance 0.18.
    other = square(3, {(0, 1): 0.8, (0, 2): 0.2, (1, 2): 0.2})
    result = found(LAST_DIFFERS, other, n=4999)
    assert result.statistic == pytest.approx(1.3 / math.sqrt(0.44))
    # All 36 orders of both: the gap of a change after one round and after two, each standardised alike.
    first, second = (0.7, -0.2, -0.5), (0.6, -0.3, -0.3)  # by the round that stands alone: third, first, second
    orders = list(itertools.permutations(range(3)))
    reached = [max(first[p[end]] + second[q[end]] for end in (0, 2)) >= 1.3 - 1e-9 for p in orders for q in orders]
    assert result.pvalue == pytest.approx(np.mean(reached), abs=0.024)
    assert np.mean(reached) == pytest.approx(2 / 9)


def test_a_change_after_the_first_round_is_found_there() -> None:
    result = found(square(3, {(1, 2): 0.9, (0, 1): 0.1, (0, 2): 0.3}))
    assert result.change_point == 1
    assert result.statistic == pytest.approx(0.7 / math.sqrt(0.26))


def test_within_and_across_are_means_over_pairs() -> None:
    # Pairs within the halves 01|23 are 0.9 and 0.7, across it 0.1, 0.2, 0.3 and 0.2: a gap of 0.8 - 0.2. Halves 02|13
    # have 0.15 against 0.525, halves 03|12 0.25 against 0.475.
    pairs = {(0, 1): 0.9, (2, 3): 0.7, (0, 2): 0.1, (1, 3): 0.2, (0, 3): 0.3, (1, 2): 0.2}
    gaps = [0.8 - 0.2, 0.15 - 0.525, 0.25 - 0.475]
    result = found(square(4, pairs))
    assert result.change_point == 2
    assert result.statistic == pytest.approx(0.6 / np.std(gaps))
    assert sum(gaps) == pytest.approx(0.0)


@pytest.mark.parametrize(("rounds", "after"), [(3, 1), (4, 2), (4, 1), (5, 2)])
def test_a_change_of_every_probe_reaches_the_smallest_pvalue(rounds: int, after: int) -> None:
    one_side = np.arange(rounds) < after
    changed = np.where(one_side[:, None] == one_side, 1.0, 0.0)
    result = found(changed, changed, n=19_999)
    # Ways to part the rounds, squared for two probes; both orders of the parts reach it.
    ways = math.comb(rounds, after)
    exact = (2 / ways) ** 2 if 2 * after == rounds else 2 / ways**2
    assert result.pvalue == pytest.approx(exact, abs=4 * math.sqrt(exact / 20_000))
    assert result.change_point == after


@pytest.mark.parametrize(
    ("rounds", "probes", "smallest"),
    [
        (2, 3, 1.0),  # two rounds have no order
        (3, 1, 2 / 3),
        (3, 4, 2 / 81),
        (4, 1, 1 / 3),  # one of three halvings; one round alone stands first or last in 1/2
        (4, 3, 2 / 64),
        (5, 2, 2 / 100),  # two of five
        (6, 2, 2 / 225),  # two of six; halves: (2/20)² = 1/100
    ],
)
def test_the_smallest_pvalue_is_what_a_change_of_all_probes_gives(rounds: int, probes: int, smallest: float) -> None:
    result = found(*[np.eye(rounds)] * probes, n=999)
    assert result.smallest_pvalue == pytest.approx(smallest)


def test_the_smallest_pvalue_is_bounded_by_the_permutations() -> None:
    assert found(*[np.eye(4)] * 9, n=99).smallest_pvalue == pytest.approx(0.01)
    # Unless said otherwise there are 19,999.
    many = change_test(np.array([np.eye(4)] * 12), rng=np.random.default_rng(0))
    assert many.smallest_pvalue == pytest.approx(1 / 20_000)


def test_the_observed_order_counts_as_one() -> None:
    changed = square(4, {(0, 1): 1.0, (2, 3): 1.0})
    assert found(*[changed] * 12, n=99).pvalue == pytest.approx(0.01)
    assert found(*[changed] * 12, n=9).pvalue == pytest.approx(0.1)


@pytest.mark.parametrize("rounds", [2, 3, 6])
def test_answers_that_never_differ_show_no_change(rounds: int) -> None:
    result = found(np.ones((rounds, rounds)), n=9)
    assert (result.statistic, result.pvalue, result.change_point) == (0.0, 1.0, 1)


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 2), (1, 2, 3, 3)])
def test_one_square_for_each_probe_is_needed(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one square"):
        change_test(np.ones(shape), rng=np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 7), (0, 3, 3)])
def test_rounds_are_two_to_six(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="between two and six"):
        change_test(np.ones(shape), rng=np.random.default_rng(0))


def test_likeness_is_a_number() -> None:
    with pytest.raises(ValueError, match="finite"):
        found(square(3, {(0, 1): math.nan}))
    with pytest.raises(FrozenInstanceError):
        found(LAST_DIFFERS, n=9).pvalue = 0.0  # type: ignore[misc]
