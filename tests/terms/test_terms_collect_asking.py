"""Asking round by round through one store: what comes back, in which order, and why a round ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from collecting_cases import Told

from hydrometer.collect import Budget, EndpointRefused, Settings, engine
from hydrometer.collect.asking import Asker
from hydrometer.collect.money import Estimate
from hydrometer.collect.plan import Plan
from hydrometer.collect.run import collect
from hydrometer.records.exchange import Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import ProbeRequest


class Knows(Told):
    """Has an answer to some prompts, and a fault for all others."""

    def __init__(self, **said: str | Reply | Fault) -> None:
        async def do(request: Request) -> str | Reply:
            found = said.get(request.prompt, Fault("unknown", retry=False))
            if isinstance(found, Fault):
                raise Fault(**found.fields)
            return found

        super().__init__(do)


def requests(*prompts: str) -> list[Request]:
    return [Request(prompt=prompt) for prompt in prompts]


ONE = Settings(concurrency=1)


def test_answers_come_in_the_order_of_the_requests_and_each_is_asked_once(tmp_path: Path) -> None:
    opened: list[Told] = []

    def open_target() -> Told:
        opened.append(
            Knows(
                a="yes", b=Reply(status=ResponseStatus.TRUNCATED, text="cu", raw=b"{}"),
                c=Reply(status=ResponseStatus.REFUSED, text="no", raw=b"{}"),
                d=Reply(status=ResponseStatus.EMPTY, text="", raw=b"{}"),
            )
        )  # fmt: skip
        return opened[-1]

    seen: list[Estimate] = []
    changes: list[int] = []
    asker = Asker(
        open_target, tmp_path / "s.db", settings=ONE, confirm=seen.append,
        on_change=lambda run_summary: changes.append(run_summary.settled),
    )  # fmt: skip
    assert asker.stopped is None
    found = asker.answers(requests("c", "a", "e", "b", "a", "d"))
    assert found == [
        ("refused", "no"), ("answered", "yes"), ("failed", None),
        ("truncated", "cu"), ("answered", "yes"), ("empty", ""),
    ]  # fmt: skip
    assert opened[0].prompts == ["c", "a", "e", "b", "d"]
    assert [e.requests for e in seen] == [5]
    assert changes == [1, 2, 3, 4, 5]
    assert asker.stopped is None
    # Only text of the model's own making is a reply to work with.
    assert asker(requests("d", "b", "c", "a", "e")) == [None, "cu", None, "yes", None]
    assert opened[1].prompts == []
    assert len(seen) == 1
    assert [target.closed for target in opened] == [1, 1]


def test_requests_that_differ_in_anything_are_asked_apart(tmp_path: Path) -> None:
    async def do(request: Request) -> str:
        return f"{request.prompt} {request.seed}"

    asker = Asker(lambda: Told(do), tmp_path / "s.db", settings=ONE)
    asked = [Request(prompt="a", seed=1), Request(prompt="a", seed=2)]
    assert asker(asked) == ["a 1", "a 2"]


def test_further_samples_of_another_run_are_not_taken_for_the_answer(tmp_path: Path) -> None:
    first, second = ProbeRequest("p", Request(prompt="a"), 0), ProbeRequest("p", Request(prompt="a"), 1)
    replies = iter(("one", "two", "three"))

    async def do(request: Request) -> str:
        return next(replies)

    collect(Told(do), Plan((second, first), ()), tmp_path / "s.db", settings=ONE)
    assert Asker(Told, tmp_path / "s.db", settings=ONE)(requests("a")) == ["two"]


def test_a_round_says_why_it_ended_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "wait_before", lambda *_, **__: 0.0)
    asker = Asker(Told, tmp_path / "s.db", settings=Settings(concurrency=1, budget=Budget(requests=1)))
    # What was not asked has failed for this round.
    assert asker.answers(requests("a", "b")) == [("answered", "yes"), ("failed", None)]
    assert asker.stopped == "stopped: budget"
    refuses = Asker(
        lambda: Knows(a=Fault("no such key", retry=False, http_status=401)), tmp_path / "t.db", settings=ONE
    )
    assert refuses.answers(requests("a")) == [("failed", None)]
    assert refuses.stopped == "told: no such key; nothing else came back, so asking was stopped"


def test_a_plan_can_be_called_off_before_the_first_request(tmp_path: Path) -> None:
    def refuse(estimate: Estimate) -> None:
        raise EndpointRefused("too dear")

    target = Told()
    asker = Asker(lambda: target, tmp_path / "s.db", settings=ONE, confirm=refuse)
    with pytest.raises(EndpointRefused, match="too dear"):
        asker(requests("a"))
    assert (target.prompts, target.closed) == ([], 1)
