"""Writes answers as response files: Parquet, JSON lines, or a log that Inspect reads."""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hydrometer.errors import InputError
from hydrometer.store.evidence.inspect_log import inspect_log
from hydrometer.store.evidence.reading import Answer, read_answers
from hydrometer.store.files import write_whole
from hydrometer.store.responses.common import unpaired_replaced

FORMATS = (".parquet", ".jsonl", ".eval")
_COLUMNS = {
    "model": pl.String,
    "probe": pl.String,
    "response": pl.String,
    "prompt": pl.String,
    "status": pl.String,
    "sample": pl.Int64,
    "reported_model": pl.String,
    "finish_reason": pl.String,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        rows: answers and questions without one.
        notes: what was set aside or changed, one line each.
    """

    path: Path
    rows: int
    notes: tuple[str, ...]


def export_answers(store: Path, out: Path, *, model: str | None = None, all_samples: bool = False) -> Exported:
    """Writes the answers of a store to one file; the ending of its name chooses the format.

    Args:
        store: the evidence store.
        out: `.parquet`, `.jsonl` or `.eval`; an earlier file is replaced.
        model: answers of this subject only.
        all_samples: every sample of a probe, not only its first.

    Raises:
        InputError: if the store cannot be read, or holds nothing of the kind.
        OutputError: if the file cannot be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"unknown format '{out.suffix}'", cure=f"end it in {' or '.join(FORMATS)}", where=str(out))
    found = [a for a in read_answers(store, model=model) if all_samples or a.replicate == 0]
    answers = [a for a in found if a.status != "open"]
    notes = (
        [f"{len(found) - len(answers):,} questions without an end are left out"] if len(answers) < len(found) else []
    )
    if not answers:
        raise InputError("holds no answers to export", cure="ask first, or name another --model", where=str(store))
    strange = _by_others(answers)
    if strange:
        notes.append(f"{len(strange):,} answers by another model than the rest, by the provider's own word: invalid")
    rows = [_row(answer, invalid=position in strange) for position, answer in enumerate(answers)]
    write_whole(out, _content(out, rows, answers, notes))
    return Exported(out, len(rows), tuple(notes))


def _by_others(answers: Sequence[Answer]) -> set[int]:
    """Returns the places of answers that the provider ascribes to another model than most answers of the target."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in answers:
        if answer.reported_model is not None:
            names[answer.target][answer.reported_model] += 1
    usual = {target: counts.most_common(1)[0][0] for target, counts in names.items()}
    return {
        position
        for position, answer in enumerate(answers)
        if answer.reported_model not in {None, usual.get(answer.target), answer.model}
    }


def _row(answer: Answer, *, invalid: bool) -> dict[str, Any]:
    return {
        "model": answer.model,
        "probe": answer.probe,
        "response": answer.text,
        "prompt": answer.request.prompt,
        "status": "invalid" if invalid else answer.status,
        "sample": answer.replicate,
        "reported_model": answer.reported_model,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
    }


def _content(out: Path, rows: list[dict[str, Any]], answers: Sequence[Answer], notes: list[str]) -> bytes:
    if out.suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if out.suffix == ".eval":
        models = {answer.model for answer in answers}
        if len(models) > 1:
            raise InputError(
                f"a log holds one model, the store {len(models)}", cure="name one with --model", where=str(out)
            )
        return inspect_log(rows)
    halves = 0
    for row in rows:
        for key in ("response", "prompt"):
            clean = None if row[key] is None else unpaired_replaced(row[key])
            halves += clean != row[key]
            row[key] = clean
    if halves:
        notes.append(f"{halves:,} texts with halves of characters: replaced by U+FFFD here, whole in the store")
    table = io.BytesIO()
    pl.DataFrame(rows, schema=_COLUMNS).write_parquet(table)
    return table.getvalue()
