"""Price quotes, exchange rates and electricity: the shipped tables, and a user's own price file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hydrometer.errors import InputError
from hydrometer.records.dossier import nearest
from hydrometer.records.prices import Electricity, ExchangeRate, PriceModel, PriceQuote
from hydrometer.store.files import decode_utf8, read_bytes, shipped
from hydrometer.store.reference import find_accelerator

# By hand, 2026-11-25; the model solves a matrix of all quotes, 5,000 squared being 200 MB.
LARGEST_PRICE_FILE = 1024 * 1024
_MOST_QUOTES = 5000
_EARLIEST, _LATEST = dt.date(2010, 1, 1), dt.date(2100, 1, 1)
_NEEDED = ("accelerator", "contract", "date")
_PRICE_KEYS = ("usd_per_hour", "price_per_hour")
_ALLOWED = {*_NEEDED, *_PRICE_KEYS, "currency", "region", "seller", "tier", "source"}
_CONTRACTS = {
    "ondemand": "on_demand",
    "spot": "spot",
    "preemptible": "spot",
    "1year": "1_year",
    "1yr": "1_year",
    "oneyear": "1_year",
    "3year": "3_year",
    "3yr": "3_year",
    "threeyear": "3_year",
    "own": "own",
    "owned": "own",
}


@cache
def price_quotes() -> tuple[PriceQuote, ...]:
    """Returns the shipped quotes, sorted by accelerator and date."""
    rows = list(csv.DictReader(shipped("prices.csv").splitlines()))
    return tuple(TypeAdapter(list[PriceQuote]).validate_python(rows, strict=False))


@cache
def last_price_date() -> dt.date:
    """Returns the day of the newest shipped quote: what is priced on it is the same tomorrow."""
    return max(quote.date for quote in price_quotes())


@cache
def price_model() -> PriceModel:
    """Returns the fitted variances of the shipped quotes."""
    return PriceModel.model_validate(tomllib.loads(shipped("price_model.toml")), strict=False)


@cache
def exchange_rates() -> tuple[ExchangeRate, ...]:
    """Returns the shipped yearly exchange rates."""
    rows = list(csv.DictReader(shipped("exchange_rates.csv").splitlines()))
    return tuple(TypeAdapter(list[ExchangeRate]).validate_python(rows, strict=False))


@cache
def electricity() -> tuple[Electricity, ...]:
    """Returns the shipped grids, each with its year."""
    rows = list(csv.DictReader(shipped("electricity.csv").splitlines()))
    return tuple(TypeAdapter(list[Electricity]).validate_python(rows, strict=False))


@cache
def ownership_defaults() -> dict[str, dict[str, float]]:
    """Returns what a cluster's owner pays beside the servers, by kind of owner."""
    return tomllib.loads(shipped("ownership.toml"))


def find_contract(name: str, *, where: str = "") -> str:
    """Returns the contract type of this name; case, blanks and hyphens do not matter.

    Raises:
        InputError: if there is none; the cure names the known ones.
    """
    found = _CONTRACTS.get("".join(c for c in name.lower() if c.isalnum()))
    if found is None:
        cure = nearest(name, ("on_demand", "spot", "1_year", "3_year", "own"))
        raise InputError(f"unknown contract '{name[:40]}'", cure=cure, where=where)
    return found


def usd_per_unit(currency: str, *, date: dt.date, where: str = "") -> float:
    """Returns what one unit of a currency was worth in the year of a date, in USD.

    The nearest year of the table stands in for one that it lacks, at most 3 years away.

    Raises:
        InputError: for a currency, or a year, that the table does not reach.
    """
    code = currency.strip().upper()
    if code == "USD":
        return 1.0
    rates = [rate for rate in exchange_rates() if rate.currency == code]
    if not rates:
        known = ", ".join(sorted({"USD", *(rate.currency for rate in exchange_rates())}))
        raise InputError(f"no exchange rate for '{currency[:10]}'", cure=f"give USD, or one of {known}", where=where)
    rate = min(rates, key=lambda rate: abs(rate.year - date.year))
    # By hand, 2026-11-25: an older rate would be a guess.
    if abs(rate.year - date.year) > 3:
        raise InputError(f"no exchange rate of {code} near {date.year}", cure="give the price in USD", where=where)
    return rate.usd


def read_price_file(path: Path) -> tuple[PriceQuote, ...]:
    """Reads a user's own prices: TOML with `[[prices]]`, or CSV with a header.

    Args:
        path: rows need `accelerator`, `contract`, `date` and `usd_per_hour` (or `price_per_hour` with `currency`);
            `region`, `seller`, `tier` and `source` are optional.

    Returns:
        The quotes, in the file's order.

    Raises:
        InputError: naming the file and the row. A price without a date is refused: prices age.
    """
    content = decode_utf8(read_bytes(path, limit=LARGEST_PRICE_FILE, what="price file (TOML or CSV)"), where=str(path))
    rows = list(_toml_rows(content, path) if path.suffix.lower() == ".toml" else _csv_rows(content, path))
    if not rows:
        raise InputError("no prices in this file", cure="add rows: see docs/prices.md", where=str(path))
    if len(rows) > _MOST_QUOTES:
        raise InputError(f"{len(rows):,} rows", cure=f"give at most {_MOST_QUOTES:,}", where=str(path))
    return tuple(_quote(row, where=where) for where, row in rows)


def _toml_rows(content: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        data = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"not TOML ({error})", cure="correct the line, or give a .csv", where=str(path)) from None
    rows = data.get("prices")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("no [[prices]] tables", cure="begin every price with a line [[prices]]", where=str(path))
    for number, row in enumerate(rows, start=1):
        yield f"{path} prices[{number}]", row


def _csv_rows(content: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(content), strict=True)
        names = [(name or "").strip() for name in (reader.fieldnames or [])]
        if "date" not in names:
            raise InputError(
                "no column 'date': a price without a date cannot be used",
                cure=f"add a date to every price; columns needed: {', '.join(_NEEDED)}, usd_per_hour",
                where=str(path),
            )
        reader.fieldnames = names
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise InputError("the row has another number of fields than the header", cure="correct it", where=where)
            yield where, {key: value.strip() for key, value in row.items() if value.strip()}
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", cure="correct the file", where=str(path)) from None


def _quote(row: Mapping[str, Any], *, where: str) -> PriceQuote:
    for key in row:
        if key not in _ALLOWED:
            raise InputError(f"unknown key '{str(key)[:40]}'", cure=nearest(str(key), sorted(_ALLOWED)), where=where)
    for key in _NEEDED:
        if row.get(key) in (None, ""):
            why = "prices age, so one without a date cannot be used" if key == "date" else "it is needed"
            raise InputError(f"no '{key}'", cure=f"add it: {why}", where=where)
    date = _date(row["date"], where=where)
    price = next((row[key] for key in _PRICE_KEYS if row.get(key) not in (None, "")), None)
    if price is None:
        raise InputError("no 'usd_per_hour'", cure="add the price of one accelerator-hour", where=where)
    if "usd_per_hour" in row and str(row.get("currency", "USD")).upper() != "USD":
        raise InputError("usd_per_hour with another currency", cure="call it price_per_hour", where=where)
    usd = _number(price, where=where) * usd_per_unit(str(row.get("currency", "USD")), date=date, where=where)
    values = {
        "accelerator": find_accelerator(str(row["accelerator"]), where=where).name,
        "contract": find_contract(str(row["contract"]), where=where),
        "date": date,
        "usd_per_hour": usd,
        "seller": str(row.get("seller", "your file")),
        "region": str(row.get("region", "any")).lower(),
        "tier": str(row.get("tier", "neocloud")).lower(),
        "source": str(row.get("source", "your file")),
        "grade": "user",
    }
    try:
        return PriceQuote.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}", cure="correct the value", where=where) from None


def _number(value: object, *, where: str) -> float:
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or not 0 < number < 1e9:
        raise InputError(f"'{str(value)[:40]}' is not a price", cure="give a positive number", where=where)
    return number


def _date(value: object, *, where: str) -> dt.date:
    found: object = value
    if isinstance(value, dt.datetime):
        found = value.date()
    elif isinstance(value, str):
        try:
            found = dt.date.fromisoformat(f"{value}-15" if len(value) == 7 else value)
        except ValueError:
            raise InputError(f"'{value[:40]}' is not a date", cure="write 2026-03-31", where=where) from None
    if not isinstance(found, dt.date) or not _EARLIEST <= found < _LATEST:
        raise InputError(f"'{str(value)[:40]}' is not a date of a price", cure="write 2026-03-31", where=where)
    return found
