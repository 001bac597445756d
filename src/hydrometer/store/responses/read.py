"""Recognises a response file by its content and hands it to its reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydrometer.errors import InputError
from hydrometer.store.files import decode_utf8, read_bytes, sha256
from hydrometer.store.responses import foreign, tables
from hydrometer.store.responses.common import RawRows, ResponseSet, check_model_name, finish
from hydrometer.store.responses.inspect_logs import inspect_archive, inspect_json
from hydrometer.store.responses.rows import Row, json_array, json_lines, kind, parse

# By hand, 2026-11-24: 184 models of AlpacaEval take 43 MB as Parquet.
LARGEST_FILE = 2 * 1024 * 1024 * 1024
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "Zstandard", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def read_responses(path: Path, *, probes: Mapping[str, str] | None = None, model: str | None = None) -> ResponseSet:
    """Reads what models answered, from any of the formats in `docs/panel.md`.

    Args:
        path: the file; its name does not matter.
        probes: probe id to prompt, for files that give only an id.
        model: the name of the model, for files that do not name it.

    Raises:
        InputError: one line with the file, the row, what is wrong and the cure.
    """
    content = read_bytes(path, limit=LARGEST_FILE, what="response file")
    if model is not None:
        model = check_model_name(model, where="the given model")
    return finish(_rows(content, path, probes, model), path=path, sha256=sha256(content))


def _rows(content: bytes, path: Path, probes: Mapping[str, str] | None, model: str | None) -> RawRows:
    # Read by content, never by name: exports are renamed all the time.
    if content[:4] == b"PAR1":
        return tables.parquet_rows(content, path=path, probes=probes)
    if content[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return inspect_archive(content, path=path)
    for mark, name in _PACKED.items():
        if content.startswith(mark):
            raise InputError(f"packed with {name}", cure="unpack it first", where=str(path))
    text = decode_utf8(content, where=str(path))
    start = text.lstrip()[:1]
    if start == "[":
        return _from_array(parse(text, where=str(path)), path, probes, model)
    if start == "{":
        return _from_objects(text, path, probes, model)
    raise InputError(
        "empty" if not start else "no response file: neither Parquet, JSON nor an Inspect log",
        cure="see docs/panel.md for the formats",
        where=str(path),
    )


def _from_array(values: Any, path: Path, probes: Mapping[str, str] | None, model: str | None) -> RawRows:
    if not isinstance(values, list):
        raise InputError(f"this is {kind(values)}", cure="see docs/panel.md for the formats", where=str(path))
    rows = json_array(values, path=path)
    return _by_keys(rows, path, line=False, probes=probes, model=model)


def _from_objects(text: str, path: Path, probes: Mapping[str, str] | None, model: str | None) -> RawRows:
    """Reads JSON lines, or the one object that an Inspect log is."""
    first = text.lstrip().split("\n", 1)[0]
    try:
        whole = json.loads(first)
    except (ValueError, RecursionError):
        # Either the object goes on over many lines, or its first line is broken: the error must name the right one.
        if first.strip() not in {"{", "{}"} and '"eval"' not in text[:100_000]:
            return _by_keys(json_lines(text, path=path), path, line=True, probes=probes, model=model)
        whole = parse(text, where=str(path))
    if isinstance(whole, dict) and isinstance(whole.get("eval"), dict) and "model" in whole["eval"]:
        return inspect_json(whole, path=path)
    if first.strip() == "{":
        return _by_keys([(1, whole)], path, line=True, probes=probes, model=model)
    return _by_keys(json_lines(text, path=path), path, line=True, probes=probes, model=model)


def _by_keys(
    rows: list[Row], path: Path, *, line: bool, probes: Mapping[str, str] | None, model: str | None
) -> RawRows:
    """Hands rows to the reader of the format that the first row's keys show."""
    keys = set(rows[0][1]) if rows else set()
    if "resps" in keys:
        return foreign.lm_eval(rows, path=path, model=model)
    if "custom_id" in keys and keys & {"response", "error"}:
        return foreign.openai_batch(rows, path=path, probes=probes)
    if {"instruction", "output"} <= keys:
        return foreign.alpaca_eval(rows, path=path, model=model)
    if model is not None:
        rows = [(number, {"model": model, **row}) for number, row in rows]
    return tables.json_rows(rows, path=path, line=line, probes=probes)
