"""Progress bars, and where what takes minutes is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rich.progress import Progress, TaskID

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "hydrometer/indexes"
"""Indexes of panels whose own folders cannot be written."""


def shown(bar: Progress) -> Callable[[str, int, int], None]:
    """Returns a function that shows how much of which work is done, one line for each kind of work."""
    tasks: dict[str, TaskID] = {}

    def update(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)

    return update
