"""Asking a subject who it is: which prompts are put, and how the search for templates chooses and is rewarded."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hydrometer.errors import InputError
from hydrometer.instruments.identity import live
from hydrometer.instruments.identity.live import MUTATIONS, Found, Means, Prompt, ask_prompts, panel_prompts, search
from hydrometer.instruments.identity.names import Names
from hydrometer.records.exchange import Request
from hydrometer.records.identity_panel import IdentityPanel, PanelQuestion, PanelTemplate
from hydrometer.store.vendors import places, shipped_vendors

NAMES = Names(shipped_vendors(), places())
YES, NO = "I was made by OpenAI.", "I was made by DeepSeek."


def panel(*, questions: int = 2, templates: Sequence[str] = ("A", "B")) -> IdentityPanel:
    return IdentityPanel(
        version="1",
        questions=tuple(
            PanelQuestion(id=f"q{i}", texts={"en": f"Who made you ({i})?", "zh": f"你是谁（{i}）？"})
            for i in range(questions)
        ),
        templates=(
            PanelTemplate(id="plain", text="{question}"),
            *(PanelTemplate(id=f"t{i}", text=f"{text}: {{question}}") for i, text in enumerate(templates)),
        ),
    )


class Subject:
    """Answers by the text of the prompt, and remembers what it and its helper were asked."""

    def __init__(self, share: dict[str, float], *, text: str | None = None, status: str = "answered") -> None:
        self.share, self.text, self.status = share, text, status
        self.asked: list[list[Request]] = []
        self.tasks: list[Request] = []

    def answers(self, requests: Sequence[Request]) -> list[tuple[str, str | None]]:
        self.asked.append(list(requests))
        share = next((v for k, v in self.share.items() if requests and k in requests[0].prompt), 0.0)
        yes = round(share * len(requests))
        return [(self.status, YES if i < yes else NO) for i in range(len(requests))]

    def helper(self, requests: Sequence[Request]) -> list[str | None]:
        (request,) = requests
        self.tasks.append(request)
        return [self.parent() if self.text is None else self.text]

    def parent(self) -> str:
        """Returns the text that the last task gives to be changed."""
        return self.parents()[-1]

    def parents(self) -> list[str]:
        """Returns the texts of all tasks so far."""
        return [task.prompt.split("TEXT:\n")[1].split("\n\nSECOND")[0] for task in self.tasks]

    def means(self, *, maker: str | None = "DeepSeek") -> Means:
        return Means(answers=self.answers, helper=self.helper, names=NAMES, maker=maker)


def run(subject: Subject, *, rounds: int, of: IdentityPanel | None = None, seed: int = 0) -> Found:
    return search(of or panel(), subject.means(), rounds=rounds, languages=["en"], seed=seed)


# The panel


def test_every_question_in_every_template_and_language() -> None:
    found = panel_prompts(panel(), ["en", "zh"])
    assert len(found) == 3 * 2 * 2
    assert [p.template for p in found[:5]] == ["plain"] * 4 + ["t0"]
    assert found[4].text == "A: Who made you (0)?"
    assert found[6].text == "A: 你是谁（0）？"
    assert panel_prompts(panel(), ["en"], jailbreaks=True) == panel_prompts(panel(), ["en"])
    assert {p.template for p in panel_prompts(panel(), ["en"], jailbreaks=False)} == {"plain"}


def test_a_language_is_needed_and_must_be_there() -> None:
    with pytest.raises(InputError, match=r"no questions in 'fr'.*known: en, zh"):
        panel_prompts(panel(), ["en", "fr"])
    with pytest.raises(InputError, match=r"no language to ask in.*known: en, zh"):
        panel_prompts(panel(), [])


def test_each_prompt_comes_back_with_its_own_answer() -> None:
    prompts = panel_prompts(panel(), ["en"])
    seen: list[Request] = []

    def answers(requests: Sequence[Request]) -> list[tuple[str, str | None]]:
        seen.extend(requests)
        return [("answered", f"to {r.prompt}") for r in requests]

    asked = ask_prompts(prompts, answers=answers)
    assert asked == [(p, "answered", f"to {p.text}") for p in prompts]
    assert {r.max_tokens for r in seen} == {512}
    with pytest.raises(ValueError, match="shorter"):
        ask_prompts(prompts, answers=lambda requests: answers(requests)[:-1])


def test_what_was_asked_becomes_rows_without_labels() -> None:
    p, q = Prompt("plain", "{question}", "Who?"), Prompt("t0", "A: {question}", "Who?")
    rows = live.as_rows([(p, "answered", "Me."), (q, "failed", None)], model="m", store=Path("s.db"))
    assert rows.frame.to_dicts() == [
        {
            "model": "m",
            "response": text,
            "template": prompt.template,
            "jailbreak_prompt": prompt.around,
            "query": "Who?",
            "prompt": prompt.text,
            "status": status,
            "published_loose": None,
            "published_strict": None,
        }
        for prompt, status, text in ((p, "answered", "Me."), (q, "failed", None))
    ]
    assert rows.has_labels is False
    assert rows.frame["published_loose"].dtype == pl.Boolean
    assert "published_loose" not in rows.whole.columns


# The search: upper confidence bounds, as Auer et al. (2002) give them, of half their usual weight


@pytest.mark.parametrize("slack", [-1e-6, 1e-6])
def test_the_higher_upper_confidence_bound_is_taken(slack: float) -> None:
    # After 7 rounds: one template tried 4 times, the other 9 times with a reward of 5 in all. Mean reward (of one try
    # more, as published) plus half the root of 2 ln(7 + 1) by the tries, which are a hundredth more against none.
    other = 5 / 10 + math.sqrt(2 * math.log(8) / 9.01) / 2
    even = 5 * (other - math.sqrt(2 * math.log(8) / 4.01) / 2)
    a = live._Node("a", None, 0, visits=4, reward=even + slack)
    b = live._Node("b", None, 0, visits=9, reward=5)
    assert live._select([a, b], 7, np.random.default_rng(0)).text == ("a" if slack > 0 else "b")


def test_what_was_never_tried_has_no_reward_and_a_wide_bound() -> None:
    # Never tried: 0 + half the root of 2 ln(2 + 1) / 0.01 = 7.41. Tried once with reward r: r / 2 + 0.74.
    wide, narrow = math.sqrt(2 * math.log(3) / 0.01) / 2, math.sqrt(2 * math.log(3) / 1.01) / 2
    even = 2 * (wide - narrow)
    for slack in (-1e-6, 1e-6):
        tried = live._Node("tried", None, 0, visits=1, reward=even + slack)
        fresh = live._Node("fresh", None, 0)
        found = live._select([fresh, tried], 2, np.random.default_rng(0))
        assert found.text == ("tried" if slack > 0 else "fresh")


class Dice:
    """A generator that gives what it is told to."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def random(self) -> float:
        return self.values.pop(0)


@pytest.mark.parametrize(
    ("dice", "text"),
    [
        ((0.0999,), "root"),  # one time in ten a search stops where it is
        ((0.1, 0.0999), "child"),
        ((0.1, 0.1), "grandchild"),
        ((0.9, 0.9), "grandchild"),
    ],
)
def test_a_descent_stops_one_time_in_ten(dice: tuple[float, ...], text: str) -> None:
    root = live._Node("root", None, 0)
    child = live._Node("child", root, 1)
    root.children.append(child)
    child.children.append(live._Node("grandchild", child, 2))
    assert live._select([root], 3, Dice(*dice)).text == text  # type: ignore[arg-type]


@pytest.mark.parametrize(("level", "share"), [(1, 0.9), (2, 0.8), (7, 0.3), (8, 0.2), (9, 0.2), (30, 0.2)])
def test_a_reward_counts_less_the_deeper_its_template(level: int, share: float) -> None:
    root = live._Node("root", None, 0, visits=3, reward=2)
    parent = live._Node("parent", root, level - 1, visits=5, reward=1)
    child = live._Node("child", parent, level)
    live._back_up(child, 0.5)
    assert (child.visits, child.reward) == (1, 0.5)
    assert (parent.visits, parent.reward) == (6, pytest.approx(1 + 0.5 * share))
    assert (root.visits, root.reward) == (4, pytest.approx(2 + 0.5 * share))


def test_templates_are_tried_in_turn_while_nothing_works_and_none_is_kept() -> None:
    subject = Subject({}, text="changed {question}")
    found = run(subject, rounds=12)
    assert found.rewards == (0.0,) * 12
    assert found.stopped is None
    # Without reward the least tried comes first, and a text that did not work is never changed again.
    assert subject.parents() == ["A: {question}", "B: {question}"] * 6


def test_what_works_is_kept_and_changed_again() -> None:
    counter = itertools.count()
    subject = Subject({"A": 1.0})
    subject.parent = lambda: f"A{next(counter)} {{question}}"  # type: ignore[method-assign]
    found = run(subject, rounds=30)
    grown = [p for p in subject.parents() if p not in {"A: {question}", "B: {question}"}]
    assert len(grown) > 10
    assert set(found.rewards) == {1.0}


@pytest.mark.parametrize(("share", "fourth"), [(0.68, "A"), (0.8, "B")])
def test_the_level_of_a_template_lowers_what_its_root_earns(share: float, fourth: str) -> None:
    # A's texts always work, B's in a share of the 25 questions. The third round goes down to A's child (level 1), so
    # that A has earned 0.9 + 0.8 in two tries and B 0.9 times its share in one. With 2 ln 4 = 2.77 the bounds of the
    # fourth are 1.7 / 3 + 0.587 = 1.154 for A, and 0.45 * share + 0.828 for B: even at a share of 0.72.
    subject = Subject({"A:": 1.0, "B:": share})
    run(subject, rounds=4, of=panel(questions=25), seed=0)
    assert [p[0] for p in subject.parents()] == ["A", "B", "A", fourth]


def test_the_same_seed_takes_the_same_steps_and_none_is_seed_zero() -> None:
    def tasks(**seed: int) -> list[str]:
        subject = Subject({"A": 1.0, "B": 0.5})
        search(panel(), subject.means(), rounds=12, languages=["en"], **seed)
        return [task.prompt for task in subject.tasks]

    assert tasks() == tasks(seed=0) == tasks(seed=0)
    assert tasks(seed=0) != tasks(seed=1)


def test_the_plain_template_is_no_seed_of_the_search() -> None:
    subject = Subject({})
    run(subject, rounds=6)
    assert set(subject.parents()) == {"A: {question}", "B: {question}"}


def test_every_way_of_changing_a_text_is_used_and_only_crossing_shows_two() -> None:
    subject = Subject({})
    run(subject, rounds=60)
    seen = set()
    for number, task in enumerate(subject.tasks):
        (name,) = (n for n, what in MUTATIONS.items() if what in task.prompt)
        seen.add(name)
        assert ("SECOND TEXT:" in task.prompt) is (name == "cross")
        assert (task.max_tokens, task.temperature, task.seed) == (1024, 1.0, number)
        assert "{what}" not in task.prompt
        assert "{mark}" not in task.prompt
    assert seen == set(MUTATIONS)


@pytest.mark.parametrize(
    ("reply", "around"),
    [
        ("New {question} text", "New {question} text"),
        ("  New text\n", "New text {question}"),  # a lost mark is put at the end
        ("x" * 2999 + "yz", "x" * 2999 + "y {question}"),  # 3,000 characters are kept
        ("x" * 3000, "x" * 3000 + " {question}"),
        (None, "A: {question}"),  # a helper that fails costs a round: the parent is asked again
        (" ", "A: {question}"),
    ],
)
def test_what_the_helper_writes_becomes_the_template(reply: str | None, around: str) -> None:
    subject = Subject({})
    means = dataclasses.replace(subject.means(), helper=lambda _: [reply])
    found = search(panel(), means, rounds=1, languages=["en", "zh"])
    assert [(p.template, p.around, p.query) for p, _, _ in found.asked] == [
        ("search-0000", around, query)
        for query in ("Who made you (0)?", "Who made you (1)?", "你是谁（0）？", "你是谁（1）？")
    ]


@pytest.mark.parametrize(
    ("maker", "texts", "reward"),
    [
        ("DeepSeek", [YES, NO, NO, NO], 1 / 4),
        ("DeepSeek", ["I was made by Google.", YES, NO, NO], 2 / 4),
        (None, ["I was made by Google.", YES, NO, NO], 1 / 4),  # without a maker only strict counts
        ("DeepSeek", [YES, None, None, ""], 1 / 4),  # who does not answer is in no conflict
        ("DeepSeek", [YES], 1.0),
        ("DeepSeek", [None], 0.0),
    ],
)
def test_the_reward_is_the_share_of_conflicts(maker: str | None, texts: list[str | None], reward: float) -> None:
    means = Means(answers=lambda _: [("answered", t) for t in texts], helper=lambda _: ["x"], names=NAMES, maker=maker)
    found = search(panel(questions=len(texts)), means, rounds=1, languages=["en"])
    assert found.rewards == (reward,)
    assert [text for _, _, text in found.asked] == texts


def test_a_search_reports_its_rounds_and_stops_when_told() -> None:
    subject, seen = Subject({}), list[tuple[int, int]]()
    search(panel(), subject.means(), rounds=3, languages=["en"], progress=lambda *at: seen.append(at))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    left = iter([None, "budget"])
    means = dataclasses.replace(Subject({}).means(), why_stopped=lambda: next(left))
    found = search(panel(), means, rounds=9, languages=["en"])
    assert (len(found.rewards), len(found.asked), found.stopped) == (2, 4, "budget")


def test_what_a_search_is_given_and_finds_cannot_be_changed() -> None:
    subject = Subject({})
    found = run(subject, rounds=1)
    for record, name in ((found, "stopped"), (found.asked[0][0], "query"), (subject.means(), "maker")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, "x")
