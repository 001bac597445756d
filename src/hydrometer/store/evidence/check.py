"""Is a store whole? And making it small."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hydrometer.errors import InputError, OutputError
from hydrometer.store.evidence.keys import question_key, unpack
from hydrometer.store.evidence.leases import is_alive, release_the_dead
from hydrometer.store.evidence.reading import open_for_reading
from hydrometer.store.evidence.schema import connect_to_write

# For the reader: a store with twenty faults is not repaired one by one.
_MOST_FINDINGS = 20


@dataclass(frozen=True)
class StoreReport:
    """What a store holds and whether it is whole.

    Attributes:
        path: the file.
        findings: everything that is wrong; empty where it is whole.
        targets: name of the subject, requests, tokens and 1e-9 dollars of every target.
        statuses: state of the questions to their number.
        attempts: outcome to the number of attempts.
        workers: processes that hold questions now.
    """

    path: Path
    findings: tuple[str, ...]
    targets: tuple[tuple[str, int, int, int], ...]
    statuses: dict[str, int]
    attempts: dict[str, int]
    workers: int


def check_store(path: Path) -> StoreReport:
    """Checks the pages of a store, the key of every question and the hash of every answer.

    Raises:
        InputError: if it is no store, or too damaged to be read.
    """
    with open_for_reading(path) as db:
        findings = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_MOST_FINDINGS})") if row[0] != "ok"]
        findings += _wrong_keys(db)
        findings += _wrong_answers(db)
        workers = [row[0] for row in db.execute("SELECT id FROM worker")]
        return StoreReport(
            path=path,
            findings=tuple(findings[:_MOST_FINDINGS]),
            targets=tuple(db.execute("SELECT model, requests, tokens, nano_usd FROM target ORDER BY id")),
            statuses=dict(db.execute("SELECT state, count(*) FROM call GROUP BY state")),
            attempts=dict(db.execute("SELECT outcome, count(*) FROM attempt GROUP BY outcome")),
            workers=sum(is_alive(path, worker) for worker in workers),
        )


def _wrong_keys(db: sqlite3.Connection) -> list[str]:
    found = []
    rows = db.execute(
        "SELECT call.id, key, request, replicate, identity FROM call LEFT JOIN target ON target.id = call.target"
    )
    for call, key, request, replicate, identity in rows:
        if identity is None or question_key(request, identity, replicate) != key:
            found.append(f"question {call}: its key is not that of its content")
    return found


def _wrong_answers(db: sqlite3.Connection) -> list[str]:
    found = []
    for attempt, raw, packed, expected in db.execute("SELECT id, raw, packed, raw_sha256 FROM attempt"):
        if raw is None:
            continue
        try:
            whole = hashlib.sha256(unpack(raw, packed)).digest() == expected
        except ValueError:
            whole = False
        if not whole:
            found.append(f"attempt {attempt}: the body is not the one that arrived")
    # 'import': answers of other tools cost this store nothing.
    accounts = db.execute(
        "SELECT target.model FROM target WHERE (requests, tokens, nano_usd) <> ("
        "SELECT count(*), coalesce(sum(attempt.tokens), 0), coalesce(sum(attempt.nano_usd), 0) FROM call "
        "JOIN attempt ON attempt.call = call.id AND attempt.worker <> 'import' WHERE call.target = target.id)"
    )
    found += [f"target {row[0]}: its accounts are not the sum of its attempts" for row in accounts]
    states = db.execute(
        "SELECT call.id FROM call WHERE (state = 'done') <> EXISTS (SELECT 1 FROM attempt WHERE attempt.call = call.id "
        "AND outcome IN ('answered', 'truncated', 'refused', 'empty'))"
    )
    return found + [f"question {row[0]}: its state does not go with its attempts" for row in states]


def compact_store(path: Path) -> tuple[int, int]:
    """Rewrites a store without gaps; nothing in it is lost.

    Returns:
        size in bytes before and after.

    Raises:
        InputError: if it is no store, or another process works on it.
        OutputError: if there is no room for a second copy.
    """
    with open_for_reading(path):
        pass  # a file that is missing or empty must not become a store
    db = connect_to_write(path)
    try:
        db.execute("BEGIN IMMEDIATE")
        release_the_dead(db, path)
        busy = db.execute("SELECT count(*) FROM worker").fetchone()[0]
        db.execute("COMMIT")
        if busy:
            raise InputError("another process works on the store", cure="wait for it", where=str(path))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, path.stat().st_size
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{path}: cannot be compacted ({error}); nothing was lost") from None
    finally:
        db.close()
