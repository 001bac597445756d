"""Asking until each question has an answer: how often, how many at once, what a fault costs, and when to give up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from collecting_cases import Told, answered, ask_for, collect_now, script

from hydrometer.collect import Budget, EndpointRefused, Price, Settings, Stop, engine
from hydrometer.collect.engine import Collector
from hydrometer.errors import OutputError
from hydrometer.records.exchange import Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import EvidenceStore, Outcome, Spend
from hydrometer.store.evidence.database import Limits


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    """Nothing is waited for; what would have been is written down."""
    found: list[tuple[int, float | None]] = []

    def wait_before(attempt: int, retry_after: float | None, *, rng: Any) -> float:
        found.append((attempt, retry_after))
        return 0.0

    monkeypatch.setattr(engine, "wait_before", wait_before)
    return found


def fault(reason: str = "gone", *, retry: bool = True, **more: Any) -> Fault:
    return Fault(reason, retry=retry, **more)


THROTTLED = fault("slow down", http_status=429, throttled=True)


def test_an_answer_is_settled_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    questions = ask_for("abc")
    done = collect_now(Told(), questions, tmp_path / "s.db")
    assert (done.run_summary.total, done.run_summary.settled, done.run_summary.requests_sent) == (3, 3, 3)
    assert (done.run_summary.stop, done.run_summary.throttled, done.run_summary.usd, done.requests) == (
        Stop.DONE,
        0,
        None,
        3,
    )
    assert done.statuses == dict.fromkeys("abc", "answered")
    assert done.changes == [(1, 1), (2, 2), (3, 3)]
    again = collect_now(Told(), [*questions, *ask_for("d"), *ask_for("d")], tmp_path / "s.db")
    assert (again.run_summary.total, again.run_summary.settled, again.run_summary.requests_sent) == (4, 4, 1)


@pytest.mark.parametrize(
    ("concurrency", "most_at_once", "expected"), [(1, None, 1), (3, None, 3), (5, 2, 2), (2, 5, 2), (0, None, 1)]
)
def test_as_many_are_under_way_as_both_sides_allow(
    tmp_path: Path, concurrency: int, most_at_once: int | None, expected: int
) -> None:
    async def slowly(request: Request) -> str:
        await asyncio.sleep(0.02)
        return "yes"

    target = Told(slowly, most_at_once=most_at_once)
    done = collect_now(target, ask_for("abcdefg"), tmp_path / "s.db", Settings(concurrency=concurrency))
    assert target.most_under_way == expected
    assert done.run_summary.settled == 7


def test_unless_told_otherwise_eight_are_under_way_and_eight_attempts_are_made(tmp_path: Path) -> None:
    async def never(request: Request) -> str:
        await asyncio.sleep(0.02)
        raise fault()

    target = Told(never)
    done = collect_now(target, ask_for("abcdefghij"), tmp_path / "s.db", Settings())
    assert target.most_under_way == 8
    assert {answer.attempts for answer in done.answers.values()} == {8}
    assert set(done.statuses.values()) == {"failed"}


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_question_is_given_up_after_so_many_attempts(
    tmp_path: Path, waits: list[tuple[int, float | None]], attempts: int
) -> None:
    done = collect_now(
        Told(script(fault())), ask_for("a"), tmp_path / "s.db", Settings(concurrency=1, attempts=attempts)
    )
    assert done.run_summary.requests_sent == attempts
    assert waits == [(n, None) for n in range(1, attempts)]
    assert done.statuses == {"a": "failed"}
    # Given up counts as settled, and each fault was told.
    assert done.changes == [(n, int(n == attempts)) for n in range(1, attempts + 1)]
    assert done.run_summary.faults == {"gone": attempts}


def test_a_fault_that_no_other_attempt_can_mend_is_final(tmp_path: Path) -> None:
    done = collect_now(Told(script(fault(retry=False))), ask_for("a"), tmp_path / "s.db")
    assert (done.run_summary.requests_sent, done.run_summary.settled, done.statuses) == (1, 1, {"a": "failed"})


def test_what_came_back_but_is_no_answer_is_invalid(tmp_path: Path) -> None:
    told = Told(script(fault(retry=False, status=ResponseStatus.INVALID, raw=b"<html>")))
    assert collect_now(told, ask_for("a"), tmp_path / "s.db").statuses == {"a": "invalid"}


def test_complaints_about_the_rate_do_not_count_as_attempts(
    tmp_path: Path, waits: list[tuple[int, float | None]]
) -> None:
    slow = fault("slow down", http_status=429, throttled=True, retry_after=3.5)
    target = Told(script(slow, slow, slow, fault("no"), slow, fault("no")))
    done = collect_now(target, ask_for("a"), tmp_path / "s.db", Settings(concurrency=1, attempts=2))
    assert (done.run_summary.requests_sent, done.run_summary.throttled) == (6, 4)
    assert done.run_summary.faults == {"slow down": 4, "no": 2}
    # Waiting grows with every request, whatever it was refused for.
    assert waits == [(1, 3.5), (2, 3.5), (3, 3.5), (4, None), (5, 3.5)]


@pytest.mark.parametrize(("status", "sent"), [(399, 5), (400, 2), (422, 2), (499, 2), (500, 5), (503, 5), (None, 5)])
def test_the_second_refusal_of_a_request_is_final(tmp_path: Path, status: int | None, sent: int) -> None:
    target = Told(script(fault(http_status=status)))
    done = collect_now(target, ask_for("a"), tmp_path / "s.db", Settings(concurrency=1, attempts=5))
    assert done.run_summary.requests_sent == sent


def test_a_refusal_counts_with_other_faults_between(tmp_path: Path) -> None:
    turns = (fault(http_status=400), fault(http_status=500), THROTTLED, fault(http_status=400), "too late")
    done = collect_now(Told(script(*turns)), ask_for("a"), tmp_path / "s.db")
    assert (done.run_summary.requests_sent, done.statuses) == (4, {"a": "failed"})


RESERVE = Budget().reserve(Request(prompt="a", max_tokens=100)).tokens


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 529])
def test_what_is_refused_before_any_model_has_run_costs_nothing(tmp_path: Path, status: int) -> None:
    told = Told(script(fault(retry=False, http_status=status)))
    done = collect_now(told, ask_for("a", max_tokens=100), tmp_path / "s.db")
    assert (done.requests, done.tokens) == (1, 0)


@pytest.mark.parametrize("status", [None, 200, 402, 405, 410, 423, 426, 430, 501, 504, 530])
def test_what_a_model_may_have_worked_on_costs_the_reserve(tmp_path: Path, status: int | None) -> None:
    told = Told(script(fault(retry=False, http_status=status)))
    done = collect_now(told, ask_for("a", max_tokens=100), tmp_path / "s.db")
    assert (done.requests, done.tokens) == (1, RESERVE)


def test_who_cannot_be_reached_has_worked_on_nothing(tmp_path: Path) -> None:
    done = collect_now(Told(script(fault(retry=False, unreachable=True))), ask_for("a"), tmp_path / "s.db")
    assert (done.requests, done.tokens) == (1, 0)


@pytest.mark.parametrize(
    ("status", "after"),
    [(400, "failed"), (401, "open"), (402, "failed"), (403, "open"), (404, "open"), (405, "failed")],
)
def test_a_wrong_key_or_address_leaves_the_question_open(tmp_path: Path, status: int, after: str) -> None:
    turns = ("yes", fault(retry=False, http_status=status), "yes")
    done = collect_now(Told(script(*turns)), ask_for("abc"), tmp_path / "s.db")
    assert done.statuses == {"a": "answered", "b": after, "c": "answered"}
    assert done.run_summary.settled == (2 if after == "open" else 3)
    assert done.changes[1] == (2, 1 if after == "open" else 2)
    again = collect_now(Told(), ask_for("abc"), tmp_path / "s.db")
    assert again.run_summary.requests_sent == (1 if after == "open" else 0)
    retried = collect_now(Told(), ask_for("abc"), tmp_path / "s.db", Settings(concurrency=1, retry_failed=True))
    assert set(retried.statuses.values()) == {"answered"}


def test_a_wrong_key_is_final_only_where_another_attempt_cannot_help(tmp_path: Path) -> None:
    done = collect_now(Told(script(fault(http_status=401), "yes")), ask_for("a"), tmp_path / "s.db")
    assert (done.statuses, done.run_summary.requests_sent) == ({"a": "answered"}, 2)


def many(n: int) -> list[Any]:
    return ask_for([f"q{k}" for k in range(n)])


REFUSED = fault("no such key", retry=False, http_status=401)


@pytest.mark.parametrize(("n", "sent"), [(1, 1), (3, 3), (8, 8), (20, 8)])
def test_a_key_that_is_refused_eight_times_ends_the_run(tmp_path: Path, n: int, sent: int) -> None:
    """Or as many times as there are questions."""
    done = collect_now(Told(script(REFUSED)), many(n), tmp_path / "s.db")
    assert isinstance(done.error, EndpointRefused)
    assert str(done.error) == "told: no such key; nothing else came back, so asking was stopped"
    assert done.run_summary.requests_sent == sent
    assert set(done.statuses.values()) == {"open"}


def test_an_answer_in_between_shows_that_there_is_hope(tmp_path: Path) -> None:
    turns = [*[REFUSED] * 7, "yes", *[REFUSED] * 7, "yes"]
    done = collect_now(Told(script(*turns)), many(16), tmp_path / "s.db")
    assert done.error is None
    assert done.run_summary.requests_sent == 16
    turns = [*[REFUSED] * 7, "yes", REFUSED]
    assert collect_now(Told(script(*turns)), many(20), tmp_path / "t.db").run_summary.requests_sent == 16


@pytest.mark.parametrize(("concurrency", "least", "most"), [(1, 32, 32), (8, 32, 39), (16, 64, 79)])
def test_questions_that_fail_one_after_another_end_the_run_later(
    tmp_path: Path, concurrency: int, least: int, most: int
) -> None:
    """After 32, or four for each under way; those under way at that moment are still counted."""
    told = Told(script(fault(retry=False, http_status=500)))
    done = collect_now(told, many(120), tmp_path / "s.db", Settings(concurrency=concurrency))
    assert isinstance(done.error, EndpointRefused)
    assert least <= done.run_summary.requests_sent <= most


def test_failing_questions_of_a_small_plan_end_no_run(tmp_path: Path) -> None:
    done = collect_now(Told(script(fault(retry=False, http_status=500))), many(31), tmp_path / "s.db")
    assert (done.error, done.run_summary.settled) == (None, 31)


@pytest.mark.parametrize(("concurrency", "least", "most"), [(1, 8, 8), (4, 8, 11), (16, 32, 47)])
def test_a_server_that_is_not_there_ends_the_run(tmp_path: Path, concurrency: int, least: int, most: int) -> None:
    """After eight attempts, or two for each under way, whether or not they are of one question."""
    told = Told(script(fault("nobody there", unreachable=True)))
    settings = Settings(concurrency=concurrency, attempts=100)
    done = collect_now(told, many(60), tmp_path / "s.db", settings)
    assert isinstance(done.error, EndpointRefused)
    assert least <= done.run_summary.requests_sent <= most
    assert set(done.statuses.values()) == {"open"}


def test_a_server_that_says_anything_is_there(tmp_path: Path) -> None:
    away = fault("nobody there", unreachable=True)
    for between in (fault("oops", http_status=500), "yes"):
        turns = [*[away] * 7, between, *[away] * 7, "yes"]
        path = tmp_path / f"{type(between).__name__}.db"
        done = collect_now(Told(script(*turns)), many(2), path, Settings(concurrency=1, attempts=100))
        assert done.error is None
        assert done.run_summary.settled == 2
    turns = [*[away] * 7, "yes", away]
    done = collect_now(Told(script(*turns)), many(2), tmp_path / "t.db", Settings(concurrency=1, attempts=100))
    assert (type(done.error), done.run_summary.requests_sent) == (EndpointRefused, 16)


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.mark.parametrize(("seconds", "given_up"), [(899.0, False), (900.0, False), (900.5, True)])
def test_a_provider_that_only_complains_is_given_up_after_a_quarter_of_an_hour(
    tmp_path: Path, clock: Clock, seconds: float, given_up: bool
) -> None:
    turns = iter(("yes", THROTTLED, "yes", "yes"))

    async def do(request: Request) -> str:
        turn = next(turns)
        # The answer to the first question starts the count anew.
        clock.now += 500.0 if request.prompt == "q0" else seconds
        if isinstance(turn, Fault):
            raise turn
        return turn

    done = collect_now(Told(do), many(2), tmp_path / "s.db")
    if given_up:
        assert isinstance(done.error, EndpointRefused)
        assert str(done.error) == "told: slow down, for 15 minutes; try again later"
    else:
        assert (done.error, done.run_summary.settled) == (None, 2)


def test_other_faults_have_no_such_patience(tmp_path: Path, clock: Clock) -> None:
    async def do(request: Request) -> str:
        clock.now += 2000.0
        if len(target.prompts) == 1:
            raise fault(http_status=500)
        return "yes"

    target = Told(do)
    assert collect_now(target, many(1), tmp_path / "s.db").run_summary.settled == 1


def test_a_budget_of_requests_stops_the_run_and_leaves_the_rest_open(tmp_path: Path) -> None:
    settings = Settings(concurrency=1, budget=Budget(requests=2))
    done = collect_now(Told(), many(5), tmp_path / "s.db", settings)
    assert (done.run_summary.stop, done.run_summary.requests_sent, done.run_summary.settled) == (Stop.BUDGET, 2, 2)
    assert list(done.statuses.values()) == ["answered"] * 2 + ["open"] * 3
    # Earlier runs count.
    assert collect_now(Told(), many(5), tmp_path / "s.db", settings).run_summary.requests_sent == 0
    more = Settings(concurrency=1, budget=Budget(requests=3))
    assert collect_now(Told(), many(5), tmp_path / "s.db", more).run_summary.requests_sent == 1


def test_while_requests_are_under_way_their_reserves_may_come_back(tmp_path: Path) -> None:
    """There is room for one reserve at a time, but answers cost a hundredth of it."""
    one = Budget().reserve(Request(prompt="q0", max_tokens=1000)).tokens

    async def cheap(request: Request) -> Reply:
        await asyncio.sleep(0.01)
        return answered("yes", prompt_tokens=5, completion_tokens=7)

    questions = ask_for([f"q{k}" for k in range(5)], max_tokens=1000)
    settings = Settings(concurrency=3, budget=Budget(tokens=one + 4 * 12))
    target = Told(cheap)
    done = collect_now(target, questions, tmp_path / "s.db", settings)
    assert (done.run_summary.stop, done.run_summary.settled, target.most_under_way) == (Stop.DONE, 5, 1)
    assert done.tokens == 5 * 12
    # One token less, and the fifth might have cost too much.
    short = Settings(concurrency=3, budget=Budget(tokens=one + 4 * 12 - 1))
    done = collect_now(Told(cheap), questions, tmp_path / "t.db", short)
    assert (done.run_summary.stop, done.run_summary.settled) == (Stop.BUDGET, 4)


def test_dollars_are_counted_where_there_is_a_price(tmp_path: Path) -> None:
    """7 tokens at 3 dollars a million and 5 at 11 are 76 millionths of a dollar; without a count, the reserve."""
    price = Price(3.0, 11.0)
    told = Told(script(answered("yes", prompt_tokens=7, completion_tokens=5)))
    settings = Settings(concurrency=1, budget=Budget(price=price))
    done = collect_now(told, many(2), tmp_path / "s.db", settings)
    assert done.run_summary.usd == pytest.approx(0.000152)
    assert done.nano_usd == 152_000
    unknown = collect_now(Told(), ask_for("a", max_tokens=100), tmp_path / "t.db", settings)
    assert unknown.run_summary.usd == pytest.approx((257 * 3 + 100 * 11) / 1e6)


def test_stop_waits_for_what_is_under_way_and_sends_nothing_more(tmp_path: Path) -> None:
    async def do(request: Request) -> str:
        await asyncio.sleep(0.05)
        return "yes"

    async def stop(collector: Collector, store: EvidenceStore) -> None:
        await asyncio.sleep(0.02)
        collector.stop()

    done = collect_now(Told(do), many(5), tmp_path / "s.db", Settings(concurrency=2), meanwhile=stop)
    assert (done.run_summary.stop, done.run_summary.requests_sent, done.run_summary.settled) == (Stop.INTERRUPTED, 2, 2)
    assert list(done.statuses.values()) == ["answered"] * 2 + ["open"] * 3


def test_a_stopped_run_tries_nothing_again_and_leaves_it_to_others(tmp_path: Path) -> None:
    for final in (False, True):
        path = tmp_path / f"{final}.db"

        async def do(request: Request, final: bool = final) -> str:
            await asyncio.sleep(0.05)
            raise fault(retry=not final)

        async def stop(collector: Collector, store: EvidenceStore) -> None:
            await asyncio.sleep(0.02)
            collector.stop()

        done = collect_now(Told(do), many(1), path, meanwhile=stop)
        assert (done.run_summary.stop, done.run_summary.requests_sent) == (Stop.INTERRUPTED, 1)
        assert done.statuses == {"q0": "open"}
        # Nobody holds it any more.
        assert collect_now(Told(), many(1), path).run_summary.settled == 1


def test_stopping_cuts_a_wait_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "wait_before", lambda *_, **__: 60.0)

    async def stop(collector: Collector, store: EvidenceStore) -> None:
        while not collector.run_summary.faults:
            await asyncio.sleep(0.01)
        collector.stop()

    done = collect_now(Told(script(fault())), many(1), tmp_path / "s.db", meanwhile=stop)
    assert (done.run_summary.stop, done.run_summary.requests_sent, done.statuses) == (
        Stop.INTERRUPTED,
        1,
        {"q0": "open"},
    )
    assert collect_now(Told(), many(1), tmp_path / "s.db").run_summary.settled == 1


def test_a_budget_that_ended_the_run_stays_the_reason(tmp_path: Path) -> None:
    async def stop(collector: Collector, store: EvidenceStore) -> None:
        while collector.run_summary.stop is Stop.DONE:
            await asyncio.sleep(0.005)
        collector.stop()

    settings = Settings(concurrency=1, budget=Budget(requests=1))
    done = collect_now(Told(), many(3), tmp_path / "s.db", settings, meanwhile=stop)
    assert done.run_summary.stop is Stop.BUDGET


def test_answers_under_way_are_kept_where_the_endpoint_is_in_trouble(tmp_path: Path) -> None:
    async def do(request: Request) -> str:
        if request.prompt == "q0":
            await asyncio.sleep(0.2)
            return "late"
        raise REFUSED

    done = collect_now(Told(do), many(9), tmp_path / "s.db", Settings(concurrency=2))
    assert isinstance(done.error, EndpointRefused)
    assert done.answers["q0"].text == "late"


def test_two_seconds_are_waited_for_late_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, given = asyncio.wait, []

    async def shorter(tasks: Any, *, timeout: float | None = None) -> Any:
        given.append(timeout)
        return await wait(tasks, timeout=0.05)

    monkeypatch.setattr(engine.asyncio, "wait", shorter)

    async def do(request: Request) -> str:
        if request.prompt == "q0":
            await asyncio.sleep(3600)
        raise REFUSED

    done = collect_now(Told(do), many(9), tmp_path / "s.db", Settings(concurrency=2))
    assert isinstance(done.error, EndpointRefused)
    assert given == [2.0]
    assert done.statuses["q0"] == "open"


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> None:
        raise OutputError("s.db: disk full")

    monkeypatch.setattr(EvidenceStore, "answer", full)
    target = Told()
    done = collect_now(target, many(5), tmp_path / "s.db")
    assert isinstance(done.error, OutputError)
    assert target.prompts == ["q0"]


def held(path: Path, n: int, *, until: str | None = None) -> tuple[Told, Any]:
    """Runs a collector while another worker holds the first of n questions until a prompt is asked, or for good."""
    target = Told()
    other = EvidenceStore(path)

    async def claim() -> int:
        known, calls = await other.register(target, many(n))
        claim = await other.claim(known, calls[0], Spend(requests=1, tokens=1), Limits())
        assert claim.outcome is Outcome.SEND
        return calls[0]

    call = asyncio.run(claim())

    async def let_go(collector: Collector, store: EvidenceStore) -> None:
        while until is not None and until not in target.prompts:
            await asyncio.sleep(0.005)
        if until is None:
            await asyncio.sleep(0.05)
        await other.free(call)
        other.close()

    return target, let_go


def test_what_another_process_is_asking_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LOOK_AGAIN", 0.01)
    target, let_go = held(tmp_path / "s.db", 4, until="q3")
    done = collect_now(target, many(4), tmp_path / "s.db", meanwhile=let_go)
    assert target.prompts == ["q1", "q2", "q3", "q0"]
    assert (done.run_summary.settled, done.error) == (4, None)


@pytest.mark.parametrize(("n", "concurrency", "paused"), [(2, 1, True), (3, 1, False), (5, 2, True), (6, 2, False)])
def test_who_has_much_else_to_ask_does_not_wait_for_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, concurrency: int, paused: bool
) -> None:
    """Much is more than two for each under way, of what is left: with two workers, another has one question already."""
    target, let_go = held(tmp_path / "s.db", n, until=f"q{n - 1}")
    sent_before: list[int] = []

    async def pause(self: Collector, seconds: float) -> None:
        sent_before.append(self.run_summary.requests_sent)
        assert seconds == 0.25
        await asyncio.sleep(0.01)

    monkeypatch.setattr(Collector, "_pause", pause)
    done = collect_now(target, many(n), tmp_path / "s.db", Settings(concurrency=concurrency), meanwhile=let_go)
    assert done.run_summary.settled == n
    assert (min(sent_before, default=n) < concurrency) is paused


def test_an_answer_that_somebody_else_wrote_meanwhile_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    async def do(request: Request) -> str:
        if request.prompt == "q0":
            # Another process answers the second question while the first is under way.
            other = EvidenceStore(path)
            known, calls = await other.register(target, many(2))
            claim = await other.claim(known, calls[1], Spend(requests=1, tokens=1), Limits())
            await other.answer(known, calls[1], claim, answered("theirs"), Spend(requests=1, tokens=1))
            other.close()
        return "mine"

    target = Told(do)
    done = collect_now(target, many(2), path)
    assert (done.run_summary.settled, done.run_summary.requests_sent) == (2, 1)
    assert {name: a.text for name, a in done.answers.items()} == {"q0": "mine", "q1": "theirs"}


def test_a_complaint_halves_how_many_are_under_way(tmp_path: Path) -> None:
    seen: list[int] = []

    async def do(request: Request) -> str:
        first = len(target.prompts) <= 4
        await asyncio.sleep(0.02)
        if first:
            raise THROTTLED
        seen.append(target.under_way)
        return "yes"

    target = Told(do)
    done = collect_now(target, many(4), tmp_path / "s.db", Settings(concurrency=4))
    assert (done.run_summary.settled, done.run_summary.throttled) == (4, 4)
    # All four complained of one crowd: from four to two.
    assert max(seen) == 2
