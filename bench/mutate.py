"""Do the tests notice when one operator or one number of the program changes?

    python bench/mutate.py [--n 300] [--seed 1] [--area costs ...] [--tests tests/test_costs.py ...]

Places are drawn with a seed, and one change for every place. Each mutant is put into a copy of the repository, where
the tests that run its line are run, the quickest first, until one fails. A run that is stopped goes on next time.
Survivors that docs/mutants.md argues to be equivalent do not count. The page is written where all areas and all tests
took part; the exit status is 1 where fewer than 85 % of the mutants that count were noticed.
"""

from __future__ import annotations

import argparse
import queue
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from mutate_copy import ROOT, WORKERS, Copy, baseline, files, tree_hash
from mutate_map import Notes
from mutate_page import Fate, argued, noticed, page
from mutate_sites import Place, mutant, sample, squash

CACHE = ROOT / ".cache/mutants"
PAGE, ARGUED = ROOT / "docs/benchmarks/mutants.md", ROOT / "docs/mutants.md"
NAMES = ("costs", "stats", "instruments/attribution", "instruments/identity", "collect", "store")
WANTED, TIME_OUT = 0.85, "time out"
FIRST_SECONDS = 5.0
"""Tests worth this much time go first: importing the files of all others would take longer than running these."""


def batches(tests: set[str], seconds: dict[str, float]) -> list[tuple[list[str], float]]:
    """Orders tests: the quickest file first, in it the quickest test; a few seconds' worth, then the rest."""
    by_file: dict[str, list[str]] = {}
    for test in sorted(tests, key=lambda t: (seconds[t], t)):
        by_file.setdefault(test.partition("::")[0], []).append(test)
    found: list[tuple[list[str], float]] = []
    for chosen in sorted(by_file.values(), key=lambda group: sum(seconds[t] for t in group)):
        cost = sum(seconds[t] for t in chosen)
        if not found or (len(found) == 1 and found[0][1] + cost > FIRST_SECONDS):
            found.append(([], 0.0))
        group, before = found[-1]
        found[-1] = group + chosen, before + cost
    return found


def judge(item: WorkItem, copies: queue.Queue[Copy], notes: Notes) -> WorkResult:
    """Puts one mutant into a free copy and runs its tests."""
    (spec,) = item.mutations
    file = spec.module_path.as_posix()
    source = (ROOT / file).read_text(encoding="utf-8")
    changed = mutant(source, (spec.operator_name, spec.occurrence))
    row = spec.start_pos[0] - 1
    lines = f"{squash(source.splitlines()[row])}\n{squash(changed.splitlines()[row])}"
    tests = notes.tests_of(file, row + 1)
    if not tests:
        return WorkResult(WorkerOutcome.NO_TEST, diff=lines)
    copy = copies.get()
    try:
        (copy.tree / file).write_text(changed, encoding="utf-8")
        for batch, expected in batches(tests, notes.seconds):
            (copy.folder / "tests").write_text("\n".join(batch), encoding="utf-8")
            limits = {"seconds": 60 + 5 * expected, "PYTHONDONTWRITEBYTECODE": "1"}
            status, output = copy.pytest("-x", "-n", "0", f"@{copy.folder / 'tests'}", **limits)
            if status == 4:  # names of cases are made of what was changed
                status, output = copy.pytest("-x", "-n", "0", *sorted({t.partition("::")[0] for t in batch}), **limits)
            if status in (4, 5):
                raise RuntimeError(f"pytest cannot be called: {output}")
            if status != 0:
                late = TIME_OUT if status is None else output
                return WorkResult(WorkerOutcome.NORMAL, late, TestOutcome.KILLED, lines)
        return WorkResult(WorkerOutcome.NORMAL, "", TestOutcome.SURVIVED, lines)
    finally:
        shutil.copy2(ROOT / file, copy.tree / file)
        copies.put(copy)


def work(session: WorkDB, folder: Path, names: list[str], notes: Notes) -> None:
    """Judges what the session has not judged."""
    copies: queue.Queue[Copy] = queue.Queue()
    for number in range(WORKERS):
        copies.put(Copy(folder / str(number), names))
    pending = sorted(session.pending_work_items, key=lambda item: item.job_id)
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("mutants", total=session.num_work_items, completed=session.num_results)
        pool = ThreadPoolExecutor(WORKERS)
        try:
            jobs = {pool.submit(judge, item, copies, notes): item for item in pending}
            for job in as_completed(jobs):
                session.set_result(jobs[job].job_id, job.result())
                bar.advance(task)
        finally:
            pool.shutdown(cancel_futures=True)


def open_session(path: Path, places: list[Place]) -> WorkDB:
    """Returns the stored state of this run, begun where there is none; cosmic-ray's `cr-html` reads it too."""
    session = WorkDB(path, WorkDB.Mode.create)
    if session.num_work_items == 0:
        items = []
        for number, place in enumerate(places):
            name, occurrence = place.changes[0]
            spec = MutationSpec(place.file, name, occurrence, place.start, place.end)
            items.append(WorkItem.single(f"{number:05}", spec))
        session.add_work_items(items)
    return session


def fate_of(item: WorkItem, result: WorkResult, equivalent: set[tuple[str, str, str]]) -> Fate:
    """Returns what became of a mutant."""
    (spec,) = item.mutations
    before, after = str(result.diff).split("\n")
    if result.test_outcome is TestOutcome.KILLED:
        end = "late" if result.output == TIME_OUT else "killed"
    elif (spec.module_path.as_posix(), before, after) in equivalent:
        end = "equivalent"
    else:
        end = "survived" if result.worker_outcome is WorkerOutcome.NORMAL else "not run"
    return Fate(spec.module_path.as_posix(), spec.start_pos[0], before, after, end)


def main() -> None:
    """Draws, judges and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=300, help="how many mutants (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--area", nargs="+", choices=NAMES, default=NAMES, help="parts of the program (all)")
    parser.add_argument("--tests", nargs="+", default=[], help="files of tests (all)")
    given = parser.parse_args()
    names = files()
    folder = CACHE / tree_hash(names, *given.tests)
    for old in CACHE.glob("*"):
        if old != folder:
            shutil.rmtree(old)
    areas = {name: f"src/hydrometer/{name}" for name in given.area}
    sizes, places = sample(ROOT, areas, n=given.n, seed=given.seed)
    notes = baseline(folder, names, given.tests)
    chosen = "+".join(given.area).replace("/", "-")
    session = open_session(folder / f"{given.n}-{given.seed}-{chosen}.sqlite", places)
    work(session, folder, names, notes)
    equivalent = argued(ARGUED)
    fates = [fate_of(item, result, equivalent) for item, result in session.completed_work_items]
    text = page({areas[name]: size for name, size in sizes.items()}, fates, seed=given.seed)
    print(text)
    if len(given.area) == len(NAMES) and not given.tests:
        PAGE.write_text(text, encoding="utf-8")
    sys.exit(noticed(fates) < WANTED)


if __name__ == "__main__":
    main()
