"""The record of an audit as it is written to disk, and read back with the details of every instrument."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.instruments.all import INSTRUMENTS
from hydrometer.instruments.instrument import kind_of
from hydrometer.records.audit import Audit
from hydrometer.store.audits import read_record

_KINDS = {kind_of(details): details for instrument in INSTRUMENTS.values() for details in instrument.details}


def audit_json(audit: Audit) -> str:
    """Returns the record as it is written to `audit.json`."""
    return audit.model_dump_json(indent=1) + "\n"


def parse_audit(content: bytes | str) -> Audit:
    """Returns the audit that a record holds.

    Raises:
        pydantic.ValidationError: if it is not one of this schema version.
    """
    return Audit.model_validate_json(content, context={"details": _KINDS})


def read_audit(folder: Path) -> Audit:
    """Reads the record of an audit folder.

    Raises:
        InputError: if there is none, or it is not of a known schema version.
    """
    path, content = read_record(folder)
    try:
        return parse_audit(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"not an audit record of this version: {first['msg']}",
            cure="write it again with `hydrometer audit`",
            where=f"{path} {place}".rstrip(),
        ) from None
