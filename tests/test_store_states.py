"""The evidence store as a state machine: whatever happens in which order, nothing is lost and every account agrees."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hydrometer.errors import InputError
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import Claim, EvidenceStore, Limits, Outcome, ProbeRequest, Spend, read_answers
from hydrometer.store.evidence.check import check_store, compact_store
from hydrometer.store.evidence.load import import_responses, merge_stores
from hydrometer.targets import Fault, Reply, Request
from hydrometer.targets.replay import Replay

# `bench/collection_parts.py` looks longer.
EXAMPLES = int(os.environ.get("HYDROMETER_EXAMPLES", "50"))
MEMORY = Path("/dev/shm")
MODELS = ("one", "two")
QUESTIONS = tuple(ProbeRequest("p", Request(prompt="Question?"), replicate) for replicate in range(2))
CALLS = st.tuples(st.sampled_from(range(len(MODELS))), st.sampled_from(range(len(QUESTIONS))))
GOOD = st.sampled_from(
    [ResponseStatus.ANSWERED, ResponseStatus.TRUNCATED, ResponseStatus.REFUSED, ResponseStatus.EMPTY]
)
COSTS = st.tuples(st.integers(0, 40), st.integers(0, 40))
TEXTS = st.one_of(st.text(max_size=8), st.just("half \ud83d of a character\0"))

Call = tuple[int, int]


@dataclass
class Expected:
    """What the store must say of one call."""

    state: str = "open"
    text: str | None = None
    attempts: int = 0
    holder: int | None = None


@dataclass
class Worker:
    """One process that works on the store, or did until it died."""

    store: EvidenceStore
    ids: dict[Call, tuple[int, int]] = field(default_factory=dict)
    under_way: dict[Call, Claim] = field(default_factory=dict)
    alive: bool = True


class StoreStates(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: power is not cut here, and every commit would wait for the disk.
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.path = self.folder / "s.db"
        self.loop = asyncio.new_event_loop()
        self.workers: dict[int, Worker] = {}
        self.calls: dict[Call, Expected] = {}
        self.spent = [[0, 0, 0] for _ in MODELS]
        self.merged = [[0, 0, 0] for _ in MODELS]
        self.imported: dict[str, str] = {}
        self.born = self.others = 0

    # Without a worker there is little to do, so that each story starts with one.
    @initialize(requests=st.integers(1, 12), tokens=st.integers(30, 400), nano=st.integers(30, 400))
    def caps(self, requests: int, tokens: int, nano: int) -> None:
        self.cap = (requests, tokens, nano)
        self.opens()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @property
    def living(self) -> list[int]:
        return [number for number, worker in self.workers.items() if worker.alive]

    def one(self, pick: int) -> tuple[int, Worker]:
        number = self.living[pick % len(self.living)]
        return number, self.workers[number]

    def bury(self) -> int:
        """What happens as soon as anybody looks for the dead; returns how many requests were in flight."""
        lost = 0
        for number in [n for n, worker in self.workers.items() if not worker.alive]:
            lost += len(self.workers.pop(number).under_way)
            for expected in self.calls.values():
                if expected.holder == number:
                    expected.holder = None
        return lost

    # --- workers come and go ---

    @precondition(lambda self: len(self.living) < 3)
    @rule()
    def opens(self) -> None:
        store = EvidenceStore(self.path)
        assert store.lost == self.bury()
        self.born += 1
        self.workers[self.born] = worker = Worker(store)
        for model, name in enumerate(MODELS):
            target, ids = self.wait(store.register(Replay({}, model=name), QUESTIONS))
            for question, id_ in enumerate(ids):
                worker.ids[model, question] = target, id_
                self.calls.setdefault((model, question), Expected())

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2))
    def dies(self, pick: int) -> None:
        _, worker = self.one(pick)
        # As after kill -9: what is committed stays, the lock is gone, nothing is tidied up.
        worker.store._writer.close(lambda db: None)
        os.close(worker.store._lease._handle)
        worker.alive = False

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2))
    def closes(self, pick: int) -> None:
        number, worker = self.one(pick)
        worker.store.close()
        worker.alive = False
        corpses = {n: w for n, w in self.workers.items() if n != number}
        self.workers = {number: worker}
        self.bury()
        self.workers = corpses

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2))
    def looks_for_the_dead(self, pick: int) -> None:
        _, worker = self.one(pick)
        assert self.wait(worker.store.free_the_dead()) == self.bury()

    # --- questions and answers ---

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2), which=st.integers(0, 7), reserve=COSTS)
    def claims(self, pick: int, which: int, reserve: tuple[int, int]) -> None:
        number, worker = self.one(pick)
        free = [call for call in worker.ids if call not in worker.under_way]
        if not free:
            return
        call = free[which % len(free)]
        expected, spent = self.calls[call], self.spent[call[0]]
        wanted = Spend(requests=1, tokens=reserve[0], nano_usd=reserve[1])
        limits = Limits(requests=self.cap[0], tokens=self.cap[1], nano_usd=self.cap[2])
        claim = self.wait(worker.store.claim(*worker.ids[call], wanted, limits))
        new = [spent[0] + 1, spent[1] + reserve[0], spent[2] + reserve[1]]
        if expected.state != "open":
            assert claim.outcome is Outcome.DONE
        elif expected.holder not in {None, number}:
            assert claim.outcome is Outcome.HELD
        elif any(n > most for n, most in zip(new, self.cap, strict=True)):
            assert claim.outcome is Outcome.NO_BUDGET
            expected.holder = None
        else:
            assert claim.outcome is Outcome.SEND
            expected.holder, self.spent[call[0]] = number, new
            expected.attempts += 1
            worker.under_way[call] = claim

    def ends(self, pick: int, which: int) -> tuple[Worker, Call, Claim] | None:
        _, worker = self.one(pick)
        if not worker.under_way:
            return None
        call = list(worker.under_way)[which % len(worker.under_way)]
        return worker, call, worker.under_way.pop(call)

    def pays(self, call: Call, claim: Claim, share: float) -> Spend:
        paid = Spend(
            requests=1, tokens=int(claim.reserved.tokens * share), nano_usd=int(claim.reserved.nano_usd * share)
        )
        self.spent[call[0]][1] += paid.tokens - claim.reserved.tokens
        self.spent[call[0]][2] += paid.nano_usd - claim.reserved.nano_usd
        return paid

    @precondition(lambda self: any(self.workers[n].under_way for n in self.living))
    @rule(pick=st.integers(0, 2), which=st.integers(0, 7), status=GOOD, text=TEXTS, share=st.floats(0, 1))
    def answers(self, pick: int, which: int, status: ResponseStatus, text: str, share: float) -> None:
        if (found := self.ends(pick, which)) is None:
            return
        worker, call, claim = found
        reply = Reply(status=status, text=text, raw=json.dumps(text).encode())
        self.wait(worker.store.answer(*worker.ids[call], claim, reply, self.pays(call, claim, share)))
        expected = self.calls[call]
        # Where a merged store had the answer already, ours is kept beside it.
        expected.text = text if expected.state != "done" else expected.text
        expected.state, expected.holder = "done", None

    @precondition(lambda self: any(self.workers[n].under_way for n in self.living))
    @rule(
        pick=st.integers(0, 2), which=st.integers(0, 7), state=st.sampled_from(["open", "freed", "given up"]),
        share=st.floats(0, 1), invalid=st.booleans(),
    )  # fmt: skip
    def fails(self, pick: int, which: int, state: str, share: float, invalid: bool) -> None:
        if (found := self.ends(pick, which)) is None:
            return
        worker, call, claim = found
        status = ResponseStatus.INVALID if invalid else ResponseStatus.FAILED
        fault = Fault("no answer", retry=True, status=status, raw=b"<html>" if invalid else None)
        self.wait(worker.store.fault(*worker.ids[call], claim, fault, self.pays(call, claim, share), state=state))
        expected = self.calls[call]
        if state != "open":
            expected.holder = None
        if state == "given up" and expected.state != "done":
            expected.state = state

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2), call=CALLS)
    def lets_go(self, pick: int, call: Call) -> None:
        number, worker = self.one(pick)
        if call in worker.ids and call not in worker.under_way:
            self.wait(worker.store.free(worker.ids[call][1]))
            if self.calls[call].holder == number:
                self.calls[call].holder = None

    @precondition(lambda self: self.living)
    @rule(pick=st.integers(0, 2), model=st.sampled_from(range(len(MODELS))))
    def asks_the_given_up_again(self, pick: int, model: int) -> None:
        _, worker = self.one(pick)
        known = [call for call in worker.ids if call[0] == model]
        if not known:
            return
        target = worker.ids[known[0]][0]
        open_ = self.wait(worker.store.open_calls(target, again=True))
        for call, expected in self.calls.items():
            if call[0] == model and expected.state == "given up":
                expected.state = "open"
        assert {call for call in known if worker.ids[call][1] in open_} == {
            call for call in known if self.calls[call].state == "open"
        }

    # --- other files ---

    @rule(call=CALLS, text=TEXTS, cost=COSTS, answered=st.booleans())
    def merges(self, call: Call, text: str, cost: tuple[int, int], answered: bool) -> None:
        self.others += 1
        other = self.folder / f"other-{self.others}.db"
        store = EvidenceStore(other)
        target, (id_,) = self.wait(store.register(Replay({}, model=MODELS[call[0]]), [QUESTIONS[call[1]]]))
        spend = Spend(requests=1, tokens=cost[0], nano_usd=cost[1])
        claim = self.wait(store.claim(target, id_, spend, Limits()))
        if answered:
            reply = Reply(status=ResponseStatus.ANSWERED, text=text, raw=b"{}")
            self.wait(store.answer(target, id_, claim, reply, spend))
        else:
            self.wait(store.fault(target, id_, claim, Fault("no", retry=True), spend, state="given up"))
        store.close()
        expected = self.calls.setdefault(call, Expected())
        for twice in range(2):
            done = merge_stores(self.path, other)
            assert done.answers == int(answered and not twice and expected.state != "done")
        for n, value in enumerate((1, *cost)):
            self.spent[call[0]][n] += value
            self.merged[call[0]][n] += value
        expected.attempts += 1
        if expected.state != "done":
            expected.state = "done" if answered else "given up"
            expected.text = text if answered else None

    @rule(text=st.text(min_size=1, max_size=8), prompt=st.sampled_from(["Who?", "Why?"]))
    def imports(self, text: str, prompt: str) -> None:
        file = self.folder / "answers.jsonl"
        file.write_text(json.dumps({"model": "another", "prompt": prompt, "response": text}) + "\n")
        import_responses(self.path, file)
        self.imported[f"{prompt} {text}"] = text

    @rule()
    def compacts(self) -> None:
        if not self.path.exists():
            return
        if self.living:
            with pytest.raises(InputError, match="another process"):
                compact_store(self.path)
        else:
            before, after = compact_store(self.path)
            assert after <= before
        self.bury()

    # --- what must always hold ---

    @invariant()
    def every_answer_is_there_once_and_every_account_agrees(self) -> None:
        if not self.path.exists():
            return
        report = check_store(self.path)
        assert report.findings == ()
        found = list(read_answers(self.path))
        ours = {(a.model, a.request.prompt, a.replicate): a for a in found if a.model in MODELS}
        assert len(ours) == len([a for a in found if a.model in MODELS]) == len(self.calls)
        for (model, question), expected in self.calls.items():
            asked = QUESTIONS[question]
            answer = ours[MODELS[model], asked.request.prompt, asked.replicate]
            assert answer.attempts == expected.attempts
            assert answer.text == (expected.text if expected.state == "done" else None)
            assert (answer.status == "open") == (expected.state == "open")
        assert sorted(a.text or "" for a in found if a.model == "another") == sorted(self.imported.values())
        accounts = {row[0]: row[1:] for row in report.targets}
        for n, model in enumerate(MODELS):
            assert accounts.get(model, (0, 0, 0)) == tuple(self.spent[n])
            for spent, merged, most in zip(self.spent[n], self.merged[n], self.cap, strict=True):
                assert spent <= most + merged

    def teardown(self) -> None:
        for worker in self.workers.values():
            if worker.alive:
                worker.store.close()
        self.loop.close()
        shutil.rmtree(self.folder)


StoreStates.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
test_states = StoreStates.TestCase


def test_an_answer_that_a_merged_store_has_meanwhile_is_kept_beside_it() -> None:
    states = StoreStates()
    states.caps(10, 400, 400)
    states.claims(0, 0, (1, 1))
    states.merges((0, 0), "theirs", (1, 1), True)
    states.answers(0, 0, ResponseStatus.ANSWERED, "ours", 1.0)
    states.every_answer_is_there_once_and_every_account_agrees()
    assert states.calls[0, 0].text == "theirs"
    assert check_store(states.path).attempts == {"answered": 1, "surplus": 1}
    states.teardown()
