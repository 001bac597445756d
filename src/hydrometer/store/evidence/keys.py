"""What makes two questions the same: the key under which an answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import zstandard

from hydrometer.records.exchange import Request

# By hand, 2026-11-25: short answers, by far the most, stay readable with any SQLite tool.
_WORTH_PACKING = 16 * 1024
# By hand, 2026-11-25: above any body that is accepted (64 MiB, targets/endpoint.py), below what fills a small machine's
# memory.
_LARGEST_UNPACKED = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """One request on behalf of one probe.

    Attributes:
        probe: id of the probe.
        request: what is sent.
        replicate: number of the sample, from 0; samples of one request differ only in it.
    """

    probe: str
    request: Request
    replicate: int = 0


def canonical(request: Request) -> bytes:
    """Returns a request as ASCII JSON, the same bytes for the same request; halves of characters are kept."""
    return json.dumps(asdict(request), sort_keys=True, separators=(",", ":")).encode()


def request_from(content: bytes) -> Request:
    """Returns the request of which `canonical` gave the bytes."""
    given: dict[str, Any] = json.loads(content)
    return Request(**given)


def canonical_identity(identity: Mapping[str, str]) -> str:
    """Returns what tells a target from others, as JSON."""
    return json.dumps(dict(identity), sort_keys=True, separators=(",", ":"))


def question_key(request: bytes, identity: str, replicate: int) -> bytes:
    """Returns the SHA-256 of a canonical request, the target's identity and the number of the sample."""
    return hashlib.sha256(b"%b\n%b\n%d" % (request, identity.encode(), replicate)).digest()


def pack(*contents: bytes | None) -> tuple[list[bytes | None], int]:
    """Returns the columns of one row, all compressed where they are long together, and whether they are."""
    if sum(len(content) for content in contents if content) < _WORTH_PACKING:
        return list(contents), 0
    # Level 3, zstandard's own default.
    packer = zstandard.ZstdCompressor(level=3)
    return [None if content is None else packer.compress(content) for content in contents], 1


def unpack(content: bytes, packed: int) -> bytes:
    """Returns the bytes that `pack` was given.

    Raises:
        ValueError: if they are damaged or unreasonably large.
    """
    if not packed:
        return content
    try:
        size = zstandard.frame_content_size(content)
        if not 0 <= size <= _LARGEST_UNPACKED:
            raise ValueError("an answer unpacks to more than any body may have")
        return zstandard.ZstdDecompressor().decompress(content, max_output_size=_LARGEST_UNPACKED)
    except zstandard.ZstdError as error:
        raise ValueError(f"a packed answer is damaged ({error})") from None


def text_bytes(text: str) -> bytes:
    """Returns a text as bytes; halves of characters, which UTF-8 does not allow, are kept."""
    return text.encode("utf-8", "surrogatepass")


def bytes_text(content: bytes) -> str:
    """Returns the text that `text_bytes` was given."""
    return content.decode("utf-8", "surrogatepass")
