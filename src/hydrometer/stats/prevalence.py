"""A rate as an imperfect judge sees it, corrected for how often the judge is wrong."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from hydrometer.errors import DegenerateInputWarning


@dataclass(frozen=True)
class JudgeErrors:
    """How a judge did on rows whose truth is known.

    Attributes:
        hits: true rows that the judge marked.
        n_true: true rows.
        rejections: false rows that the judge did not mark.
        n_false: false rows.
    """

    hits: int
    n_true: int
    rejections: int
    n_false: int

    def __post_init__(self) -> None:
        if not (0 <= self.hits <= self.n_true and 0 <= self.rejections <= self.n_false):
            raise ValueError("hits and rejections cannot exceed their totals")
        if self.n_true == 0 or self.n_false == 0:
            raise ValueError("rows known to be true and rows known to be false are needed")


@dataclass(frozen=True)
class TrueRate:
    """A rate corrected for a judge's errors.

    Attributes:
        estimate: clipped to 0 and 1.
        low: lower bound of the interval.
        high: upper bound.
        sensitivity: as measured.
        specificity: as measured.
        level: coverage of the interval.
    """

    estimate: float
    low: float
    high: float
    sensitivity: float
    specificity: float
    level: float


def true_rate(marked: float, n: float, *, errors: JudgeErrors, level: float = 0.95) -> TrueRate:
    """Returns the rate behind an apparent rate, with an interval that carries the judge's measured errors.

    Estimate of Rogan and Gladen (Am. J. Epidemiol. 107, 1978); interval of Lang and Reiczigel (Prev. Vet. Med. 113,
    2014, section 2.3), which adds pseudo-counts to all three samples and keeps its level where sensitivity and
    specificity are estimated from few rows.

    Args:
        marked: rows that the judge marked; for clustered rows, the rate times the effective number.
        n: rows judged, or the effective number.
        errors: how the judge did where the truth is known.
        level: coverage, between 0 and 1.
    """
    if n <= 0 or not 0 <= marked <= n:
        raise ValueError("0 <= marked <= n and n > 0 are needed")
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    sensitivity, specificity = errors.hits / errors.n_true, errors.rejections / errors.n_false
    if sensitivity + specificity <= 1:
        warnings.warn(DegenerateInputWarning("the judge is no better than chance: nothing follows"), stacklevel=2)
        return TrueRate(float("nan"), 0.0, 1.0, sensitivity, specificity, level)
    estimate = (marked / n + specificity - 1) / (sensitivity + specificity - 1)
    # Pseudo-counts: z²/2 in the sample, one row of each kind among those of known truth.
    n_, se_n, sp_n = n + z**2, errors.n_true + 2, errors.n_false + 2
    p = (marked + z**2 / 2) / n_
    se, sp = (errors.hits + 1) / se_n, (errors.rejections + 1) / sp_n
    youden = se + sp - 1
    middle = (p + sp - 1) / youden
    shift = 2 * z**2 * (middle * se * (1 - se) / se_n - (1 - middle) * sp * (1 - sp) / sp_n)
    spread = (
        z
        * (p * (1 - p) / n_ + middle**2 * se * (1 - se) / se_n + (1 - middle) ** 2 * sp * (1 - sp) / sp_n) ** 0.5
        / youden
    )
    low, high = middle + shift - spread, middle + shift + spread
    return TrueRate(_clip(estimate), _clip(low), _clip(high), sensitivity, specificity, level)


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
