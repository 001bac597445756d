"""Probes from a file (JSON lines, TOML, Parquet) or from a set that ships."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hydrometer.errors import InputError, printable
from hydrometer.records.probes import Probe
from hydrometer.store.files import decode_utf8, read_bytes
from hydrometer.store.responses.rows import json_array, json_lines, parse

# Both by hand, 2026-11-25: bounds for files that are none.
_LARGEST = 256 * 1024 * 1024
_MOST = 2_000_000
_KNOWN = ("kind", "language", "system", "max_tokens", "answer")
_OTHER_NAMES = {"probe": "id", "uid": "id", "question_id": "id", "instruction": "prompt"}


def read_probe_file(path: Path) -> tuple[tuple[Probe, ...], bytes]:
    """Returns the probes of a file, in its order, and its bytes.

    Args:
        path: JSON lines or a JSON array of objects, TOML with `[[probe]]`, or Parquet; each with `prompt`, perhaps
            `id` or `probe`, and perhaps the other keys of a probe. Without an id, the place in the file is it.
            AlpacaEval's (`instruction`) and Arena-Hard's (`uid` or `question_id`, `turns`) own files are read too.

    Raises:
        InputError: naming the first row that cannot be used.
    """
    content = read_bytes(path, limit=_LARGEST, what="probe file")
    return probes_from(content, path=path), content


def probes_from(content: bytes, *, path: Path) -> tuple[Probe, ...]:
    """Returns the probes that a file's bytes hold.

    Args:
        content: see `read_probe_file`.
        path: where they were read, for error lines.

    Raises:
        InputError: naming the first row that cannot be used.
    """
    if content[:4] == b"PAR1":
        from hydrometer.store.responses.tables import read_table

        table = read_table(content, ("probe", "id", "prompt", *_KNOWN), path=path)
        rows: list[tuple[int, dict[str, Any]]] = list(enumerate(table.to_dicts(), start=1))
    else:
        rows = _rows(decode_utf8(content, where=str(path)), path)
    if not rows or len(rows) > _MOST:
        raise InputError(
            "holds no probes" if not rows else "too many probes", cure="name a probe file", where=str(path)
        )
    probes: dict[str, Probe] = {}
    for number, row in rows:
        where = f"{path} row {number}"
        probe = _probe(number, row, where=where)
        if probe.id in probes:
            raise InputError(f"probe '{probe.id}' is there twice", cure="give each its own id", where=where)
        probes[probe.id] = probe
    return tuple(probes.values())


def _rows(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    start = text.lstrip()[:1]
    if start == "{":
        return json_lines(text, path=path)
    if path.suffix.lower() == ".toml":
        try:
            found = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(f"not TOML ({error})", cure="correct the file", where=str(path)) from None
        entries = found.get("probe", found.get("probes"))
        return json_array(entries if isinstance(entries, list) else [], path=path)
    if start == "[":
        return json_array(parse(text, where=str(path)), path=path)
    raise InputError(
        "no probe file: neither JSON lines, TOML nor Parquet" if start else "empty",
        cure='write one {"id": ..., "prompt": ...} a line',
        where=str(path),
    )


def _probe(number: int, row: dict[str, Any], *, where: str) -> Probe:
    named = {_OTHER_NAMES.get(key, key): value for key, value in row.items()}
    given = {key: named[key] for key in _KNOWN if named.get(key) is not None}
    name = named.get("id")
    name = f"row-{number}" if name is None else str(name)
    prompt = named.get("prompt", _first_turn(named.get("turns")))
    if not isinstance(prompt, str) or not prompt:
        keys = ", ".join(printable(key, limit=30) for key in list(row)[:8])
        raise InputError("'prompt' is missing or no text", cure=f"add it; this row has: {keys}", where=where)
    try:
        return Probe.model_validate_json(_json({"id": _slug(name), "prompt": "x"} | given)).model_copy(
            update={"prompt": prompt}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{place}: {first['msg']}", cure="see docs/probes.md for the keys", where=where) from None


def _first_turn(turns: Any) -> Any:
    """Returns the user's first turn, as Arena-Hard writes it."""
    first = turns[0] if isinstance(turns, list) and turns else None
    return first.get("content") if isinstance(first, dict) else first


def _json(row: dict[str, Any]) -> str:
    import json

    return json.dumps(row)


def _slug(name: str) -> str:
    """Returns a name in the form that ids have; a name that has it stays as it is."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.")[:64] or "probe"
