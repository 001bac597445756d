"""Turns an answer into counted features: words, phrases, openings and layout, each as a 32-bit hash.

Hashes stand in for text so that a panel's features fit into arrays. Within one probe a few tens of thousands of
features share 2^32 values, so that one in about ten probes holds a single collision: far below what one shared
word moves.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("content", "phrasing", "openings", "layout")
"""Channels that compare two answers to one probe. Style, the fifth, compares whole models."""

# The length by hand, 2026-11-24: it bounds time and memory of the index.
LONGEST_ANSWER = 6000
"""Characters that are compared. Longer answers are cut, alike for every model: about one in two hundred."""

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[^\sa-z\d]")
_LINE_START = re.compile(r"\s*(?:\W{1,4}|0\W)?")
_DIGITS = re.compile(r"\d+")
# By hand, 2026-11-24; not measured apart.
_EDGE = 8
# 2^64 over the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4: multiplicative hashing).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint32]


class _TokenHashes(dict[str, int]):
    def __missing__(self, token: str) -> int:
        # Not hash(): that differs from process to process, and an index is kept.
        value = zlib.crc32(token.encode("utf-8", "surrogatepass"))
        self[token] = value
        return value


_HASH_OF = _TokenHashes()


@dataclass(frozen=True)
class Features:
    """The features of one answer in one channel.

    Attributes:
        hashes: distinct features, sorted.
        counts: how often each occurs, at most 255.
    """

    hashes: Hashes
    counts: NDArray[np.uint8]


def tokens(text: str) -> list[str]:
    """Returns lower-case words, numbers and single punctuation marks of an answer's first 6,000 characters."""
    return _TOKEN.findall(text[:LONGEST_ANSWER].lower())


def features(text: str) -> dict[str, Features] | None:
    """Returns an answer's features by channel, or None if it holds no text at all.

    Channels: `content` single words and pairs; `phrasing` runs of three and four; `openings` the first and last one
    to eight words; `layout` how lines begin and how many there are. White space around an answer never counts.
    """
    words = tokens(text)
    if not words:
        return None
    ids = np.fromiter(map(_HASH_OF.__getitem__, words), dtype=np.uint64, count=len(words))
    return {
        "content": _count(np.concatenate([_runs(ids, 1), _runs(ids, 2)])),
        "phrasing": _count(np.concatenate([_runs(ids, 3), _runs(ids, 4)])),
        # Seeds 11 and 13, any two unequal numbers: first and last words must not share features.
        "openings": _count(np.concatenate([_edges(ids, 11), _edges(ids[::-1], 13)])),
        "layout": _count(_layout(text)),
    }


def _mix(state: NDArray[np.uint64], ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (state ^ ids) * _MULTIPLIER
    # Any shift of about half the word spreads high bits to low ones; 29 by hand.
    return mixed ^ (mixed >> np.uint64(29))


def _fold(state: NDArray[np.uint64]) -> Hashes:
    return (state >> np.uint64(32)).astype(np.uint32)


def _runs(ids: NDArray[np.uint64], n: int) -> Hashes:
    """Hashes of all runs of n words."""
    length = len(ids) - n + 1
    if length <= 0:
        return np.empty(0, dtype=np.uint32)
    state = np.full(length, n, dtype=np.uint64)
    for k in range(n):
        state = _mix(state, ids[k : k + length])
    return _fold(state)


def _edges(ids: NDArray[np.uint64], seed: int) -> Hashes:
    """Hashes of the first one to eight words; as many as there are."""
    found = np.empty(min(_EDGE, len(ids)), dtype=np.uint64)
    state = np.array([seed], dtype=np.uint64)
    for k in range(len(found)):
        state = _mix(state, ids[k : k + 1])
        found[k] = state[0]
    return _fold(found)


def _layout(text: str) -> Hashes:
    """Hashes of how each line begins (bullet, number, heading, indent) and of the number of lines in steps of two."""
    lines = text[:LONGEST_ANSWER].strip().split("\n")
    found = [_LINE_START.match(_DIGITS.sub("0", line)).group(0) for line in lines]  # type: ignore[union-attr]
    # Cut at 24 lines: longer answers are lists, whose exact length the prompt decides. By hand, 2026-11-24.
    found.append(f"lines{min(len(lines) // 2, 12)}")
    return np.fromiter(
        (zlib.crc32(f"L{feature}".encode("utf-8", "surrogatepass")) for feature in found), dtype=np.uint32
    )


def _count(hashes: Hashes) -> Features:
    distinct, counts = np.unique(hashes, return_counts=True)
    return Features(distinct, np.minimum(counts, 255).astype(np.uint8))
