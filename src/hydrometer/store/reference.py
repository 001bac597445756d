"""The tables that ship with the package, read and checked once."""

from __future__ import annotations

import csv
import difflib
import re
import tomllib
from functools import cache

from pydantic import TypeAdapter

from hydrometer.errors import InputError
from hydrometer.records.evidence import OperatingPoint
from hydrometer.records.identity import JudgePoint
from hydrometer.records.published import PublishedIdentity, PublishedSimilarity
from hydrometer.records.reference import Accelerator, DefaultPrior, MachineRow, ReferenceRun
from hydrometer.store.files import shipped


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """Returns every accelerator of the table."""
    rows = tomllib.loads(shipped("accelerators.toml"))["accelerators"]
    return tuple(Accelerator.model_validate(row) for row in rows)


@cache
def reference_runs() -> tuple[ReferenceRun, ...]:
    """Returns the published pre-training runs whose hours are known."""
    rows = list(csv.DictReader(shipped("reference_runs.csv").splitlines()))
    return tuple(TypeAdapter(list[ReferenceRun]).validate_python(rows, strict=False))


@cache
def machines() -> dict[str, MachineRow]:
    """Returns memory, links and kernel shares of the accelerators that can be planned with, by name."""
    rows = list(csv.DictReader(shipped("machines.csv").splitlines()))
    return {row.accelerator: row for row in TypeAdapter(list[MachineRow]).validate_python(rows, strict=False)}


@cache
def default_priors() -> dict[str, DefaultPrior]:
    """Returns the stated beliefs used where a dossier has none, by name."""
    rows = tomllib.loads(shipped("priors.toml"))["priors"]
    return {row["name"]: DefaultPrior.model_validate(row) for row in rows}


@cache
def claim_checking_operating_point() -> OperatingPoint:
    """Returns the measured error rates of claim checking (`bench/claims.py` writes them)."""
    return OperatingPoint.model_validate_json(shipped("claim_checking_operating_point.json"))


@cache
def published_identity() -> tuple[PublishedIdentity, ...]:
    """Returns the published counts of identity consistency."""
    rows = list(csv.DictReader(shipped("published_identity.csv").splitlines()))
    return tuple(TypeAdapter(list[PublishedIdentity]).validate_python(rows, strict=False))


@cache
def published_similarity() -> tuple[PublishedSimilarity, ...]:
    """Returns the published ratings of response similarity."""
    rows = list(csv.DictReader(shipped("published_similarity.csv").splitlines()))
    return tuple(TypeAdapter(list[PublishedSimilarity]).validate_python(rows, strict=False))


@cache
def identity_judge_points() -> tuple[JudgePoint, ...]:
    """Returns the measured errors of the judges of identity (`bench/identity.py` writes them)."""
    return tuple(TypeAdapter(list[JudgePoint]).validate_json(shipped("identity_judge_points.json")))


_NOISE = re.compile(
    r"nvidia|amd|instinct|google|cloud|huawei|aws|tesla|tensorcore|gpus?$|accelerators?$|sxm\d?|oam|hbm\d?e?|nvl\d+"
    r"|(?<=[a-z0-9])(?:32|40|64|80|94|96|120|141|144|180|186|192|256|288)gi?b$"
)
"""Words of form, maker and memory around a chip's name, dropped where the full name is not known."""


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("nvidia", ""))


@cache
def _accelerators_by_key() -> dict[str, Accelerator]:
    return {_key(name): chip for chip in accelerators() for name in (chip.name, *chip.aliases)}


def find_accelerator(name: str, *, where: str = "") -> Accelerator:
    """Returns the accelerator of this name; case, blanks and hyphens do not matter.

    Raises:
        InputError: if there is none; the cure names the nearest.
    """
    for key in (_key(name), _NOISE.sub("", _key(name))):
        if key in _accelerators_by_key():
            return _accelerators_by_key()[key]
    close = difflib.get_close_matches(_key(name), list(_accelerators_by_key()), n=1, cutoff=0.5)
    known = ", ".join(chip.name for chip in accelerators())
    cure = f"did you mean '{_accelerators_by_key()[close[0]].name}'?" if close else f"known: {known}"
    raise InputError(f"unknown accelerator '{name[:60]}'", cure=cure, where=where)
