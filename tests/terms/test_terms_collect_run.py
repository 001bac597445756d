"""One run summed up: when it is complete, what a reader is warned of, and how signals end it."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from collecting_cases import Told, answered, script

from hydrometer.collect import Budget, Price, Settings, Stop
from hydrometer.collect.engine import RunSummary
from hydrometer.collect.plan import Plan
from hydrometer.collect.run import Collected, collect, summary, warnings
from hydrometer.collect.watch import Watch
from hydrometer.records.exchange import Fault, Request
from hydrometer.stats.drift import ChangeTestResult
from hydrometer.store.evidence import ProbeRequest, Spend
from hydrometer.store.evidence.counts import Counts

COUNTS = Counts(
    statuses={"answered": 7, "refused": 2, "truncated": 1}, repeats={"answered": 3}, reported_models={"m": 10},
    fingerprints={"f": 10}, prompt_tokens=31, completion_tokens=17, attempts={"answered": 10, "lost": 2},
)  # fmt: skip
RESULT = ChangeTestResult(2.5, 0.25, 2, 12, 0.0001)
PLAIN = Collected(
    model="m", store=Path("s.db"), run_summary=RunSummary(total=10, settled=10, requests_sent=13, throttled=2),
    counts=COUNTS, spend=Spend(requests=19, tokens=53, nano_usd=1_500_000), price_known=True, lost=0, watch=None,
    refusal=None,
)  # fmt: skip


def counted(**changed: Any) -> Collected:
    return replace(PLAIN, counts=replace(COUNTS, **changed))


@pytest.mark.parametrize(
    ("settled", "refusal", "complete"),
    [(10, None, True), (11, None, True), (9, None, False), (10, "gone", False), (9, "gone", False)],
)
def test_a_run_is_complete_with_every_question_settled_and_no_trouble(
    settled: int, refusal: str | None, complete: bool
) -> None:
    found = replace(PLAIN, run_summary=RunSummary(total=10, settled=settled), refusal=refusal)
    assert found.complete is complete
    assert summary(found)["complete"] is complete


def test_the_summary_counts_everything_once() -> None:
    PLAIN.run_summary.faults.update({"rare": 1, "often": 3})
    assert summary(PLAIN) == {
        "model": "m", "store": "s.db",
        "answered": 7, "empty": 0, "truncated": 1, "refused": 2, "invalid": 0, "failed": 0, "open": 0,
        "n_probes": 10, "repeats": {"answered": 3}, "requests_sent": 13, "requests_total": 19,
        "tokens": 48, "tokens_at_most": 53, "usd": 0.0015, "stop": "done", "complete": True, "throttled": 2,
        "faults": {"often": 3, "rare": 1}, "lost_in_flight": 2, "reported_models": {"m": 10},
        "fingerprints": {"f": 10}, "canaries": None, "warnings": [],
    }  # fmt: skip
    assert summary(replace(PLAIN, price_known=False))["usd"] is None
    assert summary(counted(attempts={}))["lost_in_flight"] == 0
    assert summary(counted(statuses={"open": 4, "failed": 1}))["open"] == 4
    assert summary(replace(PLAIN, refusal="gone"))["stop"] == "endpoint_refused"
    assert summary(replace(PLAIN, run_summary=RunSummary(total=1, stop=Stop.BUDGET)))["stop"] == "budget"


def test_the_summary_tells_what_the_canaries_say() -> None:
    for result, pvalue in ((RESULT, 0.25), (None, None)):
        found = summary(replace(PLAIN, watch=Watch(12, result, False, "note")))
        assert found["canaries"] == {"n": 12, "alpha": 0.001, "pvalue": pvalue, "changed": False, "note": "note"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (counted(), []),
        (replace(PLAIN, refusal="gone"), ["gone"]),
        (
            counted(statuses={"failed": 2, "invalid": 1000, "empty": 5}),
            ["1,002 probes have no answer after every attempt: --retry-failed asks them again"],
        ),
        (counted(statuses={"open": 1}), ["1 probes are not asked yet: run the same command again"]),
        (counted(statuses={"open": 0, "failed": 0, "invalid": 0}), []),
        (
            replace(PLAIN, lost=1),
            ["1 requests were in flight when an earlier run died: they may be paid for twice"],
        ),
        (
            counted(reported_models={"a": 5000, "b": 4, "c": 3, "d": 2, "e": 1}),
            ["the provider names more than one model as the author of the answers: a (5,000), b (4), c (3), d (2)"],
        ),
        (counted(reported_models={"other": 10}), ["the provider says that other answered, not m"]),
        (counted(reported_models={}), []),
        (counted(fingerprints={"f": 9, "g": 1}), ["the provider's fingerprint changed: 2 different ones"]),
        (counted(fingerprints={}), []),
        (replace(PLAIN, watch=Watch(12, RESULT, True, "changed")), ["changed"]),
        (replace(PLAIN, watch=Watch(0, None, False, "none")), ["none"]),
        (replace(PLAIN, watch=Watch(12, RESULT, False, "fine")), []),
    ],
)  # fmt: skip
def test_a_reader_of_the_answers_is_warned(found: Collected, said: list[str]) -> None:
    assert warnings(found) == said
    assert summary(found)["warnings"] == said


@pytest.mark.parametrize(
    ("asked", "told", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True), ("gpt-4o-2024-08-06", "gpt-4o", True), ("GPT-4o", "gpt-4O", True),
        ("deepseek/deepseek-chat", "DeepSeek-Chat", True), ("m", "vendor/m", True), ("a/m", "b/m", True),
        ("gpt-4o", "gpt-4.1", False), ("a/m", "a/n", False),
    ],
)  # fmt: skip
def test_a_providers_name_for_its_model_may_be_longer_or_shorter(asked: str, told: str, same: bool) -> None:
    found = replace(counted(reported_models={told: 3}), model=asked)
    assert (warnings(found) == []) is same


def plan(*prompts: str, canaries: tuple[str, ...] = ()) -> Plan:
    first = [ProbeRequest(prompt, Request(prompt=prompt)) for prompt in prompts]
    again = [ProbeRequest(c, Request(prompt=c), turn) for turn in range(1, 4) for c in canaries]
    return Plan((*first, *again), canaries)


ONE = Settings(concurrency=1)


def test_a_run_of_the_whole_plan_is_watched(tmp_path: Path) -> None:
    target = Told()
    found = collect(target, plan("a", "b", canaries=("a",)), tmp_path / "s.db", settings=ONE)
    assert (found.model, found.complete, found.price_known, found.lost, found.refusal) == ("told", True, False, 0, None)
    assert (found.counts.statuses, found.counts.repeats) == ({"answered": 2}, {"answered": 3})
    assert found.watch is not None
    assert found.watch.n_canaries == 1
    assert target.closed == 1
    # Without canaries there is nothing to watch, as where the plan is not done or the endpoint refuses everything.
    assert collect(Told(), plan("a", "b"), tmp_path / "s.db", settings=ONE).watch is None
    short = Settings(concurrency=1, budget=Budget(requests=5))
    stopped = collect(Told(), plan("a", "b", "c", canaries=("a",)), tmp_path / "s.db", settings=short)
    assert (stopped.run_summary.settled, stopped.run_summary.total, stopped.watch, stopped.complete) == (
        5,
        6,
        None,
        False,
    )
    refused = Told(script(Fault("no", retry=False, http_status=401)))
    troubled = collect(refused, plan("a", "z", canaries=("a",)), tmp_path / "s.db", settings=ONE)
    assert (troubled.watch, troubled.complete) == (None, False)


def test_trouble_is_told_and_what_was_paid_is_counted(tmp_path: Path) -> None:
    turns = [answered("yes", prompt_tokens=7, completion_tokens=5), *[Fault("no", retry=False, http_status=401)] * 9]
    settings = Settings(concurrency=1, budget=Budget(price=Price(3.0, 11.0)))
    found = collect(Told(script(*turns)), plan(*"abcdefghij"), tmp_path / "s.db", settings=settings)
    assert found.refusal == "told: no; nothing else came back, so asking was stopped"
    assert (found.spend.requests, found.spend.tokens, found.spend.nano_usd) == (9, 12, 76_000)
    assert (found.price_known, found.complete) == (True, False)
    assert found.counts.statuses == {"answered": 1, "open": 9}


def test_the_estimate_is_shown_where_something_is_left_to_ask(tmp_path: Path) -> None:
    seen: list[int] = []
    for prompts in (("a",), ("a",), ("a", "b", "c")):
        collect(
            Told(), plan(*prompts), tmp_path / "s.db", settings=ONE, confirm=lambda e: seen.append(e.requests)
        )  # fmt: skip
    assert seen == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_for_what_is_under_way(tmp_path: Path, number: signal.Signals) -> None:
    async def do(request: Request) -> str:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)
        return "kept"

    before = signal.getsignal(number)
    found = collect(Told(do), plan("a", "b"), tmp_path / "s.db", settings=ONE)
    assert (found.run_summary.stop, found.counts.statuses) == (Stop.INTERRUPTED, {"answered": 1, "open": 1})
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    async def do(request: Request) -> str:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.02)
        await asyncio.sleep(3600)
        return "never"

    target = Told(do)
    with pytest.raises(asyncio.CancelledError):
        collect(target, plan("a", "b"), tmp_path / "s.db", settings=ONE)
    assert (target.prompts, target.closed) == (["a"], 1)
