"""Which panel models a subject is, or copies: counted on files of a few prompts, from both sides of every limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from attribution_cases import control, model, response_set, write_panel

from hydrometer.errors import InputError
from hydrometer.instruments.attribution.subjects import Subject, match_subjects, panel_spelling
from hydrometer.panel import Panel

N = 40
PROMPTS = [f"Prompt {p}?" for p in range(N)]


def long(who: str, p: int) -> str:
    """An answer long enough to be recognised."""
    return f"{who} on matter {p}: " + "a long and winding answer"


PANEL = {name: [long(name, p) for p in range(N)] for name in ("alpha", "beta", "gamma")}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    lineage = [
        control("alpha", "Sky-High Labs", released=dt.date(2023, 1, 2)), control("beta", "cosmos"),
        # Known to the table, without answers.
        model("delta", developer="Deep"),
    ]  # fmt: skip
    return write_panel(tmp_path_factory.mktemp("subjects") / "panel", PANEL, lineage, PROMPTS)


Match = Callable[..., Subject]


@pytest.fixture
def match(panel: Panel) -> Match:
    def of(texts: dict[int, str], name: str = "me", **told: object) -> Subject:
        rows = [(name, PROMPTS[p], text, "answered") for p, text in texts.items()]
        (subject,) = match_subjects(panel, response_set(rows), **told)
        return subject

    return of


def mixed(n_same: int, n: int, who: str = "alpha") -> dict[int, str]:
    """Of `n` answers, the first `n_same` are those of a panel model."""
    return {p: long(who, p) if p < n_same else long("me", p) for p in range(n)}


def test_answers_of_nobody_in_the_panel_are_a_strangers(match: Match) -> None:
    subject = match({1: "short", 0: long("me", 0)})
    assert subject == Subject(model("me"), {0: long("me", 0), 1: "short"}, None, frozenset(), ())


@pytest.mark.parametrize(
    ("n_same", "n", "member", "copies"),
    [
        # 95 % of the answers or more are a panel model's: it is that model.
        (40, 40, 0, set()), (38, 40, 0, set()), (19, 20, 0, set()),
        # 25 % or more: a copy.
        (37, 40, None, {0}), (18, 20, None, {0}), (10, 40, None, {0}), (5, 20, None, {0}), (3, 12, None, {0}),
        # Less is no more than chance, and so are fewer than three.
        (9, 40, None, set()), (4, 20, None, set()), (3, 13, None, set()), (2, 2, None, set()), (3, 3, 0, set()),
    ],
)  # fmt: skip
def test_the_share_of_equal_answers_tells_member_copy_and_stranger(
    match: Match, n_same: int, n: int, member: int | None, copies: set[int]
) -> None:
    subject = match(mixed(n_same, n))
    assert (subject.member, subject.copies) == (member, frozenset(copies))
    if member is not None:
        assert subject.warnings == (
            f"these are the answers of alpha in the panel ({n_same} of {n} are the same)",
        )  # fmt: skip
    elif copies:
        assert subject.warnings == (f"{n_same} of {n} answers are those of alpha, which was left out of the panel",)
    else:
        assert subject.warnings == ()


@pytest.mark.parametrize(("length", "same"), [(39, False), (40, True), (41, True)])
def test_answers_count_as_copied_from_forty_characters_on(tmp_path: Path, length: int, same: bool) -> None:
    """White space around an answer neither counts nor tells two answers apart."""
    texts = [f"{p:0{length}}" for p in range(5)]
    panel = write_panel(tmp_path / "panel", {"a": texts, "b": ["Yes."] * 5}, [], PROMPTS[:5])
    rows = [("me", PROMPTS[p], f" \n{text}  ", "answered") for p, text in enumerate(texts)]
    (subject,) = match_subjects(panel, response_set(rows))
    assert subject.member == (0 if same else None)
    assert subject.copies == frozenset()


def test_the_share_is_of_the_prompts_that_both_answered_at_length(tmp_path: Path) -> None:
    prompts = PROMPTS[:12]
    theirs = [long("a", p) if p < 6 else "Yes." for p in range(12)]
    panel = write_panel(tmp_path / "panel", {"a": theirs}, [], prompts)
    # Three equal answers of six that both gave at length; the rest is too short on one side.
    mine = [long("a", p) if p < 3 else long("me", p) for p in range(6)] + [long("me", p) for p in range(6, 12)]
    (subject,) = match_subjects(
        panel, response_set(("me", q, t, "answered") for q, t in zip(prompts, mine, strict=True))
    )
    assert subject.warnings == ("3 of 6 answers are those of a, which was left out of the panel",)
    # The same words to another prompt are no copy.
    moved = [long("a", (p + 1) % 6) for p in range(6)]
    (subject,) = match_subjects(
        panel, response_set(("me", q, t, "answered") for q, t in zip(prompts[:6], moved, strict=True))
    )
    assert (subject.member, subject.copies) == (None, frozenset())


@pytest.mark.parametrize(("n_more", "member"), [(4, 0), (5, 0), (6, None)])
def test_who_answered_more_than_twice_as_many_prompts_is_not_the_member(
    tmp_path: Path, n_more: int, member: int | None
) -> None:
    """Its other answers would be dropped with the member's place."""
    theirs = [long("a", p) if p < 5 else None for p in range(12)]
    panel = write_panel(tmp_path / "panel", {"a": theirs, "b": [long("b", p) for p in range(12)]}, [], PROMPTS[:12])
    rows = [("me", PROMPTS[p], long("a" if p < 5 else "me", p), "answered") for p in range(5 + n_more)]
    (subject,) = match_subjects(panel, response_set(rows))
    assert (subject.member, subject.copies) == (member, frozenset() if member == 0 else frozenset({0}))


def test_a_copy_beside_the_member_is_left_out(tmp_path: Path) -> None:
    """Of two models with the same answers the more alike is the member, and the first by name where they are even."""
    one = [long("a", p) for p in range(20)]
    other = [long("b", p) if p == 0 else text for p, text in enumerate(one)]
    panel = write_panel(tmp_path / "panel", {"second": one, "first": other, "third": other}, [], PROMPTS[:20])
    (subject,) = match_subjects(panel, response_set(("me", PROMPTS[p], t, "answered") for p, t in enumerate(one)))
    assert (panel.models, subject.member, subject.copies) == (("first", "second", "third"), 1, frozenset({0, 2}))
    assert subject.warnings == (
        "these are the answers of second in the panel (20 of 20 are the same)",
        "19 of 20 answers are those of first, which was left out of the panel",
        "19 of 20 answers are those of third, which was left out of the panel",
    )


def test_the_most_alike_is_the_member_although_fewer_answers_are_shared(tmp_path: Path) -> None:
    texts = [long("a", p) for p in range(N)]
    panel = write_panel(
        tmp_path / "panel", {"half": texts[:20], "whole": [*texts[:39], long("whole", 39)]}, [], PROMPTS
    )
    (subject,) = match_subjects(panel, response_set(("me", PROMPTS[p], t, "answered") for p, t in enumerate(texts)))
    # 20 of 20 against 39 of 40.
    assert (panel.models, subject.member, subject.copies) == (("half", "whole"), 0, frozenset({1}))


def test_a_model_of_the_panel_under_its_own_name_needs_no_warning(match: Match) -> None:
    subject = match(mixed(N, N), name="alpha")
    assert (subject.member, subject.warnings) == (0, ())
    assert subject.lineage.developer == "Sky-High Labs"


def test_a_name_of_the_panel_with_other_answers_is_left_out(match: Match) -> None:
    subject = match({p: long("me", p) for p in range(9)}, name="beta")
    assert (subject.member, subject.copies) == (None, frozenset({1}))
    assert subject.warnings == ("the panel holds a model of this name with other answers, which was left out",)
    # One half-copied under its own name is left out once.
    subject = match(mixed(20, N, "beta"), name="beta")
    assert subject.warnings == ("20 of 40 answers are those of beta, which was left out of the panel",)


def test_another_models_answers_keep_their_documented_lineage_only_under_a_name_of_their_own(match: Match) -> None:
    assert match(mixed(N, N), name="anonymous").lineage == control(
        "anonymous", "Sky-High Labs", released=dt.date(2023, 1, 2)
    )
    # Under the name of another known model, that name's lineage counts, and that model is left out.
    subject = match(mixed(N, N), name="beta")
    assert subject.lineage == control("beta", "cosmos")
    assert (subject.member, subject.copies) == (0, frozenset({1}))
    assert match({0: "x"}, name="delta").lineage.developer == "Deep"


def test_what_is_told_fills_in_what_the_panel_does_not_say(match: Match) -> None:
    day = dt.date(2024, 5, 13)
    assert match({0: "x"}, developer="COSMOS", released=day).lineage == model("me", developer="cosmos", released=day)
    assert match({0: "x"}, developer="New").lineage == model("me", developer="New")
    known = match(mixed(N, N), name="alpha", developer="New", released=day).lineage
    assert (known.developer, known.released) == ("Sky-High Labs", dt.date(2023, 1, 2))
    half = match({0: "x"}, name="delta", developer="New", released=day).lineage
    assert (half.developer, half.released) == ("Deep", day)


def test_a_developer_is_found_whatever_its_case_and_joints(panel: Panel) -> None:
    for spelling in ("sky high labs", "SKY_HIGH-LABS", "SkyHighLabs"):
        assert panel_spelling(spelling, panel) == "Sky-High Labs"
    assert panel_spelling("Sky", panel) is None


def test_what_was_set_aside_is_counted(panel: Panel) -> None:
    rows = [
        *(("me", f"Elsewhere {k}?", "text", "answered") for k in range(2)),
        *(("me", PROMPTS[p], None, "failed") for p in range(3)),
        *(("me", PROMPTS[p], "", "empty") for p in range(3, 8)),
        *(("me", PROMPTS[p], "cut of", "truncated") for p in range(8, 15)),
        *(("me", PROMPTS[p], "fine", "answered") for p in range(15, 26)),
    ]
    subjects = match_subjects(panel, response_set([*rows, ("another", PROMPTS[0], "fine", "answered")]))
    assert [s.lineage.model for s in subjects] == ["another", "me"]
    assert subjects[0].warnings == ()
    assert subjects[1].warnings == (
        "2 of its prompts are not in the panel and were set aside",
        "5 answers are 'empty': counted as missing, not as unlike anybody",
        "3 answers are 'failed': counted as missing, not as unlike anybody",
        "7 answers are cut off by a limit on length and were used as they are",
    )
    assert dict(subjects[1].texts) == {p: "cut of" if p < 15 else "fine" for p in range(8, 26)}


def test_a_file_without_a_prompt_of_the_panel_is_refused(panel: Panel) -> None:
    rows = [("me", "Where?", "x", "answered"), ("me", "When?", "x", "answered"), ("you", "When?", "x", "answered")]
    with pytest.raises(InputError, match=r"^answers\.jsonl: none of its 2 prompts is in the panel .*word for word"):
        match_subjects(panel, response_set(rows))
    # One prompt is enough to go on.
    assert len(match_subjects(panel, response_set([*rows, ("me", PROMPTS[3], "x", "answered")]))) == 2
