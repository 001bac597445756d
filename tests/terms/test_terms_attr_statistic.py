"""The statistic of attribution: which centres a model is held against, what is centred and what is scaled."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from attribution_cases import at, candidate, control, model, roster, student

from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.statistic import (
    COUNTED,
    REPORTED,
    Statistics,
    kernel_of,
    statistics,
    subject_statistic,
)
from hydrometer.stats.resemblance import Array, unit_kernel

CHANNELS = ("content", "phrasing", "openings", "layout")


def random_similarity(n: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    found = {}
    for name in REPORTED:
        half = rng.uniform(0.1, 0.9, size=(n, n))
        found[name] = half + half.T
    return found


def world() -> ComparisonSet:
    """`sun` taught four models from three sources, `star` one; five untaught ones come from three developers."""
    return roster(
        candidate("sun-1", "sun", "Sky"), candidate("sun-2", "sun", "Sky"), candidate("star-1", "star", "Cosmos"),
        student("s1", "sun", data_source="d1"), student("s2", "sun", data_source="d1"),
        student("s3", "sun", data_source="d2"), model("mix", "mixed", teacher_group=("sun",), developer="Mixer"),
        student("t1", "star", developer="Pupils"),
        control("c1", "A"), control("c2", "A"), control("c3", "B"), control("c4", "Mine"), control("c5", "Skies"),
        candidate("anon", "nameless", None),
        model("subject", developer="Mine"),
    )  # fmt: skip


def by_name(who: ComparisonSet, row_M: Array) -> dict[str, float]:
    return {m.model: x for m, x in zip(who.models, row_M, strict=True) if x}


def test_the_centres_weigh_the_teacher_as_three_sources_and_the_untaught_as_one() -> None:
    who = world()
    frame = statistics(who, random_similarity(15, 1)).frame
    sun = who.candidates.index("sun")
    # Sources that sun did not teach, without the subject's kin c4: star, t1, A (two models), B, Skies, nameless.
    one = Fraction(1, 6)
    null = {"star-1": one, "t1": one, "c1": one / 2, "c2": one / 2, "c3": one, "c5": one, "anon": one}
    # d1 (two models), d2, the mixed one; twice 3/2 for the teacher; 1 for the untaught: 7 in all.
    centre = {
        "s1": Fraction(1, 14),
        "s2": Fraction(1, 14),
        "s3": Fraction(1, 7),
        "mix": Fraction(1, 7),
        "sun-1": Fraction(3, 14),
        "sun-2": Fraction(3, 14),
    }
    centre |= {name: share / 7 for name, share in null.items()}
    assert by_name(who, frame.null_GM[sun]) == pytest.approx({k: float(v) for k, v in null.items()})
    assert by_name(who, frame.centre_GM[sun]) == pytest.approx({k: float(v) for k, v in centre.items()})
    assert sum(centre.values()) == sum(null.values()) == 1


def test_without_any_untaught_model_the_centre_is_the_teachers_and_its_students() -> None:
    who = roster(candidate("sun-1", "sun", "Sky"), student("s1", "sun"))
    frame = statistics(who, random_similarity(3, 2)).frame
    assert frame.null_GM == pytest.approx(np.zeros((1, 3)))
    assert frame.centre_GM == pytest.approx(np.array([[3, 1, 0]]) / 4)


def test_a_candidate_without_answers_has_no_centre() -> None:
    who = roster(candidate("sun-1", "sun", "Sky"), control("c"), candidates=["sun", "unseen"])
    frame = statistics(who, random_similarity(3, 3)).frame
    assert not frame.centre_GM[1].any()
    assert not frame.null_GM[1].any()
    assert frame.centre_GM[0] == pytest.approx([3 / 4, 1 / 4, 0])


def squared_distance(kernel: Array, model: int, weights: Array) -> float:
    difference = -weights
    difference[model] += 1
    return float(difference @ kernel @ difference)


def lineage_part(who: ComparisonSet, stats: Statistics) -> Array:
    direct = sum(stats.direct_MG[c] for c in CHANNELS) / 4
    return (stats.total_MG - direct / stats.frame.direct) * stats.frame.lineage


def test_the_lineage_part_is_half_the_difference_of_squared_distances_to_both_centres() -> None:
    who, similarity = world(), random_similarity(15, 4)
    stats = statistics(who, similarity)
    kernel, found = kernel_of(who, similarity), lineage_part(who, stats)
    frame, subject = stats.frame, who.subject
    for g in range(3):
        near = squared_distance(kernel, subject, frame.centre_GM[g])
        far = squared_distance(kernel, subject, frame.null_GM[g])
        assert found[subject, g] == pytest.approx((far - near) / 2)


def test_no_model_is_judged_with_the_help_of_its_kin() -> None:
    who, similarity = world(), random_similarity(15, 5)
    found = lineage_part(who, statistics(who, similarity))
    kernel, star = kernel_of(who, similarity), who.candidates.index("star")
    # c1 without itself and its sister c2, and without the subject's kin. Untaught by star: d1, d2, B, Skies, sun's
    # maker, nameless.
    far = {
        "s1": Fraction(1, 12),
        "s2": Fraction(1, 12),
        "s3": Fraction(1, 6),
        "c3": Fraction(1, 6),
        "c5": Fraction(1, 6),
        "anon": Fraction(1, 6),
    }
    far |= {"sun-1": Fraction(1, 12), "sun-2": Fraction(1, 12)}
    near = {name: share / 5 for name, share in far.items()} | {"star-1": Fraction(3, 5), "t1": Fraction(1, 5)}
    vectors = []
    for weights in (far, near):
        assert sum(weights.values()) == 1
        vector = np.zeros(15)
        for name, share in weights.items():
            vector[at(who, name)] = float(share)
        vectors.append(vector)
    c1 = at(who, "c1")
    expected = (squared_distance(kernel, c1, vectors[0]) - squared_distance(kernel, c1, vectors[1])) / 2
    assert found[c1, star] == pytest.approx(expected)


def test_both_parts_are_in_units_of_their_spread_over_models_of_known_lineage() -> None:
    who, similarity = world(), random_similarity(15, 6)
    stats = statistics(who, similarity)
    # c4 is the subject's kin, star-1 and anon are of no documented teacher, mix of several.
    known = [at(who, name) for name in ("s1", "s2", "s3", "t1", "c1", "c2", "c3", "c5")]
    for name in REPORTED:
        assert np.nanstd(stats.direct_MG[name][known]) == pytest.approx(1)
    direct = sum(stats.direct_MG[c] for c in CHANNELS) / 4 / stats.frame.direct
    assert np.nanstd(direct[known]) == pytest.approx(1)
    assert np.nanstd((stats.total_MG - direct)[known]) == pytest.approx(1)
    # Of the others, only the subject was asked for.
    assert set(np.flatnonzero(~np.isnan(stats.total_MG).all(axis=1))) == {*known, who.subject}


def test_where_candidates_are_not_judged_there_is_no_statistic() -> None:
    who = world()
    stats = statistics(who, random_similarity(15, 7))
    pupil = at(who, "t1")
    assert np.isfinite(stats.total_MG[pupil]).all()
    own = roster(*who.models[:-1], model("subject", developer="Sky"))
    row = statistics(own, random_similarity(15, 7)).total_MG[own.subject]
    assert dict(zip(own.candidates, np.isnan(row), strict=True)) == {"nameless": False, "star": False, "sun": True}


def small() -> ComparisonSet:
    return roster(
        candidate("sun-1", "sun", "Sky"), candidate("sun-2", "sun", "Sky"), candidate("star-1", "star", "Cosmos"),
        candidate("orb-1", "orb", "Deep"), control("c1"), control("c2", "Sky"),
    )  # fmt: skip


def test_likeness_to_a_candidate_is_held_against_the_mean_of_the_candidates_that_are_judged() -> None:
    who = small()
    similarity = np.full((7, 7), 0.5)
    # Columns: two suns, star, orb.
    similarity[at(who, "subject"), :4] = 0.7, 0.3, 0.2, 0.8
    similarity[at(who, "c1"), :4] = 0.9, 0.7, 0.3, 0.4
    similarity[at(who, "c2"), :4] = 0.9, 0.7, 0.3, 0.4
    stats = statistics(who, dict.fromkeys(REPORTED, similarity))
    orb, star, sun = range(3)
    # Subject: orb 0.8, star 0.2, sun 0.5, mean 0.5. c1: 0.4, 0.3, 0.8, mean 0.5. c2, of Sky: 0.4, 0.3, mean 0.35.
    raw = np.array([[-0.1, -0.2, 0.3], [0.05, -0.05, np.nan]])
    spread = np.std([-0.1, -0.2, 0.3, 0.05, -0.05])
    for name in REPORTED:
        found = stats.direct_MG[name]
        assert found[[at(who, "c1"), at(who, "c2")]] == pytest.approx(raw / spread, nan_ok=True)
        assert found[at(who, "subject"), [orb, star, sun]] == pytest.approx(np.array([0.3, -0.3, 0.0]) / spread)


def test_with_one_candidate_likeness_to_it_is_the_mean_and_counts_nothing() -> None:
    who = roster(candidate("sun-1", "sun", "Sky"), control("c1"), control("c2"))
    stats = statistics(who, random_similarity(4, 8))
    direct = stats.direct_MG["content"]
    assert direct[1:, 0] == pytest.approx([0, 0, 0])
    # Without spread the unit is 1; the sum is the lineage part alone.
    assert stats.frame.direct == 1.0
    assert stats.frame.channel == dict.fromkeys(REPORTED, 1.0)
    assert np.nanstd(stats.total_MG[[1, 2]]) == pytest.approx(1)


def test_without_models_of_known_lineage_the_unit_is_one() -> None:
    who = roster(candidate("sun-1", "sun", "Sky"), candidate("star-1", "star", "Cosmos"))
    stats = statistics(who, random_similarity(3, 9))
    assert (stats.frame.lineage, stats.frame.direct) == (1.0, 1.0)
    assert np.isfinite(stats.total_MG[who.subject]).all()


def test_style_places_models_but_only_answers_to_the_same_prompt_compare_directly() -> None:
    who, similarity = world(), random_similarity(15, 10)
    base = statistics(who, similarity)
    other = random_similarity(15, 11)
    longer = statistics(who, {**similarity, "length": other["length"]})
    assert longer.total_MG == pytest.approx(base.total_MG, nan_ok=True)
    assert not np.allclose(longer.direct_MG["length"], base.direct_MG["length"], equal_nan=True)
    for name in COUNTED:
        changed = statistics(who, {**similarity, name: other[name]})
        assert not np.allclose(lineage_part(who, changed), lineage_part(who, base), equal_nan=True)
        direct = changed.frame.direct == pytest.approx(base.frame.direct)
        assert direct is (name == "style")


def test_the_space_is_the_mean_of_the_counted_channels() -> None:
    who = roster(*(control(f"c{i}") for i in range(5)))
    similarity = random_similarity(6, 12)
    mean = sum(unit_kernel(similarity[c]) for c in (*CHANNELS, "style")) / 5
    assert kernel_of(who, similarity) == pytest.approx(mean)


def test_half_of_the_direction_of_a_base_family_is_taken_out() -> None:
    """With one direction c, half of a component leaves a quarter of its inner products: K - 3/4 Kc (Kc)' / c'Kc."""
    who = roster(*(control(f"c{i}", base_family="B" if i < 3 else f"other {i}") for i in range(7)))
    similarity = random_similarity(8, 13)
    kernel = unit_kernel(similarity["content"])
    direction = np.array([*[1 / 3 - 1 / 7] * 3, *[-1 / 7] * 4, 0])
    along = kernel @ direction
    left = kernel - 0.75 * np.outer(along, along) / (direction @ along)
    length = np.sqrt(np.diag(left))
    found = kernel_of(who, dict.fromkeys(REPORTED, similarity["content"]))
    assert found == pytest.approx(left / np.outer(length, length))


def test_in_its_own_frame_the_subjects_statistic_is_the_same() -> None:
    who, similarity = world(), random_similarity(15, 14)
    stats = statistics(who, similarity)
    assert subject_statistic(who, similarity, stats.frame) == pytest.approx(stats.total_MG[who.subject])
    # Points on a sphere do not move if every likeness doubles; what is compared directly does double.
    doubled = subject_statistic(who, {c: 2 * s for c, s in similarity.items()}, stats.frame)
    lineage = lineage_part(who, stats)[who.subject] / stats.frame.lineage
    assert doubled - lineage == pytest.approx(2 * (stats.total_MG[who.subject] - lineage))
