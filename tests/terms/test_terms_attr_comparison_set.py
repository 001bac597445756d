"""Who may help to judge whom: one case for every condition, differing from its neighbour in that condition alone."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from attribution_cases import at, candidate, control, model, named, roster, student, true_for

from hydrometer.instruments.attribution.comparison_set import candidate_groups

SUN = candidate("sun-1", "sun", "Sky")
MOON = candidate("moon-1", "moon", "Sky")
STAR = candidate("star-1", "star", "Cosmos")


def test_a_candidate_has_its_snapshots_but_neither_the_subject_nor_its_copies() -> None:
    models = [SUN, candidate("sun-2", "sun", "Sky"), candidate("sun-3", "sun", "Sky"), STAR, control("c")]
    who = roster(*models, subject="sun-2", left_out=["sun-3"])
    assert [named(who, positions) for positions in who.members] == [{"star-1"}, {"sun-1"}]


def test_the_makers_of_a_candidate_are_those_that_are_known() -> None:
    who = roster(SUN, candidate("sun-2", "sun", "Resold"), candidate("sun-3", "sun", None), STAR)
    assert who.developers == (frozenset({"Cosmos"}), frozenset({"Sky", "Resold"}))


def kin_of(who_models: list, subject: str = "subject", left_out: tuple[str, ...] = ()) -> dict[str, set[str]]:
    who = roster(*who_models, subject=subject, left_out=left_out)
    assert (who.kin == who.kin.T).all()
    return {m.model: named(who, np.flatnonzero(who.kin[i])) for i, m in enumerate(who.models)}


def test_kin_share_developer_training_set_or_ancestor_and_everybody_is_its_own() -> None:
    kin = kin_of([
        model("a", developer="X", data_source="d"),
        model("b", developer="X"),
        model("c", data_source="d"),
        model("old", developer="Y"),
        model("young", developer="Z", parent="old"),
        model("younger", parent="young"),
        model("alone"),
    ])  # fmt: skip
    assert kin == {
        "a": {"a", "b", "c"}, "b": {"a", "b"}, "c": {"a", "c"},
        "old": {"old", "young", "younger"}, "young": {"old", "young", "younger"},
        "younger": {"old", "young", "younger"},
        # Two unknown developers are not the same developer.
        "alone": {"alone"}, "subject": {"subject"},
    }  # fmt: skip


def test_the_subjects_copies_are_its_kin_but_not_each_others() -> None:
    kin = kin_of([model("copy"), model("double"), model("other")], left_out=("copy", "double"))
    assert kin == {
        "copy": {"copy", "subject"}, "double": {"double", "subject"},
        "other": {"other"}, "subject": {"copy", "double", "subject"},
    }  # fmt: skip


def judged(*models, name: str = "me", **options) -> set[str]:
    who = roster(*models, **options)
    return true_for(who, who.judged[at(who, name)])


def test_a_foreign_teacher_is_neither_the_makers_nor_the_parents() -> None:
    others = (SUN, MOON, STAR)
    assert judged(*others, model("me")) == {"sun", "moon", "star"}
    assert judged(*others, model("me", developer="Elsewhere")) == {"sun", "moon", "star"}
    assert judged(*others, model("me", developer="Sky")) == {"star"}
    assert judged(*others, model("me", developer="Elsewhere", parent="sun-1")) == {"moon", "star"}
    assert judged(*others, model("me", developer="Elsewhere", own_group="me-group")) == {"sun", "moon", "star"}


def test_a_sibling_from_the_same_parent_is_no_foreign_teacher() -> None:
    models = [candidate("comet", "comets", "Deep", parent="base"), STAR, model("base")]
    assert judged(*models, model("me", parent="base")) == {"star"}
    assert judged(*models, model("me", parent="another")) == {"comets", "star"}


def test_a_candidate_without_answers_is_judged_for_nobody() -> None:
    assert judged(SUN, STAR, model("me"), candidates=["star", "sun", "unseen"]) == {"sun", "star"}
    # The subject is the candidate's only snapshot.
    assert judged(SUN, STAR, model("me"), subject="sun-1") == {"star"}


DAYS = [dt.date(2023, 5, 16), dt.date(2023, 5, 17), dt.date(2023, 5, 18)]


@pytest.mark.parametrize(("mine", "came_first"), [(DAYS[0], False), (DAYS[1], True), (DAYS[2], True), (None, None)])
def test_a_candidate_came_first_if_its_first_snapshot_did(mine: dt.date | None, came_first: bool | None) -> None:
    """On the same day counts as before: an answer may be learnt on the day it is given."""
    who = roster(
        candidate("sun-1", "sun", "Sky", released=DAYS[1]),
        candidate("sun-2", "sun", "Sky", released=dt.date(2024, 1, 1)),
        candidate("sun-3", "sun", "Sky"), STAR, model("me", released=mine),
    )  # fmt: skip
    me, sun, star = at(who, "me"), who.candidates.index("sun"), who.candidates.index("star")
    assert who.came_first(me, sun) is came_first
    assert who.came_first(me, star) is None
    # What came later taught nobody; where a date is missing, the candidate stays possible.
    assert true_for(who, who.judged[me]) == ({"star"} if came_first is False else {"star", "sun"})


@pytest.mark.parametrize(
    ("documented", "is_open"),
    [
        ({}, False),
        ({"released": DAYS[1]}, False),
        ({"own_group": "comet"}, True),
        ({"own_group": "comet", "released": DAYS[1]}, False),
        ({"own_group": "comet", "released": DAYS[0]}, False),
    ],
)
def test_the_direction_is_open_between_two_candidates_of_unknown_order(documented: dict, is_open: bool) -> None:
    who = roster(candidate("sun-1", "sun", "Sky", released=DAYS[1]), STAR, model("subject", **documented))
    assert who.direction_is_open(who.candidates.index("sun")) is is_open


def test_documented_teachers_are_those_of_students_alone() -> None:
    roles = ("positive", "mixed", "control", "unscored")
    who = roster(SUN, *(model(role, role, teacher_group=("sun", "star")) for role in roles))
    taught = {role: who.teachers(at(who, role)) for role in roles}
    both, nobody = frozenset({"sun", "star"}), frozenset()
    assert taught == {"positive": both, "mixed": both, "control": nobody, "unscored": nobody}
    assert [named(who, positions) for positions in who.taught] == [{"positive", "mixed"}]


def untaught(*models, name: str) -> set[str]:
    who = roster(*models)
    return true_for(who, who.untaught(at(who, name)))


def test_a_control_was_taught_by_nobody_but_whose_text_it_learnt_is_left_open() -> None:
    others = (SUN, MOON, STAR)
    assert untaught(*others, control("c"), name="c") == {"sun", "moon", "star"}
    assert untaught(*others, control("c", developer="Sky"), name="c") == {"star"}
    assert untaught(*others, control("c", same_text_as=("moon",)), name="c") == {"sun", "star"}
    for role in ("unscored", "mixed"):
        assert untaught(*others, model("m", role), name="m") == set()


def test_a_student_is_untaught_by_whoever_is_not_its_teachers_maker() -> None:
    others = (SUN, MOON, STAR, candidate("orb-1", "orb", "Deep"))
    assert untaught(*others, student("s", "sun"), name="s") == {"star", "orb"}
    assert untaught(*others, student("s", "sun", "star"), name="s") == {"orb"}
    assert untaught(*others, student("s", "star", developer="Deep"), name="s") == {"sun", "moon"}
    # Nobody knows whose siblings an unknown teacher has.
    assert untaught(*others, student("s", "a stranger"), name="s") == set()
    assert untaught(*others, student("s", "a stranger", "sun"), name="s") == {"star", "orb"}
    assert untaught(*others, student("s"), name="s") == set()


def test_a_teacher_that_is_no_candidate_still_clears_and_stains_by_its_maker() -> None:
    """A group may be documented without being asked about, as where only some groups have answers."""
    models = (SUN, STAR, candidate("old-sun", "dead", "Sky"), candidate("anon-1", "anon", None))
    for teacher, cleared in (("dead", {"star"}), ("anon", {"star", "sun"})):
        who = roster(*models, student("s", teacher), candidates=["star", "sun"])
        assert true_for(who, who.untaught(at(who, "s"))) == cleared


def test_an_unknown_maker_stains_nobody() -> None:
    who = roster(candidate("a", "a-group", None), candidate("b", "b-group", None), student("s", "a-group"))
    # The teacher itself has no known maker by which it could be told from b.
    assert "b-group" in true_for(who, who.untaught(at(who, "s")))


def test_null_models_are_untaught_and_no_kin_of_the_subject() -> None:
    models = (
        SUN, STAR, control("free"), control("kin", developer="Mine"), control("copy"),
        student("of-star", "star"), model("unknown"), model("some", "mixed", teacher_group=("sun",)),
        # Nothing left to be untaught by.
        control("heir", same_text_as=("sun", "star")),
    )  # fmt: skip
    who = roster(*models, model("subject", "control", developer="Mine"), left_out=["copy"])
    assert named(who, who.null_models) == {"free", "of-star"}


def test_students_are_positive_and_theirs_is_a_teacher_that_can_be_judged() -> None:
    models = (
        SUN, STAR, student("s", "sun"), student("two", "star", "sun"), student("copy", "sun"),
        student("kin", "sun", developer="Mine"), student("own", "sun", developer="Sky"),
        student("own-and-other", "sun", "star", developer="Sky"), student("elsewhere", "unseen"),
        control("c"), model("some", "mixed", teacher_group=("sun",)), model("told", teacher_group=("sun",)),
    )  # fmt: skip
    who = roster(*models, student("subject", "sun", developer="Mine"), left_out=["copy"])
    assert named(who, who.students) == {"s", "two", "own-and-other"}


def test_models_of_the_same_text_are_controls_that_can_be_judged_and_no_kin() -> None:
    heir = {"same_text_as": ("sun",)}
    models = (
        SUN, STAR, control("h", **heir), control("copy", **heir), control("kin", "Mine", **heir),
        control("own", "Sky", **heir), model("told", **heir), student("s", "star", **heir),
        control("other", same_text_as=("star",)), control("both", same_text_as=("star", "sun")), control("c"),
    )  # fmt: skip
    who = roster(*models, model("subject", "control", developer="Mine", **heir), left_out=["copy"])
    found = dict(zip(who.candidates, (named(who, positions) for positions in who.same_text), strict=True))
    assert found == {"sun": {"h", "both"}, "star": {"other", "both"}}


def test_others_of_a_candidate_are_controls_strange_students_and_strange_candidates() -> None:
    models = (
        SUN, MOON, STAR, control("c"), control("theirs", "Sky"), control("heir", same_text_as=("sun",)),
        control("copy"), student("of-sun", "sun"), student("of-star", "star"), model("nobody-knows"),
        model("some", "mixed", teacher_group=("star",)),
    )  # fmt: skip
    who = roster(*models, left_out=["copy"])
    found = dict(zip(who.candidates, (named(who, positions) for positions in who.others), strict=True))
    assert found == {
        "sun": {"star-1", "c", "of-star"},
        "moon": {"star-1", "c", "heir", "of-sun", "of-star"},
        "star": {"sun-1", "moon-1", "c", "theirs", "heir", "of-sun"},
    }


def test_every_training_set_or_developer_weighs_one() -> None:
    who = roster(
        model("a", developer="X", data_source="d"), model("b", developer="Y", data_source="d"),
        model("c", developer="X"), model("e", developer="X"), model("f", developer="X"),
        model("g"), model("h"), model("d", developer="d"),
    )  # fmt: skip
    weight = dict(zip([m.model for m in who.models], who.weights(range(8)), strict=True))
    half, third = Fraction(1, 2), Fraction(1, 3)
    # A developer called as a training set is another source.
    expected = {"a": half, "b": half, "c": third, "e": third, "f": third, "g": 1, "h": 1, "d": 1, "subject": 0}
    assert weight == pytest.approx({k: float(v) for k, v in expected.items()})
    assert who.weights([0, 2])[[0, 1, 2, 3]] == pytest.approx([1, 0, 1, 0])


def test_a_base_family_needs_two_developers_and_models_that_were_built_on_it() -> None:
    def built(name: str, base: str, developer: str | None, **more):
        return model(name, base_family=base, developer=developer, **more)

    models = (
        built("a", "Two", "X"), built("b", "Two", "Y"), built("c", "Two", "Y"),
        built("d", "One", "X"), built("e", "One", "X"),
        built("f", "unknown", "X"), built("g", "unknown", "Y"),
        built("i", "ensemble", "X"), built("j", "ensemble", "Y"),
        built("k", "Wrapped", "X", relation="wrapper"), built("l", "Wrapped", "Y"),
        built("m", "Joined", "X", relation="ensemble"), built("n", "Joined", "Y"),
        built("copy", "One", "Z"),
    )  # fmt: skip
    who = roster(*models, model("subject", base_family="One", developer="Y"), left_out=["copy"])
    # Of Two, b and c share the half of their maker Y; everybody weighs 1 in 13.
    assert who.base_contrasts.shape == (1, 15)
    row = dict(zip([m.model for m in who.models], who.base_contrasts[0], strict=True))
    everybody = Fraction(1, 13)
    expected = {name: -everybody for name in "defgijklmn"}
    expected |= {"a": Fraction(1, 2) - everybody, "b": Fraction(1, 4) - everybody, "c": Fraction(1, 4) - everybody}
    expected |= {"copy": Fraction(0), "subject": Fraction(0)}
    assert row == pytest.approx({k: float(v) for k, v in expected.items()})


def test_base_families_come_in_the_order_of_their_names() -> None:
    models = [model(f"{b}{d}", base_family=b, developer=d) for b in ("Zeta", "Alpha") for d in ("X", "Y")]
    who = roster(*models)
    assert who.base_contrasts == pytest.approx(np.array([[-1, -1, 1, 1, 0], [1, 1, -1, -1, 0]]) / 4)
    assert roster(model("a"), model("b")).base_contrasts.shape == (0, 3)


def test_candidates_are_the_groups_with_answers() -> None:
    lineage = [STAR, SUN, candidate("sun-2", "sun", "Sky"), candidate("silent", "quiet", "Sky"), model("plain")]
    assert candidate_groups(lineage, ["sun-2", "star-1", "sun-1", "plain"]) == ("star", "sun")
