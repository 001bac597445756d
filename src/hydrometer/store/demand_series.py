"""A user's series of prices and quantities, and the shipped price changes."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from hydrometer.errors import InputError, printable
from hydrometer.records.demand_data import PublishedEvent
from hydrometer.store.csv_rows import csv_rows
from hydrometer.store.files import decode_utf8, read_bytes, sha256, shipped

# By hand, 2026-11-26: a hundred models by the day for five years.
LARGEST_SERIES = 16 * 1024 * 1024
_MOST_ROWS = 200_000
_NEEDED = ("date", "price", "quantity")
_OPTIONAL = ("model", "vendor", "event", "effective_price", "platform", "launched", "rationed")
# Dates outside are slips of a digit.
_EARLIEST, _LATEST = dt.date(2010, 1, 1), dt.date(2100, 1, 1)
_NO = {"", "0", "no", "false", "none", "-"}


@dataclass(frozen=True)
class SeriesRow:
    """One model on one date.

    Attributes:
        date: day, or the first of the month where only a month is reported.
        model: name, or an empty text where the file has one series.
        vendor: who sells it, or an empty text.
        price: list price, as reported.
        effective_price: what was paid on average, if reported.
        quantity: tokens or requests.
        platform: quantity of the whole platform or market, if reported.
        launched: when the model came out, if reported.
        event: whether a price change was announced here.
        rationed: whether the quantity was capped by supply.
    """

    date: dt.date
    model: str
    vendor: str
    price: float
    effective_price: float | None
    quantity: float
    platform: float | None
    launched: dt.date | None
    event: bool
    rationed: bool


@dataclass(frozen=True)
class Series:
    """A file of rows, sorted by model and date.

    Attributes:
        rows: the rows.
        columns: which optional columns the file has.
        name: of the file.
        sha256: of its content.
    """

    rows: tuple[SeriesRow, ...]
    columns: frozenset[str]
    name: str
    sha256: str


@cache
def shipped_events() -> tuple[PublishedEvent, ...]:
    """Returns the shipped price changes (data/price_events.csv), each with its source."""
    rows = [
        {key: value for key, value in row.items() if value != ""}
        for row in csv.DictReader(shipped("price_events.csv").splitlines())
    ]
    return tuple(TypeAdapter(list[PublishedEvent]).validate_python(rows, strict=False))


def read_series(path: Path) -> Series:
    """Reads a CSV of dates, prices and quantities.

    Args:
        path: a file with a header; needed: `date`, `price`, `quantity`. Optional: `model`, `vendor`, `event` (marks an
            announced price change), `effective_price` (what was paid on average), `platform` (quantity of the whole
            market), `launched` (date), `rationed` (the quantity was capped).

    Raises:
        InputError: naming file, row and cure.
    """
    content = read_bytes(path, limit=LARGEST_SERIES, what="CSV of dates, prices and quantities")
    text = decode_utf8(content, where=str(path))
    rows, seen, columns = [], set(), frozenset[str]()
    for where, fields in csv_rows(text, path, needed=_NEEDED, known=(*_NEEDED, *_OPTIONAL)):
        columns = frozenset(fields)
        row = _row(fields, where=where)
        if (row.model, row.date) in seen:
            of = f" of '{printable(row.model, limit=60)}'" if row.model else ""
            cure = "give one row a model and date" if row.model else "add a column 'model', or one row a date"
            raise InputError(f"{row.date}{of} is there twice", cure=cure, where=where)
        seen.add((row.model, row.date))
        rows.append(row)
        if len(rows) > _MOST_ROWS:
            raise InputError(f"more than {_MOST_ROWS:,} rows", cure="give days or weeks, not requests", where=str(path))
    if len(rows) < 3:
        raise InputError(
            f"{len(rows)} row{'s' if len(rows) != 1 else ''}: no elasticity can be seen",
            cure="give at least three dates, better two weeks before and after a price change",
            where=str(path),
        )
    rows.sort(key=lambda row: (row.model, row.date))
    return Series(tuple(rows), columns & set(_OPTIONAL), path.name, sha256(content))


def _row(fields: Mapping[str, str], *, where: str) -> SeriesRow:
    return SeriesRow(
        date=_date(fields["date"], "date", where=where),
        model=fields.get("model", "")[:200],
        vendor=fields.get("vendor", "")[:200],
        price=_positive(fields["price"], "price", where=where),
        effective_price=_maybe(fields.get("effective_price", ""), "effective_price", where=where),
        quantity=_positive(fields["quantity"], "quantity", where=where),
        platform=_maybe(fields.get("platform", ""), "platform", where=where),
        launched=_date(fields["launched"], "launched", where=where) if fields.get("launched") else None,
        event=fields.get("event", "").lower() not in _NO,
        rationed=fields.get("rationed", "").lower() not in _NO,
    )


def _maybe(text: str, name: str, *, where: str) -> float | None:
    return _positive(text, name, where=where) if text else None


def _positive(text: str, name: str, *, where: str) -> float:
    try:
        number = float(text)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} '{text[:40]}' is not a number", cure="give numbers like 0.55", where=where)
    # Logarithms and squares of it must stay numbers.
    if not 0 < number < 1e30:
        cure = "elasticities need logarithms: leave out rows that are free or empty" if number == 0 else "correct it"
        raise InputError(f"{name} {text[:40]} is not positive", cure=cure, where=where)
    return number


def _date(text: str, name: str, *, where: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        what = "missing" if not text else f"'{text[:40]}' is not a date"
        raise InputError(f"{name} {what}", cure="write 2026-03-31, or 2026-03 for a month", where=where) from None
    if not _EARLIEST <= found < _LATEST:
        raise InputError(f"{name} {found} is out of range", cure="write 2026-03-31", where=where)
    return found
