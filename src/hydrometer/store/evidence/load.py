"""Brings answers into a store: those of other tools, and those of other stores."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hydrometer.errors import InputError, OutputError
from hydrometer.records.exchange import Request
from hydrometer.store.evidence.database import enter_target
from hydrometer.store.evidence.keys import canonical, canonical_identity, pack, question_key, text_bytes
from hydrometer.store.evidence.leases import is_alive
from hydrometer.store.evidence.reading import open_for_reading
from hydrometer.store.evidence.schema import GOOD, connect_to_write
from hydrometer.store.responses import read_responses

_COLUMNS = (
    "worker, sent, sent_monotonic, ended, ended_monotonic, outcome, http_status, reason, raw, raw_sha256, text, "
    "packed, reported_model, fingerprint, finish_reason, prompt_tokens, completion_tokens, tokens, nano_usd, logprobs"
)
_N_COLUMNS = _COLUMNS.count(",") + 1


@dataclass(frozen=True)
class Imported:
    """What was brought in.

    Attributes:
        models: the subjects.
        answers: new good answers.
        known: answers to questions that the store had answered already.
        notes: what was odd in the file, one line each.
    """

    models: tuple[str, ...]
    answers: int
    known: int
    notes: tuple[str, ...]


def import_responses(
    store: Path, file: Path, *, probes: Mapping[str, str] | None = None, model: str | None = None
) -> Imported:
    """Brings the answers of a response file into a store, as those of a target that was not asked by us.

    Args:
        store: the evidence store; made if new.
        file: any format of `docs/panel.md`.
        probes: probe id to prompt, for files that give only an id.
        model: the name of the model, for files that do not name it.

    Raises:
        InputError: if a file cannot be used.
        OutputError: if the store cannot be written.
    """
    found = read_responses(file, probes=probes, model=model)
    ids = {prompt: name for name, prompt in (probes or {}).items()}
    db = connect_to_write(store)
    new = known = 0
    try:
        db.execute("BEGIN IMMEDIATE")
        for name, prompt, text, status in found.frame.select("model", "prompt", "response", "status").iter_rows():
            identity = canonical_identity({"kind": "import", "model": name, "sha256": found.sha256})
            probe = ids.get(prompt) or f"p-{hashlib.sha256(prompt.encode()).hexdigest()[:16]}"
            if _enter(db, identity, name, probe, prompt, text, status):
                new += 1
            else:
                known += 1
        db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{store}: cannot be written ({error}); nothing was imported") from None
    finally:
        db.close()
    return Imported(tuple(found.frame["model"].unique().sort()), new, known, found.warnings)


def _enter(
    db: sqlite3.Connection, identity: str, model: str, probe: str, prompt: str, text: str | None, status: str
) -> bool:
    """Enters one answer; returns whether it is new."""
    target = enter_target(db, identity=identity, model=model)
    request = canonical(Request(prompt=prompt))
    key = question_key(request, identity, 0)
    state = "done" if status in GOOD else "given up"
    entered = db.execute(
        "INSERT OR IGNORE INTO call (key, target, request, replicate, state) VALUES (?, ?, ?, 0, ?)",
        (key, target, request, state),
    )
    call = db.execute("SELECT id FROM call WHERE key = ?", (key,)).fetchone()[0]
    db.execute("INSERT OR IGNORE INTO question (call, probe) VALUES (?, ?)", (call, probe))
    if not entered.rowcount:
        return False
    raw = json.dumps({"model": model, "prompt": prompt, "response": text, "status": status}).encode()
    (packed_raw, packed_text), packed = pack(raw, None if text is None else text_bytes(text))
    now, ticks = time.time(), time.monotonic()
    db.execute(
        f"INSERT INTO attempt (call, n, {_COLUMNS}) VALUES (?, 1{', ?' * _N_COLUMNS})",  # noqa: S608
        (call, "import", now, ticks, now, ticks, status, None, "imported", packed_raw, hashlib.sha256(raw).digest(),
         packed_text, packed, None, None, None, None, None, 0, 0, None),
    )  # fmt: skip
    return True


def merge_stores(store: Path, other: Path) -> Imported:
    """Brings everything of another store into this one: questions, every attempt, and what they cost.

    Where both have an answer to one question, ours stays and theirs is kept beside it as `surplus`.

    Raises:
        InputError: if a file is no store, or a process works on the other one.
        OutputError: if the store cannot be written.
    """
    if other.resolve() == store.resolve():
        raise InputError("both are one file", cure="name another store", where=str(other))
    new = known = 0
    db = connect_to_write(store)
    try:
        with open_for_reading(other) as theirs:
            if any(is_alive(other, row[0]) for row in theirs.execute("SELECT id FROM worker")):
                raise InputError("a process works on the store", cure="wait for it", where=str(other))
            db.execute("BEGIN IMMEDIATE")
            models = tuple(row[0] for row in theirs.execute("SELECT DISTINCT model FROM target ORDER BY model"))
            for row in theirs.execute("SELECT id, identity, model FROM target").fetchall():
                added, had = _merge_target(db, theirs, *row)
                new, known = new + added, known + had
            db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{store}: cannot be written ({error}); nothing was merged") from None
    finally:
        db.close()
    return Imported(models, new, known, ())


def _merge_target(
    db: sqlite3.Connection, theirs: sqlite3.Connection, id_: int, identity: str, model: str
) -> tuple[int, int]:
    target = enter_target(db, identity=identity, model=model)
    new = known = 0
    calls = theirs.execute("SELECT id, key, request, replicate, state FROM call WHERE target = ?", (id_,))
    for call, key, request, replicate, state in calls.fetchall():
        if question_key(request, identity, replicate) != key:
            raise ValueError("the key of a question is not that of its content")
        db.execute(
            "INSERT OR IGNORE INTO call (key, target, request, replicate) VALUES (?, ?, ?, ?)",
            (key, target, request, replicate),
        )
        ours, our_state = db.execute("SELECT id, state FROM call WHERE key = ?", (key,)).fetchone()
        probes = theirs.execute("SELECT probe FROM question WHERE call = ?", (call,)).fetchall()
        db.executemany("INSERT OR IGNORE INTO question (call, probe) VALUES (?, ?)", [(ours, p[0]) for p in probes])
        added, had = _merge_attempts(db, theirs, ours, call, target)
        new, known = new + added, known + had
        if our_state != "done" and state != "open":
            db.execute("UPDATE call SET state = ? WHERE id = ?", (state, ours))
    return new, known


def _merge_attempts(
    db: sqlite3.Connection, theirs: sqlite3.Connection, ours: int, call: int, target: int
) -> tuple[int, int]:
    new = known = 0
    columns = [name.strip() for name in _COLUMNS.split(",")]
    rows = theirs.execute(f"SELECT {_COLUMNS} FROM attempt WHERE call = ? ORDER BY n", (call,))  # noqa: S608
    for row in rows.fetchall():
        values = dict(zip(columns, row, strict=True))
        # The worker, the time and the outcome tell attempts apart: merging the same store twice changes nothing.
        twin = db.execute(
            "SELECT 1 FROM attempt WHERE call = ? AND worker = ? AND sent = ? AND sent_monotonic = ?",
            (ours, values["worker"], values["sent"], values["sent_monotonic"]),
        ).fetchone()
        if twin:
            known += values["outcome"] in GOOD
            continue
        # Its worker is dead (checked above), so nobody will ever hear of it.
        if values["outcome"] == "pending":
            values["outcome"] = "lost"
        if values["outcome"] in GOOD:
            taken = db.execute(
                f"SELECT 1 FROM attempt WHERE call = ? AND outcome IN {GOOD!r}",  # noqa: S608
                (ours,),
            ).fetchone()
            new, known = (new, known + 1) if taken else (new + 1, known)
            values["outcome"] = "surplus" if taken else values["outcome"]
        db.execute(
            f"INSERT INTO attempt (call, n, {_COLUMNS}) VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM attempt "  # noqa: S608
            f"WHERE call = ?1), {', '.join(f'?{i + 2}' for i in range(_N_COLUMNS))})",
            (ours, *values.values()),
        )
        db.execute(
            "UPDATE target SET requests = requests + 1, tokens = tokens + ?, nano_usd = nano_usd + ? WHERE id = ?",
            (values["tokens"], values["nano_usd"], target),
        )
    return new, known
