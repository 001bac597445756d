"""Writes evidence: the intent before a request leaves, the answer before it is used."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from hydrometer.records.exchange import Fault, Reply, Target
from hydrometer.records.responses import ResponseStatus
from hydrometer.store.evidence.keys import ProbeRequest, canonical, canonical_identity, pack, question_key, text_bytes
from hydrometer.store.evidence.leases import Lease, release, release_the_dead
from hydrometer.store.evidence.schema import connect_to_write
from hydrometer.store.evidence.writer import Writer
from hydrometer.store.responses.common import unpaired_replaced

# By hand, 2026-11-25: other processes wait no longer than a moment while a large plan is entered.
_CHUNK = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most that may be spent on one target through one store, earlier runs included; no limit where absent."""

    requests: int | None = None
    tokens: int | None = None
    nano_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What requests cost: `requests`, `tokens` (of prompts and answers), `nano_usd` (1e-9 US dollars)."""

    requests: int = 0
    tokens: int = 0
    nano_usd: int = 0


class Outcome(Enum):
    """What came of the wish to send a request."""

    SEND = "send"
    """The intent is on the disk and the money reserved."""
    DONE = "done"
    """Somebody has the answer already."""
    HELD = "held"
    """Another process is asking this."""
    NO_BUDGET = "no budget"
    """It might cost more than is left."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one request.

    Attributes:
        outcome: whether it may be sent.
        attempt: id of the attempt in the store; 0 where nothing may be sent.
        reserved: tokens and dollars set aside for it.
    """

    outcome: Outcome
    attempt: int = 0
    reserved: Spend = Spend()


class EvidenceStore:
    """An evidence store that is open for writing by one worker."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file, and frees what processes held that have died.

        Raises:
            InputError: if the file is something else.
            OutputError: if it cannot be written.
        """
        self.path = path
        connection = connect_to_write(path)
        try:
            self._lease = Lease(path)
        except BaseException:
            connection.close()
            raise
        connection.execute("BEGIN IMMEDIATE")
        self.lost = release_the_dead(connection, path)
        """Requests in flight when earlier runs died."""
        self._lease.register(connection)
        connection.execute("COMMIT")
        self._writer = Writer(connection, name=str(path))

    def close(self) -> None:
        """Frees what is held; requests still in flight are recorded as lost."""
        self._writer.close(partial(release, worker=self._lease.worker))
        self._lease.close()

    async def register(self, target: Target, questions: Sequence[ProbeRequest]) -> tuple[int, list[int]]:
        """Enters a target and questions to it; what is there already stays.

        Returns:
            id of the target, and the id of every question's call, in order.
        """
        identity = canonical_identity(target.identity)
        model = unpaired_replaced(target.model)
        known = await self._writer.run(partial(enter_target, identity=identity, model=model))
        calls: list[int] = []
        for start in range(0, len(questions), _CHUNK):
            rows = [_call_row(known, q, identity) for q in questions[start : start + _CHUNK]]
            calls += await self._writer.run(partial(_enter_calls, rows=rows))
        return known, calls

    async def open_calls(self, target: int, *, again: bool) -> set[int]:
        """Returns the calls of a target that have no answer and may be asked.

        Args:
            target: its id.
            again: count those that were given up as open again.
        """
        return await self._writer.run(partial(_open_calls, target=target, again=again))

    async def spend(self, target: int) -> Spend:
        """Returns what a target has cost so far, reserves for requests in flight included."""
        return await self._writer.run(partial(_spend, target=target))

    async def claim(self, target: int, call: int, reserve: Spend, limits: Limits) -> Claim:
        """Reserves money and commits the intent to send; until it returns, nothing may be sent."""
        now, ticks = time.time(), time.monotonic()
        row = (self._lease.worker, now, ticks)
        return await self._writer.run(
            lambda db: _claim(db, target=target, call=call, reserve=reserve, limits=limits, row=row)
        )

    async def free(self, call: int) -> None:
        """Lets go of a call that this worker claimed and will not finish."""
        worker = self._lease.worker
        await self._writer.run(
            lambda db: db.execute("UPDATE call SET worker = NULL WHERE id = ? AND worker = ?", (call, worker)).rowcount
        )

    async def free_the_dead(self) -> int:
        """Frees what processes hold that have died since; returns how many requests of theirs were in flight."""
        return await self._writer.run(partial(release_the_dead, store=self.path))

    async def answer(self, target: int, call: int, claim: Claim, reply: Reply, paid: Spend) -> None:
        """Commits an answer; until it returns, the answer may not be used.

        Where another store with the same answer was merged in meanwhile, this one is kept beside it as `surplus`.
        """
        probabilities = None if reply.logprobs is None else json.dumps(reply.logprobs).encode()
        (raw, text, probabilities), packed = pack(reply.raw, text_bytes(reply.text), probabilities)
        ended = time.time(), time.monotonic()
        values = (
            None, None, raw,
            hashlib.sha256(reply.raw).digest(), text, packed,
            _clean(reply.model), _clean(reply.fingerprint), _clean(reply.finish_reason),
            reply.prompt_tokens, reply.completion_tokens, probabilities,
        )  # fmt: skip
        try:
            reported = (*ended, reply.status.value, *values)
            await self._writer.run(lambda db: _finish(db, target, call, claim, reported, "done", paid))
        # Found by a state machine over the store: merging during a run broke the rule of one good answer, and a paid
        # answer was recorded as lost (docs/log.md, 2026-11-25).
        except sqlite3.IntegrityError:
            surplus = (*ended, "surplus", *values)
            await self._writer.run(lambda db: _finish(db, target, call, claim, surplus, "done", paid))

    async def fault(self, target: int, call: int, claim: Claim, fault: Fault, paid: Spend, *, state: str) -> None:
        """Commits that an attempt brought no answer.

        Args:
            target: id of the target.
            call: id of the call.
            claim: what was claimed for the attempt.
            fault: what went wrong.
            paid: what it may have cost.
            state: `open` if this worker tries again, `freed` if anybody may, `given up` if nobody should.
        """
        (raw,), packed = pack(fault.raw)
        status = ResponseStatus.INVALID if fault.status is ResponseStatus.INVALID else ResponseStatus.FAILED
        values = (
            time.time(), time.monotonic(), status.value, fault.http_status, _clean(fault.reason), raw,
            None if fault.raw is None else hashlib.sha256(fault.raw).digest(), None, packed,
            None, None, None, None, None, None,
        )  # fmt: skip
        await self._writer.run(lambda db: _finish(db, target, call, claim, values, state, paid))


def _clean(text: str | None) -> str | None:
    return None if text is None else unpaired_replaced(text)


def enter_target(db: sqlite3.Connection, *, identity: str, model: str) -> int:
    """Enters a target unless it is there already; returns its id."""
    db.execute("INSERT OR IGNORE INTO target (identity, model) VALUES (?, ?)", (identity, model))
    return int(db.execute("SELECT id FROM target WHERE identity = ?", (identity,)).fetchone()[0])


def _call_row(target: int, question: ProbeRequest, identity: str) -> tuple[bytes, int, bytes, int, str]:
    request = canonical(question.request)
    key = question_key(request, identity, question.replicate)
    return key, target, request, question.replicate, unpaired_replaced(question.probe)


def _enter_calls(db: sqlite3.Connection, *, rows: Sequence[tuple[bytes, int, bytes, int, str]]) -> list[int]:
    db.executemany(
        "INSERT OR IGNORE INTO call (key, target, request, replicate) VALUES (?, ?, ?, ?)", [row[:4] for row in rows]
    )
    calls = [int(db.execute("SELECT id FROM call WHERE key = ?", (row[0],)).fetchone()[0]) for row in rows]
    probes = [(call, row[4]) for call, row in zip(calls, rows, strict=True)]
    db.executemany("INSERT OR IGNORE INTO question (call, probe) VALUES (?, ?)", probes)
    return calls


def _open_calls(db: sqlite3.Connection, *, target: int, again: bool) -> set[int]:
    if again:
        db.execute("UPDATE call SET state = 'open' WHERE target = ? AND state = 'given up'", (target,))
    return {row[0] for row in db.execute("SELECT id FROM call WHERE target = ? AND state = 'open'", (target,))}


def _spend(db: sqlite3.Connection, *, target: int) -> Spend:
    row = db.execute("SELECT requests, tokens, nano_usd FROM target WHERE id = ?", (target,)).fetchone()
    return Spend(requests=row[0], tokens=row[1], nano_usd=row[2])


# Half of SQLite's largest integer, so that adding a reserve cannot overflow.
_NO_LIMIT = 2**62


def _claim(
    db: sqlite3.Connection, *, target: int, call: int, reserve: Spend, limits: Limits, row: tuple[str, float, float]
) -> Claim:
    worker = row[0]
    state, holder = db.execute("SELECT state, worker FROM call WHERE id = ?", (call,)).fetchone()
    if state != "open":
        return Claim(Outcome.DONE)
    if holder is not None and holder != worker:
        return Claim(Outcome.HELD)
    most = [_NO_LIMIT if limit is None else limit for limit in (limits.requests, limits.tokens, limits.nano_usd)]
    paid = db.execute(
        "UPDATE target SET requests = requests + 1, tokens = tokens + ?2, nano_usd = nano_usd + ?3 "
        "WHERE id = ?1 AND requests + 1 <= ?4 AND tokens + ?2 <= ?5 AND nano_usd + ?3 <= ?6",
        (target, reserve.tokens, reserve.nano_usd, *most),
    )
    if not paid.rowcount:
        if holder is not None:
            db.execute("UPDATE call SET worker = NULL WHERE id = ?", (call,))
        return Claim(Outcome.NO_BUDGET)
    if holder is None:
        db.execute("UPDATE call SET worker = ? WHERE id = ?", (worker, call))
    attempt = db.execute(
        "INSERT INTO attempt (call, n, worker, sent, sent_monotonic, tokens, nano_usd) "
        "VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE call = ?1), ?2, ?3, ?4, ?5, ?6)",
        (call, *row, reserve.tokens, reserve.nano_usd),
    )
    return Claim(Outcome.SEND, int(attempt.lastrowid or 0), reserve)


def _finish(
    db: sqlite3.Connection, target: int, call: int, claim: Claim, values: tuple[object, ...], state: str, paid: Spend
) -> None:
    db.execute(
        "UPDATE attempt SET ended = ?, ended_monotonic = ?, outcome = ?, http_status = ?, reason = ?, raw = ?, "
        "raw_sha256 = ?, text = ?, packed = ?, reported_model = ?, fingerprint = ?, finish_reason = ?, "
        "prompt_tokens = ?, completion_tokens = ?, logprobs = ?, tokens = ?, nano_usd = ? WHERE id = ?",
        (*values, paid.tokens, paid.nano_usd, claim.attempt),
    )
    if state == "freed":
        db.execute("UPDATE call SET worker = NULL WHERE id = ?", (call,))
    elif state != "open":
        db.execute("UPDATE call SET state = ?, worker = NULL WHERE id = ?", (state, call))
    if paid.tokens != claim.reserved.tokens or paid.nano_usd != claim.reserved.nano_usd:
        db.execute(
            "UPDATE target SET tokens = tokens + ?, nano_usd = nano_usd + ? WHERE id = ?",
            (paid.tokens - claim.reserved.tokens, paid.nano_usd - claim.reserved.nano_usd, target),
        )
