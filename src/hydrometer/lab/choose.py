"""Which traces to learn from: quality, difficulty, diversity, as s1 chose 1,000 of 59,029, and its ablations.

s1 drops traces with faults of form, then questions that either of two models answers right, then draws a domain
uniformly and in it a question with weight 2^-rank by the length of its trace (Muennighoff et al., arXiv:2501.19393,
sections 2.2 and 5.1, algorithm 1). Here a verifier is at hand, so that quality also means a right answer, and one model
stands for two: the base, answering at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import InputError
from hydrometer.lab.reasoning import FILLER, RULES, Trace

Arm = Literal["s1", "random", "diverse", "longest", "unfiltered"]
ARMS: dict[Arm, str] = {
    "s1": "quality, difficulty, diversity",
    "random": "quality, then at random",
    "diverse": "quality, then domains alike",
    "longest": "quality, then the longest traces",
    "unfiltered": "at random from all",
}


def is_well_formed(trace: Trace) -> bool:
    """Returns whether a trace can be read to its one answer and has no idle words."""
    return FILLER not in trace.words and trace.answer is not None


def is_right(trace: Trace) -> bool:
    """Returns whether the verifier accepts the answer."""
    return trace.answer == trace.question.truth


def choose(
    pool: Sequence[Trace],
    arm: Arm,
    *,
    n: int,
    good_N: NDArray[np.bool_],
    hard_N: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[int]:
    """Returns the places in the pool of `n` traces.

    Args:
        pool: all traces.
        arm: how to choose: see `ARMS`.
        n: how many.
        good_N: whether the trace is well formed and right.
        hard_N: whether the base fails the question, of good traces.
        rng: of the draws.

    Raises:
        InputError: if too few traces are left.
    """
    # The ablations are s1's own (section 5.1); `hard` is asked of the s1 choice alone there too.
    kept_N = np.ones(len(pool), dtype=bool) if arm == "unfiltered" else good_N & hard_N if arm == "s1" else good_N
    kept: list[int] = np.flatnonzero(kept_N).tolist()
    if len(kept) < n:
        raise InputError(
            f"{len(kept):,} traces are left for '{arm}', {n:,} are wanted",
            cure="make the pool larger, or chosen smaller",
        )
    if arm == "longest":
        return sorted(kept, key=lambda i: -len(pool[i].words))[:n]
    if arm in ("random", "unfiltered"):
        return [int(i) for i in rng.choice(kept, n, replace=False)]
    return _by_domain(pool, kept, n=n, rng=rng, favour_long=arm == "s1")


def _by_domain(
    pool: Sequence[Trace], kept: Sequence[int], *, n: int, rng: np.random.Generator, favour_long: bool
) -> list[int]:
    """Draws a domain uniformly, then a trace in it, until there are enough."""
    left: dict[str, list[int]] = {rule: [i for i in kept if pool[i].question.rule == rule] for rule in RULES}
    for rule, places in left.items():
        if favour_long:
            places.sort(key=lambda i: -len(pool[i].words))
        else:
            left[rule] = [int(i) for i in rng.permutation(places)]
    chosen: list[int] = []
    while len(chosen) < n:
        rules = [rule for rule in RULES if left[rule]]
        places = left[rules[int(rng.integers(len(rules)))]]
        # Weight 2^-rank is a geometric draw over ranks, drawn again where it runs over the end.
        rank = int(rng.geometric(0.5)) - 1 if favour_long else 0
        if rank < len(places):
            chosen.append(places.pop(rank))
    return chosen
