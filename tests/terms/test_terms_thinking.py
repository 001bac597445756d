"""The metrics of s1 (arXiv:2501.19393, section 3.2), worked by hand."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import pytest

from hydrometer.stats.thinking import thinking_metrics


def test_control_scaling_and_performance() -> None:
    # Slopes 0.2/100, 0.3/300 and 0.1/200, whatever the order of the points; the best is not the longest.
    found = thinking_metrics([400.0, 100.0, 200.0], [0.5, 0.2, 0.4], kept=3, n_runs=4)
    assert found.control == 0.75
    assert found.scaling == pytest.approx((0.002 + 0.001 + 0.0005) / 3)
    assert found.performance == 0.5
    assert thinking_metrics([1.0, 3.0], [0.9, 0.4], kept=0, n_runs=1).scaling == pytest.approx(-0.25)
    assert thinking_metrics([1.0, 3.0], [0.9, 0.4], kept=0, n_runs=1).performance == 0.9


def test_points_of_equal_length_have_no_slope() -> None:
    found = thinking_metrics([7.0, 7.0, 9.0], [0.1, 0.3, 0.5], kept=1, n_runs=1)
    assert found.scaling == pytest.approx((0.2 + 0.1) / 2)
    assert math.isnan(thinking_metrics([7.0, 7.0], [0.1, 0.3], kept=1, n_runs=1).scaling)
    assert math.isnan(thinking_metrics([7.0], [0.1], kept=1, n_runs=1).scaling)


@pytest.mark.parametrize(
    ("tokens", "accuracy", "kept", "n_runs"),
    [([], [], 0, 1), ([1.0], [0.5, 0.6], 0, 1), ([1.0], [0.5], 2, 1), ([1.0], [0.5], -1, 1), ([1.0], [0.5], 0, 0)],
)
def test_points_and_runs_are_needed(tokens: list[float], accuracy: list[float], kept: int, n_runs: int) -> None:
    with pytest.raises(ValueError, match="kept <= n_runs are needed"):
        thinking_metrics(tokens, accuracy, kept=kept, n_runs=n_runs)


def test_all_runs_may_keep_and_none() -> None:
    assert thinking_metrics([1.0], [0.5], kept=1, n_runs=1).control == 1.0
    assert thinking_metrics([1.0], [0.5], kept=0, n_runs=1).control == 0.0
    with pytest.raises(FrozenInstanceError):
        thinking_metrics([1.0], [0.5], kept=0, n_runs=1).control = 0.5  # type: ignore[misc]
