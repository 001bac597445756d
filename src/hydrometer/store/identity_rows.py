"""Answers to identity questions: every row is kept, in the order of the file, with what was asked around it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hydrometer.errors import InputError, OutputError, printable
from hydrometer.records.responses import STATUSES
from hydrometer.store.files import decode_utf8, read_bytes, sha256
from hydrometer.store.responses.common import check_model_name, place_of, unpaired_replaced
from hydrometer.store.responses.read import LARGEST_FILE, read_responses
from hydrometer.store.responses.rows import json_array, json_lines, parse
from hydrometer.store.responses.tables import read_table, text_column

TEXTS = ("model", "response", "template", "jailbreak_prompt", "query", "prompt", "status")
LABELS = ("published_loose", "published_strict")
JUDGED = ("loose", "strict", "vendor")
"""Columns that the judge adds."""


@dataclass(frozen=True)
class IdentityRows:
    """Answers to identity questions.

    Attributes:
        frame: `model`, `response`, `template`, `jailbreak_prompt`, `query`, `prompt`, `status` as text, perhaps null
            but for `model`, and `published_loose`, `published_strict` as booleans; one row for every row of the file.
        whole: the file's own columns, to be written again.
        path: the file.
        sha256: hash of its bytes.
        has_labels: whether the file holds published labels.
    """

    frame: pl.DataFrame
    whole: pl.DataFrame
    path: Path
    sha256: str
    has_labels: bool


def read_identity_rows(path: Path, *, model: str | None = None) -> IdentityRows:
    """Reads answers with what was asked.

    Args:
        path: Parquet, JSON lines or a JSON array with `model`, `response` and what was asked as `query` (with
            `jailbreak_prompt` and `template` around it) or `prompt`; or any other response file of `docs/panel.md`.
        model: the name of the model, for files that do not name it.

    Raises:
        InputError: one line with the file, the row, what is wrong and the cure.
    """
    content = read_bytes(path, limit=LARGEST_FILE, what="response file")
    digest = sha256(content)
    if content[:4] == b"PAR1":
        whole, frame, place = *_parquet(content, path), "row"
    else:
        table = _json(content, path)
        if table is None:
            found = read_responses(path, model=model)
            whole, frame, place = found.frame, _with_columns(found.frame), "row"
        else:
            whole, frame, place = table, _with_columns(table, path=path), "line"
    if model is not None:
        name = check_model_name(model, where="--model")
        whole = whole if "model" in whole.columns else whole.with_columns(pl.lit(name).alias("model"))
        frame = frame.with_columns(pl.col("model").fill_null(name))
    _check(frame, path, place)
    return IdentityRows(frame, whole, path, digest, bool(frame[LABELS[0]].is_not_null().any()))


def _parquet(content: bytes, path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    columns = tuple(pl.scan_parquet(io.BytesIO(content)).collect_schema().names()) if _readable(content) else ()
    whole = read_table(content, columns or (*TEXTS, *LABELS), path=path)
    return whole, _with_columns(whole, path=path)


def _readable(content: bytes) -> bool:
    try:
        pl.scan_parquet(io.BytesIO(content)).collect_schema()
    except Exception:
        return False  # read_table says what is wrong
    return True


def _json(content: bytes, path: Path) -> pl.DataFrame | None:
    """Returns the table of JSON rows of our own; None for the formats of other tools."""
    if content[:2] == b"PK":
        return None
    text = decode_utf8(content, where=str(path))
    start = text.lstrip()[:1]
    if not start:
        raise InputError("empty", cure="name a file with at least one answer", where=str(path))
    if start == "[":
        values = parse(text, where=str(path))
        rows = json_array(values, path=path)
    elif start == "{" and text.lstrip().split("\n", 1)[0].strip() not in {"{", "{}"}:
        rows = json_lines(text, path=path)
    else:
        return None
    if rows and "response" not in rows[0][1] and {"query", "template"} & set(rows[0][1]):
        raise InputError(
            "'response' is missing",
            cure="add the answer, or null where none came",
            where=place_of(path, "line", rows[0][0]),
        )
    if not rows or "response" not in rows[0][1] or "custom_id" in rows[0][1]:
        return None
    keys = list(dict.fromkeys(key for _, row in rows for key in row))
    return pl.DataFrame({key: [_plain(row.get(key)) for _, row in rows] for key in keys}, strict=False)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return unpaired_replaced(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _with_columns(table: pl.DataFrame, *, path: Path | None = None) -> pl.DataFrame:
    """Returns the columns that judging needs, those that are missing as nulls."""
    columns: dict[str, pl.Series] = {}
    # A panel's answers name their prompt by its id: answers to one prompt resemble each other as under one template.
    asked = {"template", "query", "prompt"} & set(table.columns)
    if "probe" in table.columns and not asked:
        table = table.with_columns(pl.col("probe").alias("template"))
    for name in TEXTS:
        if name in table.columns:
            columns[name] = text_column(table, name, path=path or Path(name), numbers=name == "template")
        else:
            columns[name] = pl.Series(name, [None] * len(table), dtype=pl.String)
    for name in LABELS:
        column = table[name] if name in table.columns else pl.Series(name, [None] * len(table), dtype=pl.Boolean)
        if column.dtype not in {pl.Boolean, pl.Null} and not column.dtype.is_integer():
            raise InputError(
                f"column '{name}' has type {column.dtype}", cure="store it as true or false", where=str(path)
            )
        columns[name] = column.cast(pl.Boolean)
    return pl.DataFrame(columns)


def _check(frame: pl.DataFrame, path: Path, place: str) -> None:
    if frame.is_empty():
        raise InputError("holds no responses", cure="name a file with at least one answer", where=str(path))
    numbered = frame.with_row_index("row", offset=1)
    missing = numbered.filter(pl.col("model").is_null())
    if len(missing):
        raise InputError(
            "'model' is missing",
            cure="every row names a model; for a file of one model give --model",
            where=place_of(path, place, int(missing["row"][0])),
        )
    for name, row in numbered.group_by("model").agg(pl.col("row").min()).sort("row").iter_rows():
        check_model_name(name, where=place_of(path, place, row))
    unknown = numbered.filter(pl.col("status").is_not_null() & ~pl.col("status").is_in(STATUSES))
    if len(unknown):
        raise InputError(
            f"status '{printable(unknown['status'][0], limit=40)}' is unknown",
            cure=f"known: {', '.join(STATUSES)}",
            where=place_of(path, place, int(unknown["row"][0])),
        )
    half = numbered.filter(pl.col(LABELS[0]).is_null() != pl.col(LABELS[1]).is_null())
    if len(half):
        raise InputError(
            "one published label without the other",
            cure="give published_loose and published_strict, or neither",
            where=place_of(path, place, int(half["row"][0])),
        )


def write_rows(path: Path, rows: IdentityRows, judged: pl.DataFrame) -> None:
    """Writes the file again with the judge's own columns: the same order, every row kept.

    Args:
        path: ends in `.parquet`, `.jsonl` or `.csv`; the format follows the ending.
        rows: what was read.
        judged: the judge's columns, as many rows.

    Raises:
        OutputError: if the ending is another, or the file cannot be written.
    """
    writers = {".parquet": "write_parquet", ".jsonl": "write_ndjson", ".ndjson": "write_ndjson", ".csv": "write_csv"}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise OutputError(f"{path}: the ending says no format; use .parquet, .jsonl or .csv")
    table = rows.whole.drop([c for c in judged.columns if c in rows.whole.columns]).hstack(judged)
    part = path.with_name(f".{path.name}.part")
    try:
        getattr(table, writer)(part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None
