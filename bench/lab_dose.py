"""How good the dose estimate is: every model by the students of other teachers. See lab.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hydrometer.audit.zoo_dose import DoseCalibration, DoseUnit
from lab_zoo import Verdict, Zoo, by_text, plain


def calibration(zoo: Zoo, verdicts: Mapping[str, Verdict]) -> DoseCalibration:
    """Returns students by text with their teacher, and every plain control with one teacher, in turn."""
    controls = [n for n in plain(zoo) if zoo.tree[n].kind == "control"]
    known = [(n, zoo.tree[n].taught_by[0], zoo.tree[n].dose) for n in by_text(zoo)]
    known += [(n, zoo.teachers[i % len(zoo.teachers)], 0.0) for i, n in enumerate(controls)]
    units = tuple(
        DoseUnit(model=n, teacher=t, dose=dose, statistic=round(verdicts[n].statistics[t], 6)) for n, t, dose in known
    )
    return DoseCalibration(sha256=dict(zoo.panel.sha256), units=units)


def estimates(zoo: Zoo, verdicts: Mapping[str, Verdict], known: DoseCalibration) -> list[dict[str, Any]]:
    """Returns one row a model and teacher: the estimate beside the truth.

    `own`: of students of one teacher by theirs; of controls by the candidate that they were dealt, or whose text they
    learnt. `said`: by whoever attribution names, or names together with its text, as `lab zoo audit` prints it.
    """
    dealt = {u.model: u.teacher for u in known.units}
    rows = []
    for name in zoo.subjects:
        m, statistics = zoo.tree[name], verdicts[name].statistics
        taught = zoo.truth(name)
        own = dealt.get(name) or m.same_text_as or (min(taught) if len(taught) == 1 else None)
        said = {*verdicts[name].named, *verdicts[name].either}
        for how, teacher in (*(("own", t) for t in (own,) if t), *(("said", t) for t in sorted(said))):
            found = known.estimate(teacher=teacher, statistic=statistics[teacher], model=name)
            if found is not None:
                dose = m.dose if teacher in taught else 0.0
                rows.append(
                    {"model": name, "group": zoo.group(name), "how": how, "dose": dose} | found.model_dump(mode="json")
                )
    return rows


def by_group(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns what the page's table says, group by group, of estimates for each model's own teacher."""
    kinds = sorted({(r["dose"], r["group"]) for r in rows if r["how"] == "own"})
    return [
        {"group": group, "dose": dose}
        | _told(r for r in rows if r["how"] == "own" and (r["dose"], r["group"]) == (dose, group))
        for dose, group in kinds
    ]


def over_calibrated(rows: Sequence[Mapping[str, Any]], known: DoseCalibration) -> dict[str, Any]:
    """Returns the same over all models that the curve is made of, and over whatever `lab zoo audit` prints."""
    names = {u.model for u in known.units}
    return {
        "own": _told(r for r in rows if r["how"] == "own" and r["model"] in names),
        "said": _told(r for r in rows if r["how"] == "said"),
    }


def _told(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    here = list(rows)
    return {
        "n": len(here),
        "held": sum(r["low"] - 1e-9 <= r["dose"] <= r["high"] + 1e-9 for r in here),
        "wide": sum(r["high"] - r["low"] >= 0.5 for r in here),
        "above_zero": sum(r["low"] > 0 for r in here),
        "middle": float(np.median([r["middle"] for r in here])),
        "low": float(np.median([r["low"] for r in here])),
        "high": float(np.median([r["high"] for r in here])),
        "error": float(np.median([abs(r["middle"] - r["dose"]) for r in here])),
    }
