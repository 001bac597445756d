"""What it takes to measure what a model says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hydrometer.instruments.instrument import Input


@dataclass(frozen=True)
class IdentityAnswers(Input):
    """A model's answers to questions about who made it.

    Attributes:
        identity: the file.
    """

    identity: Path
