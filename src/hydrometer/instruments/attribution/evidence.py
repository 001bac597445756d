"""The evidence on who taught a model: which answers are the subject's, and what attribution makes of them.

Reading tables takes long to import, so what reads them is imported where an audit has answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hydrometer.errors import InputError, printable
from hydrometer.instruments.attribution import messages
from hydrometer.instruments.instrument import Case, Input, Instrument
from hydrometer.records.attribution import Attribution
from hydrometer.records.evidence import Evidence, InputFile

if TYPE_CHECKING:
    from hydrometer.panel import Panel
    from hydrometer.store.responses import ResponseSet

NAME = "attribution"
# For the reader, by hand, 2026-11-24.
_MOST_NAMED = 12
_LONGEST_NOTE = 400


@dataclass(frozen=True)
class PanelAnswers(Input):
    """A model's answers, and those of a panel of other models to the same prompts.

    Attributes:
        responses: what the subject answered, perhaps beside other models.
        panel: the panel folder.
        candidate: the teachers to ask about; all of the panel's if none is named.
        alpha: rate of false accusations to accept.
        model: the subject's name in the response file, if it is not the dossier's.
    """

    responses: Path
    panel: Path
    candidate: tuple[str, ...] = ()
    # Convention; the smallest p-value that AlpacaEval's 23 to 28 null models support is 0.034 to 0.042.
    alpha: float = 0.05
    model: str | None = None

    @classmethod
    def from_options(cls, values: Mapping[str, Any]) -> Self | None:
        """Returns the files that were named, or None where none was.

        Raises:
            InputError: for answers without a panel, a panel without answers, or a choice without either.
        """
        responses, panel = values["responses"], values["panel"]
        if (responses is None) != (panel is None):
            there, missing = ("--panel", "--responses") if responses is None else ("--responses", "--panel")
            raise InputError(
                f"without {missing} nobody can say who taught the model", cure="give both, or neither", where=there
            )
        if responses is None:
            # An option that does nothing would be believed to have done something.
            idle = {
                "--candidate": values["candidate"],
                "--model": values["model"],
                "--alpha": values["alpha"] != cls.alpha,
            }
            for option, given in idle.items():
                if given:
                    raise InputError(
                        "this needs the model's answers and a panel",
                        cure="give --responses FILE and --panel DIR too",
                        where=option,
                    )
        return super().from_options(values)


def measure(case: Case) -> list[Evidence]:
    """Returns the evidence on who taught a model; none without its answers and a panel.

    Raises:
        InputError: if a file cannot be used, or nobody knows which answers are the subject's.
        OutputError: if an index must be made and cannot be written.
    """
    files = case.find(PanelAnswers)
    if files is None:
        return []
    import polars as pl

    from hydrometer.instruments.attribution.open import open_attributor
    from hydrometer.instruments.attribution.subjects import panel_spelling
    from hydrometer.store.responses import read_responses

    model = case.dossier.model
    attributor = open_attributor(
        files.panel, candidates=files.candidate, alpha=files.alpha, cache=case.cache, progress=case.progress
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
    return [_evidence(model.name, found, notes, _inputs(files, panel, everybody))]


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


def _evidence(subject: str, found: Attribution, notes: Collection[str], inputs: tuple[InputFile, ...]) -> Evidence:
    proposition, alternative = messages.proposition(subject, found)
    best = found.leading
    return Evidence(
        id="teacher",
        instrument=NAME,
        question="teacher",
        proposition=proposition,
        alternative=alternative,
        verdict=found.verdict,
        answer=found.answer,
        how_sure=found.how_sure,
        statistic_name=f"resemblance to {best.name} and the models that it taught" if best is not None else None,
        statistic=found.interval,
        cannot_rule_out=found.cannot_rule_out,
        missing=found.needs,
        warnings=tuple(printable(note, limit=_LONGEST_NOTE) for note in (*notes, *found.warnings)),
        details=found,
        inputs=inputs,
        accuses=True,
    )


def _inputs(files: PanelAnswers, panel: Panel, responses: ResponseSet) -> tuple[InputFile, ...]:
    own = InputFile(name=files.responses.name, sha256=responses.sha256, bytes=files.responses.stat().st_size)
    folder = panel.folder.resolve().name
    return (
        own,
        *(
            InputFile(name=f"{folder}/{name}", sha256=hash_, bytes=(panel.folder / name).stat().st_size)
            for name, hash_ in panel.sha256.items()
        ),
    )


ATTRIBUTION = Instrument(
    name=NAME,
    question="teacher",
    decides=True,
    needs=messages.NEEDS,
    details=(Attribution,),
    measure=measure,
    inputs=PanelAnswers,
)
