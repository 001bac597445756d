"""Published figures on identity and similarity, beside what was newly measured."""

from __future__ import annotations

from pathlib import Path

from hydrometer.errors import InputError, printable
from hydrometer.instruments.identity import published as identity
from hydrometer.instruments.similarity import published as similarity
from hydrometer.records.audit import InputFile
from hydrometer.records.evidence import Evidence
from hydrometer.records.identity import Identity


def gather(model: str, identity_file: Path | None) -> tuple[list[Evidence], list[InputFile]]:
    """Returns the evidence on what a model says of itself and whom it answers like, and the files it rests on.

    Args:
        model: the subject, as the dossier names it.
        identity_file: its answers to identity questions, if there are any.

    Raises:
        InputError: if the file cannot be used, or does not hold the subject's answers.
    """
    measured, inputs = (None, []) if identity_file is None else _measure(model, identity_file)
    found = (identity.evidence(model, measured), similarity.evidence(model))
    return [e for e in found if e is not None], inputs


def _measure(model: str, path: Path) -> tuple[Identity, list[InputFile]]:
    # Reading tables takes long to import: only an audit of answers pays for it.
    from hydrometer.instruments.identity.run import default_names, find_makers, judge_rows, summarise
    from hydrometer.store.identity_rows import read_identity_rows

    rows = read_identity_rows(path)
    names = default_names()
    models = rows.frame["model"].unique(maintain_order=True).to_list()
    mine = [m for m in models if identity.key(m) == identity.key(model)] if len(models) > 1 else models
    if len(mine) != 1:
        listed = ", ".join(printable(m, limit=60) for m in models[:12])
        raise InputError(
            f"no model is called '{printable(model, limit=60)}'", cure=f"in the file: {listed}", where=str(path)
        )
    judged = judge_rows(rows, names=names, makers=find_makers(models, {}, names=names))
    found = next(i for i in summarise(judged) if i.model == mine[0])
    return found, [InputFile(name=path.name, sha256=rows.sha256, bytes=path.stat().st_size)]
