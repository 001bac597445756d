"""A statistic that does not ship: how much likelier a teacher's words are than the plain controls'. See lab.py."""

from __future__ import annotations

from hydrometer.known_cases.dose import Doses
from lab_zoo import ALPHA, Zoo, by_text, hard


def named_by_words(zoo: Zoo, doses: Doses) -> dict[str, dict[str, tuple[int, int]]]:
    """Returns by group how many lie beyond the plain controls at 5 %, with their own teacher and with other teachers.

    Of controls `own` is every teacher, of hard controls the one whose text they learnt.
    """
    controls = doses.controls

    def beyond(name: str, teacher: str) -> bool:
        mine, null = doses.log_ratio(name, teacher), [doses.log_ratio(c, teacher) for c in controls if c != name]
        return (1 + sum(x >= mine for x in null)) / (1 + len(null)) <= ALPHA

    found: dict[str, dict[str, tuple[int, int]]] = {}
    for name in [*controls, *hard(zoo), *by_text(zoo)]:
        text = zoo.tree[name].same_text_as
        own = {text} if text else zoo.truth(name) or set(zoo.teachers)
        row = found.setdefault(zoo.group(name), {"own": (0, 0), "other": (0, 0)})
        for teacher in zoo.teachers:
            key = "own" if teacher in own else "other"
            hits, n = row[key]
            row[key] = (hits + beyond(name, teacher), n + 1)
    return found
