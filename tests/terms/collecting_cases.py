"""A target that does what a test tells it to, request by request, and a store beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from hydrometer.collect.engine import Collector, RunSummary, Settings
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence import Answer, EvidenceStore, ProbeRequest, read_answers

Doing = Callable[[Request], Awaitable[str | Reply]]


class Told:
    """A target whose answers are a function of the request."""

    model = "told"
    identity = {"kind": "test", "model": "told"}  # noqa: RUF012

    def __init__(self, do: Doing | None = None, *, most_at_once: int | None = None) -> None:
        self.do = do or self._say_yes
        self.capabilities = Capabilities(most_at_once=most_at_once)
        self.prompts: list[str] = []
        self.under_way = self.most_under_way = 0
        self.closed = 0

    async def ask(self, request: Request) -> Reply:
        self.prompts.append(request.prompt)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            said = await self.do(request)
        finally:
            self.under_way -= 1
        return said if isinstance(said, Reply) else answered(said)

    async def close(self) -> None:
        self.closed += 1

    @staticmethod
    async def _say_yes(request: Request) -> str:
        return "yes"


def answered(text: str, *, prompt_tokens: int | None = None, completion_tokens: int | None = None) -> Reply:
    return Reply(
        status=ResponseStatus.ANSWERED,
        text=text,
        raw=b"{}",
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


def script(*turns: str | Fault | Reply) -> Doing:
    """Does one thing after another, whatever the question; the last one again and again."""
    left = list(turns)

    async def do(request: Request) -> str | Reply:
        turn = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(turn, Fault):
            raise Fault(**turn.fields)
        return turn

    return do


def ask_for(names: Sequence[str], **base: int) -> list[ProbeRequest]:
    return [ProbeRequest(name, Request(prompt=name, **base)) for name in names]


class Asked:
    """What a collector did, and what the store says of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_summary = RunSummary(0)
        self.error: Exception | None = None
        self.requests = self.tokens = self.nano_usd = 0
        self.changes: list[tuple[int, int]] = []

    @property
    def answers(self) -> dict[str, Answer]:
        return {answer.probe: answer for answer in read_answers(self.path)}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: answer.status for name, answer in self.answers.items()}


def collect_now(
    target: Told,
    questions: Sequence[ProbeRequest],
    path: Path,
    settings: Settings | None = None,
    *,
    meanwhile: Callable[[Collector, EvidenceStore], Awaitable[None]] | None = None,
) -> Asked:
    """Asks questions as `collect` does, but keeps what was done where the run ends in trouble."""
    found = Asked(path)

    async def go() -> None:
        store = EvidenceStore(path)
        try:
            collector = Collector(
                target,
                store,
                settings=settings or Settings(concurrency=1),
                on_change=lambda run_summary: found.changes.append((run_summary.requests_sent, run_summary.settled)),
            )
            await collector.prepare(questions)
            beside = asyncio.create_task(meanwhile(collector, store)) if meanwhile else None
            try:
                await collector.run()
            except Exception as error:
                found.error = error
            if beside is not None:
                await beside
            found.run_summary = collector.run_summary
            spend = await collector.spend()
            found.requests, found.tokens, found.nano_usd = spend.requests, spend.tokens, spend.nano_usd
        finally:
            store.close()

    asyncio.run(asyncio.wait_for(go(), 30))
    return found
