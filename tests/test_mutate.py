"""What `make mutate` changes, which tests it runs for it, and what it lets pass as equivalent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from coverage import CoverageData

from mutate import batches
from mutate_map import Notes
from mutate_page import Fate, argued, noticed, page
from mutate_sites import mutant, places, sample

SOURCE = '''from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LATE = 1 + 2


@cache(size=3)
def f(a: Literal[4], *, b: float = 0.5, **more: int) -> Literal[5]:
    """Adds 6 + 7."""
    named: Literal[8] = a * 9
    text = "%d" % a + f"{b + 10}"
    return {**more} if a < b and not named else -b
'''


def changes_of(source: str) -> dict[str, set[str]]:
    """Returns for every line that can be changed what it may become."""
    found: dict[str, set[str]] = {}
    for place in places(source, "f.py"):
        for change in place.changes:
            after = mutant(source, change)
            for a, b in zip(source.splitlines(), after.splitlines(), strict=True):
                if a != b:
                    found.setdefault(a.strip(), set()).add(" ".join(b.split()))
    return found


def test_operators_and_numbers_are_changed_but_no_text_annotation_decorator_or_import_for_types() -> None:
    found = changes_of(SOURCE)
    assert set(found) == {
        "def f(a: Literal[4], *, b: float = 0.5, **more: int) -> Literal[5]:",
        "named: Literal[8] = a * 9",
        "return {**more} if a < b and not named else -b",
    }
    assert found["def f(a: Literal[4], *, b: float = 0.5, **more: int) -> Literal[5]:"] == {
        "def f(a: Literal[4], *, b: float = 0.75, **more: int) -> Literal[5]:",
        "def f(a: Literal[4], *, b: float = 0.25, **more: int) -> Literal[5]:",
    }
    assert found["named: Literal[8] = a * 9"] == {
        *(f"named: Literal[8] = a {operator} 9" for operator in ("+", "-", "/", "//", "%", "**")),
        "named: Literal[8] = a * 10",
        "named: Literal[8] = a * 8",
    }
    assert found["return {**more} if a < b and not named else -b"] == {
        *(f"return {{**more}} if a {operator} b and not named else -b" for operator in ("==", "!=", "<=", ">", ">=")),
        "return {**more} if a < b or not named else -b",
        "return {**more} if a < b and named else -b",
        "return {**more} if a < b and not named else +b",
    }


def test_truths_identity_and_large_numbers_are_changed() -> None:
    assert changes_of("x = True or y is not None\n") == {
        "x = True or y is not None": {
            "x = False or y is not None",
            "x = True and y is not None",
            "x = True or y is None",
        }
    }
    assert changes_of("x = 86400\ny = 1e9\n") == {
        "x = 86400": {"x = 86401", "x = 86399"},
        "y = 1e9": {"y = 1500000000.0", "y = 500000000.0"},
    }
    assert changes_of("x = 100000\n") == {"x = 100000": {"x = 150000.0", "x = 50000.0"}}


def test_a_draw_follows_its_seed_and_the_size_of_the_areas(tmp_path: Path) -> None:
    for area, n in (("large", 60), ("small", 20)):
        (tmp_path / area).mkdir()
        (tmp_path / area / "a.py").write_text("".join(f"x{i} = {i}\n" for i in range(n)))
    areas = {"large": "large", "small": "small"}
    sizes, drawn = sample(tmp_path, areas, n=9, seed=1)
    assert sizes == {"large": 60, "small": 20}
    assert [p.file for p in drawn] == ["large/a.py"] * 7 + ["small/a.py"] * 2  # of 6.75 and 2.25
    assert len({(p.file, p.start) for p in drawn}) == 9
    assert all(len(p.changes) == 1 for p in drawn)
    assert sample(tmp_path, areas, n=9, seed=1) == (sizes, drawn)
    assert sample(tmp_path, areas, n=9, seed=2) != (sizes, drawn)
    assert len(sample(tmp_path, areas, n=1000, seed=1)[1]) == 80


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    """A package of two files, one of which imports from the other, and what three files of tests ran."""
    (tmp_path / "src/p").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "src/p/a.py").write_text("LIMIT = 1\n\n\ndef f(x):\n    return (\n        x\n        + 1)\n")
    (tmp_path / "src/p/b.py").write_text(
        "from p.a import LIMIT\n\n\ndef g():\n    return LIMIT\n\n\ndef h():\n    return 2\n"
    )
    (tmp_path / "tests/test_c.py").write_text("from p.a import LIMIT\n")
    data = CoverageData(str(tmp_path / "coverage"))
    a, b = (str(tmp_path / f"src/p/{name}.py") for name in "ab")
    for context, lines in {
        "": {a: [1, 4], b: [1, 4, 8]},
        "tests/test_a.py::one|run": {a: [5]},
        "tests/test_a.py::two|setup": {b: [9]},
        "tests/test_b.py::three|run": {b: [5]},
    }.items():
        data.set_context(context)
        data.add_lines(lines)
    data.write()
    tests = ["tests/test_a.py::one", "tests/test_a.py::two", "tests/test_b.py::three", "tests/test_c.py::four"]
    (tmp_path / "durations.json").write_text(json.dumps(dict.fromkeys(tests, 1.0)))
    return Notes(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("file", "line", "tests"),
    [
        ("src/p/a.py", 7, {"test_a.py::one"}),  # the statement begins on line 5
        ("src/p/b.py", 5, {"test_b.py::three"}),
        ("src/p/b.py", 9, {"test_a.py::one", "test_a.py::two"}),  # set up for one, and perhaps for all of the file
        ("src/p/a.py", 1, {"test_a.py::one", "test_a.py::two", "test_b.py::three", "test_c.py::four"}),  # on import
        ("src/p/a.py", 3, set()),
    ],
)
def test_the_tests_of_a_line(notes: Notes, file: str, line: int, tests: set[str]) -> None:
    assert notes.tests_of(file, line) == {f"tests/{test}" for test in tests}


def test_the_quickest_tests_go_first_and_the_rest_together() -> None:
    seconds = {"a::slow": 4.0, "a::quick": 0.5, "b::x": 1.0, "c::x": 9.0, "d::x": 10.0}
    assert batches(set(seconds), seconds) == [(["b::x"], 1.0), (["a::quick", "a::slow", "c::x", "d::x"], 23.5)]
    assert batches({"c::x", "d::x"}, seconds) == [(["c::x"], 9.0), (["d::x"], 10.0)]
    assert batches({"d::x"}, seconds) == [(["d::x"], 10.0)]


def test_what_is_argued_to_be_equivalent_does_not_count(tmp_path: Path) -> None:
    table = tmp_path / "mutants.md"
    table.write_text(
        "# A page\n\n| file | line | becomes | why |\n|---|---|---|---|\n"
        "| src/hydrometer/costs/a.py | `x =  a \\| 1` | `x = a \\| 2` | nobody reads it |\n"
    )
    assert ("src/hydrometer/costs/a.py", "x = a | 1", "x = a | 2") in argued(table)
    assert argued(tmp_path / "none.md") == set()
    ends = ["killed", "killed", "late", "survived", "equivalent"]
    fates = [Fate("src/hydrometer/costs/a.py", i, "x < 1", "x <= 1", end) for i, end in enumerate(ends)]
    assert noticed(fates) == 0.75
    text = page({"src/hydrometer/costs": 40, "src/hydrometer/stats": 7}, fates, seed=3)
    assert "| costs | 40 | 5 | 2 | 1 | 1 | 0 | 1 | 75% |" in text
    assert "| stats | 7 | 0 | 0 | 0 | 0 | 0 | 0 | 100% |" in text
    assert "src/hydrometer/costs/a.py:3\n- x < 1\n+ x <= 1" in text
    assert noticed([]) == 1.0
