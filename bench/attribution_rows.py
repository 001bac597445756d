"""What the parts of the attribution benchmark share: the working copy, the judged rows, the scorer, the store.

Axes: P probes, M models, G candidates, S data sources.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hydrometer
from hydrometer.instruments.attribution.open import open_attributor
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.instruments.attribution.subjects import Subject
from hydrometer.panel import Panel
from hydrometer.panel.index import Index
from hydrometer.records.attribution import Attribution
from hydrometer.records.lineage import Lineage
from hydrometer.records.responses import WITH_TEXT
from hydrometer.stats.proportions import Proportion

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "attribution"
ALPHA = 0.05
TEACHERS = ("gpt-3.5", "gpt-4", "davinci-003")
"""The groups that the scored students are documented to have learnt from."""
_FILES = ("responses.parquet", "probes.parquet", "lineage.csv")
_MEASURED = ("instruments/attribution", "panel", "stats", "store/responses")
_DRAWS = 10_000

Json = dict[str, Any]
Array = NDArray[np.float64]
Probes = NDArray[np.int64]


@dataclass(frozen=True)
class Bench:
    """Everything that a part needs.

    Attributes:
        attributor: the panel as shipped, ready to judge.
        scorer: the script that scores verdicts.
    """

    attributor: Attributor
    scorer: Path

    @property
    def panel(self) -> Panel:
        """The panel."""
        return self.attributor.panel

    @property
    def index(self) -> Index:
        """Its index."""
        return self.attributor.index

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models with answers."""
        return self.panel.models

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each model stands."""
        return {name: i for i, name in enumerate(self.models)}

    @cached_property
    def controls(self) -> tuple[Lineage, ...]:
        """Models documented as untaught by anybody else's model."""
        return self._with_role("control")

    @cached_property
    def students(self) -> tuple[Lineage, ...]:
        """Models with a documented teacher that are scored."""
        return self._with_role("positive")

    @property
    def scored(self) -> tuple[Lineage, ...]:
        """The rows of every table."""
        return (*self.students, *self.controls)

    @cached_property
    def developers(self) -> dict[str, frozenset[str]]:
        """Who makes the models of each group."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in self.panel.lineage:
            if row.own_group and row.developer:
                found[row.own_group].add(row.developer)
        return {group: frozenset(names) for group, names in found.items()}

    def _with_role(self, role: str) -> tuple[Lineage, ...]:
        return tuple(row for row in self.panel.lineage if row.role == role and row.model in self.positions)

    def probes_of(self, model: str) -> Probes:
        """Returns the positions of the probes that a model answered with text."""
        return np.flatnonzero(self.index.lengths_PM[:, self.positions[model]] > 0)

    def subject(self, lineage: Lineage, probes: Probes | None = None) -> Subject:
        """Returns a model of the panel as a subject, on all of its probes or on some."""
        known = self.probes_of(lineage.model)
        chosen = known if probes is None else np.intersect1d(known, probes)
        return Subject(lineage, dict.fromkeys(chosen.tolist(), ""), self.positions[lineage.model], frozenset(), ())

    def answers(self) -> list[list[str | None]]:
        """Returns every answer with text by probe and model; None where there is none."""
        found: list[list[str | None]] = [[None] * len(self.models) for _ in self.panel.prompts]
        probe_of = {prompt: i for i, prompt in enumerate(self.panel.prompts)}
        frame = self.panel.responses().frame
        rows = frame.filter(frame["status"].is_in(list(WITH_TEXT))).select("prompt", "model", "response").iter_rows()
        for prompt, model, text in rows:
            found[probe_of[prompt]][self.positions[model]] = text
        return found


def open_bench(data: Path, scorer: Path, *, fresh: bool) -> Bench:
    """Opens a working copy of the panel; makes copy and index where they do not fit.

    Args:
        data: the panel.
        scorer: the script that scores verdicts.
        fresh: forget what is stored.
    """
    copy = CACHE / "panel"
    if fresh:
        shutil.rmtree(CACHE / "results", ignore_errors=True)
    copy.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    for name in _FILES:
        if not (copy / name).exists() or _digest([copy / name]) != _digest([data / name]):
            shutil.copyfile(data / name, copy / name)
    stamp = CACHE / "panel-source.txt"
    source = package_hash("panel")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != source:
        shutil.rmtree(copy / "index", ignore_errors=True)
    say("opening the panel; an index is made if there is none (about two minutes)")
    attributor = open_attributor(copy, alpha=ALPHA)
    stamp.write_text(source, encoding="utf-8")
    return Bench(attributor, scorer)


def open_copy() -> Bench:
    """Opens the working copy as `open_bench` left it; nothing of it can be scored."""
    return Bench(open_attributor(CACHE / "panel", alpha=ALPHA), Path())


def say(line: str) -> None:
    """Prints progress where it does not mix with tables."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def package_hash(*folders: str) -> str:
    """Returns one hash of the source that is measured."""
    package = Path(hydrometer.__file__).parent
    paths = [p for folder in folders or _MEASURED for p in (package / folder).rglob("*.py")]
    return _digest(sorted(paths))[:16]


def stored(bench: Bench, name: str, compute: Callable[[Bench], Json]) -> Json:
    """Returns a part's result, measured again if data, package or the part's script changed since."""
    script = inspect.getsourcefile(compute)
    assert script is not None
    key = f"{'-'.join(sorted(bench.panel.sha256.values()))[:80]} {package_hash()} {_digest([Path(script)])[:16]}"
    path = CACHE / "results" / f"{name}.json"
    if path.exists():
        found: Json = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] == key:
            return found
    say(f"measuring: {name}")
    start = time.perf_counter()
    result = {**compute(bench), "key": key}
    result["seconds"] = round(time.perf_counter() - start, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1), encoding="utf-8")
    say(f"measured: {name}, {result['seconds']:.0f} s")
    return result


def judge_rows(
    bench: Bench,
    rows: Sequence[Lineage],
    *,
    attributor: Attributor | None = None,
    probes: Callable[[Lineage], Probes] | None = None,
) -> dict[str, Attribution]:
    """Judges models of the panel, each without its kin; rows with the same probes follow each other."""
    judge = attributor or bench.attributor
    subjects = [bench.subject(row, None if probes is None else probes(row)) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: tuple(subjects[i].texts))
    found = {rows[i].model: judge.judge(subjects[i]) for i in order}
    return {row.model: found[row.model] for row in rows}


def line_of(result: Attribution) -> Json:
    """Returns what the contract asks for."""
    candidates = [{"name": c.name, "statistic": c.statistic, "pvalue": c.pvalue} for c in result.candidates]
    return {"subject": result.subject, "candidates": candidates, "attributed": accused_of(result)}


def accused_of(result: Attribution) -> list[str]:
    """Returns the groups that are named, or would be but for the open direction.

    Half of the controls are candidates themselves, for whom names are withheld; an outside model of unknown lineage
    has no such protection, and its rate of false accusations is what is measured here.
    """
    if result.withheld == "direction":
        return [max((c for c in result.candidates if c.statistic is not None), key=lambda c: c.statistic or 0.0).name]
    return list(result.attributed)


def score(bench: Bench, name: str, lines: Sequence[Json]) -> Json:
    """Writes verdicts as JSON lines, runs the scorer on them, and adds intervals.

    Returns:
        The scorer's figures; `power_interval` (bootstrap over data sources), `false_interval` (Clopper-Pearson over
        controls), `accused` (controls with the strangers they were said to have learnt from).
    """
    folder = CACHE / "verdicts"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, str(bench.scorer), str(path), str(bench.panel.folder / "lineage.csv")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: Json = json.loads(printed)
    by_name = {line["subject"]: set(line["attributed"]) for line in lines}
    accused = {
        row.model: sorted(g for g in by_name[row.model] if row.developer not in bench.developers[g])
        for row in bench.controls
        if row.model in by_name
    }
    n_accused = sum(bool(strangers) for strangers in accused.values())
    students = [row for row in bench.students if row.model in by_name]
    shares = source_shares(students, {r.model: bool(by_name[r.model] & set(r.teacher_group)) for r in students})
    return {
        "name": name,
        **found,
        "n_accused": n_accused,
        "accused": {m: strangers for m, strangers in accused.items() if strangers},
        "power_interval": bootstrap(list(shares.values())) if shares else None,
        "false_interval": list(Proportion(n_accused, len(accused)).confidence_interval()) if accused else None,
        "power_by_source": shares,
    }


def source_shares(rows: Sequence[Lineage], hit: dict[str, bool]) -> dict[str, float]:
    """Returns the share of hits in every data source."""
    by_source: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_source[row.data_source or row.model].append(hit[row.model])
    return {source: float(np.mean(hits)) for source, hits in by_source.items()}


def bootstrap(share_S: Sequence[float]) -> list[float]:
    """Returns the 95 % percentile interval of the mean over data sources; few sources make it rough."""
    draws = np.random.default_rng(0).choice(np.array(share_S), size=(_DRAWS, len(share_S))).mean(axis=1)
    return [float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))]


def with_lineage(bench: Bench, change: Callable[[Lineage], Lineage]) -> Attributor:
    """Returns the attributor with another lineage of the same answers; the index does not depend on lineage."""
    panel = replace(bench.panel, lineage=tuple(change(row) for row in bench.panel.lineage))
    return Attributor(panel, bench.index, alpha=ALPHA)
