"""Which tests run a line, and for how long: a plug-in for pytest that watches one whole run, and what reads its notes.

A cache that one test fills would hide the lines behind it from all later tests: caches are emptied between tests.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from coverage import CoverageData

DURATIONS = "durations.json"
LINES = "coverage"
_seconds: dict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up what setting up, running and tearing down take."""
    _seconds[report.nodeid] += report.duration


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Empties every cache of the package."""
    for name, module in list(sys.modules.items()):
        if name.startswith("hydrometer."):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the durations down, in the process that gathers the reports."""
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["MUTATE_NOTES"], DURATIONS).write_text(json.dumps(_seconds), encoding="utf-8")


def _names_imported(path: Path) -> set[str]:
    """Returns the modules that a file may import: `from a import b` may mean `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


class Notes:
    """What one run of the suite showed.

    Args:
        folder: where the plug-in and pytest-cov wrote.
        root: the copy of the repository that they ran in.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.root = root
        self.seconds: dict[str, float] = json.loads((folder / DURATIONS).read_text(encoding="utf-8"))
        self._lines = CoverageData(str(folder / LINES))
        self._lines.read()
        self._by_file: dict[str, set[str]] = defaultdict(set)
        for test in self.seconds:
            self._by_file[test.partition("::")[0]].add(test)
        files = [*(root / "src").rglob("*.py"), *(root / "tests").rglob("*.py")]
        self._imports = {path: _names_imported(path) for path in files}

    def _tests(self, contexts: Iterable[str]) -> set[str]:
        """What a test sets up may serve all tests of its file."""
        found: set[str] = set()
        for context in contexts:
            test, _, phase = context.rpartition("|")
            found |= self._by_file[test.partition("::")[0]] if phase == "setup" else {test} & self.seconds.keys()
        return found

    def _tests_in(self, path: Path) -> set[str]:
        if path.is_relative_to(self.root / "tests"):
            return self._by_file[path.relative_to(self.root).as_posix()]
        by_line = self._lines.contexts_by_lineno(str(path))
        return self._tests({context for contexts in by_line.values() for context in contexts})

    def tests_of(self, file: str, line: int) -> set[str]:
        """Returns the tests that run a line.

        What runs when a file is imported belongs to no test: then those count that run anything in that file or in a
        file that imports from it.
        """
        path = self.root / file
        by_line = self._lines.contexts_by_lineno(str(path))
        contexts = {c for n in _statement(path, line) for c in by_line.get(n, ())}
        if found := self._tests(contexts):
            return found
        if not contexts:
            return set()
        module = ".".join(path.relative_to(self.root / "src").with_suffix("").parts).removesuffix(".__init__")
        importers = [path for path, names in self._imports.items() if module in names]
        return set().union(*(self._tests_in(p) for p in (path, *importers)))


def _statement(path: Path, line: int) -> range:
    """Returns the lines of the innermost statement around a line; of one with a body, those of its head."""
    lines = range(line, line + 1)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            first = getattr(node, "lineno", line)
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            if first <= line <= max(first, last):
                lines = range(first, max(first, last) + 1)
    return lines
