"""Audits models whose teachers are known: is the right one named, and is who was taught by nobody cleared?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.instruments.attribution.open import open_attributor
from hydrometer.known_cases.dose import DoseEstimate, open_doses
from hydrometer.lab.zoo_panel import CASES, Listed, read_tree
from hydrometer.panel.folder import RESPONSES
from hydrometer.records.attribution import Attribution
from hydrometer.records.base import Record
from hydrometer.store.responses import read_responses


class KnownCase(Record):
    """What attribution says of a model, beside the truth."""

    subject: str
    role: str
    taught_by: tuple[str, ...]
    dose: float
    method: str
    note: str
    same_text_as: str | None
    """Of a hard control: the teacher whose own human text it learnt."""
    attributed: tuple[str, ...]
    verdict: str
    withheld: str | None
    """Why nobody is named although a candidate passes."""
    pvalues: dict[str, float]
    or_its_text: tuple[str, ...]
    """Whoever it resembles as a student, or as a model of the same human text would: the two cannot be told apart."""
    right: bool
    """Whether what is said is true: of a student that a teacher of it, direct or not, or that teacher's human text
    taught it, and nobody else; of a hard control nothing, or that its teacher's text did; of others nothing."""
    false_positive_rate: float | None
    dose_estimates: tuple[DoseEstimate, ...] = ()
    """By candidate, each supposing that this one taught it; valid for the lab's models only."""


def _nothing(what: str, done: int, total: int) -> None:
    pass


def audit_zoo(
    folder: Path, *, models: Sequence[str] = (), alpha: float = 0.05, cache: Path | None = None,
    progress: Callable[[str, int, int], None] = _nothing,
) -> list[KnownCase]:  # fmt: skip
    """Judges models of a zoo as if their teachers were unknown.

    Args:
        folder: the zoo's panel.
        models: names; all but the teachers if there is none.
        alpha: rate of false accusations.
        cache: where the panel's index goes if the folder cannot be written.
        progress: called while an index is made.

    Raises:
        InputError: if a name is not of the zoo, or the panel cannot support the level.
    """
    tree = {m.name: m for m in read_tree(folder)}
    for name in models:
        if name not in tree:
            raise InputError(f"no model '{name}' in the zoo", cure="see `hydrometer lab zoo list`", where=str(folder))
    wanted = [tree[n] for n in models] or [m for m in tree.values() if m.role != "teacher"]
    attributor = open_attributor(folder, alpha=alpha, cache=cache, progress=progress)
    doses = open_doses(folder, tree.values())
    found: dict[str, KnownCase] = {}
    for kind, name in (("panel", RESPONSES), ("cases", CASES)):
        names = [m.name for m in wanted if m.answers == kind]
        if not names:
            continue
        answers = read_responses(folder / name, probes=attributor.panel.probes)
        some = dataclasses.replace(answers, frame=answers.frame.filter(answers.frame["model"].is_in(names)))
        for one in attributor.run(some):
            found[one.subject] = known_case(tree, tree[one.subject], one, doses.estimates(one.subject))
    return [found[m.name] for m in wanted if m.name in found]


def teachers_of(tree: Mapping[str, Listed], name: str) -> set[str]:
    """Returns the documented teachers of a model, theirs, and so on; none of a model that nobody taught."""
    direct = set(tree[name].taught_by) if name in tree else set()
    return direct | {t for d in direct for t in teachers_of(tree, d)}


def known_case(
    tree: Mapping[str, Listed], me: Listed, result: Attribution, doses: tuple[DoseEstimate, ...] = ()
) -> KnownCase:
    """Returns what was found of a model, beside what is known of it.

    Args:
        tree: the zoo's models by name.
        me: the model.
        result: what attribution says.
        doses: estimates from its recorded answers.
    """
    attributed = tuple(result.attributed)
    true = teachers_of(tree, me.name)
    # Of several that pass the first is the likest; what is withheld is its name.
    either = tuple(result.also_resembles[:1]) if result.withheld == "shared_text" else ()
    said = {*attributed, *either}
    allowed = true | ({me.same_text_as} if me.same_text_as and not attributed else set())
    # A hard control may be said to have learnt its teacher's text, never to have learnt from the teacher.
    right = said <= allowed and (bool(said) or not true)
    return KnownCase(
        subject=me.name, role=me.role, taught_by=me.taught_by, dose=me.dose, method=me.method, note=me.note,
        same_text_as=me.same_text_as, attributed=attributed, verdict=str(result.verdict.value),
        withheld=result.withheld,
        pvalues={c.name: c.pvalue for c in result.candidates if c.pvalue is not None},
        or_its_text=either, right=right, false_positive_rate=result.false_positive_rate,
        dose_estimates=doses,
    )  # fmt: skip
