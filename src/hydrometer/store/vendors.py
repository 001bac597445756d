"""The list of makers that ships with the package, and what users add to it."""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.records.identity_names import Vendor
from hydrometer.records.identity_panel import IdentityPanel, PanelQuestion, PanelTemplate
from hydrometer.store.files import decode_utf8, read_bytes, shipped

LARGEST_LIST = 1024 * 1024
_LISTS = ("places", "aliases", "models", "families", "cased")
# By hand, 2026-11-25: stricter than difflib's own default of 0.6; not measured.
_CLOSE = 0.8
"""Likeness of two names from which one is taken for a slip of the other."""


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(shipped(name))


@cache
def shipped_vendors() -> tuple[Vendor, ...]:
    """Returns the makers of the shipped list."""
    return tuple(Vendor.model_validate(row) for row in _toml("vendors.toml")["vendors"])


@cache
def places() -> dict[str, tuple[str, ...]]:
    """Returns the names of countries and cities by ISO 3166 code."""
    return {code: tuple(names) for code, names in _toml("places.toml").items()}


def read_vendors(path: Path | None) -> tuple[Vendor, ...]:
    """Returns the shipped makers with those of a file: a known name adds to its entry, a new one is added.

    Args:
        path: TOML in the format of the shipped list (`docs/identity.md`); None for the shipped list alone.

    Raises:
        InputError: one line with the entry and the cure: a key that does not exist, a name that looks like a slip of a
            known one, an alias that already means another maker.
    """
    known = {v.name: v for v in shipped_vendors()}
    if path is None:
        return tuple(known.values())
    text = decode_utf8(read_bytes(path, limit=LARGEST_LIST, what="list of vendors (TOML)"), where=str(path))
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"not TOML: {error}", cure="see docs/identity.md for the format", where=str(path)) from None
    rows = table.get("vendors")
    if not isinstance(rows, list) or set(table) != {"vendors"}:
        raise InputError("no list of vendors", cure="write one [[vendors]] table a maker", where=str(path))
    for number, row in enumerate(rows, start=1):
        vendor = _vendor(row, where=f"{path} vendors[{number}]")
        _refuse_slip(vendor, known, where=f"{path} vendors[{number}].name")
        known[vendor.name] = _joined(known[vendor.name], vendor) if vendor.name in known else vendor
    _refuse_ambiguous(known, path)
    return tuple(known.values())


def _vendor(row: Any, *, where: str) -> Vendor:
    if not isinstance(row, dict):
        raise InputError("not a table", cure="write [[vendors]] above it", where=where)
    for key in row:
        if key not in Vendor.model_fields:
            close = difflib.get_close_matches(key, list(Vendor.model_fields), n=1)
            cure = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(Vendor.model_fields)}"
            raise InputError(f"unknown key '{key}'", cure=cure, where=where)
    try:
        return Vendor.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], cure="see docs/identity.md for the format", where=f"{where}.{place}") from None


def _refuse_slip(vendor: Vendor, known: dict[str, Vendor], *, where: str) -> None:
    if vendor.name in known or vendor.new:
        return
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(vendor.name.casefold(), list(folded), n=1, cutoff=_CLOSE)
    if close:
        raise InputError(
            f"'{vendor.name}' looks like a slip of '{folded[close[0]]}'",
            cure=f"write '{folded[close[0]]}' to add to it, or new = true if another maker is meant",
            where=where,
        )


def _joined(old: Vendor, new: Vendor) -> Vendor:
    lists = {name: tuple(dict.fromkeys((*getattr(old, name), *getattr(new, name)))) for name in _LISTS}
    return old.model_copy(update={"country": new.country or old.country, **lists})


def _refuse_ambiguous(known: dict[str, Vendor], path: Path) -> None:
    owner: dict[str, str] = {}
    for vendor in known.values():
        for name in (vendor.name, *vendor.aliases, *vendor.models):
            other = owner.setdefault(name.casefold(), vendor.name)
            if other != vendor.name:
                raise InputError(
                    f"'{name}' would mean both {other} and {vendor.name}",
                    cure="keep it with one of them",
                    where=str(path),
                )


@cache
def identity_panel() -> IdentityPanel:
    """Returns the common panel of identity questions that ships."""
    table = _toml("identity_panel.toml")
    questions = [
        PanelQuestion(id=row["id"], texts={k: v for k, v in row.items() if k != "id"}) for row in table["questions"]
    ]
    templates = [PanelTemplate.model_validate(row) for row in table["templates"]]
    return IdentityPanel(version=table["version"], questions=tuple(questions), templates=tuple(templates))
