"""Copies of the repository in which mutants live, and the one run of all tests that says which of them to run."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import mutate_map

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2


def files() -> list[str]:
    """Returns the names of all files that git knows or would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def tree_hash(names: Iterable[str], *more: str) -> str:
    """Returns a short hash of these files, but for the pages on mutants, which no test reads."""
    digest = hashlib.sha256("\0".join(more).encode())
    for name in names:
        if not name.startswith(("docs/mutants", "docs/benchmarks/mutants")):
            content = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
            digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()[:16]


class Copy:
    """A copy of the repository in which mutants live."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder, self.tree = folder, folder / "tree"
        for name in names:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.tree / name)
        beside = ROOT.parent / "shared"
        if beside.exists() and not (folder / "shared").exists():
            (folder / "shared").symlink_to(beside)

    def pytest(self, *arguments: str, seconds: float | None = None, **more: str) -> tuple[int | None, str]:
        """Runs tests; returns their status, None when time ran out, and the end of what they wrote."""
        scratch = self.folder / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        path = os.pathsep.join(str(self.tree / part) for part in ("src", "bench"))
        environment = {**os.environ, **threads, "PYTHONPATH": path, "TMPDIR": str(scratch), **more}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        with (self.folder / "output").open("w+b") as output:
            process = subprocess.Popen(
                command, cwd=self.tree, env=environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                status = process.wait(seconds)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                status = None
            output.seek(0)
            return status, output.read().decode(errors="replace")[-4000:]


def baseline(folder: Path, names: list[str], tests: list[str]) -> mutate_map.Notes:
    """Runs the suite once, unless these files were run before; returns which tests run which lines."""
    copy = Copy(folder / "0", names)
    if not (folder / "done").exists():
        print("Running all tests once, to see which lines they run ...", flush=True)
        watch = ["-p", "mutate_map", "--cov", "hydrometer", "--cov-context", "test", "--cov-report", ""]
        notes = {"COVERAGE_FILE": str(folder / mutate_map.LINES), "MUTATE_NOTES": str(folder)}
        status, output = copy.pytest(*watch, "-n", str(WORKERS), *tests, **notes)
        if status != 0:
            sys.exit(f"{output}\nThe tests fail without any mutant.")
        for number in range(1, WORKERS):
            # With what the first run left: indexes and compiled files are not made again for every mutant.
            shutil.copytree(folder / "0", folder / str(number), symlinks=True, dirs_exist_ok=True)
        (folder / "done").touch()
    return mutate_map.Notes(folder, copy.tree)
