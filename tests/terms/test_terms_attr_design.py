"""What may be asked of a panel: candidates by name, and the fewest models and probes that can answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from attribution_cases import candidate, control, model, student, true_for, write_panel

from hydrometer.errors import InputError
from hydrometer.instruments.attribution.design import Design
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.panel import Panel
from hydrometer.records.lineage import Lineage

SKY = (candidate("sun-1", "sun", "Sky"), candidate("moon-1", "moon", "Sky"), candidate("star-1", "star", "Cosmos"))
# A student of sun is untaught by star alone.
WORLD = (*SKY, student("s1", "sun"), student("s2", "sun"), control("c1"), control("c2"), control("c3"))


def panel_of(folder: Path, *lineage: Lineage, silent: tuple[str, ...] = ()) -> Panel:
    answers = {m.model: ["Yes."] for m in lineage if m.model not in silent}
    return write_panel(folder / "panel", answers, lineage, ["Well?"])


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    quiet = candidate("quiet-1", "quiet", "Deep")
    return panel_of(tmp_path_factory.mktemp("question"), *WORLD, quiet, silent=("quiet-1",))


def test_all_groups_are_asked_about_unless_some_are_named(panel: Panel) -> None:
    assert Design(panel, None, 0.05).asked == ("moon", "star", "sun")
    assert Design(panel, ("sun", "star"), 0.05).asked == ("sun", "star")
    assert Design(panel, ("sun-1", "star", "sun"), 0.05).asked == ("sun", "star")
    assert Design(panel, ("star",), 0.05).asked_mask.tolist() == [False, True, False]
    assert Design(panel, ("star",), 0.05).groups == ("moon", "star", "sun")


@pytest.mark.parametrize("name", ["pluto", "c1", "quiet", "quiet-1"])
def test_a_name_that_is_no_candidate_is_refused_with_those_that_are(panel: Panel, name: str) -> None:
    with pytest.raises(InputError, match=rf"--candidate: '{name}' is no candidate .* are moon, star, sun$"):
        _ = Design(panel, ("sun", name), 0.05).asked


NOBODY = Subject(Lineage(model="nobody"), {}, None, frozenset(), ())


@pytest.mark.parametrize(
    ("candidates", "alpha", "over"),
    [
        # Three controls are untaught by all; two students of sun by star, though not by its sibling moon.
        (None, 1 / 6, {"moon", "star", "sun"}),
        (("star",), 1 / 6, {"star"}), (("star",), 0.1666, {"moon", "star", "sun"}),
        (("sun",), 1 / 4, {"sun"}), (("sun",), 0.249, {"moon", "star", "sun"}),
        (("moon", "sun"), 1 / 4, {"moon", "sun"}), (("star", "sun"), 1 / 6, {"star", "sun"}),
    ],
)  # fmt: skip
def test_maxima_are_over_those_asked_about_if_the_panel_bears_it(
    panel: Panel, candidates: tuple[str, ...] | None, alpha: float, over: set[str]
) -> None:
    design = Design(panel, candidates, alpha)
    who = design.comparison_set(NOBODY)
    assert true_for(who, design.null_mask(who)) == over


@pytest.mark.parametrize(("alpha", "enough"), [(0.2, True), (1 / 6, True), (0.1666, False)])
def test_a_level_that_no_p_value_can_reach_is_refused(panel: Panel, alpha: float, enough: bool) -> None:
    design = Design(panel, None, alpha)
    if enough:
        design.check()
        return
    # 1/0.1666 is 6.002, so that seven places are needed: six models and the subject.
    with pytest.raises(InputError) as refused:
        design.check()
    assert "the smallest possible p-value is 0.17, with 5 models documented as untaught, and alpha is 0.1666" in str(
        refused.value
    )
    assert "add documented models until there are 6 " in str(refused.value)
    assert refused.value.where.endswith("panel")


def test_a_panel_without_candidates_is_refused(tmp_path: Path) -> None:
    design = Design(panel_of(tmp_path, control("c1"), control("c2")), None, 0.5)
    with pytest.raises(InputError, match=r"no model of this panel belongs to a candidate; .*own_group"):
        design.check()


@pytest.mark.parametrize(("n_probes", "enough"), [(0, False), (19, False), (20, True), (21, True)])
def test_twenty_probes_are_the_least(panel: Panel, n_probes: int, enough: bool) -> None:
    design = Design(panel, None, 0.2)
    reason = design.too_little(design.comparison_set(NOBODY), n_probes, np.array([True, False, False]))
    said = f"only {n_probes} of its answers are to prompts of the panel: 20 are the least"
    assert reason == (None if enough else said)


def test_a_subject_without_foreign_candidates_or_null_cannot_be_measured(panel: Panel) -> None:
    design = Design(panel, None, 0.2)
    assert design.too_little(design.comparison_set(NOBODY), 20, np.zeros(3, dtype=bool)) == (
        "no candidate can be judged: all are its maker's or its parent's"
    )
    asked = np.array([True, True, True])
    kin = Subject(model("me", developer="maker of c1"), {}, None, frozenset(), ())
    assert design.too_little(design.comparison_set(kin), 20, asked) is None
    thin = Design(panel, None, 0.1999)
    assert thin.too_little(thin.comparison_set(NOBODY), 20, asked) is None
    assert thin.too_little(thin.comparison_set(kin), 20, asked) == (
        "without the subject's kin 4 models are documented as untaught, so that the smallest possible p-value is 0.2"
    )


def test_what_is_documented_about_a_strangers_teachers_does_not_help_to_answer(panel: Panel) -> None:
    me = student("me", "sun", developer="Sky", released=dt.date(2024, 1, 1))
    who = Design(panel, None, 0.2).comparison_set(Subject(me, {}, None, frozenset({3}), ()))
    assert who.subject == len(WORLD)
    assert who.left_out == {3}
    assert who.models[-1] == model("me", developer="Sky", released=dt.date(2024, 1, 1))


def test_a_member_keeps_its_place_and_takes_what_was_told(tmp_path: Path) -> None:
    panel = panel_of(tmp_path, *WORLD[:3])
    told = candidate("renamed", "comet", "New", released=dt.date(2024, 1, 1))
    who = Design(panel, None, 0.5).comparison_set(Subject(told, {}, 2, frozenset({0}), ()))
    assert [m.model for m in who.models] == ["moon-1", "star-1", "sun-1"]
    assert (who.subject, who.left_out) == (2, {0})
    assert who.models[2] == candidate("sun-1", "sun", "New", released=dt.date(2024, 1, 1))
    assert who.models[1] == SKY[2]


def test_models_without_a_row_are_of_unknown_lineage(tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    panel = write_panel(folder, {"sun-1": ["Yes."], "anon": ["No."]}, SKY, ["Well?"])
    assert Design(panel, None, 0.5).members == (model("anon"), SKY[0])
