"""The question of the teacher: which answers are the subject's, and what attribution makes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import polars as pl

from hydrometer.audit.files import TeacherFiles
from hydrometer.errors import InputError, printable
from hydrometer.instruments.attribution import open_attributor, panel_spelling
from hydrometer.panel import Panel
from hydrometer.records.attribution import Attribution
from hydrometer.records.attribution_words import answer, how_sure, leading_candidate
from hydrometer.records.audit import InputFile
from hydrometer.records.dossier import Model
from hydrometer.records.evidence import Evidence
from hydrometer.store.responses import ResponseSet, read_responses

# For the reader, by hand, 2026-11-24.
_MOST_NAMED = 12
_LONGEST_NOTE = 400


def measure(
    model: Model, files: TeacherFiles, *, progress: Callable[[str, int, int], None]
) -> tuple[Evidence, tuple[InputFile, ...]]:
    """Returns the evidence on who taught a model, and the files that it rests on.

    Args:
        model: the subject, as the dossier names it.
        files: its answers and the panel.
        progress: called while the panel is indexed, if it must be.

    Raises:
        InputError: if a file cannot be used, or nobody knows which answers are the subject's.
        OutputError: if an index must be made and cannot be written.
    """
    attributor = open_attributor(
        files.panel, candidates=files.candidates, alpha=files.alpha, cache=files.cache, progress=progress
    )
    panel = attributor.panel
    everybody = read_responses(files.responses, probes=panel.probes, model=files.model)
    name = _subject(everybody, wanted=files.model, dossier=model.name)
    mine = replace(everybody, frame=everybody.frame.filter(pl.col("model") == name))
    maker = panel_spelling(model.developer, panel)
    found = next(attributor.run(mine, developer=maker, released=model.released))
    notes = [f"in the file of answers: {note}" for note in everybody.warnings]
    notes += [f"in the panel: {note}" for note in panel.warnings]
    if maker is None and panel.lineage_of(name).developer is None:
        notes.insert(
            0,
            f"lineage.csv knows no developer “{model.developer}”: if the panel holds models of the same maker under "
            "another name, they were judged as a stranger's",
        )
    if _key(name) != _key(model.name):
        notes.insert(0, f"the answers are those of “{name}” in the file; the dossier is about “{model.name}”")
    return _evidence(model.name, found, notes), _inputs(files, panel, everybody)


def _subject(responses: ResponseSet, *, wanted: str | None, dossier: str) -> str:
    """Returns which model of a response file is the subject."""
    names = responses.frame["model"].unique().sort().to_list()
    if wanted is None and len(names) == 1:
        return str(names[0])
    asked = wanted or dossier
    if asked in names:
        return asked
    alike = [name for name in names if _key(name) == _key(asked)]
    if len(alike) == 1:
        return str(alike[0])
    listed = ", ".join(printable(name, limit=60) for name in names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    which = "more than one model is" if alike else "no model is"
    raise InputError(
        f"{which} called '{printable(asked, limit=60)}'",
        cure=f"name the subject with --model: {listed}{more}",
        where=str(responses.path),
    )


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in " -_")


def _evidence(subject: str, found: Attribution, notes: Collection[str]) -> Evidence:
    judged = [c for c in found.candidates if c.statistic is not None] or found.candidates
    one = len(judged) == 1
    best = leading_candidate(found)
    return Evidence(
        id="teacher",
        instrument="attribution",
        question="teacher",
        proposition=(
            f"{judged[0].name} taught {subject}." if one else f"One of {len(judged)} candidates taught {subject}."
        ),
        alternative=(
            f"{subject} learnt from {'another source' if one else 'none of them'}; its answers resemble "
            f"{'the candidate' if one else 'the candidates'} only as those of untaught models do."
        ),
        verdict=found.verdict,
        answer=answer(found),
        how_sure=how_sure(found),
        statistic_name=f"resemblance to {best.name} and the models that it taught" if best is not None else None,
        statistic=found.interval,
        cannot_rule_out=found.cannot_rule_out,
        missing=found.needs,
        warnings=tuple(printable(note, limit=_LONGEST_NOTE) for note in (*notes, *found.warnings)),
        details=found,
    )


def _inputs(files: TeacherFiles, panel: Panel, responses: ResponseSet) -> tuple[InputFile, ...]:
    own = InputFile(name=files.responses.name, sha256=responses.sha256, bytes=files.responses.stat().st_size)
    folder = panel.folder.resolve().name
    return (
        own,
        *(
            InputFile(name=f"{folder}/{name}", sha256=hash_, bytes=(panel.folder / name).stat().st_size)
            for name, hash_ in panel.sha256.items()
        ),
    )
