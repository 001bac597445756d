"""What demand takes beside the dossier."""

from __future__ import annotations

from dataclasses import dataclass

from hydrometer.instruments.instrument import Input


@dataclass(frozen=True)
class StatedGain(Input):
    """A gain in efficiency, stated outright.

    Attributes:
        gain: tokens per unit of compute, after over before.
    """

    gain: float
