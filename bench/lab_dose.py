"""How good the dose estimate is: every model by the students of other teachers. See lab.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hydrometer.known_cases.dose import Doses
from lab_zoo import Verdict, Zoo


def estimates(zoo: Zoo, verdicts: Mapping[str, Verdict], doses: Doses) -> list[dict[str, Any]]:
    """Returns one row a model and teacher: the estimate beside the truth.

    `own`: of students of one teacher by theirs; of controls by the candidate that they were dealt, or whose text they
    learnt. `said`: by whoever attribution names, or names together with its text, as `lab zoo audit` prints it.
    """
    rows = []
    for name in zoo.subjects:
        m, by_teacher = zoo.tree[name], {e.teacher: e for e in doses.estimates(name)}
        taught = zoo.truth(name)
        own = doses.known.get(name, ("",))[0] or m.same_text_as or (min(taught) if len(taught) == 1 else None)
        said = {*verdicts[name].named, *verdicts[name].either}
        for how, teacher in (*(("own", t) for t in (own,) if t), *(("said", t) for t in sorted(said))):
            found = by_teacher.get(teacher)
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


def over_calibrated(rows: Sequence[Mapping[str, Any]], doses: Doses) -> dict[str, Any]:
    """Returns the same over all models that the curve is made of, and over whatever `lab zoo audit` prints."""
    return {
        "own": _told(r for r in rows if r["how"] == "own" and r["model"] in doses.known),
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
