"""Inspect logs: the zip archive (`.eval`) and the plain JSON file. Nothing is ever extracted to disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.store.files import decode_utf8
from hydrometer.store.responses.common import RawRows
from hydrometer.store.responses.foreign import Collected, content_text, last_question, status_of_reason
from hydrometer.store.responses.rows import kind, parse

# Bounds on archives that unpack to more than they say; by hand, 2026-11-24. Twenty public logs of 2024 and 2025 are
# read.
LARGEST_MEMBER = 64 * 1024 * 1024
LARGEST_TOTAL = 2 * 1024 * 1024 * 1024
_MOST_MEMBERS = 1_000_000
# Compression method 93 of the ZIP specification (APPNOTE 6.3.8).
_ZSTANDARD = 93
_CHUNK = 1024 * 1024
_HEADERS = ("header.json", "_journal/start.json", "start.json")
_ATTACHMENT = "attachment://"


def inspect_archive(content: bytes, *, path: Path) -> RawRows:
    """Reads an `.eval` log.

    Raises:
        InputError: if the archive is broken, too large when unpacked, or no log.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise InputError(f"broken archive ({error})", cure="write the log again", where=str(path)) from None
    with archive:
        members = {info.filename: info for info in archive.infolist()}
        names = sorted(n for n in members if n.startswith("samples/") and n.endswith(".json"))
        header_name = next((name for name in _HEADERS if name in members), None)
        if header_name is None or len(members) > _MOST_MEMBERS:
            raise InputError(
                "this archive is no Inspect log (it has no header.json)",
                cure="name an .eval log, or a format of docs/panel.md",
                where=str(path),
            )
        reader = _Members(content, archive, path)
        header = reader.json(members[header_name])
        rows = Collected()
        model = _model_of(header, where=f"{path} {header_name}")
        for number, name in enumerate(names, start=1):
            _add_sample(rows, number, reader.json(members[name]), model, where=f"{path} {printable(name, limit=80)}")
    return rows.raw("inspect eval log", sample=True)


def inspect_json(log: dict[str, Any], *, path: Path) -> RawRows:
    """Reads the plain JSON form of a log."""
    rows = Collected()
    model = _model_of(log, where=str(path))
    samples = log.get("samples")
    if not isinstance(samples, list):
        raise InputError("the log holds no samples", cure="write it with log_samples on", where=str(path))
    for number, sample in enumerate(samples, start=1):
        _add_sample(rows, number, sample, model, where=f"{path} sample {number}")
    return rows.raw("inspect json log", sample=True)


class _Members:
    """Reads members of an archive into memory, and no more than a set amount."""

    def __init__(self, content: bytes, archive: zipfile.ZipFile, path: Path) -> None:
        self._content = content
        self._archive = archive
        self._path = path
        self._left = LARGEST_TOTAL

    def json(self, info: zipfile.ZipInfo) -> Any:
        where = f"{self._path} {printable(info.filename, limit=80)}"
        limit = min(LARGEST_MEMBER, self._left)
        try:
            data = self._zstandard(info, limit) if info.compress_type == _ZSTANDARD else self._standard(info, limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as error:
            raise InputError(f"broken archive ({error})", cure="write the log again", where=where) from None
        except (NotImplementedError, RuntimeError) as error:
            raise InputError(
                f"cannot be unpacked ({error})",
                cure="write the log as JSON: inspect log convert --to json",
                where=where,
            ) from None
        if len(data) > limit:
            raise InputError(
                f"unpacks to more than {limit:,} bytes",
                cure="a sample of a log is small: is this file meant to do harm?",
                where=where,
            )
        self._left -= len(data)
        return parse(decode_utf8(data, where=where), where=where)

    def _standard(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        # The declared size may lie, so what is read is what is limited.
        with self._archive.open(info) as member:
            return member.read(limit + 1)

    def _zstandard(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        """Unpacks what `zipfile` cannot before Python 3.14, and Inspect writes by default."""
        import zstandard

        header = self._content[info.header_offset : info.header_offset + 30]
        # Local file header of ZIP: 30 bytes, lengths of name and extra field at 26 (APPNOTE, section 4.3.7).
        name, extra = struct.unpack("<HH", header[26:30])
        start = info.header_offset + 30 + name + extra
        packed = io.BytesIO(self._content[start : start + info.compress_size])
        # A frame may ask for a window of gigabytes before its first byte.
        unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_MEMBER * 2)
        try:
            with unpacker.stream_reader(packed, read_across_frames=True) as stream:
                data = bytearray()
                while len(data) <= limit and (chunk := stream.read(_CHUNK)):
                    data += chunk
                return bytes(data)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None


def _model_of(header: Any, *, where: str) -> str:
    spec = header.get("eval") if isinstance(header, dict) else None
    model = spec.get("model") if isinstance(spec, dict) else None
    if not isinstance(model, str):
        raise InputError("the log does not name its model (eval.model)", cure="is this an Inspect log?", where=where)
    return model


def _add_sample(rows: Collected, number: int, sample: Any, model: str, *, where: str) -> None:
    if not isinstance(sample, dict):
        raise InputError(f"a sample is {kind(sample)}", cure="is this an Inspect log?", where=where)
    given = sample.get("input")
    asked = last_question(given, rows, where=where) if isinstance(given, list) else given
    if not isinstance(asked, str):
        raise InputError(
            "the sample has no question of the user as text", cure="only text can be compared", where=where
        )
    prompt = _resolved(asked, sample)
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    failed = bool(sample.get("error")) or (isinstance(output, dict) and bool(output.get("error")))
    if failed or not isinstance(choice, dict) or not isinstance(message, dict):
        rows.add(number, model, prompt, None, "failed")
        return
    text = content_text(message.get("content"), where=where)
    rows.add(number, model, prompt, _resolved(text or "", sample), status_of_reason(choice.get("stop_reason")))


def _resolved(text: str, sample: dict[str, Any]) -> str:
    """Returns the text that a log keeps apart under its hash, or the text itself."""
    kept = sample.get("attachments")
    if text.startswith(_ATTACHMENT) and isinstance(kept, dict):
        found = kept.get(text.removeprefix(_ATTACHMENT))
        return found if isinstance(found, str) else text
    return text
