"""Reads a dossier from TOML: every file is hostile until checked, every refusal is one line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hydrometer.errors import InputError, OutputError
from hydrometer.records.dossier import Dossier, nearest
from hydrometer.store.files import decode_utf8, read_bytes, sha256, shipped
from hydrometer.store.reference import find_accelerator

# Limits on hostile TOML, by hand, 2026-11-24.
LARGEST_DOSSIER = 512 * 1024
_LARGEST_EXPONENT = 300  # a float holds no smaller number but 0
_LONGEST_NUMBER = 60
_MOST_BITS = 14_000  # Python refuses to print whole numbers beyond 4,300 digits, even in an error line
_LONGEST_LINE = 4000
_DEEPEST_KEY = 16
_DEEPEST_TABLE = 12
_QUOTED = re.compile(r"""\"(?:\\.|[^"\\])*(?:"|\\?$)|'[^']*(?:'|$)""")


@dataclass(frozen=True)
class DossierFile:
    """A dossier as it lies on disk.

    Attributes:
        path: where it was read.
        dossier: its content.
        sha256: hash of its bytes.
        size: bytes.
    """

    path: Path
    dossier: Dossier
    sha256: str
    size: int


def read_dossier(path: Path) -> DossierFile:
    """Reads and checks one dossier.

    Args:
        path: a TOML file in the format of `docs/dossier.md`.

    Raises:
        InputError: one line with the file, the line or key, what is wrong and the cure.
    """
    content = read_bytes(path, limit=LARGEST_DOSSIER, what="dossier (TOML)")
    text = decode_utf8(content, where=str(path))
    return DossierFile(path, parse_dossier(text, where=str(path)), sha256(content), len(content))


def read_siblings(file: DossierFile) -> list[DossierFile]:
    """Reads the dossiers that this one names as siblings, from the same folder."""
    siblings = []
    for name in file.dossier.model.siblings:
        path = file.path.parent / f"{name}.toml"
        if not path.exists():
            raise InputError(
                f"sibling '{name}' is not beside this dossier",
                cure=f"add {path.name} or take it off model.siblings",
                where=str(file.path),
            )
        siblings.append(read_dossier(path))
    return siblings


def read_compared(file: DossierFile) -> DossierFile | None:
    """Reads the dossier of like quality that this one names, from the same folder; None where it names none."""
    if file.dossier.comparison is None:
        return None
    path = file.path.parent / f"{file.dossier.comparison.dossier}.toml"
    if not path.exists():
        raise InputError(
            f"'{file.dossier.comparison.dossier}' is not beside this dossier",
            cure=f"add {path.name} or take [comparison] out",
            where=str(file.path),
        )
    return read_dossier(path)


def write_template(path: Path) -> None:
    """Writes the commented template to a new file.

    Raises:
        OutputError: if the file exists or cannot be written.
    """
    text = shipped("dossier_template.toml")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise OutputError(f"{path}: exists already; choose another name") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def parse_dossier(text: str, *, where: str) -> Dossier:
    """Returns the dossier that `text` holds.

    Raises:
        InputError: one line with the place, what is wrong and the cure.
    """
    _refuse_bombs(text, where)
    try:
        # Decimals keep the digits as written, and with them how coarse a printed number is.
        table = tomllib.loads(text, parse_float=_decimal)
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(error, where) from None
    except RecursionError:
        raise InputError("nested too deeply", cure="a dossier needs three levels", where=where) from None
    except ValueError as error:
        raise InputError(f"not a usable number ({error})", cure="write fewer digits", where=where) from None
    _refuse_depth_and_size(table, where)
    try:
        dossier = Dossier.model_validate(table)
    except ValidationError as error:
        raise _first_line(error, text, where) from None
    for i, phase in enumerate(dossier.phases):
        line = _line_of(("phases", i, "accelerator"), text)
        find_accelerator(phase.accelerator, where=f"{where}:{line or ''} phases[{i}].accelerator")
    return dossier


def _refuse_bombs(text: str, where: str) -> None:
    """Refuses keys of thousands of parts, which the TOML parser reads in quadratic time."""
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > _LONGEST_LINE:
            raise InputError(
                f"a line of {len(line):,} characters",
                cure=f"keep lines below {_LONGEST_LINE:,} characters",
                where=f"{where}:{number}",
            )
        bare = _QUOTED.sub("", line)
        if bare.partition("=")[0].count(".") > _DEEPEST_KEY and not bare.lstrip().startswith("#"):
            raise InputError("nested too deeply", cure="a dossier needs three levels", where=f"{where}:{number}")


def _refuse_depth_and_size(table: dict[str, Any], where: str) -> None:
    """Refuses tables nested deeper than any dossier, and endless whole numbers, before other code sees them."""
    level: list[Any] = [table]
    for _ in range(_DEEPEST_TABLE):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [value for values in inner for value in values]
        if any(isinstance(item, int) and item.bit_length() > _MOST_BITS for item in level):
            raise InputError(
                "a whole number of thousands of digits", cure="write the figure that the source prints", where=where
            )
    if any(isinstance(item, dict | list) for item in level):
        raise InputError("nested too deeply", cure="a dossier needs three levels", where=where)


def _decimal(digits: str) -> Decimal:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"{len(digits)} characters long")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise ValueError(digits) from None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) > _LARGEST_EXPONENT:
        raise ValueError(f"{digits} is beyond all quantities")
    return number


def _toml_error(error: tomllib.TOMLDecodeError, where: str) -> InputError:
    match = re.fullmatch(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", str(error))
    line = f":{match['line']}" if match and match["line"] else ""
    what = match["what"] if match else str(error)
    return InputError(
        f"not TOML: {what}",
        cure="see docs/dossier.md, or start from `hydrometer dossier new`",
        where=f"{where}{line}",
    )


def _first_line(error: ValidationError, text: str, where: str) -> InputError:
    """Turns pydantic's list of complaints into the first one, with its place, and a count of the rest."""
    # An unknown key explains a missing one, so it comes first.
    found = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    first = found[0]
    location = tuple(part for part in first["loc"] if part not in {"gqa", "mla", "dense", "moe", "int", "decimal"})
    problem, cure = _words(first["type"], dict(first), location)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    line = _line_of(location, text)
    place = f"{where}:{line}" if line else where
    return InputError(f"{problem}{more}", cure=cure, where=f"{place} {_dotted(location)}".rstrip())


def _dotted(location: tuple[int | str, ...]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return parts.removeprefix(".")


def _words(kind: str, error: dict[str, Any], location: tuple[int | str, ...]) -> tuple[str, str]:
    value = error.get("input")
    given = "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)[:60]
    context = error.get("ctx", {})
    if kind == "refused":
        return context["problem"], context["cure"]
    key = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        return f"unknown key '{key[:60]}'", nearest(key[:200], _keys_at(location[:-1]))
    if kind == "missing":
        return f"'{key}' is missing", f"add {key} = ... (see docs/dossier.md)"
    if kind == "union_tag_not_found":
        return "'kind' is missing", "add kind = ... (see docs/dossier.md)"
    if kind == "union_tag_invalid":
        return f"kind = '{context.get('tag', '')}' is unknown", f"known: {context.get('expected_tags', '')}"
    message = str(error.get("msg", "is not accepted"))
    return f"{message[:1].lower()}{message[1:]} (got {given})", "correct the value (see docs/dossier.md)"


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Returns the keys that the schema knows at this place."""
    models: list[type[BaseModel]] = [Dossier]
    for part in location:
        if isinstance(part, int):
            continue
        fields = [m.model_fields[part].annotation for m in models if part in m.model_fields]
        models = [model for annotation in fields for model in _models_in(annotation)]
    return sorted({key for model in models for key in model.model_fields})


def _line_of(location: tuple[int | str, ...], text: str) -> int | None:
    """Returns the line of the key, or of its table, as far as a scan of the text can tell."""
    if not location:
        return None
    lines = text.splitlines()
    table = str(location[0])
    header = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]")
    starts = [i for i, line in enumerate(lines) if header.match(line)]
    index = location[1] if len(location) > 1 and isinstance(location[1], int) else 0
    if index >= len(starts):
        own = [i for i, line in enumerate(lines) if re.match(rf"\s*{re.escape(table)}\s*[=.]", line)]
        return own[0] + 1 if own else None
    start = starts[index]
    keys = [part for part in location[1:] if isinstance(part, str)]
    for i in range(start + 1, len(lines)):
        if lines[i].lstrip().startswith("[") and not lines[i].lstrip().startswith(f"[{table}."):
            break
        if keys and re.match(rf"\s*{re.escape(keys[-1])}\s*=", lines[i]):
            return i + 1
    return start + 1
