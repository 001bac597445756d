"""Writes an audit folder whole or not at all, and reads its record back."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hydrometer.errors import OutputError
from hydrometer.store.files import read_bytes

RECORD = "audit.json"
REPORT = "report.html"
# By hand, 2026-11-24, like every limit on files in this folder: far above real ones, below what fills memory.
_LARGEST_AUDIT = 64 * 1024 * 1024


def refuse_if_taken(folder: Path) -> None:
    """Raises if the folder holds something other than an audit, before any work is done for it.

    Raises:
        OutputError: if `folder` is a file, or a folder that holds anything but `audit.json` and `report.html`.
    """
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise OutputError(f"{folder}: is not a folder; choose another --out")
        # The folder is replaced whole, so a note kept beside an audit would be lost with it.
        others = sorted({p.name for p in folder.iterdir()} - {RECORD, REPORT}) if folder.is_dir() else []
    except OSError as error:
        raise OutputError(f"{folder}: cannot be used ({error.strerror}); choose another --out") from None
    if others:
        raise OutputError(f"{folder}: holds other files than an audit ({others[0]}); choose another --out")


def write_audit(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files of an audit into `folder`; an earlier audit there is replaced.

    The files are first written and flushed beside the folder and then renamed into place, so a reader never
    sees a part of an audit, and a failure leaves what was there.

    Args:
        folder: where the audit goes; parents are made.
        files: name to text.

    Raises:
        OutputError: if the folder holds something else or cannot be written.
    """
    refuse_if_taken(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another --out") from None
    try:
        for name, text in files.items():
            with (fresh / name).open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another --out") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, folder: Path) -> None:
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_name(f"{fresh.name}.old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        with contextlib.suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def read_record(folder: Path) -> tuple[Path, bytes]:
    """Returns where the record of an audit folder lies, and its bytes.

    Raises:
        InputError: if there is none, or it is too large.
    """
    path = folder / RECORD if folder.is_dir() else folder
    return path, read_bytes(path, limit=_LARGEST_AUDIT, what="audit record (audit.json)")
