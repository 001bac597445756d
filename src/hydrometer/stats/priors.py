"""Distributions stated by three points, for numbers that nobody published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z95 = 1.6448536269514722
"""95 % point of the standard normal distribution."""


@dataclass(frozen=True)
class SplitLognormal:
    """A positive quantity stated by its 5 %, 50 % and 95 % points.

    On the log scale, two half-normals joined at the median, so that all three points hold exactly
    ("two-piece normal", Wallis, Statistical Science 29, 2014, here with half of the mass on each side).
    """

    p5: float
    p50: float
    p95: float

    def __post_init__(self) -> None:
        if not 0 < self.p5 <= self.p50 <= self.p95:
            raise ValueError(f"0 < p5 <= p50 <= p95 is needed, got {self.p5}, {self.p50}, {self.p95}")

    def sample(self, n: int, *, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Returns n draws, shape (n,)."""
        z = rng.standard_normal(n)
        below = np.log(self.p50 / self.p5) / Z95
        above = np.log(self.p95 / self.p50) / Z95
        draws: npt.NDArray[np.float64] = self.p50 * np.exp(z * np.where(z < 0, below, above))
        return draws
