"""One audit: read the dossier, ask every instrument, gather the evidence."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from hydrometer.audit.questions import TOPICS, answer_question
from hydrometer.instruments.all import INSTRUMENTS
from hydrometer.instruments.instrument import Case, Input, Progress, silent
from hydrometer.records.audit import Audit, Provenance
from hydrometer.records.evidence import InputFile
from hydrometer.store.dossiers import DossierFile, read_compared, read_dossier, read_siblings
from hydrometer.version import __version__

_PACKAGES = ("numpy", "scipy", "polars", "pydantic", "matplotlib", "jinja2")


def inputs_from_options(values: Mapping[str, Any]) -> list[Input]:
    """Returns what the options of a command line give the instruments.

    Args:
        values: of all options, by name.

    Raises:
        InputError: if an option lacks another that it needs.
    """
    kinds = [i.inputs for i in INSTRUMENTS.values() if i.inputs is not None]
    return [found for kind in kinds if (found := kind.from_options(values)) is not None]


def run_audit(
    dossier: Path,
    *given: Input,
    seed: int = 0,
    command: str = "",
    cache: Path | None = None,
    progress: Progress = silent,
) -> Audit:
    """Audits the public record of one model, and its answers where there are some.

    Args:
        dossier: what was published about the model: a TOML file.
        given: what instruments take beside it, as `PanelAnswers`, `IdentityAnswers` or `StatedGain`.
        seed: seed of all random draws; the same seed gives the same numbers.
        command: the command line, kept in the record.
        cache: folder for a panel's index that cannot be written beside the panel.
        progress: called with what is done, how much of it, and its total.

    Returns:
        The complete record.

    Raises:
        InputError: if the dossier, a sibling, the answers or the panel cannot be used.
        OutputError: if the panel has no index and none can be written.
    """
    file = read_dossier(dossier)
    siblings, compared = read_siblings(file), read_compared(file)
    case = Case(
        dossier=file.dossier,
        siblings=tuple(s.dossier for s in siblings),
        compared=compared.dossier if compared is not None else None,
        given=given,
        seed=seed,
        cache=cache,
        progress=progress,
    )
    # Each instrument makes its own generator of the seed, so that one more of them changes no number of another.
    evidence = [found for instrument in INSTRUMENTS.values() for found in instrument.measure(case)]
    dossiers = [_input(f) for f in (file, *siblings, compared) if f is not None]
    return Audit(
        schema_version=2,
        hydrometer_version=__version__,
        subject=file.dossier.model.name,
        seed=seed,
        inputs=tuple(dict.fromkeys([*dossiers, *(read for e in evidence for read in e.inputs)])),
        questions=tuple(answer_question(topic, evidence, INSTRUMENTS) for topic in TOPICS),
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
