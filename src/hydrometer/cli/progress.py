"""Progress bars, and where what takes minutes is kept."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from hydrometer.errors import printable
from hydrometer.store.files import USER_CACHE

if TYPE_CHECKING:
    from hydrometer.collect.engine import RunSummary

CACHE = USER_CACHE / "indexes"
"""Indexes of panels whose own folders cannot be written."""


@contextlib.contextmanager
def bar() -> Iterator[Progress]:
    """Gives a plain bar on standard error, hidden where that is no terminal, and takes it away at the end."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as plain:
        yield plain


def shown(bar: Progress) -> Callable[[str, int, int], None]:
    """Returns a function that shows how much of which work is done, one line for each kind of work."""
    tasks: dict[str, TaskID] = {}

    def update(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)

    return update


class AskBar:
    """Shows how far a run is: rate, time left, cost so far."""

    def __init__(self, model: str) -> None:
        """Shows nothing yet: before the first request, a person may be asked."""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} {task.fields[more]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(printable(model, limit=40), total=None, rate="", more="")
        self._first: tuple[float, int] | None = None
        self._next = 0.0

    def start(self) -> None:
        """Shows the bar."""
        self._bar.start()

    def stop(self) -> None:
        """Takes it away."""
        self._bar.stop()

    def update(self, run_summary: RunSummary) -> None:
        """Shows a new state, at most ten times a second."""
        now = time.monotonic()
        if self._bar.disable or now < self._next:
            return
        self._next = now + 0.1
        self._first = self._first or (now, run_summary.settled)
        seconds = now - self._first[0]
        rate = f"{(run_summary.settled - self._first[1]) / seconds:.1f}/s" if seconds > 1 else ""
        faults = sum(run_summary.faults.values())
        more = ([f"{faults:,} faults"] if faults else []) + (
            [f"${run_summary.usd:,.2f}"] if run_summary.usd is not None else []
        )
        self._bar.update(
            self._task, completed=run_summary.settled, total=run_summary.total, rate=rate, more=" ".join(more)
        )


@contextlib.contextmanager
def asked(model: str) -> Iterator[AskBar]:
    """Gives a bar for a run, and takes it away however the run ends."""
    bar = AskBar(model)
    try:
        yield bar
    finally:
        bar.stop()
