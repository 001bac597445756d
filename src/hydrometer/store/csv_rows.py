"""Rows of a CSV file by the names of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydrometer.errors import InputError, printable
from hydrometer.records.dossier import nearest


def csv_rows(
    text: str, path: Path, *, needed: Sequence[str], known: Sequence[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields where each row stands (file and line) and its fields, blanks around them cut off.

    Args:
        text: the file's content.
        path: its name, for messages.
        needed: columns that must be there.
        known: every column that may be there.

    Raises:
        InputError: for a column that is missing, unknown or there twice, a row of another length, or what is not CSV.
    """
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        names = [(name or "").strip().lower() for name in (reader.fieldnames or [])]
        for name in needed:
            if name not in names:
                why = "a price without a date cannot be used" if name == "date" else "it is needed"
                raise InputError(f"no column '{name}': {why}", cure=f"needed: {', '.join(needed)}", where=str(path))
        for name in names:
            if name not in known:
                cure = nearest(name, known)
                raise InputError(f"unknown column '{printable(name, limit=40)}'", cure=cure, where=str(path))
        if len(set(names)) < len(names):
            raise InputError("a column is there twice", cure="keep one", where=str(path))
        reader.fieldnames = names
        for fields in reader:
            where = f"{path}:{reader.line_num}"
            if None in fields or None in fields.values():
                raise InputError("the row has another number of fields than the header", cure="correct it", where=where)
            yield where, {key: value.strip() for key, value in fields.items()}
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", cure="correct the file", where=str(path)) from None
