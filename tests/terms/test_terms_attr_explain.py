"""What a result means in words: places in each channel, what else could explain it, what would settle it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attribution_cases import at, candidate, control, model, roster, student

from hydrometer.instruments.attribution.explain import channel_results, explanations, needs
from hydrometer.instruments.attribution.shared_text import SharedText
from hydrometer.instruments.attribution.significance import Decision, References
from hydrometer.instruments.attribution.statistic import REPORTED, Frame, Statistics
from hydrometer.records.evidence import Verdict
from hydrometer.stats.conformal import NullDistribution

WORLD = roster(
    candidate("sun-1", "sun", "Sky"), candidate("moon-1", "moon", "Sky"), candidate("star-1", "star", "Cosmos"),
    control("c1"), control("c2"), control("theirs", "Sky"), student("of-sun", "sun"), student("of-star", "star"),
    candidate("orb-1", "orb", "Deep"),
)  # fmt: skip
MOON, ORB, STAR, SUN = range(4)


def placed(subject: tuple[float, float, float, float], **others: float) -> Statistics:
    """The subject's likeness to moon, orb, star and sun, and the others' likeness to sun."""
    table = np.full((10, 4), np.nan)
    table[WORLD.subject] = subject
    for name, value in others.items():
        table[at(WORLD, name.replace("_", "-")), SUN] = value
    direct = {name: table + k for k, name in enumerate(REPORTED)}
    return Statistics(table, direct, Frame(table, table, 1.0, 1.0, {}))


def test_every_channel_gives_the_place_among_the_untaught() -> None:
    stats = placed((0.5, 0.9, 0.7, 0.6), c1=0.6, c2=0.59, theirs=9.0, of_sun=9.0, of_star=0.8)
    found = channel_results(WORLD, stats, SUN, np.array([True, False, True, True]))
    assert [c.channel for c in found] == list(REPORTED)
    # c1 is as near, of-star nearer, c2 not; Sky's own and sun's student are not untaught. Orb is not asked about.
    assert {(c.rank, c.n_null, c.nearest) for c in found} == {(3, 3, "star")}
    assert [c.value for c in found] == pytest.approx([0.6 + k for k in range(6)])
    assert {c.channel for c in found if not c.counted} == {"length"}
    assert len({c.meaning for c in found}) == 6


def no_text(n: int = 0) -> SharedText:
    return SharedText(np.full(4, np.nan), (0, 0, 0, n), None)


def test_siblings_are_the_makers_other_candidates_with_answers() -> None:
    found = explanations(WORLD, SUN, no_text())
    assert found[0].startswith("The other direction")
    assert found[1] == "A sibling of the candidate: moon, or a version that is not in the panel."
    assert explanations(WORLD, STAR, no_text())[1] == "A sibling of the candidate that is not in the panel."
    silent = roster(candidate("sun-1", "sun", "Sky"), candidate("moon-1", "moon", "Sky"), left_out=["moon-1"])
    assert "moon" not in " ".join(explanations(silent, silent.candidates.index("sun"), no_text()))


def test_common_text_is_an_explanation_that_was_looked_at_or_not() -> None:
    assert explanations(WORLD, SUN, no_text(3))[4] == (
        "Common human-written data, or annotators with one style guide: 3 models of the panel learnt sun's own human "
        "text, so that this was looked at."
    )
    said = "no model of the panel is documented to have learnt star's own human text"
    assert said in explanations(WORLD, STAR, no_text(3))[4]


def wanted(
    *, verdict: Verdict = Verdict.INCONCLUSIVE, withheld: Any = None, n_probes: int = 60, n_students: int = 3,
    alpha: float = 0.05, n_null: int = 24,
) -> tuple[str, ...]:  # fmt: skip
    decision = Decision(np.array([0.36, np.nan, 0.28]), 2, (), (), 0.25, verdict, withheld)
    null = NullDistribution(np.arange(float(n_null)))
    return needs(decision, References(null, np.ones(n_students), ()), n_probes=n_probes, n_panel=60, alpha=alpha)


def test_a_settled_question_needs_nothing() -> None:
    assert wanted(verdict=Verdict.SUPPORTS) == wanted(verdict=Verdict.OPPOSES) == ()


def test_an_open_question_needs_models_of_both_kinds() -> None:
    models, students = wanted()
    assert "24 support no p-value below 0.04, and the subject's is 0.28" in models
    assert "3 are too few to oppose at alpha 0.05; 19 would do" in students


@pytest.mark.parametrize(("n_students", "alpha", "few"), [(18, 0.05, True), (19, 0.05, False), (3, 0.25, False)])
def test_students_are_enough_where_their_places_reach_the_level(n_students: int, alpha: float, few: bool) -> None:
    said = wanted(n_students=n_students, alpha=alpha)[-1]
    assert ("too few to oppose" in said) is few
    assert ("on the subject's base family" in said) is not few


def test_more_answers_are_asked_for_where_the_panel_has_more_prompts() -> None:
    """1.96 standard errors of 0.25 are 0.49."""
    assert not any("other" in line and "prompts" in line for line in wanted(n_probes=60))
    assert "panel's other 1 prompts: 59 were compared, and the statistic is known to ±0.49" in wanted(n_probes=59)[0]


@pytest.mark.parametrize(
    ("withheld", "said"),
    [
        ("direction", "Release dates of both"),
        ("shared_text", "What the subject was trained on"),
        ("length", "as long as the subject's"),
    ],
)
def test_a_name_that_is_withheld_needs_what_it_is_withheld_for(withheld: str, said: str) -> None:
    lines = wanted(withheld=withheld)
    assert said in lines[0]
    assert len(lines) == 3
    assert not any(said in line for line in wanted())


def test_the_documented_lineage_of_the_case_is_as_drawn() -> None:
    """So that a change of roster rules shows here, and not as a riddle above."""
    assert [WORLD.models[i].model for i in WORLD.null_models if WORLD.untaught(i)[SUN]] == ["c1", "c2", "of-star"]
    assert model("subject") == WORLD.models[WORLD.subject]
