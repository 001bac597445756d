"""Reads and writes `lineage.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.records.lineage import Lineage
from hydrometer.store.files import decode_utf8, read_bytes

COLUMNS = tuple(Lineage.model_fields)
# By hand, 2026-11-24: some hundred thousand models.
_LARGEST = 64 * 1024 * 1024
_SEVERAL = ("teacher_group", "same_text_as")
_WHAT = "lineage table (CSV)"


def read_lineage(path: Path) -> tuple[Lineage, ...]:
    """Reads a lineage table, one row a model, in the order of the file.

    Raises:
        InputError: naming the line that cannot be used.
    """
    return parse_lineage(read_bytes(path, limit=_LARGEST, what=_WHAT), path=path)


def parse_lineage(content: bytes, *, path: Path) -> tuple[Lineage, ...]:
    """Reads a lineage table from its bytes: see `read_lineage`."""
    text = decode_utf8(content, where=str(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Lineage] = []
    lines: dict[str, int] = {}
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path)
        for cells in reader:
            where = f"{path}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{len(cells)} cells, but the header has {len(header)}",
                    cure="put cells that hold a comma in double quotes",
                    where=where,
                )
            row = _row(dict(zip(header, cells, strict=True)), where)
            if row.model.casefold() in lines:
                raise InputError(
                    f"model '{row.model}' is there twice (first on line {lines[row.model.casefold()]})",
                    cure="keep one row; names that differ only in case count as one",
                    where=where,
                )
            lines[row.model.casefold()] = reader.line_num
            rows.append(row)
    except csv.Error as error:
        raise InputError(
            f"not CSV: {error}", cure="save it as comma-separated text", where=f"{path}:{reader.line_num}"
        ) from None
    return tuple(rows)


def _check_header(header: list[str], path: Path) -> None:
    if "model" not in header:
        cure = "separate cells with commas" if any(";" in h or "\t" in h for h in header) else "start with a header"
        raise InputError("no column 'model' in the header", cure=f"{cure}: {','.join(COLUMNS)}", where=f"{path}:1")
    twice = sorted({name for name in header if header.count(name) > 1 and name in COLUMNS})
    if twice:
        raise InputError(f"column '{twice[0]}' is there twice", cure="keep one", where=f"{path}:1")


def _row(cells: dict[str, str], where: str) -> Lineage:
    known: dict[str, object] = {k: v.strip() for k, v in cells.items() if k in COLUMNS and v.strip()}
    for name in _SEVERAL:
        if name in known:
            known[name] = tuple(t.strip() for t in str(known[name]).split("|") if t.strip())
    try:
        return Lineage.model_validate(known)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        context = first.get("ctx", {})
        key = str(first["loc"][0]) if first["loc"] else ""
        problem = context.get("problem") or f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        cure = context.get("cure") or "correct the cell (see docs/panel.md)"
        raise InputError(str(problem), cure=str(cure), where=f"{where} {key}") from None


def lineage_csv(rows: Iterable[Lineage]) -> str:
    """Returns the table as text, with the columns of the record."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = cells_of(row)
        writer.writerow([cells[name] for name in COLUMNS])
    return out.getvalue()


def cells_of(row: Lineage) -> dict[str, str]:
    """Returns a row as the texts of its cells; what is unknown is empty."""
    values = row.model_dump(mode="json") | {name: "|".join(getattr(row, name)) for name in _SEVERAL}
    return {name: "" if values[name] is None else str(values[name]) for name in COLUMNS}


def lineage_for(
    models: Sequence[str], *, developer: str | None, base_family: str | None, role: str, teachers: Sequence[str]
) -> tuple[Lineage, ...]:
    """Returns one and the same lineage for several models, as given on a command line.

    Raises:
        InputError: if a value cannot stand in the table.
    """
    cells = {
        "developer": developer or "",
        "base_family": base_family or "",
        "role": role,
        "teacher_group": "|".join(teachers),
    }
    return tuple(_row({"model": model, **cells}, "the given lineage") for model in models)
