"""Reads evidence: answers, what they cost, and what became of every question."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.records.exchange import Request
from hydrometer.store.evidence.keys import bytes_text, request_from, unpack
from hydrometer.store.evidence.schema import GOOD, connect_to_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one question.

    Attributes:
        model: the subject's name, as asked for.
        target: what tells the target from others.
        probe: id of the probe.
        request: what was sent.
        replicate: number of the sample, from 0.
        status: `answered`, `truncated`, `refused`, `empty`; `failed` or `invalid` where every attempt was in vain;
            `open` where it has not been asked to the end.
        text: the answer, byte for byte; None where there is none.
        reported_model: who the provider says answered.
        fingerprint: the provider's mark of its configuration.
        finish_reason: in the provider's word.
        reason: why the last attempt brought nothing.
        prompt_tokens: as reported by the provider.
        completion_tokens: as reported by the provider.
        attempts: number of requests sent for it.
        order: place among all attempts of the store, in the order in which they were sent; None where never sent.
        logprobs: token and natural log of its probability, in order.
    """

    model: str
    target: str
    probe: str
    request: Request
    replicate: int
    status: str
    text: str | None
    reported_model: str | None
    fingerprint: str | None
    finish_reason: str | None
    reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    attempts: int
    order: int | None
    logprobs: tuple[tuple[str, float], ...] | None


_ANSWERS = f"""
SELECT target.model, target.identity, question.probe, call.request, call.replicate, call.state, attempt.outcome,
  attempt.text, attempt.packed, attempt.reported_model, attempt.fingerprint, attempt.finish_reason, attempt.reason,
  attempt.prompt_tokens, attempt.completion_tokens, (SELECT count(*) FROM attempt AS a WHERE a.call = call.id),
  attempt.id, attempt.logprobs
FROM question JOIN call ON call.id = question.call JOIN target ON target.id = call.target
LEFT JOIN attempt ON attempt.id = coalesce(
  (SELECT a.id FROM attempt AS a WHERE a.call = call.id AND a.outcome IN {GOOD!r}),
  (SELECT a.id FROM attempt AS a WHERE a.call = call.id ORDER BY a.n DESC LIMIT 1))
WHERE (?1 IS NULL OR target.identity = ?1) AND (?2 IS NULL OR target.model = ?2)
ORDER BY target.id, call.id, question.probe
"""  # noqa: S608  # the only insertion is a constant of ours


@contextlib.contextmanager
def open_for_reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens a store, which may be hostile or damaged, for reading.

    Raises:
        InputError: if it is no store, or turns out damaged while it is read.
    """
    connection = connect_to_read(path)
    try:
        yield connection
    except (sqlite3.DatabaseError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise InputError(
            f"the store is damaged ({error})", cure="see: hydrometer store check FILE", where=str(path)
        ) from None
    finally:
        connection.close()


def read_answers(path: Path, *, target: str | None = None, model: str | None = None) -> Iterator[Answer]:
    """Yields what became of every question, in the order in which they were entered.

    Args:
        path: the store.
        target: identity of one target, as `canonical_identity` gives it.
        model: name of one subject.

    Raises:
        InputError: if it is no store, or damaged.
    """
    with open_for_reading(path) as connection:
        for row in connection.execute(_ANSWERS, (target, model)):
            yield _answer(row)


def _answer(row: tuple[object, ...]) -> Answer:
    (model, identity, probe, request, replicate, state, outcome, text, packed, reported, fingerprint, finish, reason,
     prompt_tokens, completion_tokens, attempts, order, logprobs) = row  # fmt: skip
    assert isinstance(request, bytes)
    assert isinstance(packed, int | None)
    status = outcome if outcome in GOOD else outcome if state == "given up" and outcome else "open"
    if state == "given up" and status not in {"failed", "invalid"}:
        status = "failed"
    pairs = None
    if isinstance(logprobs, bytes):
        pairs = tuple((str(token), float(value)) for token, value in json.loads(unpack(logprobs, packed or 0)))
    return Answer(
        model=str(model),
        target=str(identity),
        probe=str(probe),
        request=request_from(request),
        replicate=int(replicate),  # type: ignore[call-overload]
        status=str(status),
        text=bytes_text(unpack(text, packed or 0)) if isinstance(text, bytes) and outcome in GOOD else None,
        reported_model=reported,  # type: ignore[arg-type]
        fingerprint=fingerprint,  # type: ignore[arg-type]
        finish_reason=finish,  # type: ignore[arg-type]
        reason=reason,  # type: ignore[arg-type]
        prompt_tokens=prompt_tokens,  # type: ignore[arg-type]
        completion_tokens=completion_tokens,  # type: ignore[arg-type]
        attempts=int(attempts),  # type: ignore[call-overload]
        order=order,  # type: ignore[arg-type]
        logprobs=pairs,
    )
