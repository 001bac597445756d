"""A proportion and its interval."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

from hydrometer.errors import DegenerateInputWarning


@dataclass(frozen=True)
class Proportion:
    """Successes among trials that are independent of each other.

    Attributes:
        successes: how many succeeded.
        n: how many were tried.
    """

    successes: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.n:
            raise ValueError(f"successes must be between 0 and n = {self.n}, got {self.successes}")

    @property
    def estimate(self) -> float:
        """Successes over trials; not a number without trials."""
        return self.successes / self.n if self.n else float("nan")

    def confidence_interval(
        self, *, level: float = 0.95, method: Literal["exact", "wilson"] = "exact"
    ) -> tuple[float, float]:
        """Returns the two-sided interval for the underlying rate.

        Args:
            level: coverage, between 0 and 1.
            method: `exact` (Clopper and Pearson, Biometrika 26, 1934) or `wilson` (JASA 22, 1927).

        Returns:
            Lower and upper bound; (0, 1) without trials, with a `DegenerateInputWarning`.

        Raises:
            ValueError: if `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}")
        if self.n == 0:
            warnings.warn(DegenerateInputWarning("no trials: the rate can be anything from 0 to 1"), stacklevel=2)
            return (0.0, 1.0)
        from scipy.stats import binomtest  # half a second to import; most commands never need it

        interval = binomtest(self.successes, self.n).proportion_ci(confidence_level=level, method=method)
        return (float(interval.low), float(interval.high))
