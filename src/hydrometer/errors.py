"""What can go wrong, in one vocabulary.

HydrometerError
 ├── InputError        a file, value or name that was handed in cannot be used
 └── OutputError       an audit or a file cannot be written where it was asked for

HydrometerWarning
 └── DegenerateInputWarning   the input is usable, but too thin to carry the usual meaning

Every error prints as one line that names the file, the place in it, what is wrong and the cure.
"""

from __future__ import annotations

import unicodedata

# By hand, 2026-11-24: a line of a terminal.
_LONGEST_QUOTE = 120


def printable(text: object, *, limit: int = _LONGEST_QUOTE) -> str:
    """Returns `text` on one line, without control characters, cut at `limit` characters.

    What a file or a model wrote must not move the reader's cursor or fill the screen.
    """
    one_line = " ".join(str(text).split())
    clean = "".join("\N{REPLACEMENT CHARACTER}" if _is_control(c) else c for c in one_line)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _is_control(character: str) -> bool:
    # Cf holds the bidirectional overrides, which can make a line read as its opposite.
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}


class HydrometerError(Exception):
    """Base of every error that a user can cause and cure."""


class InputError(HydrometerError):
    """A file, value or name that was handed in cannot be used.

    Attributes:
        where: file and place, as `dossiers/x.toml:12 claims[3].value`; empty for a bare option.
        problem: what is wrong.
        cure: what to do about it.
    """

    def __init__(self, problem: str, *, cure: str, where: str = "") -> None:
        """Stores the three parts, made printable."""
        self.where = printable(where, limit=300)
        self.problem = printable(problem, limit=400)
        self.cure = printable(cure, limit=400)
        place = f"{self.where}: " if self.where else ""
        super().__init__(f"{place}{self.problem}; {self.cure}")


class OutputError(HydrometerError):
    """An audit or a file cannot be written where it was asked for."""


class HydrometerWarning(UserWarning):
    """Base of every warning."""


class DegenerateInputWarning(HydrometerWarning):
    """The input is usable, but too thin to carry the usual meaning."""
