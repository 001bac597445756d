"""Passages: which runs of words are shared, how they are weighed and in which order they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from attribution_cases import write_panel

from hydrometer.instruments.attribution.passages import passages
from hydrometer.records.attribution import Passage


def shown(
    tmp_path: Path, mine: list[str], panel: dict[str, list[str | None]], *, prompts: list[str] | None = None,
    models: tuple[str, ...] = ("sun",), without: tuple[str, ...] = (), probes: list[int] | None = None,
) -> tuple[Passage, ...]:  # fmt: skip
    asked = prompts or [f"Prompt {p}?" for p in range(len(mine))]
    folder = write_panel(tmp_path / "panel", panel, [], asked)
    looked_at = range(len(mine)) if probes is None else probes
    return passages(folder, dict(enumerate(mine)), models, looked_at, without=without)


def test_a_run_needs_four_words(tmp_path: Path) -> None:
    found = shown(tmp_path, ["a b c x", "a b c d x"], {"sun": ["a b c y", "a b c d y"]})
    assert [(p.prompt, p.shared, p.n_others, p.n_answers) for p in found] == [("Prompt 1?", ("a b c d",), 0, 1)]


def test_a_run_ends_after_twelve_words_and_the_next_begins_there(tmp_path: Path) -> None:
    words = [f"w{chr(97 + k)}" for k in range(17)]
    (found,) = shown(tmp_path, [" ".join(words)], {"sun": ["so " + " ".join(words) + " so"]})
    assert found.shared == (" ".join(words[:12]), " ".join(words[12:]))


def test_a_word_is_no_part_of_a_longer_word(tmp_path: Path) -> None:
    assert shown(tmp_path, ["at a b c"], {"sun": ["cat a b c"]}) == ()
    (found,) = shown(tmp_path / "2", ["oh cat a b c d ox"], {"sun": ["cat a b c do"]})
    assert found.shared == ("cat a b c",)


def test_a_run_found_anywhere_in_the_answer_counts(tmp_path: Path) -> None:
    (found,) = shown(tmp_path, ["one two x a b c d"], {"sun": ["y a b c d one two"]})
    assert found.shared == ("a b c d",)


def test_long_runs_that_few_others_use_weigh_most(tmp_path: Path) -> None:
    """Weights: words over one more than the others that use them; equal weights go by the alphabet."""
    mine = "a b c d x1 e f g h i x2 j k l m n o x3 p q r s x4"
    theirs = "j k l m n o y e f g h i y a b c d y p q r s"
    others = {"c1": ["e f g h i"], "c2": ["p q r s j k l m n o"], "c3": ["j k l m n o z"], "c4": ["nothing"]}
    (found,) = shown(tmp_path, [mine], {"sun": [theirs], **others})
    # 4/1; 5/2; 6/3 and 4/2: the last two weigh the same, and three are shown.
    assert found.shared == ("a b c d", "e f g h i", "j k l m n o")
    assert (found.n_others, found.n_answers, found.model) == (0, 5, "sun")


def test_a_run_is_shown_once(tmp_path: Path) -> None:
    (found,) = shown(tmp_path, ["a b c d x a b c d"], {"sun": ["a b c d y"], "c": ["a b c d"]})
    assert (found.shared, found.n_others) == (("a b c d",), 1)


def test_of_the_candidates_snapshots_the_most_telling_stands_for_it(tmp_path: Path) -> None:
    panel = {"sun": ["a b c d x"], "sun-2": ["a b c d e y"], "sun-3": [None], "c": ["z"]}
    (found,) = shown(tmp_path, ["a b c d e f"], panel, models=("sun", "sun-2", "sun-3"))
    assert (found.model, found.shared, found.n_others) == ("sun-2", ("a b c d e",), 0)
    assert found.n_answers == 3
    assert found.subject_text == "a b c d e f"
    assert found.model_text == "a b c d e y"


def test_the_subject_and_its_copies_are_no_others(tmp_path: Path) -> None:
    panel = {"sun": ["a b c d"], "me": ["a b c d"], "c": ["a b c d"]}
    (found,) = shown(tmp_path, ["a b c d"], panel, without=("me",))
    assert (found.n_others, found.n_answers) == (1, 2)


def test_passages_come_from_the_most_telling_down_and_in_the_given_order_where_even(tmp_path: Path) -> None:
    mine = ["a b c d", "a b c d e", "a b c d", "a b c d"]
    panel = {"sun": list(mine), "c": ["z", "z", "z", "a b c d"]}
    found = shown(tmp_path, mine, panel, probes=[3, 2, 1, 0])
    assert [p.prompt for p in found] == ["Prompt 1?", "Prompt 2?", "Prompt 0?", "Prompt 3?"]


def test_a_probe_that_the_candidate_did_not_answer_has_none(tmp_path: Path) -> None:
    assert shown(tmp_path, ["a b c d"], {"sun": [None], "c": ["a b c d"]}) == ()


@pytest.mark.parametrize("extra", [0, 1])
def test_long_texts_are_cut_with_a_mark(tmp_path: Path, extra: int) -> None:
    """300 characters of a prompt, 700 of an answer, the mark included."""
    prompt, answer = "p" * (300 + extra), "a b c d " + "e" * (692 + extra)
    (found,) = shown(tmp_path, [f"  {answer}\n"], {"sun": [f"\n{answer} "]}, prompts=[prompt])
    if extra:
        assert found.prompt == "p" * 299 + "…"
        assert found.subject_text == found.model_text == answer[:699] + "…"
    else:
        assert (found.prompt, found.subject_text, found.model_text) == (prompt, answer, answer)
