"""Passages of model text on a page: harmless, and with the shared words marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup

_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def harmless(text: str) -> str:
    """Returns text whose lines stay, but which can neither turn the reading direction nor hide anything."""

    def shown(character: str) -> str:
        if character in "\n\t" or character in _JOINERS:
            return character
        return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} else character

    return "".join(map(shown, text.replace("\r\n", "\n").replace("\r", "\n")))


def marked(text: str, shared: Sequence[str]) -> Markup:
    """Returns the text, escaped, with every run of shared words inside `<mark>`.

    Args:
        text: what a model answered.
        shared: runs of words in lower case, with spaces between words and punctuation.
    """
    clean = harmless(text)
    pieces, at = [], 0
    for start, end in _spans(clean, shared):
        pieces.append(Markup.escape(clean[at:start]))
        pieces.append(Markup("<mark>{}</mark>").format(clean[start:end]))
        at = end
    pieces.append(Markup.escape(clean[at:]))
    return Markup("").join(pieces)


def absent(texts: Sequence[str], shared: Sequence[str]) -> list[str]:
    """Returns the runs of words that not all of the texts show: they lie behind the cut."""
    return [run for run in shared if not all(_spans(harmless(text), [run]) for text in texts)]


def _spans(text: str, shared: Sequence[str]) -> list[tuple[int, int]]:
    """Returns where the runs stand, overlaps joined."""
    found = sorted(match.span() for run in shared if run.strip() for match in _pattern(run).finditer(text))
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _pattern(run: str) -> re.Pattern[str]:
    # Runs are tokens: white space and case are gone, and punctuation stands apart from words. A full stop at an end is
    # shared too, but to mark it only disturbs the eye.
    words = harmless(run).split()
    named = [i for i, word in enumerate(words) if word[0].isalnum()]
    if named:
        words = words[named[0] : named[-1] + 1]
    before = r"(?<![^\W\d_])" if words[0].isalpha() else ""
    after = r"(?![^\W\d_])" if words[-1].isalpha() else ""
    return re.compile(before + r"\s*".join(map(re.escape, words)) + after, re.IGNORECASE)
