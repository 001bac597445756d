"""Dated list prices of tokens, shipped and of a user, and the figures of the index trap."""

from __future__ import annotations

import csv
import io
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hydrometer.errors import InputError, printable
from hydrometer.records.dossier import nearest
from hydrometer.records.token_prices import TokenPrice
from hydrometer.store.files import decode_utf8, read_bytes, shipped

_LARGEST_FILE = 1024 * 1024
_MOST_ROWS = 10_000
_NEEDED = ("date", "model", "input_usd", "output_usd")


@cache
def shipped_token_prices() -> tuple[TokenPrice, ...]:
    """Returns the shipped prices (data/token_prices.csv), by date."""
    rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(shipped("token_prices.csv").splitlines())]
    return tuple(sorted(TypeAdapter(list[TokenPrice]).validate_python(rows, strict=False), key=lambda p: p.date))


@cache
def index_trap() -> dict[str, Any]:
    """Returns the volume and the declines of data/index_trap.toml."""
    return tomllib.loads(shipped("index_trap.toml"))


def read_token_prices(path: Path) -> tuple[TokenPrice, ...]:
    """Reads a user's dated list prices, by date.

    Args:
        path: a CSV; needed: `date, model, input_usd, output_usd` (USD for a million tokens). Optional: `cached_usd,
            provider, peak_factor, peak_hours, benchmark, score, score_source, date_basis, source, note`.

    Raises:
        InputError: naming file, row and cure. A price without a date is refused: prices age.
    """
    text = decode_utf8(read_bytes(path, limit=_LARGEST_FILE, what="CSV of token prices"), where=str(path))
    known = list(TokenPrice.model_fields)
    found = []
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        names = [(name or "").strip().lower() for name in (reader.fieldnames or [])]
        for name in _NEEDED:
            if name not in names:
                why = "prices age, so one without a date cannot be used" if name == "date" else "it is needed"
                raise InputError(f"no column '{name}'", cure=f"add it: {why}", where=str(path))
        for name in names:
            if name not in known:
                raise InputError(f"unknown column '{printable(name, limit=40)}'", cure=nearest(name, known),
                                 where=str(path))  # fmt: skip
        reader.fieldnames = names
        for fields in reader:
            where = f"{path}:{reader.line_num}"
            if None in fields or None in fields.values():
                raise InputError("the row has another number of fields than the header", cure="correct it", where=where)
            found.append(_price({k: v.strip() for k, v in fields.items() if v.strip()}, where=where))
            if len(found) > _MOST_ROWS:
                raise InputError("too many rows", cure=f"give at most {_MOST_ROWS:,}", where=str(path))
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", cure="correct the file", where=str(path)) from None
    if not found:
        raise InputError("no prices in this file", cure="add rows: see docs/demand.md", where=str(path))
    return tuple(sorted(found, key=lambda p: p.date))


def _price(row: dict[str, str], *, where: str) -> TokenPrice:
    if "date" not in row:
        raise InputError("no date", cure="add it: prices age, so one without a date cannot be used", where=where)
    try:
        return TokenPrice.model_validate({"source": "your file", **row}, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        cure = "write 2026-03-31" if place == "date" else "give USD for a million tokens, as 0.55"
        raise InputError(f"{place}: {first['msg']}", cure=cure, where=where) from None
