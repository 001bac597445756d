"""One audit: read the dossier, run the instruments, gather the evidence."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from hydrometer import __version__
from hydrometer.audit import published
from hydrometer.audit.files import TeacherFiles
from hydrometer.audit.questions import TOPICS, answer_question
from hydrometer.instruments import training_cost
from hydrometer.instruments.demand import evidence as demand
from hydrometer.records.audit import Audit, InputFile, Provenance
from hydrometer.store.dossiers import DossierFile, read_compared, read_dossier, read_siblings

_PACKAGES = ("numpy", "scipy", "polars", "pydantic", "matplotlib", "jinja2")


def run_audit(
    dossier_path: Path,
    *,
    teacher: TeacherFiles | None = None,
    identity_file: Path | None = None,
    gain: float | None = None,
    seed: int = 0,
    command: str = "",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Audit:
    """Audits the public record of one model, and its answers where there are some.

    Args:
        dossier_path: the dossier.
        teacher: the model's answers and a panel, to ask who taught it.
        identity_file: its answers to identity questions, to be shown beside what was published.
        gain: in efficiency, in the place of the one that the dossier's comparison implies.
        seed: seed of all random draws; the same seed gives the same numbers.
        command: the command line, kept in the record.
        progress: called with what is done, how much of it, and its total.

    Returns:
        The complete record.

    Raises:
        InputError: if the dossier, a sibling, the answers or the panel cannot be used.
        OutputError: if the panel has no index and none can be written.
    """
    file = read_dossier(dossier_path)
    siblings = read_siblings(file)
    compared = read_compared(file)
    inputs = [_input(f) for f in (file, *siblings, compared) if f is not None]
    # One generator for the ladder alone; the other instruments make their own of the seed, so that one more of them
    # moves no number of another.
    rng = np.random.default_rng(seed)
    evidence = training_cost.measure(file.dossier, [s.dossier for s in siblings], rng=rng)
    if teacher is not None:
        # Reading tables takes long to import: only an audit of answers pays for it.
        from hydrometer.audit.teacher import measure

        found, read = measure(file.dossier.model, teacher, progress=progress)
        evidence.append(found)
        inputs.extend(read)
    wanted = demand.measure(file.dossier, compared.dossier if compared is not None else None, gain=gain, seed=seed)
    if wanted is not None:
        evidence.append(wanted)
    said, also_read = published.gather(file.dossier.model.name, identity_file)
    evidence.extend(said)
    inputs.extend(also_read)
    return Audit(
        schema_version=1,
        hydrometer_version=__version__,
        subject=file.dossier.model.name,
        seed=seed,
        inputs=tuple(inputs),
        questions=tuple(answer_question(topic, evidence) for topic in TOPICS),
        evidence=tuple(evidence),
        dossier=file.dossier,
        provenance=_provenance(command),
    )


def _provenance(command: str) -> Provenance:
    return Provenance(
        created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        command=command,
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        packages={name: metadata.version(name) for name in _PACKAGES},
    )


def _input(file: DossierFile) -> InputFile:
    return InputFile(name=file.path.name, sha256=file.sha256, bytes=file.size)
