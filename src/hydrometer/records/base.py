"""What every record shares: frozen, strict, closed to unknown keys, and free of control characters."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError


class Record(BaseModel):
    """Base of everything that is read from or written to disk."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def refusal(problem: str, cure: str) -> PydanticCustomError:
    """Returns a validation error that carries its own cure.

    Args:
        problem: what is wrong, without the place (the reader adds it).
        cure: what to do about it.
    """
    return PydanticCustomError("refused", "{problem}", {"problem": problem, "cure": cure})


def without_control_characters(text: str) -> str:
    """Returns the text, or refuses one that could move the reader's cursor or turn a line around."""
    for position, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in "\n\t":
            raise refusal(
                f"control character U+{ord(character):04X} at position {position}",
                "remove it: text is shown to people as it stands",
            )
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(without_control_characters),
]
"""Free text for people, on screen and on paper."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A short name used inside a file: lower-case letters, digits, `.`, `_`, `-`."""
