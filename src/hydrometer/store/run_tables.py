"""Reads tables of training runs: CSV with this project's columns, or with Epoch-like ones."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from hydrometer.errors import InputError
from hydrometer.records.run_table import PublishedRecord, RunRow
from hydrometer.store.files import decode_utf8, read_bytes, shipped
from hydrometer.store.reference import reference_runs

# By hand, 2026-11-25.
LARGEST_TABLE = 64 * 1024 * 1024
_MOST_ROWS = 100_000
_LONGEST_NAME = 200
_COLUMNS: dict[str, tuple[str, ...]] = {
    "model": ("model", "system", "name", "modelname"),
    "developer": ("developer", "organization", "organisation", "lab", "company"),
    "date": ("date", "publicationdate", "released", "releasedate"),
    "accelerator": ("accelerator", "traininghardware", "hardware", "gpu", "chip"),
    "phase": ("phase",),
    "precision": ("precision", "numericalformat"),
    "architecture": ("architecture",),
    "total_parameters": ("totalparams", "totalparameters", "parameters", "params"),
    "active_parameters": ("activeparams", "activeparameters"),
    "tokens": ("tokens", "trainingtokens"),
    "training_flop": ("trainingflop", "trainingcomputeflop", "trainingcompute", "flop"),
    "n_accelerators": ("naccelerators", "hardwarequantity", "ngpus", "numgpus", "gpus", "chips"),
    "accelerator_hours": (
        "acceleratorhours", "trainingchiphours", "chiphours", "gpuhours", "traininggpuhours", "hours",
    ),
    "wall_clock_hours": ("wallclockhours", "trainingtimehours", "durationhours", "trainingtime"),
    "wall_clock_days": ("wallclockdays", "trainingtimedays", "durationdays", "days"),
    "price_per_hour": ("priceperhourclaimed", "priceperhour", "usdperhour"),
    "cost_usd": ("reportedcostusd", "costusd", "reportedcost", "cost"),
    "hours_basis": ("hoursbasis",),
    "base_model": ("basemodel",),
}  # fmt: skip
_NUMBERS = frozenset(
    {
        "total_parameters",
        "active_parameters",
        "tokens",
        "training_flop",
        "n_accelerators",
        "accelerator_hours",
        "wall_clock_hours",
        "wall_clock_days",
        "price_per_hour",
        "cost_usd",
    }
)
_BLANK = frozenset({"", "-", "–", "n/a", "na", "none", "null", "nan", "unknown", "unspecified", "?"})
# As people write them in tables: B is billion, T trillion.
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def plain(name: str) -> str:
    """Returns a name without blanks, marks and case, to find the same name twice."""
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def published_records() -> dict[str, PublishedRecord]:
    """Returns what makers published of their bills, by plain name and alias."""
    text = shipped("published_record.toml")
    records = TypeAdapter(list[PublishedRecord]).validate_python(tomllib.loads(text)["records"], strict=False)
    records += [
        PublishedRecord(model=run.model, accelerator_hours=run.accelerator_hours, source=run.source)
        for run in reference_runs()
    ]
    return {plain(name): record for record in reversed(records) for name in (record.model, *record.aliases)}


def read_run_table(path: Path) -> tuple[RunRow, ...]:
    """Reads a table of training runs.

    Args:
        path: a CSV file with a header; a column `model` is needed. Names are matched without case, blanks and
            marks; columns that mean nothing here are ignored.

    Raises:
        InputError: naming the file, the line and the column, for a table without models, a number that is
            none, or a row of another length than the header.
    """
    content = decode_utf8(read_bytes(path, limit=LARGEST_TABLE, what="table of runs (CSV)"), where=str(path))
    if "\x00" in content:
        raise InputError("the file has zero bytes", cure="save it as CSV text", where=str(path))
    rows = tuple(_rows(content, path))
    if not rows:
        raise InputError("no rows in this table", cure="add a row for each run", where=str(path))
    return rows


def _rows(content: str, path: Path) -> Iterator[RunRow]:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise InputError("the file is empty", cure="give a CSV with a header", where=str(path))
        places = _places(header, path)
        for number, cells in enumerate(reader, start=1):
            where = f"{path}:{reader.line_num}"
            if number > _MOST_ROWS:
                raise InputError(f"more than {_MOST_ROWS:,} rows", cure="split the table", where=where)
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"the row has {len(cells)} fields, the header {len(header)}",
                    cure="quote fields that hold commas",
                    where=where,
                )
            yield _row({key: cells[place].strip() for key, place in places.items()}, reader.line_num, where)
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", cure="correct the quotes", where=f"{path}:{reader.line_num}") from None


def _places(header: list[str], path: Path) -> dict[str, int]:
    """Returns where each known column stands; of several names for one thing the first in the list counts."""
    names = [plain(name) for name in header]
    places = {}
    for key, known in _COLUMNS.items():
        found = [name for name in known if name in names]
        if found:
            if names.count(found[0]) > 1:
                raise InputError(
                    f"two columns '{header[names.index(found[0])][:40]}'", cure="keep one", where=str(path)
                )
            places[key] = names.index(found[0])
    if "model" not in places:
        shown = ", ".join(name.strip()[:30] for name in header[:8])
        raise InputError(
            f"no column 'model' (found: {shown})", cure="name the column of models 'model'", where=str(path)
        )
    if not _NUMBERS & set(places):
        raise InputError("no column with hours, tokens, cost or size", cure="see docs/planning.md", where=str(path))
    return places


def _row(cells: Mapping[str, str], line: int, where: str) -> RunRow:
    numbers = {key: _number(value, key, where) for key, value in cells.items() if key in _NUMBERS}
    days = numbers.pop("wall_clock_days", None)
    if numbers.get("wall_clock_hours") is None and days is not None:
        numbers["wall_clock_hours"] = 24.0 * days
    words = {
        key: value[:_LONGEST_NAME]
        for key, value in cells.items()
        if key not in _NUMBERS and key not in {"date", "model"} and value.casefold() not in _BLANK
    }
    model = cells["model"]
    if not model:
        raise InputError("the row names no model", cure="fill the column 'model'", where=where)
    date = _date(cells.get("date", ""), where)
    return RunRow.model_validate(
        {"developer": "", "line": line, "model": model[:_LONGEST_NAME], "date": date, **words, **numbers}
    )


def _number(text: str, column: str, where: str) -> float | None:
    if text.casefold() in _BLANK:
        return None
    plain_text = text.replace(",", "").replace("$", "").replace("~", "").replace("_", "").strip()
    factor = 1.0
    if plain_text and plain_text[-1].lower() in _UNITS and plain_text[:-1]:
        factor, plain_text = _UNITS[plain_text[-1].lower()], plain_text[:-1].strip()
    try:
        value = float(plain_text) * factor
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{column}: '{text[:40]}' is not a number", cure="give a number or leave it blank", where=where
        )
    if value <= 0:
        raise InputError(f"{column}: {text[:40]} is not positive", cure="give a positive number or none", where=where)
    return value


def _date(text: str, where: str) -> dt.date | None:
    if text.casefold() in _BLANK:
        return None
    try:
        return dt.date.fromisoformat(text[:10] if len(text) >= 10 else f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        raise InputError(f"date: '{text[:40]}' is not a date", cure="write 2024-12-26", where=where) from None
