"""Canaries: how alike two texts are, what counts as a round, and what is said of the test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hydrometer.collect import Settings
from hydrometer.collect import watch as module
from hydrometer.collect.plan import Plan
from hydrometer.collect.run import collect
from hydrometer.collect.watch import judge, likeness, watch
from hydrometer.records.exchange import Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.stats.drift import ChangeTestResult
from hydrometer.store.evidence import ProbeRequest
from hydrometer.store.evidence.counts import identity_of
from hydrometer.targets.replay import Replay


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        # abc, bcd against abc, bce: one piece of three.
        ("abcd", "abce", 1 / 3),
        # abc, bcd, cde against bcd, cde, def: two of four.
        ("abcde", "bcdef", 2 / 4),
        ("aaaa", "aaaaaa", 1.0),
        ("abc", "abc", 1.0), ("", "", 1.0),
        ("abc", "xyz", 0.0), ("", "abc", 0.0),
        # Shorter texts are one piece.
        ("ab", "abc", 0.0), ("ab", "ab", 1.0),
    ],
)  # fmt: skip
def test_likeness_is_the_share_of_three_character_pieces_in_common(one: str, other: str, alike: float) -> None:
    assert likeness(one, other) == pytest.approx(alike)
    assert likeness(other, one) == pytest.approx(alike)


def test_texts_are_compared_up_to_twenty_thousand_characters() -> None:
    start = "ab" * 10_000
    # Pieces aba and bab; what follows is not looked at, but the 20,000th character is.
    assert likeness(start, start + "xyz") == 1.0
    assert likeness(start, start[:-1] + "xyz") == pytest.approx(2 / 3)


def told(pvalue: float, smallest: float = 0.0001) -> ChangeTestResult:
    return ChangeTestResult(2.0, pvalue, 3, 2, smallest)


@pytest.mark.parametrize(
    ("result", "changed", "note"),
    [
        (told(0.001), True, r"^Answers changed after round 3 of 4 \(p = 0.001, 2 canaries\): another model"),
        (told(0.00101), False, r"^No change noticed \(p = 0.001, 2 canaries\)\.$"),
        (told(0.5), False, r"^No change noticed \(p = 0.5, 2 canaries\)\.$"),
        (told(0.5, 0.001), False, r"^No change noticed"),
        (told(0.5, 0.00101), False, r"^2 canaries are too few to notice a change at 0.001; 7 or more could\.$"),
        (told(0.0009, 0.002), True, r"^Answers changed"),
    ],
)  # fmt: skip
def test_a_change_is_reported_at_one_in_a_thousand(
    monkeypatch: pytest.MonkeyPatch, result: ChangeTestResult, changed: bool, note: str
) -> None:
    seen: list[Any] = []

    def test(similarity: Any, *, rng: np.random.Generator) -> ChangeTestResult:
        seen.append((similarity, rng.integers(10**9)))
        return result

    monkeypatch.setattr(module, "change_test", test)
    found = judge([["abcd", "abce", "abcd", "xxxx"]] * 2)
    assert (found.n_canaries, found.result, found.changed) == (2, result, changed)
    assert re.search(note, found.note)
    third = 1 / 3
    rows = [[1, third, 1, 0], [third, 1, third, 0], [1, third, 1, 0], [0, 0, 0, 1]]
    assert seen[0][0] == pytest.approx(np.array([rows, rows]))
    # The same run gives the same p-value: the seed is fixed.
    assert seen[0][1] == np.random.default_rng(0).integers(10**9)


def test_seven_canaries_could_notice_a_change_in_the_middle_and_six_could_not() -> None:
    """Of the orders of four rounds, 1 in 3 splits them in the same two pairs: (1/3)^7 < 0.001 < (1/3)^6."""
    for n, noticed in ((7, True), (6, False)):
        found = judge([[f"first {k}", f"first {k}", f"other {k} words", f"other {k} words"] for k in range(n)])
        assert found.changed is noticed
    assert "too few to notice" in judge([["a", "b", "c", "d"]] * 4).note
    assert judge([["same"] * 4] * 7).note == "No change noticed (p = 1, 7 canaries)."


def test_without_canaries_a_change_would_go_unnoticed() -> None:
    found = judge([])
    assert (found.n_canaries, found.result, found.changed) == (0, None, False)
    assert "would go unnoticed" in found.note


def store_of(tmp_path: Path, answers: Mapping[str, list[Any]], *, rounds: int = 4) -> tuple[Path, str]:
    questions = [
        ProbeRequest(name, Request(prompt=name), turn) for turn in range(rounds) for name in answers
    ]  # fmt: skip
    target = Replay(answers)
    settings = Settings(concurrency=1, attempts=1)
    collect(target, Plan(tuple(questions), ()), tmp_path / "s.db", settings=settings)
    return tmp_path / "s.db", identity_of(target)


def test_canaries_count_with_an_answer_in_every_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Reply(status=ResponseStatus.REFUSED, text="no", raw=b"{}")
    cut = Reply(status=ResponseStatus.TRUNCATED, text="cu", raw=b"{}")
    path, identity = store_of(
        tmp_path,
        {
            "whole": ["1", "2", "3", "4", "5"], "ends": ["a", refusal, cut, "d", "e"],
            "blank": ["1", "2", " ", "4", "5"], "failed": ["1", "2", "3", Fault("gone", retry=False), "5"],
            "no-canary": ["1", "2", "3", "4", "5"],
        },
        rounds=5,
    )  # fmt: skip
    seen: list[Any] = []
    monkeypatch.setattr(module, "judge", lambda texts: seen.append(texts))
    watch(path, identity, ["whole", "ends", "blank", "failed", "absent"])
    assert seen == [[["1", "2", "3", "4"], ["a", "no", "cu", "d"]]]
    # Without canaries the store is not even opened.
    watch(tmp_path / "absent.db", identity, [])
    assert seen[1] == []
