"""The tables of an evidence store, and opening a file that may be hostile."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path
from urllib.parse import quote

from hydrometer.errors import InputError, OutputError

APPLICATION = 0x48594452
"""`HYDR`: marks the file as an evidence store."""
VERSION = 1
GOOD = ("answered", "truncated", "refused", "empty")
"""Outcomes that are an answer of the subject. A question has at most one."""
# By hand, 2026-11-25: eight processes on one store were never shown "locked" (docs/benchmarks/collection.md).
_PATIENCE = 120.0

TABLES = (
    # Tokens and dollars, here and of an attempt, are the most it can have cost: the reserve until the answer tells.
    """CREATE TABLE target (
  id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, model TEXT NOT NULL,
  requests INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, nano_usd INTEGER NOT NULL DEFAULT 0
) STRICT""",
    """CREATE TABLE worker (id TEXT PRIMARY KEY, pid INTEGER NOT NULL, started REAL NOT NULL) STRICT""",
    """CREATE TABLE call (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, target INTEGER NOT NULL REFERENCES target(id),
  request BLOB NOT NULL, replicate INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'given up')), worker TEXT
) STRICT""",
    """CREATE TABLE question (
  call INTEGER NOT NULL REFERENCES call(id), probe TEXT NOT NULL, PRIMARY KEY (call, probe)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, call INTEGER NOT NULL REFERENCES call(id), n INTEGER NOT NULL, worker TEXT NOT NULL,
  sent REAL NOT NULL, sent_monotonic REAL NOT NULL, ended REAL, ended_monotonic REAL,
  outcome TEXT NOT NULL DEFAULT 'pending' CHECK (outcome IN
    ('pending', 'answered', 'truncated', 'refused', 'empty', 'failed', 'invalid', 'lost', 'surplus')),
  http_status INTEGER, reason TEXT, raw BLOB, raw_sha256 BLOB, text BLOB, packed INTEGER NOT NULL DEFAULT 0,
  reported_model TEXT, fingerprint TEXT, finish_reason TEXT, prompt_tokens INTEGER, completion_tokens INTEGER,
  tokens INTEGER NOT NULL, nano_usd INTEGER NOT NULL, logprobs BLOB, UNIQUE (call, n)
) STRICT""",
    """CREATE UNIQUE INDEX one_good_answer ON attempt (call)
  WHERE outcome IN ('answered', 'truncated', 'refused', 'empty')""",
    """CREATE INDEX unfinished ON attempt (worker) WHERE outcome = 'pending'""",
    """CREATE INDEX held ON call (worker) WHERE worker IS NOT NULL""",
)


def is_sqlite(file: Path) -> bool:
    """Returns whether a file starts as SQLite's do; a missing one does not, nor does a pipe, which would not end."""
    if not file.is_file():
        return False
    try:
        with file.open("rb") as start:
            return start.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Opens a store, or makes it, for writing.

    Raises:
        InputError: if the file is something else.
        OutputError: if it cannot be made or opened.
    """
    _check_kind(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _connect_to_write(path)
        except sqlite3.OperationalError as error:
            # Several processes may start on a fresh file at once; the change to WAL does not wait for others by itself.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise OutputError(
                    f"{path}: cannot be opened for writing ({error}); is the disk full, or the folder read-only?"
                ) from None
            # By hand: the change to WAL takes a few milliseconds.
            time.sleep(0.02)
        except sqlite3.DatabaseError as error:
            raise _no_store(path, str(error)) from None


def _connect_to_write(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        _defend(connection)
        if path.stat().st_size > 0:
            _check_marks(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit is on the disk before it is believed, whatever happens to the power.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise _no_store(path, "it holds other tables")
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
        _check_marks(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Opens a store for reading only.

    Raises:
        InputError: if it is missing or something else.
    """
    _check_kind(path)
    if not path.exists():
        raise InputError("no such file", cure="name an evidence store (hydrometer ask makes one)", where=str(path))
    address = f"file:{quote(str(path.resolve()))}?mode=ro{'&immutable=1' if _is_frozen(path) else ''}"
    connection = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)
    try:
        _defend(connection)
        _check_marks(connection, path)
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            raise InputError(
                "the file is empty: nothing was asked yet", cure="fill it with hydrometer ask", where=str(path)
            )
    except sqlite3.OperationalError as error:
        connection.close()
        raise InputError(
            f"cannot be opened ({error})",
            cure="copy it, with the files beside it, to a folder of yours",
            where=str(path),
        ) from None
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _no_store(path, str(error)) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _is_frozen(path: Path) -> bool:
    """Returns whether a store lies where nobody can write, as evidence in an archive does, with nothing in its log.

    A log needs a file of shared memory beside the store, which such a folder cannot take.
    """
    log = path.with_name(f"{path.name}-wal")
    return not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def _defend(connection: sqlite3.Connection) -> None:
    # Views, triggers and functions inside a file must not run because somebody opened it.
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    # Mapped pages of a file that shrinks under a reader end the process.
    connection.execute("PRAGMA mmap_size=0")


def _check_kind(path: Path) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be opened ({error})", cure="name a readable file", where=str(path)) from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise InputError(f"this is {kind}", cure="name a file, as answers.db", where=str(path))
    # SQLite takes a file of a few bytes for an empty database and would write over it.
    if status.st_size > 0 and not is_sqlite(path):
        raise _no_store(path, "file is not a database")


def _check_marks(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == 0 and version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return
        raise _no_store(path, "it belongs to another program")
    if application != APPLICATION:
        raise _no_store(path, "it belongs to another program")
    if version != VERSION:
        raise InputError(
            f"the store has version {version}, this program reads {VERSION}",
            cure="use the newest hydrometer",
            where=str(path),
        )
    # Not only the names: a changed table may have triggers or checks of somebody else's.
    found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if found != set(TABLES):
        raise _no_store(path, "its tables were changed")


def _no_store(path: Path, why: str) -> InputError:
    return InputError(f"no evidence store ({why})", cure="name another file; nothing was changed", where=str(path))
