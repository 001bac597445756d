"""JSON text to rows: JSON lines, or one JSON array."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.store.responses.common import place_of

_CURE = "see docs/panel.md for files of answers, docs/probes.md for files of probes"
Row = tuple[int, dict[str, Any]]


def parse(text: str, *, where: str) -> Any:
    """Returns the JSON value that `text` holds.

    Raises:
        InputError: one line with the place and what is wrong.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("nested too deeply", cure="such a file needs a few levels", where=where) from None
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if error.lineno > 1 else ""
        raise InputError(f"not JSON: {error.msg} (column {error.colno}{line})", cure=_CURE, where=where) from None
    except ValueError as error:
        raise InputError(f"not a usable number ({error})", cure="write fewer digits", where=where) from None


def json_lines(text: str, *, path: Path) -> list[Row]:
    """Returns the object of every line that is not blank, with its line number.

    Raises:
        InputError: naming the line that is not a JSON object.
    """
    rows = []
    # Not splitlines: it also cuts at characters that JSON allows inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            rows.append((number, _object(parse(line, where=f"{path}:{number}"), where=f"{path}:{number}")))
    return rows


def json_array(values: list[Any], *, path: Path) -> list[Row]:
    """Returns the objects of an array, counted from 1.

    Raises:
        InputError: naming the row that is not an object.
    """
    return [(n, _object(value, where=place_of(path, "row", n))) for n, value in enumerate(values, start=1)]


def _object(value: Any, *, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"a row must be an object, this is {kind(value)}", cure=_CURE, where=where)
    return value


def kind(value: Any) -> str:
    """Returns what a JSON value is, in words."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), "something else")


def text_of(row: dict[str, Any], key: str, *, where: str, required: bool = True) -> str | None:
    """Returns the text under a key; null where it is null.

    Raises:
        InputError: if the key is missing though required, or holds something other than text.
    """
    if key not in row:
        if not required:
            return None
        present = ", ".join(printable(k, limit=30) for k in list(row)[:8])
        raise InputError(f"'{key}' is missing", cure=f"add it; this row has: {present or 'nothing'}", where=where)
    value = row[key]
    if value is not None and not isinstance(value, str):
        raise InputError(f"'{key}' is {kind(value)}", cure=f"'{key}' must be text", where=where)
    return value
