"""Reading hostile files and writing whole ones."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from importlib import resources
from pathlib import Path

from hydrometer.errors import InputError, OutputError

USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "hydrometer"
"""What can be made again is kept there."""


def read_bytes(path: Path, *, limit: int, what: str) -> bytes:
    """Returns the content of a regular file of at most `limit` bytes.

    Args:
        path: the file.
        limit: largest accepted size in bytes.
        what: what the file should be, for the error line.

    Raises:
        InputError: if it is missing, not a regular file, unreadable or too large.
    """
    try:
        # A pipe or a device would hang or never end, so look before opening.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise InputError(f"this is {kind}", cure=f"name a {what}", where=str(path))
        if status.st_size > limit:
            raise InputError(
                f"{status.st_size:,} bytes is too large for a {what}",
                cure=f"a {what} has at most {limit:,} bytes: is this another file?",
                where=str(path),
            )
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError("no such file", cure=_neighbours(path, what), where=str(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot be read ({reason})", cure=f"name a readable {what}", where=str(path)) from None
    if len(content) > limit:
        raise InputError("the file grew while it was read", cure="try again", where=str(path))
    return content


def _neighbours(path: Path, what: str) -> str:
    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix == (path.suffix or ".toml"))[:6]
    except OSError:
        names = []
    return f"beside it are {', '.join(names)}" if names else f"check the path of the {what}"


def decode_utf8(content: bytes, *, where: str) -> str:
    """Returns the text; a byte-order mark is dropped.

    Raises:
        InputError: naming the line of the first byte that is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"byte 0x{content[error.start]:02x} is not UTF-8",
            cure="save the file as UTF-8 text",
            where=f"{where}:{line}",
        ) from None


def shipped(name: str) -> str:
    """Returns the text of a file of `hydrometer/data`."""
    return resources.files("hydrometer").joinpath("data", name).read_text(encoding="utf-8")


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of the content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes, *, make_folder: bool = False) -> None:
    """Writes a file that is there whole or not at all, on the disk before it takes its name.

    Args:
        path: an earlier file is replaced.
        content: all of it.
        make_folder: make the folder where it is missing.

    Raises:
        OutputError: if it cannot be written.
    """
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files for their owner alone; what people write is to be read by others too.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
