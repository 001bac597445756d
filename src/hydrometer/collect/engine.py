"""Asks one target questions, many at once, until each has an answer or there is a reason to stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hydrometer.collect.money import Budget, Estimate, estimate, usd
from hydrometer.collect.throttle import Throttle, wait_before
from hydrometer.errors import HydrometerError
from hydrometer.records.exchange import Fault, Reply, Target
from hydrometer.store.evidence import Claim, EvidenceStore, Outcome, ProbeRequest, Spend

# Refusals (4xx but 429) of one question: a second try tells a hiccup of a proxy from a real refusal. All by hand,
# 2026-11-25.
_FINAL_AFTER = 2
# With 8 at once a wrong key ends a run after 24 requests, a host that is not there after 18 (docs/log.md, 2026-11-26).
_HOPELESS_IN_A_ROW = 8
# A quarter of an hour of nothing but complaints about the rate; by hand, 2026-11-25.
_PATIENCE = 900.0
# Between two looks at a question that another process holds; each look is a transaction.
_LOOK_AGAIN = 0.25
# By hand, 2026-11-25; checked against the mock's bill only, no provider's bill was at hand.
_UNBILLED = {400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 529}
"""Statuses with which providers refuse before any model has run."""
_NOT_ABOUT_THE_PROBE = {401, 403, 404}


class Stop(StrEnum):
    """Why a run ended."""

    DONE = "done"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


class EndpointRefused(HydrometerError):  # noqa: N818
    """The endpoint refuses everything: asking on would be of no use."""


@dataclass
class RunSummary:
    """What one run did.

    Attributes:
        requests_sent: by this run.
        settled: questions of the plan that have their answer, or were given up.
        total: questions of the plan.
        throttled: complaints of the provider about too many requests.
        faults: reason to how often.
        stop: why the run ended.
        usd: cost of this run's answers so far; None without a price.
    """

    total: int
    settled: int = 0
    requests_sent: int = 0
    throttled: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    stop: Stop = Stop.DONE
    usd: float | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How questions are asked.

    Attributes:
        concurrency: most requests under way at once.
        budget: most that may be spent.
        attempts: most requests for one question in one run; complaints about the rate do not count.
        retry_failed: ask again what an earlier run gave up.
    """

    # Eight at once and eight attempts: by hand, 2026-11-25. Under 15 % mixed faults 100,000 of 100,000 questions were
    # answered (docs/benchmarks/collection.md).
    concurrency: int = 8
    budget: Budget = field(default_factory=Budget)
    attempts: int = 8
    retry_failed: bool = False


class Collector:
    """Asks one target through one store."""

    def __init__(
        self,
        target: Target,
        store: EvidenceStore,
        *,
        settings: Settings,
        on_change: Callable[[RunSummary], None] | None = None,
    ) -> None:
        """Stores what to ask and how.

        Args:
            target: whom to ask; the caller closes it.
            store: where everything is written; the caller closes it.
            settings: how.
            on_change: called after every request.
        """
        self._target = target
        self._store = store
        self._settings = settings
        self._budget = settings.budget
        most = target.capabilities.most_at_once
        self._concurrency = max(1, settings.concurrency if most is None else min(settings.concurrency, most))
        self._throttle = Throttle(self._concurrency)
        self._on_change = on_change or (lambda _: None)
        self._rng = random.Random()  # noqa: S311  # spreads retries in time; nothing is kept secret by it
        self._stopping = asyncio.Event()
        self._error: HydrometerError | None = None
        self._hopeless = self._unreachable = 0
        self._last_success = time.monotonic()
        self._in_flight = 0
        self._todo: deque[tuple[int, ProbeRequest]] = deque()
        self._summary = RunSummary(0)
        self._id = 0

    @property
    def run_summary(self) -> RunSummary:
        """What this run has done so far."""
        return self._summary

    async def prepare(self, questions: Sequence[ProbeRequest]) -> Estimate:
        """Enters the questions into the store and returns what is left to do; sends nothing."""
        self._id, calls = await self._store.register(self._target, questions)
        open_calls = await self._store.open_calls(self._id, again=self._settings.retry_failed)
        unique = dict(zip(calls, questions, strict=True))
        self._todo = deque((call, question) for call, question in unique.items() if call in open_calls)
        self._summary = RunSummary(total=len(unique), settled=len(unique) - len(self._todo))
        return estimate((question.request for _, question in self._todo), self._budget)

    async def run(self) -> RunSummary:
        """Asks everything that `prepare` found open.

        Raises:
            EndpointRefused: if the endpoint refuses everything.
            OutputError: if the store cannot be written; no request is sent after the failed commit.
        """
        self._last_success = time.monotonic()
        workers = [asyncio.create_task(self._work()) for _ in range(min(self._concurrency, len(self._todo)))]
        try:
            await asyncio.gather(*workers)
        except HydrometerError as error:
            self._fail(error)
            # Answers under way may still be kept where only the endpoint refuses everything.
            # Two seconds by hand: Ctrl-C must end soon, and an answer that is under way is paid for.
            _, late = await asyncio.wait(workers, timeout=2.0) if workers else (set(), set())
            for task in late:
                task.cancel()
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        if self._error is not None:
            raise self._error
        return self._summary

    def stop(self) -> None:
        """Sends nothing more; what is under way is waited for and kept."""
        if self._summary.stop is Stop.DONE:
            self._summary.stop = Stop.INTERRUPTED
        self._stopping.set()

    async def spend(self) -> Spend:
        """Returns what the target has cost so far."""
        return await self._store.spend(self._id)

    def _fail(self, error: HydrometerError) -> None:
        self._error = self._error or error
        self._stopping.set()

    async def _work(self) -> None:
        while self._todo and not self._stopping.is_set():
            call, question = self._todo.popleft()
            await self._settle(call, question)

    async def _settle(self, call: int, question: ProbeRequest) -> None:
        """Asks one question until it has an answer, is given up, or belongs to somebody else."""
        # Reserved before it is sent and settled after: caps of $0.001 to $0.05 with 64 in flight were overspent by $0
        # (docs/benchmarks/collection.md).
        reserve = self._budget.reserve(question.request)
        tries = counted = refusals = 0
        while True:
            # A place among those under way is taken for one attempt only, so that waiting keeps nobody else waiting.
            await self._throttle.enter()
            try:
                claim = await self._claimed(call, question, reserve)
                if claim is None:
                    return
                epoch = self._throttle.epoch
                fault = await self._attempt(call, claim, question)
                if fault is None:
                    return
                tries += 1
                counted += not fault.throttled
                refusals += fault.http_status is not None and 400 <= fault.http_status < 500 and not fault.throttled
                final = not fault.retry or counted >= self._settings.attempts or refusals >= _FINAL_AFTER
                if not await self._faulty(call, claim, fault, epoch, final=final):
                    return
            finally:
                self._throttle.leave()
            await self._pause(wait_before(tries, fault.retry_after, rng=self._rng))

    async def _attempt(self, call: int, claim: Claim, question: ProbeRequest) -> Fault | None:
        """Sends one request; returns what went wrong, or None once the answer is on the disk."""
        self._summary.requests_sent += 1
        self._in_flight += 1
        try:
            reply = await self._target.ask(question.request)
            await self._answered(call, claim, reply)
        except Fault as fault:
            return fault
        finally:
            self._in_flight -= 1
        return None

    async def _claimed(self, call: int, question: ProbeRequest, reserve: Spend) -> Claim | None:
        """Returns a claim on which the request may be sent; None if it may not or need not be."""
        while not self._stopping.is_set():
            claim = await self._store.claim(self._id, call, reserve, self._budget.limits)
            if claim.outcome is Outcome.SEND:
                return claim
            if claim.outcome is Outcome.DONE:
                self._settled()
                return None
            if claim.outcome is Outcome.HELD:
                # Others first; by then the other process has its answer, or is dead.
                self._todo.append((call, question))
                if len(self._todo) <= 2 * self._concurrency:
                    await self._pause(_LOOK_AGAIN)
                    await self._store.free_the_dead()
                return None
            # Reserves of requests under way are larger than what those will have cost.
            if self._in_flight == 0:
                self._summary.stop = Stop.BUDGET
                self._stopping.set()
                return None
            await self._pause(0.05)
        # Stopped between two attempts: whoever comes next may ask it.
        await self._store.free(call)
        return None

    async def _answered(self, call: int, claim: Claim, reply: Reply) -> None:
        paid = self._budget.paid(reply, claim.reserved)
        await self._store.answer(self._id, call, claim, reply, paid)
        if self._budget.price is not None:
            self._summary.usd = (self._summary.usd or 0.0) + usd(paid.nano_usd)
        self._throttle.succeeded()
        self._hopeless = self._unreachable = 0
        self._last_success = time.monotonic()
        self._settled()

    async def _faulty(self, call: int, claim: Claim, fault: Fault, epoch: int, *, final: bool) -> bool:
        """Records a fault; returns whether the question is to be asked again now."""
        self._summary.faults[fault.reason] += 1
        if fault.throttled:
            self._summary.throttled += 1
            self._throttle.complained(epoch)
        self._unreachable = self._unreachable + 1 if fault.unreachable else 0
        # What is not known to be free counts as paid in full: a cap must hold whatever the provider bills.
        paid = Spend(requests=1) if fault.http_status in _UNBILLED or fault.unreachable else claim.reserved
        refused = final and fault.http_status in _NOT_ABOUT_THE_PROBE
        # A wrong key or address says nothing about a probe, so the question stays open for a run with the right one.
        state = "freed" if refused or self._stopping.is_set() else "given up" if final else "open"
        await self._store.fault(self._id, call, claim, fault, paid, state=state)
        if state == "given up":
            self._settled()
        else:
            self._on_change(self._summary)
        self._hopeless += final
        self._give_up_where_hopeless(fault, refused=refused)
        return state == "open"

    def _give_up_where_hopeless(self, fault: Fault, *, refused: bool) -> None:
        enough = min(_HOPELESS_IN_A_ROW, max(1, self._summary.total))
        # Twice the concurrency: all that were under way when the host went away fail once.
        if self._unreachable >= max(_HOPELESS_IN_A_ROW, 2 * self._concurrency) or (
            self._hopeless >= (enough if refused else max(4 * _HOPELESS_IN_A_ROW, 4 * self._concurrency))
        ):
            raise EndpointRefused(
                f"{self._target.model}: {fault.reason}; nothing else came back, so asking was stopped"
            )
        if fault.throttled and time.monotonic() - self._last_success > _PATIENCE:
            raise EndpointRefused(
                f"{self._target.model}: {fault.reason}, for {_PATIENCE / 60:.0f} minutes; try again later"
            )

    def _settled(self) -> None:
        self._summary.settled += 1
        self._on_change(self._summary)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
