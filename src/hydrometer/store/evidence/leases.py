"""Who is alive: a lease lasts as long as the process that holds it, whatever the clocks say."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import uuid
from pathlib import Path

from hydrometer.errors import InputError, OutputError


class Lease:
    """A locked file beside the store. The system lets go of the lock when the process ends, however it ends.

    A lease by the clock would be broken by a clock that jumps, or by a process that was stopped for a while: both would
    have a question paid twice. The lock has no clock.
    """

    def __init__(self, store: Path) -> None:
        """Makes and locks the file.

        Raises:
            OutputError: if the folder of the store cannot be written.
        """
        self.worker = uuid.uuid4().hex
        self._path = _lease_path(store, self.worker)
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be made ({error.strerror}); choose another --store") from None
        if not _lock(self._handle):
            raise OutputError(f"{self._path}: cannot be locked; keep the store on a local disk")

    def register(self, connection: sqlite3.Connection) -> None:
        """Enters the worker into the store."""
        connection.execute("INSERT INTO worker VALUES (?, ?, ?)", (self.worker, os.getpid(), time.time()))

    def close(self) -> None:
        """Lets go."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def release_the_dead(connection: sqlite3.Connection, store: Path) -> int:
    """Frees what workers held that are no longer alive; returns how many requests of theirs were in flight.

    Those may have been answered and billed, which nobody can know: they are recorded as lost, and stay paid in the
    accounts.
    """
    lost = 0
    for (worker,) in connection.execute("SELECT id FROM worker").fetchall():
        if is_alive(store, worker):
            continue
        lost += release(connection, worker)
        with contextlib.suppress(OSError):
            _lease_path(store, worker).unlink(missing_ok=True)
    return lost


def release(connection: sqlite3.Connection, worker: str) -> int:
    """Frees what one worker holds; returns how many requests of it were in flight."""
    done = connection.execute(
        "UPDATE attempt SET outcome = 'lost', reason = 'in flight when the run ended' "
        "WHERE worker = ? AND outcome = 'pending'",
        (worker,),
    )
    connection.execute("UPDATE call SET worker = NULL WHERE worker = ?", (worker,))
    connection.execute("DELETE FROM worker WHERE id = ?", (worker,))
    return done.rowcount


def is_alive(store: Path, worker: str) -> bool:
    """Returns whether the process that holds a lease still runs."""
    # uuid4().hex: anything else comes from a hostile file and could name a path elsewhere.
    if len(worker) != 32 or not worker.isalnum():
        return False
    try:
        handle = os.open(_lease_path(store, worker), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


def _lease_path(store: Path, worker: str) -> Path:
    return store.with_name(f"{store.name}-lease-{worker}")


def _lock(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        raise InputError(
            "this system has no file locks that hydrometer knows",
            cure="ask from Linux or macOS, or from WSL",
            where="--store",
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
