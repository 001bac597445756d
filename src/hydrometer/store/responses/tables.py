"""Our own tables (Parquet, JSON lines, a JSON array) with `model`, `probe` or `prompt`, `response` and `status`."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.store.responses.common import RAW_SCHEMA, RawRows, place_of, unpaired_replaced
from hydrometer.store.responses.rows import Row, text_of

# By hand, 2026-11-24: a small compressed file can claim any number of rows.
_LARGEST_ROWS = 20_000_000
_TEXT = (pl.String, pl.Categorical, pl.Enum)


def read_table(content: bytes, columns: tuple[str, ...], *, path: Path) -> pl.DataFrame:
    """Returns the named columns of a Parquet file, those that it has.

    Raises:
        InputError: if it is no readable Parquet, or too large.
    """
    try:
        with _held_back_panics():
            # Only the columns asked for are decoded: others may hold anything.
            lazy = pl.scan_parquet(io.BytesIO(content))
            schema = lazy.collect_schema()
            n = int(lazy.select(pl.len()).collect().item())
            if n > _LARGEST_ROWS:
                raise InputError(f"{n:,} rows are too many", cure=f"at most {_LARGEST_ROWS:,}", where=str(path))
            return lazy.select([c for c in columns if c in schema]).collect()
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(error, path) from None
    except BaseException as error:  # a panic of the reader on a broken file derives from BaseException
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(error, path) from None


@contextlib.contextmanager
def _held_back_panics() -> Iterator[None]:
    """Holds standard error back, and drops what was written to it if the block fails.

    On a damaged file the reader prints its own dozen lines from another thread before it raises; people get one line.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no standard error to write to
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        held.seek(0)
        if said := held.read():
            os.write(2, said)


def _unreadable(error: BaseException, path: Path) -> InputError:
    return InputError(f"broken Parquet ({printable(error, limit=120)})", cure="write the file again", where=str(path))


def text_column(frame: pl.DataFrame, column: str, *, path: Path, numbers: bool = False) -> pl.Series:
    """Returns a column as text.

    Raises:
        InputError: if it is missing or of another type.
    """
    if column not in frame.columns:
        raise InputError(
            f"column '{column}' is missing",
            cure="a table has the columns model, probe or prompt, response (see docs/panel.md)",
            where=str(path),
        )
    series = frame[column]
    fits = isinstance(series.dtype, _TEXT) or series.dtype == pl.Null or (numbers and series.dtype.is_integer())
    if not fits:
        raise InputError(
            f"column '{column}' has type {series.dtype}", cure="store it as text (a string column)", where=str(path)
        )
    return series.cast(pl.String)


def parquet_rows(content: bytes, *, path: Path, probes: Mapping[str, str] | None) -> RawRows:
    """Reads a Parquet table of responses."""
    table = read_table(content, ("model", "probe", "prompt", "response", "status"), path=path)
    wanted = {name: text_column(table, name, path=path) for name in ("model", "response")}
    for name in ("probe", "prompt", "status"):
        if name in table.columns:
            wanted[name] = text_column(table, name, path=path, numbers=name == "probe")
    frame = pl.DataFrame(wanted).with_row_index("row", offset=1)
    return _with_prompts(RawRows(frame, "parquet", "row"), path, probes)


def json_rows(rows: list[Row], *, path: Path, line: bool, probes: Mapping[str, str] | None) -> RawRows:
    """Reads rows with `model`, `probe` or `prompt`, `response` and perhaps `status`."""
    place = "line" if line else "row"
    columns: dict[str, list[str | None]] = {k: [] for k in ("model", "probe", "prompt", "response", "status")}
    halves = 0
    for number, row in rows:
        where = place_of(path, place, number)
        probe = row.get("probe")
        if isinstance(probe, int) and not isinstance(probe, bool):
            row = {**row, "probe": str(probe)}
        if "prompt" not in row and "probe" not in row:
            text_of(row, "prompt", where=where)
        for key, values in columns.items():
            value = text_of(row, key, where=where, required=key in {"model", "response"})
            clean = None if value is None else unpaired_replaced(value)
            halves += clean != value
            values.append(clean)
    frame = pl.DataFrame({"row": [n for n, _ in rows], **columns}, schema=RAW_SCHEMA | {"probe": pl.String})
    raw = RawRows(frame, "json lines" if line else "json", "line" if line else "row")
    if halves:
        raw.warnings.append(f"{halves:,} texts with halves of characters (unpaired surrogates), replaced by U+FFFD")
    return _with_prompts(raw, path, probes)


def _with_prompts(raw: RawRows, path: Path, probes: Mapping[str, str] | None) -> RawRows:
    """Fills in the prompt of every row that has only a probe."""
    frame = raw.frame
    for column in ("prompt", "probe", "status"):
        if column not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(column))
    open_rows = frame.filter(pl.col("prompt").is_null() & pl.col("probe").is_not_null())
    if not open_rows.is_empty():
        ids = open_rows["probe"].unique()
        known = ids.filter(ids.is_in(list(probes or {})))
        if known.is_empty() and ids.str.contains(r"^\s*\d+\s*$").all():
            raise InputError(
                "probes are numbers, and no prompt is given",
                cure="add a column 'prompt' with the text, or use the panel that these numbers belong to",
                where=place_of(path, raw.place, int(open_rows["row"][0])),
            )
        if 0 < len(known) < len(ids):
            raw.warnings.append(
                f"{len(ids) - len(known):,} of {len(ids):,} probes are no ids of the panel: taken as prompts themselves"
            )
        texts = {name: (probes or {})[name] for name in known}
        prompt = pl.col("probe").replace(list(texts), list(texts.values())) if texts else pl.col("probe")
        frame = frame.with_columns(pl.coalesce("prompt", prompt))
    raw.frame = frame.select([pl.col(name).cast(kind_) for name, kind_ in RAW_SCHEMA.items()])
    return raw
