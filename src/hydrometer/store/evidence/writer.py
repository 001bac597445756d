"""One thread that writes: whatever waits is committed together."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from hydrometer.errors import OutputError

_T = TypeVar("_T")
# By hand, 2026-11-25: bounds how long the first of a batch waits for its commit.
_MOST_TOGETHER = 1000

Operation = Callable[[sqlite3.Connection], Any]
_Job = tuple[Operation, "asyncio.Future[Any]"]


class Writer:
    """Runs operations in the order given, many to a transaction; an operation is done when it is on the disk."""

    def __init__(self, connection: sqlite3.Connection, *, name: str) -> None:
        """Starts the thread.

        Args:
            connection: opened for writing; only the thread uses it from now on.
            name: of the file, for error lines.
        """
        self._connection = connection
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.broken: OutputError | None = None
        """Set once a commit failed; nothing is written after it."""
        self._thread = threading.Thread(target=self._run, name="evidence writer", daemon=True)
        self._thread.start()

    def run(self, operation: Callable[[sqlite3.Connection], _T]) -> asyncio.Future[_T]:
        """Returns a future of the operation's result, done once it is committed.

        Raises:
            OutputError: through the future, if the file cannot be written.
        """
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._jobs.put((operation, future))
        return future

    def close(self, last: Operation) -> None:
        """Writes what waits and one last operation, and ends the thread."""
        self._jobs.put(None)
        self._thread.join()
        try:
            if self.broken is None:
                self._connection.execute("BEGIN IMMEDIATE")
                last(self._connection)
                self._connection.execute("COMMIT")
        except sqlite3.DatabaseError:
            self._roll_back()
        finally:
            self._connection.close()

    def _run(self) -> None:
        while (jobs := self._waiting()) is not None:
            results = self._committed(jobs)
            loop = jobs[0][1].get_loop()
            try:
                loop.call_soon_threadsafe(_tell, results)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue

    def _waiting(self) -> list[_Job] | None:
        """Returns everything that waits, at least one job; None at the end."""
        first = self._jobs.get()
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < _MOST_TOGETHER:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _committed(self, jobs: list[_Job]) -> list[tuple[asyncio.Future[Any], Any]]:
        if self.broken is not None:
            return [(future, self.broken) for _, future in jobs]
        try:
            return self._transaction(jobs)
        except sqlite3.DatabaseError as error:
            self._roll_back()
            if len(jobs) > 1 and isinstance(error, sqlite3.IntegrityError):
                # One of them broke a rule; the others must not suffer for it.
                return [result for job in jobs for result in self._committed([job])]
            if isinstance(error, sqlite3.IntegrityError):
                return [(jobs[0][1], error)]
            self.broken = OutputError(
                f"{self._name}: cannot be written ({error}); answers up to here are kept: free some space, "
                "then run the same command again"
            )
            return [(future, self.broken) for _, future in jobs]

    def _transaction(self, jobs: list[_Job]) -> list[tuple[asyncio.Future[Any], Any]]:
        self._connection.execute("BEGIN IMMEDIATE")
        results = [(future, operation(self._connection)) for operation, future in jobs]
        self._connection.execute("COMMIT")
        return results

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.DatabaseError:
            pass  # the connection is of no more use; `broken` says so


def _tell(results: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in results:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
