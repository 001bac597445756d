"""Opens a panel ready to judge subjects: its index is made if it is missing or out of date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hydrometer.instruments.attribution.calibration import calibrate, load_operating_point, save_operating_point
from hydrometer.instruments.attribution.design import Design
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.panel import Panel, open_panel
from hydrometer.panel.index import Index, build_index, find_index

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and the total."""


def _silent(what: str, done: int, total: int) -> None:
    pass


def make_index(
    panel: Panel, *, alpha: float, seed: int = 0, cache: Path | None = None, progress: Progress = _silent
) -> Index:
    """Indexes a panel and stores its operating point with the index.

    Args:
        panel: the panel.
        alpha: level of the operating point.
        seed: of the bootstrap over data sources.
        cache: folder to write under if the panel folder cannot be written.
        progress: called as the work goes on.

    Raises:
        InputError: if the panel is too small.
        OutputError: if the index cannot be written.
    """
    index = build_index(panel, cache=cache, progress=lambda done, total: progress("Indexing", done, total))
    point = calibrate(
        panel,
        index,
        alpha=alpha,
        rng=np.random.default_rng(seed),
        progress=lambda done, total: progress("Calibrating", done, total),
    )
    save_operating_point(index, point)
    return index


def open_attributor(
    folder: Path,
    *,
    candidates: Sequence[str] = (),
    alpha: float = 0.05,
    cache: Path | None = None,
    progress: Progress = _silent,
) -> Attributor:
    """Opens a panel folder for attribution.

    Args:
        folder: the panel.
        candidates: possible teachers to ask about; all of the panel's if none is named.
        alpha: the level.
        cache: folder for the index if the panel folder cannot be written.
        progress: called while an index is made.

    Raises:
        InputError: if the panel cannot be used, a candidate is unknown, or the level cannot be supported.
        OutputError: if an index must be made and cannot be written.
    """
    panel = open_panel(folder)
    asked = tuple(candidates) or None
    # What needs no index to be refused is refused before minutes of work.
    Design(panel, asked, alpha).check()
    index = find_index(panel, cache=cache)
    if index is None:
        index = make_index(panel, alpha=alpha, cache=cache, progress=progress)
    return Attributor(panel, index, asked, alpha, load_operating_point(index, alpha=alpha))
