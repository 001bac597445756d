"""The wild cluster bootstrap against regressions that are run again for every pattern of signs."""

from __future__ import annotations

import itertools
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import t

from hydrometer.errors import DegenerateInputWarning
from hydrometer.stats.wild_bootstrap import ClusteredCoefficient, wild_cluster_interval, wild_cluster_pvalue

RNG = np.random.default_rng(11)
CLUSTER = np.repeat([5, 1, 9, 7, 3, 2], 4)
ROWS = len(CLUSTER)
_, GROUP = np.unique(CLUSTER, return_inverse=True)
Z = RNG.normal(size=ROWS) + RNG.normal(size=6)[GROUP]
X = Z + RNG.normal(size=ROWS)
Y = 2 + 0.5 * X + RNG.normal(size=6)[GROUP] + RNG.normal(size=ROWS)
CONSTANT = np.ones((ROWS, 1))
CONTROLS = np.column_stack([np.ones(ROWS), RNG.normal(size=ROWS)])


def unused() -> np.random.Generator:
    """Few clusters need no draws: every pattern of signs is used."""
    return np.random.default_rng(0)


def fitted(outcome: np.ndarray, design: np.ndarray) -> np.ndarray:
    return design @ np.linalg.lstsq(design, outcome, rcond=None)[0]


def robust_t(outcome: np.ndarray, instrument: np.ndarray, controls: np.ndarray, group: np.ndarray) -> float:
    """The t of the instrument's coefficient with a cluster-robust error, by least squares on everything."""
    design = np.column_stack([instrument, controls])
    bread = np.linalg.inv(design.T @ design)
    coefficient = bread @ design.T @ outcome
    rest = outcome - design @ coefficient
    scores = [design[group == g].T @ rest[group == g] for g in range(group.max() + 1)]
    meat = sum(np.outer(s, s) for s in scores)
    return float(coefficient[0] / math.sqrt((bread @ meat @ bread)[0, 0]))


def textbook_pvalue(value: float, instrument: np.ndarray, controls: np.ndarray) -> float:
    """Cameron, Gelbach and Miller's test with the hypothesis imposed; Anderson and Rubin's where z is not x."""
    under = Y - value * X
    centre = fitted(under, controls)
    observed = abs(robust_t(under, instrument, controls, GROUP))
    reached = []
    for signs in itertools.product((-1.0, 1.0), repeat=6):
        drawn = centre + np.array(signs)[GROUP] * (under - centre)
        reached.append(abs(robust_t(drawn, instrument, controls, GROUP)) >= observed * (1 - 1e-9))
    return float(np.mean(reached))


@pytest.mark.parametrize("value", [0.0, 0.4, 1.3])
@pytest.mark.parametrize("controls", [CONSTANT, CONTROLS])
def test_a_pvalue_is_the_share_of_patterns_that_reach_t(value: float, controls: np.ndarray) -> None:
    found = wild_cluster_pvalue(Y, X, CLUSTER, value=value, rng=unused(), controls_RK=controls)
    assert found == pytest.approx(textbook_pvalue(value, X, controls))


def test_without_controls_nothing_is_taken_out() -> None:
    # By hand: scores of x·y by cluster are 1, 2, 3, 4 and 6, all of one sign: only the two patterns of equal signs.
    y, x = np.array([1.0, 2.0, 3.0, 4.0, 6.0]), np.ones(5)
    assert wild_cluster_pvalue(y, x, np.arange(5), value=0.0, rng=unused()) == pytest.approx(2 / 32)
    empty = np.zeros((5, 0))
    assert wild_cluster_pvalue(y, x, np.arange(5), value=0.0, rng=unused(), controls_RK=empty) == pytest.approx(2 / 32)
    # At 2.5 they are -1.5, -0.5, 0.5, 1.5 and 3.5.
    u = y - 2.5
    observed = abs(u.sum()) / math.sqrt(((u - u.mean()) ** 2).sum())
    patterns = [np.array(s) * u for s in itertools.product((-1.0, 1.0), repeat=5)]
    share = np.mean([abs(v.sum()) / math.sqrt(((v - v.mean()) ** 2).sum()) >= observed * (1 - 1e-9) for v in patterns])
    assert wild_cluster_pvalue(y, x, np.arange(5), value=2.5, rng=unused()) == pytest.approx(share)


@pytest.mark.parametrize("instrument", [None, Z])
def test_bounds_are_where_the_test_rejects(instrument: np.ndarray | None) -> None:
    found = wild_cluster_interval(
        Y, X, CLUSTER, rng=unused(), instrument_R=instrument, controls_RK=CONTROLS, level=0.75
    )
    used = X if instrument is None else instrument
    near = 1e-3 * (found.high - found.low)
    for bound, inwards in ((found.low, near), (found.high, -near)):
        assert textbook_pvalue(bound, used, CONTROLS) <= 0.25
        assert textbook_pvalue(bound + inwards, used, CONTROLS) > 0.25
    assert (found.level, found.n_clusters, found.method) == (0.75, 6, "wild cluster bootstrap, tests inverted")


def test_ninety_percent_is_the_default() -> None:
    stated, unsaid = (
        wild_cluster_interval(Y, X, CLUSTER, rng=unused(), controls_RK=CONTROLS, **level)
        for level in ({"level": 0.9}, {})
    )
    assert stated == unsaid
    assert unsaid.level == 0.9


@pytest.mark.parametrize("instrument", [None, Z])
def test_the_estimate_and_its_error_by_matrices(instrument: np.ndarray | None) -> None:
    used = X if instrument is None else instrument
    design, moments = np.column_stack([X, CONTROLS]), np.column_stack([used, CONTROLS])
    bread = np.linalg.inv(moments.T @ design)
    coefficient = bread @ moments.T @ Y
    rest = Y - design @ coefficient
    scores = [moments[g == GROUP].T @ rest[g == GROUP] for g in range(6)]
    variance = bread @ sum(np.outer(s, s) for s in scores) @ bread.T
    found = wild_cluster_interval(Y, X, CLUSTER, rng=unused(), instrument_R=instrument, controls_RK=CONTROLS)
    assert found.estimate == pytest.approx(coefficient[0])
    assert found.standard_error == pytest.approx(math.sqrt(6 / 5 * variance[0, 0]))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_below_five_clusters_the_interval_is_students(n: int) -> None:
    # A mean of clusters of one row: the error is the standard error of a mean.
    y = np.array([1.0, 4.0, 6.0, 6.5])[:n]
    with pytest.warns(DegenerateInputWarning, match=f"{n} clusters") as caught:
        found = wild_cluster_interval(y, np.ones(n), np.arange(n), rng=unused(), level=0.8)
    assert caught[0].filename == __file__
    assert found.standard_error == pytest.approx(y.std(ddof=1) / math.sqrt(n))
    low, high = t.interval(0.8, n - 1, loc=y.mean(), scale=found.standard_error)
    assert (found.estimate, found.low, found.high) == pytest.approx((y.mean(), low, high))
    assert found.method.startswith(f"Student's t on {n - 1} degree")
    assert (found.level, found.n_clusters) == (0.8, n)


def test_five_clusters_are_enough_for_a_bootstrap() -> None:
    found = wild_cluster_interval(np.array([1.0, 2.0, 3.0, 4.0, 6.0]), np.ones(5), np.arange(5), rng=unused())
    assert found.method.startswith("wild cluster bootstrap")
    # All of one sign at 1: p is 2/32 until a sign turns, at the smallest value.
    assert 0.0 < found.low < 2.0


def test_one_cluster_has_no_interval() -> None:
    with pytest.warns(DegenerateInputWarning, match="1 clusters") as caught:
        found = wild_cluster_interval(np.array([1.0, 2.0]), np.ones(2), np.array([4, 4]), rng=unused())
    assert caught[0].filename == __file__
    assert (found.estimate, found.low, found.high, found.method) == (1.5, -math.inf, math.inf, "none: one cluster")
    assert math.isnan(found.standard_error)


def test_a_few_more_than_a_thousand_patterns_are_counted_and_more_are_drawn() -> None:
    rng = np.random.default_rng(3)
    for n, counted in ((10, 1024), (11, 999)):
        y, x = rng.normal(size=n) + 0.4, np.ones(n)
        p = wild_cluster_pvalue(y, x, np.arange(n), value=0.0, rng=np.random.default_rng(1))
        other = wild_cluster_pvalue(y, x, np.arange(n), value=0.0, rng=np.random.default_rng(2))
        assert p * counted == pytest.approx(round(p * counted), abs=1e-9)
        assert (p == other) == (n == 10)
        assert p == pytest.approx(other, abs=0.06)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_drawn_signs_are_even(value: float) -> None:
    # Eleven clusters of one row: draws come near all 2,048 patterns.
    y = np.linspace(-0.5, 1.5, 11) ** 3
    signs_BG = np.array(list(itertools.product((-1.0, 1.0), repeat=11)))
    drawn_BG = signs_BG * (y - value)
    t_B = drawn_BG.sum(axis=1) / np.sqrt(((drawn_BG - drawn_BG.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    exact = float(np.mean(np.abs(t_B) >= abs(t_B[-1]) * (1 - 1e-9)))
    p = wild_cluster_pvalue(y, np.ones(11), np.arange(11), value=value, rng=np.random.default_rng(1))
    assert p == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / 999))


def test_a_weak_instrument_leaves_no_bounds() -> None:
    # Noise instead of an instrument: no value of the coefficient is rejected at a high level.
    noise = np.random.default_rng(8).normal(size=ROWS)
    found = wild_cluster_interval(Y, X, CLUSTER, rng=unused(), instrument_R=noise, controls_RK=CONTROLS, level=0.99)
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5, -0.5])
def test_a_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        wild_cluster_interval(Y, X, CLUSTER, rng=unused(), level=level)


@pytest.mark.parametrize("short", ["y", "x", "z", "cluster"])
def test_lengths_are_equal(short: str) -> None:
    columns = {"y": Y, "x": X, "z": Z, "cluster": CLUSTER}
    columns[short] = columns[short][:-1]
    with pytest.raises(ValueError, match="as many clusters"):
        wild_cluster_interval(columns["y"], columns["x"], columns["cluster"], rng=unused(), instrument_R=columns["z"])


@pytest.mark.parametrize(
    ("x", "z"),
    [
        (np.ones(ROWS), None),  # nothing beyond the constant
        (X, np.ones(ROWS)),
        (np.tile([1.0, 1.0, -1.0, -1.0], 6), np.tile([1.0, -1.0, 1.0, -1.0], 6)),  # the instrument moves nothing
        (np.zeros(ROWS), Z),
    ],
)
def test_what_does_not_vary_is_refused(x: np.ndarray, z: np.ndarray | None) -> None:
    with pytest.raises(ValueError, match="does not vary"):
        wild_cluster_interval(Y, x, CLUSTER, rng=unused(), instrument_R=z, controls_RK=CONSTANT)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_do_not_matter(unit: float) -> None:
    plain = wild_cluster_interval(Y, X, CLUSTER, rng=unused(), instrument_R=Z, controls_RK=CONTROLS)
    scaled = wild_cluster_interval(Y, X, CLUSTER, rng=unused(), instrument_R=Z * unit, controls_RK=CONTROLS * unit)
    for name in ("estimate", "standard_error", "low", "high"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-6)
    with pytest.raises(ValueError, match="does not vary"):
        wild_cluster_interval(Y, X, CLUSTER, rng=unused(), instrument_R=np.full(ROWS, unit / 3), controls_RK=CONTROLS)


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_a_control_that_is_said_twice_counts_once(unit: float) -> None:
    twice = np.column_stack([CONTROLS, CONTROLS[:, 1] * 3]) * unit
    once, again = (wild_cluster_interval(Y, X, CLUSTER, rng=unused(), controls_RK=c) for c in (CONTROLS, twice))
    assert (again.estimate, again.standard_error) == pytest.approx((once.estimate, once.standard_error))


def test_a_coefficient_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        ClusteredCoefficient(0.0, 0.0, 0.0, 0.0, 0.9, 5, "").low = 1.0  # type: ignore[misc]
