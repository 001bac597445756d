"""Calibrates the instruments on models whose teachers are known.

Needs no torch: it reads the answers that ship in panels/zoo and bench/lab_whitebox.csv. Takes some minutes; what was
measured is kept in .cache/zoo, from which `--again` writes once more. What ships are the operating points of
panels/zoo.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

import lab_dose
import lab_measures as measures
import lab_page as page
import lab_trends as trends
import lab_words
import lab_zoo
from frame import Inputs, Page
from hydrometer.known_cases.dose import open_doses
from hydrometer.known_cases.zoo import audit_zoo
from hydrometer.store.files import write_whole

KEPT = lab_zoo.CACHE / "measured.json"
POINTS = "panels/zoo/operating_points.json"


def say(text: str) -> None:
    """Prints what is being done."""
    print(text, file=sys.stderr, flush=True)


def by_probes() -> tuple[list[dict[str, Any]], float]:
    """Returns power over subsets of the probes, and the processor-seconds that it took."""
    started = time.process_time()
    return measures.by_probes(lab_zoo.open_zoo(say), say), time.process_time() - started


def calibrate() -> dict[str, Any]:
    """Returns everything that the page tells."""
    started = time.process_time()
    zoo = lab_zoo.open_zoo(say)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        probes = pool.submit(by_probes)
        found = the_rest(zoo)
        found["probes"], seconds = probes.result()
    return found | {"cpu_seconds": time.process_time() - started + seconds}


def the_rest(zoo: lab_zoo.Zoo) -> dict[str, Any]:
    """Returns everything on all probes."""
    say("as shipped")
    shipped = {n: lab_zoo.judge(zoo, n, blocks=20) for n in zoo.subjects}
    audited = {c.subject: tuple(c.attributed) for c in audit_zoo(lab_zoo.ZOO, cache=lab_zoo.CACHE)}
    assert audited == {n: v.named for n, v in shipped.items()}, "the benchmark and `lab zoo audit` disagree"
    doses = open_doses(lab_zoo.ZOO, zoo.tree.values())
    estimates = lab_dose.estimates(zoo, shipped, doses)
    say("hard controls")
    rules = measures.hard_control_rules(zoo)
    say("teacher missing, one candidate")
    missing, single = measures.missing_teacher(zoo), measures.one_candidate(zoo)
    say("similarity, weights")
    like = trends.similarity_to_teachers(zoo)
    nats = trends.white_box()
    gain, twin = trends.gain(zoo, nats), trends.against_sibling(zoo, nats)
    rises = {
        "attribution: the statistic": trends.trend(zoo, lambda n, t: shipped[n].statistics[t]),
        "similarity: overall likeness to the teacher": trends.trend(zoo, lambda n, t: like[n, t][0]),
        "similarity: the same, beyond that to the mean teacher": trends.trend(zoo, lambda n, t: like[n, t][1]),
        "words: the way from the controls to the teacher": trends.trend(zoo, doses.likeness),
        "weights: likelihood of the teacher's text": trends.trend(zoo, gain),
    }
    students = [n for n in zoo.subjects if zoo.tree[n].taught_by and len(zoo.tree[n].taught_by) == 1]
    points = [
        {
            "model": n, "group": zoo.group(n), "teacher": t, "dose": zoo.tree[n].dose, "gain": gain(n, t),
            "twin": twin(n, t), "statistic": shipped[n].statistics[t],
        }
        for n in [*students, *lab_zoo.hard(zoo), *lab_zoo.plain(zoo)]
        for t in zoo.teachers
        if (t in zoo.truth(n) if zoo.tree[n].taught_by else zoo.tree[n].same_text_as in (None, t))
    ]  # fmt: skip
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "sha256": dict(zoo.panel.sha256),
        "n_models": len(zoo.tree),
        "groups": measures.tell(zoo, shipped),
        "either": measures.either(zoo, shipped),
        "withheld": sorted(n for n, v in shipped.items() if v.withheld == "shared_text"),
        "rules": rules,
        "missing": missing,
        "single": single,
        "words": lab_words.named_by_words(zoo, doses),
        "margins": measures.margins(zoo, shipped),
        "trends": {k: asdict(v) for k, v in rises.items()},
        "estimates": estimates,
        "doses": lab_dose.by_group(estimates),
        "doses_all": lab_dose.over_calibrated(estimates, doses),
        "points": points,
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def measure(inputs: Inputs) -> Page:
    """Measures everything, or takes what was measured before."""
    if not inputs["again"]:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        write_whole(KEPT, _json(calibrate()))
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    return Page(
        page.text(found),
        draw=lambda folder: page.draw(found, folder),
        ships={POINTS: _json(page.operating_points(found))},
    )
