"""Opening a panel: what is asked, when an index is made, and what its operating point is measured with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attribution_cases import candidate, control, write_panel

from hydrometer.errors import InputError
from hydrometer.instruments.attribution import make_index, open_attributor
from hydrometer.instruments.attribution import open as module
from hydrometer.panel import Panel

LINEAGE = (candidate("sun-1", "sun", "Sky"), candidate("star-1", "star", "Cosmos"), control("c1"), control("c2"))


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    answers = {m.model: [f"{m.model} says so", "Yes."] for m in LINEAGE}
    return write_panel(tmp_path / "panel", answers, LINEAGE, ["Well?", "So?"])


@pytest.fixture
def calibrated(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """With which level, and with which first draw, operating points were measured."""
    found: list[tuple[float, int]] = []

    def calibrate(panel: Any, index: Any, *, alpha: float, rng: np.random.Generator, progress: Any) -> None:
        found.append((alpha, int(rng.integers(10**9))))
        progress(1, 5)

    monkeypatch.setattr(module, "calibrate", calibrate)
    return found


def test_the_point_is_measured_at_the_level_from_a_fixed_seed(
    panel: Panel, calibrated: list[tuple[float, int]]
) -> None:
    steps: list[tuple[str, int, int]] = []
    make_index(panel, alpha=0.4, progress=lambda *step: steps.append(step))
    make_index(panel, alpha=0.3, seed=9)
    draws = [int(np.random.default_rng(seed).integers(10**9)) for seed in (0, 9)]
    assert calibrated == [(0.4, draws[0]), (0.3, draws[1])]
    assert steps == [("Indexing", 1, 2), ("Indexing", 2, 2), ("Calibrating", 1, 5)]


def test_an_index_is_made_once(panel: Panel, calibrated: list[tuple[float, int]]) -> None:
    first = open_attributor(panel.folder, alpha=0.4)
    assert (first.candidates, first.alpha, first.operating_point) == (None, 0.4, None)
    second = open_attributor(panel.folder, candidates=["sun"], alpha=0.35)
    assert (second.candidates, second.groups) == (("sun",), ("star", "sun"))
    assert second.index.record.n_probes == 2
    assert [alpha for alpha, _ in calibrated] == [0.4]


def test_what_needs_no_index_to_be_refused_is_refused_before_one_is_made(panel: Panel) -> None:
    # Two controls support 1/3; a twentieth, where no level is given, is far beyond them.
    for options, said in (
        ({}, "the smallest possible p-value is 0.33, with 2 models documented as untaught, and alpha is 0.05"),
        ({"alpha": 0.4, "candidates": ["pluto"]}, "'pluto' is no candidate"),
    ):
        with pytest.raises(InputError, match=said):
            open_attributor(panel.folder, **options)
    assert not (panel.folder / "index").exists()
