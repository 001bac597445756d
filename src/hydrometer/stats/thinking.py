"""How well thinking can be controlled, and what more of it brings.

References:
    Muennighoff et al., s1: Simple test-time scaling, arXiv:2501.19393, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class ThinkingMetrics:
    """The three metrics of s1.

    Attributes:
        control: share of runs whose thinking kept to the budget.
        scaling: mean slope over all pairs of points, accuracy per thinking token; not a number where none differ.
        performance: highest accuracy of any point.
    """

    control: float
    scaling: float
    performance: float


def thinking_metrics(
    tokens_A: Sequence[float], accuracy_A: Sequence[float], *, kept: int, n_runs: int
) -> ThinkingMetrics:
    """Returns control, scaling and performance.

    Args:
        tokens_A: mean thinking tokens of each point.
        accuracy_A: accuracy of each point.
        kept: runs whose thinking kept to the budget.
        n_runs: runs, over all points.

    Raises:
        ValueError: if there is no point, or lengths differ.
    """
    if not tokens_A or len(tokens_A) != len(accuracy_A) or not 0 <= kept <= n_runs or n_runs < 1:
        raise ValueError("as many accuracies as token counts, at least one, and 0 <= kept <= n_runs are needed")
    points = sorted(zip(tokens_A, accuracy_A, strict=True))
    slopes = [(f2 - f1) / (t2 - t1) for (t1, f1), (t2, f2) in combinations(points, 2) if t2 > t1]
    return ThinkingMetrics(
        kept / n_runs, sum(slopes) / len(slopes) if slopes else float("nan"), max(accuracy_A)
    )  # fmt: skip
