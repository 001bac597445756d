"""From statistics to p-values, a set of teachers and a verdict: every boundary from both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attribution_cases import at, candidate, control, model, roster, student

from hydrometer.instruments.attribution.shared_text import SharedText
from hydrometer.instruments.attribution.significance import Decision, References, decide, references
from hydrometer.records.evidence import Verdict
from hydrometer.stats.conformal import NullDistribution

WORLD = roster(
    candidate("sun-1", "sun", "Sky"), candidate("moon-1", "moon", "Sky"), candidate("star-1", "star", "Cosmos"),
    control("c"), control("theirs", "Sky"), control("heir", same_text_as=("star",)),
    student("of-sun", "sun"), student("of-both", "sun", "moon"), student("of-star", "star", developer="Sky"),
    model("subject"),
)  # fmt: skip
MOON, STAR, SUN = range(3)
ALL = np.ones(3, dtype=bool)


def total() -> np.ndarray:
    values = np.full((10, 3), np.nan)
    for name, row in {
        "c": (0.1, 0.7, 0.3), "theirs": (9.0, 0.2, 9.0), "heir": (0.4, 9.0, 0.6),
        "of-sun": (9.0, -0.5, 2.0), "of-both": (3.0, -0.7, 4.0), "of-star": (9.0, 5.0, 9.0),
    }.items():  # fmt: skip
        values[at(WORLD, name)] = row
    return values


def found(null_G: np.ndarray = ALL, asked_G: np.ndarray = ALL) -> References:
    return references(WORLD, total(), null_G=null_G, asked_G=asked_G)


def test_a_null_models_statistic_is_its_largest_with_those_that_did_not_teach_it() -> None:
    rows = {(m.model, m.kind): (m.candidate, m.statistic) for m in found().models}
    assert rows == {
        ("c", "control"): ("star", 0.7), ("theirs", "control"): ("star", 0.2), ("heir", "control"): ("sun", 0.6),
        ("of-sun", "other_teacher"): ("star", -0.5), ("of-both", "other_teacher"): ("star", -0.7),
        ("of-sun", "student"): ("sun", 2.0), ("of-both", "student"): ("sun", 4.0),
        ("of-star", "student"): ("star", 5.0),
    }  # fmt: skip
    assert sorted(found().null.statistics) == pytest.approx([-0.7, -0.5, 0.2, 0.6, 0.7])
    assert sorted(found().students) == pytest.approx([2.0, 4.0, 5.0])


def test_models_of_known_lineage_are_shown_from_the_highest_down() -> None:
    assert [m.statistic for m in found().models] == [5.0, 4.0, 2.0, 0.7, 0.6, 0.2, -0.5, -0.7]
    assert {m.model: m.developer for m in found().models}["theirs"] == "Sky"


def test_only_the_candidates_asked_about_count() -> None:
    moon = np.array([True, False, False])
    # theirs is Sky's own; nobody can say whether moon taught a student of its sibling sun.
    assert sorted(found(null_G=moon).null.statistics) == pytest.approx([0.1, 0.4])
    assert {(m.model, m.statistic) for m in found(asked_G=moon).models if m.kind == "student"} == {("of-both", 3.0)}


def shared(*place: float, null: tuple[float, ...] = ()) -> SharedText:
    return SharedText(np.array(place), (len(null),) * len(place), NullDistribution(np.array(null)) if null else None)


def decided(row: tuple[float, ...], **options: Any) -> Decision:
    """Nineteen untaught models at -1, -2, ... -19 support p = 0.05 for whatever is above them; two blocks of probes."""
    null = options.pop("null", tuple(-float(k) for k in range(1, 20)))
    students = np.array(options.pop("students", ()), dtype=float)
    given = {"shared": shared(*(np.nan for _ in row)), "alpha": 0.05, "withheld": None, **options}
    leave_out = [np.array(block, dtype=float) for block in given.pop("leave_out", (row, row))]
    return decide(np.array(row), leave_out, References(NullDistribution(np.array(null)), students, ()), **given)


def test_p_values_count_the_untaught_that_score_as_high() -> None:
    decision = decided((0.0, -2.5, -3.0, np.nan))
    # Above nobody but two: (1 + 2) of 20; level with the third: (1 + 3) of 20.
    assert decision.pvalue_G == pytest.approx([0.05, 0.15, 0.2, np.nan], nan_ok=True)
    assert decision.leading == 0


@pytest.mark.parametrize(
    ("statistic", "n_null", "named"), [(0.0, 19, True), (0.0, 18, False), (-1.0, 19, False), (-1.0, 39, True)]
)
def test_a_candidate_passes_at_the_level_itself(statistic: float, n_null: int, named: bool) -> None:
    decision = decided((-5.0, statistic), null=tuple(-float(k) for k in range(1, n_null + 1)))
    assert decision.attributed == ((1,) if named else ())
    assert decision.verdict is (Verdict.SUPPORTS if named else Verdict.INCONCLUSIVE)
    assert decision.withheld is None


def test_the_error_is_the_leading_candidates_over_blocks_of_probes() -> None:
    """With two blocks, the jackknife's error is half of the distance between them."""
    decision = decided((1.0, 2.0, -1.0), leave_out=((0.0, 1.5, 7.0), (0.0, 2.3, 7.5)))
    assert decision.error == pytest.approx((2.3 - 1.5) / 2)


Z95 = 1.959964


@pytest.mark.parametrize(("gap", "named"), [(1.9, True), (1.9599, True), (Z95, True), (1.9601, False), (2.5, False)])
def test_who_cannot_be_told_from_the_first_within_the_noise_is_named_with_it(gap: float, named: bool) -> None:
    """The gap to the first is 1 higher with one block left out and 1 lower with the other: an error of exactly 1."""
    null = tuple(-float(k) for k in range(20, 39))
    decision = decided((0.0, -gap, -9.0), leave_out=((2.0, 1.0, 9.0), (2.0, 3.0, 9.0)), null=null)
    assert decision.attributed == ((0, 1) if named else (0,))
    # The gap to the third is the same with either block, so that no noise excuses it.
    assert decision.also == ((2,) if named else (1, 2))
    assert decision.verdict is Verdict.SUPPORTS


def test_the_named_come_from_the_first_down() -> None:
    noisy = ((0.0, 9.0, -9.0, 0.0), (9.0, 0.0, 9.0, 0.0))
    decision = decided((0.1, 0.4, 0.2, np.nan), leave_out=noisy)
    assert (decision.leading, decision.attributed) == (1, (1, 2, 0))


def test_whom_the_shared_text_explains_is_not_named_beside_the_first() -> None:
    noisy = ((0.0, 9.0), (9.0, 0.0))
    explained = shared(0.0, 0.0, null=(0.5, 0.4))
    decision = decided((0.4, 0.3), leave_out=noisy, shared=explained)
    # What speaks against the first itself is said by `withheld`.
    assert (decision.attributed, decision.also) == ((0,), (1,))
    assert decided((0.4, 0.3), leave_out=noisy, shared=shared(0.0, 0.0, null=(-0.5, -0.4))).attributed == (0, 1)


def test_nobody_is_named_where_a_name_is_withheld() -> None:
    decision = decided((0.4, 0.3, -9.0), withheld="length")
    assert (decision.attributed, decision.also) == ((), (0, 1))
    assert (decision.verdict, decision.withheld) == (Verdict.INCONCLUSIVE, "length")
    # Where nobody passes there is nothing to withhold.
    assert decided((-5.0, -7.0), withheld="length").withheld is None


def students(*statistics: float, n: int = 19) -> tuple[float, ...]:
    """As many students, those that are not given far above the subject."""
    return (*statistics, *(10.0 + k for k in range(n - len(statistics))))


@pytest.mark.parametrize(
    ("taught", "opposes"),
    [
        (students(), True),
        (students(n=18), False),
        # One that resembles its teacher exactly as little: (1 + 1) of 20.
        (students(-5.0), False),
        (students(-4.999), True),
        (students(-5.0, n=39), True),
        (students(-5.0, -6.0, n=39), False),
        ((), False),
    ],
)
def test_opposed_is_who_resembles_less_than_nearly_every_student(taught: tuple[float, ...], opposes: bool) -> None:
    decision = decided((-5.0, -7.0), students=taught)
    assert decision.verdict is (Verdict.OPPOSES if opposes else Verdict.INCONCLUSIVE)
    assert decision.attributed == decision.also == ()


def test_who_passes_is_not_opposed_however_high_the_students() -> None:
    assert decided((0.0, -7.0), students=students()).verdict is Verdict.SUPPORTS


def test_the_larger_p_value_counts_where_models_of_the_same_text_are_a_second_null() -> None:
    nine = tuple(-k / 10 for k in range(1, 10))
    # Places among nine: above all (p = 0.1), below three (p = 0.4), unknown, not judged.
    places = shared(0.0, -0.35, np.nan, 0.0, null=nine)
    decision = decided((0.0, -9.5, -9.5, np.nan), shared=places, alpha=0.1)
    assert decision.pvalue_G == pytest.approx([0.1, 0.5, 0.5, np.nan], nan_ok=True)
    decision = decided((-2.5, -0.5, -9.5, np.nan), shared=places, alpha=0.1)
    assert decision.pvalue_G == pytest.approx([0.15, 0.4, 0.5, np.nan], nan_ok=True)
