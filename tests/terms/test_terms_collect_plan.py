"""The order of questions: canaries in four rounds, everything else in three parts between them."""

from __future__ import annotations

import hashlib
import random

import pytest

from hydrometer.collect.plan import Plan, plan_questions, usual_canaries
from hydrometer.records.exchange import Request
from hydrometer.records.probes import Probe


@pytest.mark.parametrize(
    ("n_probes", "n_canaries"),
    [
        # Never more than one in ten, but one at least.
        (1, 1), (9, 1), (10, 1), (19, 1), (20, 2), (79, 7), (80, 8),
        # Eight at least: up to 424 probes, one in fifty is less.
        (81, 8), (424, 8), (426, 9), (500, 10), (1000, 20), (4949, 99), (5000, 100), (5050, 100), (9000, 100),
    ],
)  # fmt: skip
def test_one_probe_in_fifty_is_a_canary(n_probes: int, n_canaries: int) -> None:
    assert usual_canaries(n_probes) == n_canaries


def probes(n: int) -> list[Probe]:
    return [Probe(id=f"p{k}", prompt=f"Prompt {k}?") for k in range(n)]


def ids(plan: Plan) -> list[tuple[str, int]]:
    return [(q.probe, q.replicate) for q in plan.questions]


BASE = Request(prompt="")


def test_canaries_are_asked_at_the_start_after_each_third_and_at_the_end() -> None:
    plan = plan_questions(probes(10), base=BASE, canaries=2)
    assert len(plan.canaries) == 2
    rest = [p.id for p in probes(10) if p.id not in plan.canaries]
    turns = [[(c, turn) for c in plan.canaries] for turn in range(4)]
    once = [(name, 0) for name in rest]
    # Eight others in parts of 2, 3 and 3.
    assert ids(plan) == [*turns[0], *once[:2], *turns[1], *once[2:5], *turns[2], *once[5:], *turns[3]]


def test_the_choice_of_canaries_depends_on_their_names_alone() -> None:
    some = probes(30)
    plan = plan_questions(some, base=BASE, canaries=3)
    smallest = sorted(some, key=lambda p: hashlib.sha256(f"canary{p.id}".encode()).hexdigest())[:3]
    assert set(plan.canaries) == {p.id for p in smallest}
    random.Random(1).shuffle(some)
    shuffled = plan_questions(some, base=BASE, canaries=3)
    assert set(shuffled.canaries) == set(plan.canaries)
    assert list(shuffled.canaries) == [p.id for p in some if p.id in plan.canaries]


def test_as_many_canaries_as_usual_or_as_there_are_probes_or_none() -> None:
    assert len(plan_questions(probes(25), base=BASE).canaries) == 2
    assert len(plan_questions(probes(3), base=BASE, canaries=7).canaries) == 3
    none = plan_questions(probes(3), base=BASE, canaries=0)
    assert none.canaries == ()
    assert ids(none) == [("p0", 0), ("p1", 0), ("p2", 0)]


def test_every_probe_gets_as_many_answers_as_are_wanted() -> None:
    """The four rounds are the canary's first four samples."""
    plan = plan_questions(probes(3), base=BASE, samples=6, canaries=1)
    (canary,) = plan.canaries
    assert sorted(ids(plan)) == sorted((f"p{k}", r) for k in range(3) for r in range(6))
    rest = [pair for pair in ids(plan) if pair[0] != canary or pair[1] >= 4]
    assert rest == sorted(rest, key=lambda pair: pair[1])
    assert rest[-1] == max(rest, key=lambda pair: (pair[1], pair[0]))
    assert len(plan_questions(probes(3), base=BASE, samples=2, canaries=1).questions) == 4 + 2 * 2


@pytest.mark.parametrize(("seed", "seeds"), [(None, [None, 1, 2]), (7, [7, 8, 9]), (0, [0, 1, 2])])
def test_further_samples_have_further_seeds_and_rounds_the_same(seed: int | None, seeds: list[int | None]) -> None:
    base = Request(prompt="", seed=seed)
    plan = plan_questions(probes(2), base=base, samples=3, canaries=1)
    (canary,) = plan.canaries
    assert [q.request.seed for q in plan.questions if q.probe == canary] == [seed] * 4
    others = {q.replicate: q.request.seed for q in plan.questions if q.probe != canary}
    assert others == dict(enumerate(seeds))


def test_a_probes_own_settings_give_way_to_the_system_prompt_and_the_smaller_limit_of_the_run() -> None:
    own = Probe(id="own", prompt="Own?", system="Be brief.", max_tokens=50)
    plain = Probe(id="plain", prompt="Plain?")
    for base, system, limits in (
        (Request(prompt="", max_tokens=80, temperature=0.7), ("Be brief.", None), (50, 80)),
        (Request(prompt="", max_tokens=20, system=""), ("", ""), (20, 20)),
        (Request(prompt="", max_tokens=50, system="Run."), ("Run.", "Run."), (50, 50)),
    ):
        plan = plan_questions([own, plain], base=base, canaries=0)
        assert tuple(q.request.system for q in plan.questions) == system
        assert tuple(q.request.max_tokens for q in plan.questions) == limits
        assert [q.request.prompt for q in plan.questions] == ["Own?", "Plain?"]
        assert {q.request.temperature for q in plan.questions} == {base.temperature}
