"""Students against models of the same human text: who stands where between them, and what that explains."""

from __future__ import annotations

import numpy as np
import pytest
from attribution_cases import at, candidate, control, model, roster, student

from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.shared_text import SharedText, shared_text
from hydrometer.instruments.attribution.statistic import COUNTED, REPORTED, kernel_of
from hydrometer.stats.conformal import NullDistribution
from hydrometer.stats.resemblance import Array

SUN = candidate("sun-1", "sun", "Sky")
STAR = candidate("star-1", "star", "Cosmos")
HEIR = {"same_text_as": ("sun",)}


def place_among(*null: float, mine: float = 0.0, n: int | None = None) -> SharedText:
    return SharedText(np.array([mine, np.nan]), (n or len(null), 0), NullDistribution(np.array(null)) if null else None)


NINE = tuple(x / 10 for x in range(-9, 0))


@pytest.mark.parametrize(
    ("n_null", "alpha", "enough"),
    [(8, 0.1, False), (9, 0.1, True), (10, 0.1, True), (18, 0.05, False), (19, 0.05, True), (2, 1 / 3, True)],
)
def test_enough_models_for_a_level_are_one_less_than_its_inverse(n_null: int, alpha: float, enough: bool) -> None:
    assert place_among(*(k / 100 for k in range(n_null))).supports(alpha) is enough
    assert not place_among().supports(alpha)


def test_a_p_value_needs_enough_models_and_a_place() -> None:
    found = place_among(*NINE, mine=-0.25).pvalues(0.1)
    # -0.2 and -0.1 stand as near or nearer: (1 + 2) of 10.
    assert found == pytest.approx([0.3, np.nan], nan_ok=True)
    assert np.isnan(place_among(*NINE[1:], mine=-0.25).pvalues(0.1)).all()
    assert np.isnan(place_among(mine=-0.25).pvalues(0.1)).all()


def test_with_enough_models_the_text_explains_what_is_not_rarer_than_the_level() -> None:
    assert not place_among(*NINE, mine=0.0).explains(0, 0.1)
    assert place_among(*NINE, mine=-0.1).explains(0, 0.1)
    # At 0.2 one of the nine may stand as near: p = 2/10 is rare enough, 3/10 is not.
    assert not place_among(*NINE, mine=-0.15).explains(0, 0.2)
    assert place_among(*NINE, mine=-0.25).explains(0, 0.2)


def test_with_few_models_the_subject_must_stand_nearer_than_all_of_them() -> None:
    assert not place_among(-0.5, -0.1, mine=0.0).explains(0, 0.05)
    assert place_among(-0.5, -0.1, mine=-0.1).explains(0, 0.05)
    assert place_among(-0.5, -0.1, mine=-0.2).explains(0, 0.05)


def test_what_is_not_known_explains_nothing() -> None:
    assert not place_among(-0.5, -0.1).explains(1, 0.05)
    assert not place_among(*NINE).explains(1, 0.1)
    assert not place_among(mine=-5.0).explains(0, 0.05)


def random_similarity(n: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    halves = {name: rng.uniform(0.1, 0.9, size=(n, n)) for name in REPORTED}
    return {name: half + half.T for name, half in halves.items()}


def place(
    who: ComparisonSet, kernel: Array, name: str, *, students: dict[str, float], others: dict[str, float]
) -> float:
    """On the line from the others (-1) to the students (+1), from squared distances."""
    ends = []
    for weights in (students, others):
        assert sum(weights.values()) == pytest.approx(1)
        end = np.zeros(len(who.models))
        for key, share in weights.items():
            end[at(who, key)] = share
        ends.append(end)
    one, other = ends
    me = np.eye(len(who.models))[at(who, name)]

    def squared(v: Array) -> float:
        return float(v @ kernel @ v)

    return (squared(me - other) - squared(me - one)) / squared(one - other)


WORLD = (
    SUN, STAR,
    student("s1", "sun", data_source="d1"), student("s2", "sun", data_source="d1"),
    student("s3", "sun", data_source="d2"),
    model("mix", "mixed", teacher_group=("sun",), developer="Mixer"),
    control("h1", "A", **HEIR), control("h2", "A", **HEIR), control("h3", "B", **HEIR), control("h4", "C", **HEIR),
    control("c1"),
)  # fmt: skip


def test_the_place_is_on_the_line_between_both_centres_and_every_heir_is_left_out_of_its_own() -> None:
    who = roster(*WORLD)
    similarity = random_similarity(len(who.models), 21)
    found = shared_text(who, similarity)
    kernel = kernel_of(who, similarity)
    students = {"s1": 1 / 6, "s2": 1 / 6, "s3": 1 / 3, "mix": 1 / 3}
    everybody = {"h1": 1 / 6, "h2": 1 / 6, "h3": 1 / 3, "h4": 1 / 3}
    sun, star = who.candidates.index("sun"), who.candidates.index("star")
    assert found.n_G[sun] == 4
    assert found.n_G[star] == 0
    assert found.place_G[sun] == pytest.approx(place(who, kernel, "subject", students=students, others=everybody))
    assert np.isnan(found.place_G[star])
    assert found.null is not None
    # h1 and h2 are of one developer: neither helps to place the other.
    without = {
        "h1": {"h3": 1 / 2, "h4": 1 / 2}, "h2": {"h3": 1 / 2, "h4": 1 / 2},
        "h3": {"h1": 1 / 4, "h2": 1 / 4, "h4": 1 / 2}, "h4": {"h1": 1 / 4, "h2": 1 / 4, "h3": 1 / 2},
    }  # fmt: skip
    expected = [place(who, kernel, h, students=students, others=others) for h, others in without.items()]
    assert sorted(found.null.statistics) == pytest.approx(sorted(expected))


def test_the_subjects_kin_define_no_end_of_the_line() -> None:
    models = (*WORLD, student("cousin", "sun", developer="Mine"), control("aunt", "Mine", **HEIR))
    who = roster(*models, model("subject", developer="Mine"))
    similarity = random_similarity(len(who.models), 22)
    found = shared_text(who, similarity)
    students = {"s1": 1 / 6, "s2": 1 / 6, "s3": 1 / 3, "mix": 1 / 3}
    others = {"h1": 1 / 6, "h2": 1 / 6, "h3": 1 / 3, "h4": 1 / 3}
    sun = who.candidates.index("sun")
    assert found.place_G[sun] == pytest.approx(
        place(who, kernel_of(who, similarity), "subject", students=students, others=others)
    )
    assert found.n_G[sun] == 4


def test_a_candidate_that_is_not_judged_has_no_place_but_its_heirs_stay_in_the_null() -> None:
    who = roster(*WORLD, model("subject", developer="Sky"))
    found = shared_text(who, random_similarity(len(who.models), 23))
    assert np.isnan(found.place_G).all()
    assert found.null is not None
    assert len(found.null.statistics) == 4


def test_without_heirs_or_students_there_is_no_line() -> None:
    for models, n_sun in (
        ((SUN, STAR, student("s1", "sun"), control("c1")), 0),
        ((SUN, STAR, control("h1", **HEIR), control("h2", **HEIR)), 2),
        # The only heir is left out of its own line.
        ((SUN, STAR, student("s1", "sun"), control("h1", **HEIR)), 1),
    ):
        who = roster(*models)
        found = shared_text(who, random_similarity(len(who.models), 24))
        assert found.null is None
        assert found.n_G[who.candidates.index("sun")] == n_sun


@pytest.mark.parametrize(("gap", "told_apart"), [(0.0, False), (5e-10, False), (1.25e-9, True), (1e-3, True)])
def test_ends_that_cannot_be_told_apart_give_no_place(gap: float, told_apart: bool) -> None:
    """Half of the squared distance between the ends must reach a billionth: below, their difference is rounding."""
    # Of one developer, so that the two heirs place nobody but the subject.
    heirs = (control("h1", "A", **HEIR), control("h2", "A", **HEIR))
    who = roster(SUN, STAR, student("s1", "sun"), student("s2", "sun"), *heirs)
    n = len(who.models)
    similarity = np.random.default_rng(25).uniform(0.1, 0.4, (n, n))
    similarity = similarity + similarity.T
    # All four are alike to everybody else in the same way, and less alike across than among themselves.
    four = [at(who, name) for name in ("s1", "s2", "h1", "h2")]
    for i in four:
        similarity[i] = similarity[:, i] = similarity[four[0]]
    similarity[np.ix_(four, four)] = 1.0

    def half_distance(across: float) -> float:
        similarity[np.ix_(four[:2], four[2:])] = similarity[np.ix_(four[2:], four[:2])] = 1 - across
        direction = np.zeros(n)
        direction[four] = 0.5, 0.5, -0.5, -0.5
        return 0.5 * float(direction @ kernel_of(who, dict.fromkeys(COUNTED, similarity)) @ direction)

    # For small gaps the distance is in proportion.
    assert half_distance(gap * 1e-3 / half_distance(1e-3)) == pytest.approx(gap, rel=0.02, abs=1e-12)
    found = shared_text(who, dict.fromkeys(COUNTED, similarity))
    assert np.isfinite(found.place_G[who.candidates.index("sun")]) == told_apart
