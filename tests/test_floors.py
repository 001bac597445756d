"""The table of coverage has a row for every floor of the house, and adds up."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import floors

ROOT = Path(__file__).parent.parent


def test_every_floor_of_the_house_has_its_row() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c for c in contracts if c.get("exhaustive"))["layers"]
    assert set(re.findall(r"\w+", " ".join(layers))) == {*floors.FLOORS, "errors", "version"}


def test_files_are_counted_on_their_floor(tmp_path: Path) -> None:
    def summary(lines: int, of: int, branches: int, of_branches: int) -> dict[str, dict[str, int]]:
        names = ("covered_lines", "num_statements", "covered_branches", "num_branches")
        return {"summary": dict(zip(names, (lines, of, branches, of_branches), strict=True))}

    files = {
        "src/hydrometer/errors.py": summary(3, 3, 0, 0),
        "src/hydrometer/cli/ask.py": summary(50, 100, 1, 4),
        "src/hydrometer/cli/cost.py": summary(100, 100, 0, 0),
        "src/hydrometer/instruments/demand/run.py": summary(1, 3, 1, 2),
        "src/hydrometer/instruments/__init__.py": summary(1, 1, 0, 0),
    }
    (tmp_path / "c.json").write_text(json.dumps({"files": files}))
    assert [line.split() for line in floors.table(tmp_path / "c.json")][1:] == [
        ["cli", "75.0%", "of", "200", "25.0%", "of", "4"],
        ["instruments", "100.0%", "of", "1", "-"],
        ["instruments/demand", "33.3%", "of", "3", "50.0%", "of", "2"],
        ["the", "rest", "100.0%", "of", "3", "-"],
        ["all", "74.9%", "of", "207", "33.3%", "of", "6"],
    ]
