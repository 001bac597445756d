"""Dated list prices of tokens, shipped and of a user, and the figures of the index trap."""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hydrometer.errors import InputError
from hydrometer.records.token_prices import TokenPrice
from hydrometer.store.csv_rows import csv_rows
from hydrometer.store.files import decode_utf8, read_bytes, shipped

# Both by hand, 2026-11-26.
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
    found = []
    for where, fields in csv_rows(text, path, needed=_NEEDED, known=list(TokenPrice.model_fields)):
        found.append(_price({key: value for key, value in fields.items() if value}, where=where))
        if len(found) > _MOST_ROWS:
            raise InputError("too many rows", cure=f"give at most {_MOST_ROWS:,}", where=str(path))
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
