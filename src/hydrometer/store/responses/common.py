"""What every reader of response files returns, and the checks that all of them share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.records.responses import STATUSES

COLUMNS = ("model", "prompt", "response", "status")
RAW_SCHEMA = {"row": pl.Int64, "model": pl.String, "prompt": pl.String, "response": pl.String, "status": pl.String}
# By hand, 2026-11-24: file names end at 255 bytes.
LONGEST_MODEL_NAME = 200
_MOST_NAMED = 5


@dataclass(frozen=True)
class ResponseSet:
    """The content of one response file.

    Attributes:
        frame: `model`, `prompt`, `response` (null only where `status` is `failed`) and `status`, one row for every
            model and prompt, sorted by both. `prompt` is the join key: see `prompt_key`.
        path: where it was read.
        sha256: hash of the file's bytes.
        format: what the file turned out to be, as `parquet` or `inspect eval log`.
        warnings: everything that was set aside or looks odd, one line each.
    """

    frame: pl.DataFrame
    path: Path
    sha256: str
    format: str
    warnings: tuple[str, ...]


@dataclass
class RawRows:
    """Rows as a reader found them: `row`, `model`, `prompt`, `response`, `status`, all but `row` possibly null."""

    frame: pl.DataFrame
    format: str
    place: Literal["line", "row", "sample"]
    warnings: list[str] = field(default_factory=list)


def prompt_key(text: str) -> str:
    """Returns the text by which prompts are joined: NFC, line ends as LF, no white space around."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def place_of(path: Path, place: str, row: int) -> str:
    """Returns where a row lies, as `answers.jsonl:12` or `answers.parquet row 12`."""
    return f"{path}:{row}" if place == "line" else f"{path} {place} {row}"


def unpaired_replaced(text: str) -> str:
    """Returns the text with halves of characters, which cannot be stored, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def check_model_name(name: str, *, where: str) -> str:
    """Returns the name without white space around it.

    Raises:
        InputError: if it is empty, too long, or could move the reader's cursor.
    """
    clean = name.strip()
    if not clean:
        raise InputError("the name of the model is empty", cure="name the model", where=where)
    if len(clean) > LONGEST_MODEL_NAME:
        raise InputError(
            f"the name of the model has {len(clean):,} characters",
            cure=f"keep it below {LONGEST_MODEL_NAME} characters: is this another column?",
            where=where,
        )
    for character in clean:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            raise InputError(
                f"control character U+{ord(character):04X} in the name of a model",
                cure="remove it: names are shown to people as they stand",
                where=where,
            )
    return clean


def finish(raw: RawRows, *, path: Path, sha256: str) -> ResponseSet:
    """Checks the rows that a reader found and returns them in their final form.

    Args:
        raw: what the reader found.
        path: the file.
        sha256: hash of its bytes.

    Raises:
        InputError: naming the first row that cannot be used.
    """
    if raw.frame.is_empty():
        raise InputError("holds no responses", cure="name a file with at least one answer", where=str(path))
    frame = _with_keys(raw, path)
    frame = _with_status(frame, raw, path)
    frame = _without_repeats(frame, raw)
    _count_statuses(frame, raw)
    final = frame.select(COLUMNS).sort("model", "prompt")
    return ResponseSet(final, path, sha256, raw.format, tuple(raw.warnings))


def _first(frame: pl.DataFrame, bad: pl.Expr) -> int | None:
    rows = frame.filter(bad)["row"]
    return None if rows.is_empty() else int(rows[0])


def _with_keys(raw: RawRows, path: Path) -> pl.DataFrame:
    frame = raw.frame
    for column in ("model", "prompt"):
        row = _first(frame, pl.col(column).is_null())
        if row is not None:
            raise InputError(
                f"'{column}' is missing",
                cure="every row names a model and a prompt (see docs/panel.md)",
                where=place_of(path, raw.place, row),
            )
    models = frame.group_by("model").agg(pl.col("row").min())
    names = {
        name: check_model_name(name, where=place_of(path, raw.place, row))
        for name, row in models.sort("row").iter_rows()
    }
    keys = {text: prompt_key(text) for text in frame["prompt"].unique()}
    frame = frame.with_columns(_mapped("model", names), _mapped("prompt", keys))
    row = _first(frame, pl.col("prompt") == "")
    if row is not None:
        raise InputError(
            "the prompt is empty", cure="give the text of the prompt", where=place_of(path, raw.place, row)
        )
    return frame


def _mapped(column: str, values: Mapping[str, str]) -> pl.Expr:
    changed = {old: new for old, new in values.items() if old != new}
    if not changed:
        return pl.col(column)
    return pl.col(column).replace(list(changed), list(changed.values()))


def _with_status(frame: pl.DataFrame, raw: RawRows, path: Path) -> pl.DataFrame:
    """Gives every row a status, and refuses one that contradicts its answer."""
    frame = frame.with_columns(pl.col("status").str.strip_chars().str.to_lowercase())
    unknown = pl.col("status").is_not_null() & ~pl.col("status").is_in(STATUSES)
    row = _first(frame, unknown)
    if row is not None:
        given = frame.filter(unknown)["status"][0]
        raise InputError(
            f"status '{printable(given, limit=40)}' is unknown",
            cure=f"known: {', '.join(STATUSES)}",
            where=place_of(path, raw.place, row),
        )
    blank = pl.col("response").str.strip_chars() == ""
    row = _first(frame, (pl.col("status") == "empty") & ~blank)
    if row is not None:
        raise InputError(
            "status 'empty', but there is an answer",
            cure="correct the status, or leave the column out",
            where=place_of(path, raw.place, row),
        )
    lost = frame.filter(pl.col("response").is_null() & (pl.col("status").is_null() | (pl.col("status") == "answered")))
    if len(lost):
        raw.warnings.append(f"{count(len(lost), 'row')} without an answer: recorded as failed")
    no_text = pl.col("response").is_null()
    status = (
        pl.when(no_text & (pl.col("status").is_null() | (pl.col("status") == "answered")))
        .then(pl.lit("failed"))
        .when((pl.col("status").is_null() | (pl.col("status") == "answered")) & blank)
        .then(pl.lit("empty"))
        .otherwise(pl.col("status").fill_null("answered"))
    )
    frame = frame.with_columns(status=status)
    response = pl.when(no_text & (pl.col("status") != "failed")).then(pl.lit("")).otherwise(pl.col("response"))
    return frame.with_columns(response=response)


def _without_repeats(frame: pl.DataFrame, raw: RawRows) -> pl.DataFrame:
    """Keeps the first answer of a model to a prompt, and says how many were set aside."""
    # A request that was tried again counts by its answer, not by its first failure.
    frame = frame.sort(pl.col("status") == "failed", maintain_order=True)
    once = frame.unique(["model", "prompt"], keep="first", maintain_order=True)
    if len(once) == len(frame):
        return frame
    distinct = frame.unique(COLUMNS, keep="first", maintain_order=True)
    if len(distinct) < len(frame):
        raw.warnings.append(f"{count(len(frame) - len(distinct), 'row')} repeated word for word: one of each is kept")
    counts = (
        distinct.group_by("model", "prompt").len().filter(pl.col("len") > 1).group_by("model")
        .agg(pl.len().alias("prompts"), (pl.col("len") - 1).sum().alias("extra")).sort("model")
    )  # fmt: skip
    for model, prompts, extra in counts.head(_MOST_NAMED).iter_rows():
        raw.warnings.append(
            f"model {model} answered {count(prompts, 'prompt')} more than once: "
            f"the first answer is kept, {extra:,} set aside"
        )
    rest = counts.slice(_MOST_NAMED)
    if len(rest):
        raw.warnings.append(
            f"{count(len(rest), 'more model')} answered prompts more than once: "
            f"the first answer is kept, {rest['extra'].sum():,} set aside"
        )
    return once


def _count_statuses(frame: pl.DataFrame, raw: RawRows) -> None:
    counts = dict(frame.group_by("status").len().iter_rows())
    for status in STATUSES[1:]:
        if counts.get(status):
            raw.warnings.append(count(counts[status], f"{status} answer" if status != "failed" else "failed request"))


def count(n: int, noun: str) -> str:
    """Returns a number with its noun, as `1 row` and `2 rows`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def first_names(names: Iterable[str], *, most: int = 3) -> str:
    """Returns the first few names and how many more there are."""
    listed = sorted(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(printable(name, limit=60) for name in listed[:most]) + more
