"""From answers to accuracies with intervals.

Axes: S seeds, Q questions.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning
from hydrometer.lab.choose import ARMS
from hydrometer.lab.reasoning import Problem
from hydrometer.lab.s1_answers import budgets
from hydrometer.lab.s1_records import ArmResult, Difference, Point, S1Recipe, S1Result, Spent
from hydrometer.stats.clustered import clustered_rate, rate_difference
from hydrometer.stats.thinking import thinking_metrics

Right = NDArray[np.bool_]


def summed(
    recipe: S1Recipe, questions: Sequence[Problem], answers: Mapping[str, Any], *, parameters: int,
    pool: dict[str, int], bill: Sequence[Spent], price: str,
) -> S1Result:  # fmt: skip
    """Returns the result.

    Args:
        recipe: what was done.
        questions: of the test.
        answers: of each model by its name, as `s1_answers.answer` gives them.
        parameters: of the base.
        pool: traces left after each filter.
        bill: its rows.
        price: what the dollars rest on.
    """
    by_arm = {"base": [answers["base"]]} | {
        arm: [answers[f"{arm}-{seed}"] for seed in recipe.seeds] for arm in recipe.arms
    }
    own = budgets(recipe).index((recipe.testing.most, 0))
    right = {arm: [_right(found, i) for i in range(len(budgets(recipe)))] for arm, found in by_arm.items()}
    with warnings.catch_warnings():
        # One seed, or arms that answer alike, leave wide intervals, which say it.
        warnings.simplefilter("ignore", DegenerateInputWarning)
        arms = tuple(_arm(arm, found, right[arm], own) for arm, found in by_arm.items())
        differences = []
        if "s1" in right:
            mine = right["s1"]
            differences += [_difference("s1", arm, mine[own], r[own]) for arm, r in right.items() if arm != "s1"]
            for i, waits in enumerate(recipe.testing.waits, own + 1):
                differences.append(_difference(f"s1 with {waits} waits", "s1", mine[i], mine[own]))
            differences += [
                _difference(f"s1 cut at {limit}", "s1", mine[i], mine[own])
                for i, limit in enumerate(recipe.testing.limits)
            ]
    return S1Result(
        name=recipe.name, parameters=parameters, pool=pool, questions=len(questions),
        most=recipe.testing.most, arms=arms,
        differences=tuple(differences), bill=tuple(bill), price=price,
    )  # fmt: skip


def _right(found: Sequence[Any], budget: int) -> Right:
    """Returns who answered what right at a budget, shape (S, Q)."""
    return np.array([a["budgets"][budget]["right"] for a in found], dtype=np.bool_)


def _arm(arm: str, found: Sequence[Any], right: Sequence[Right], own: int) -> ArmResult:
    points = []
    for i, right_SQ in enumerate(right):
        rows = [a["budgets"][i] for a in found]
        rate = clustered_rate(right_SQ.ravel(), _columns(right_SQ))
        points.append(
            Point(
                limit=rows[0]["limit"], waits=rows[0]["waits"],
                thinking_tokens=float(np.mean([r["tokens"] for r in rows])), accuracy=rate.estimate, low=rate.low,
                high=rate.high,
            )
        )  # fmt: skip
    kept = [k for a in found for row in a["budgets"] for k in row["kept"]]
    metrics = thinking_metrics(
        [p.thinking_tokens for p in points], [p.accuracy for p in points], kept=sum(kept), n_runs=len(kept)
    )
    return ArmResult(
        arm=arm, how="before tuning" if arm == "base" else ARMS[arm],  # type: ignore[index]
        accuracy=points[own].accuracy, low=points[own].low, high=points[own].high,
        by_seed=tuple(float(x) for x in right[own].mean(axis=1)), thinking_tokens=points[own].thinking_tokens,
        points=tuple(points), control=metrics.control,
        scaling=metrics.scaling if np.isfinite(metrics.scaling) else None, performance=metrics.performance,
    )  # fmt: skip


def _columns(right_SQ: Right) -> NDArray[np.int64]:
    return np.tile(np.arange(right_SQ.shape[1]), right_SQ.shape[0])


def _rows(right_SQ: Right) -> NDArray[np.int64]:
    return np.repeat(np.arange(right_SQ.shape[0]), right_SQ.shape[1])


def _difference(first: str, second: str, one: Right, two: Right) -> Difference:
    """Compares on the same questions; seeds, being models trained anew, may vary more than questions do."""
    over_questions = rate_difference((one.ravel(), _columns(one)), (two.ravel(), _columns(two)))
    found = [over_questions]
    # Seeds that differ by exactly the same say nothing of how far seeds vary: the questions' interval stands alone.
    if len(one) == len(two) > 1 and np.ptp(one.mean(axis=1) - two.mean(axis=1)) > 0:
        found.append(rate_difference((one.ravel(), _rows(one)), (two.ravel(), _rows(two))))
    return Difference(
        # The wider of both, as neither covers the other's variation: a pair of seeds alone gives one degree of freedom.
        first=first, second=second, estimate=over_questions.estimate, low=min(f.low for f in found),
        high=max(f.high for f in found),
    )  # fmt: skip
