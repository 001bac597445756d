"""The utilisation that a plan may count on: a lognormal from published whole runs on the same hardware."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrometer.records.reference import Accelerator
from hydrometer.store.reference import reference_runs

_PRIOR_WEIGHT = 3.0
"""Runs that the pool counts for against the hardware's own: shrinks hardware with one published run."""
_SMALLEST_SPREAD = 0.25
_FP8_GAIN = 1.4
"""Whole-run utilisation of the BF16 peak with FP8 over BF16: DeepSeek-V3 over V2 gave 1.55, dense benchmarks 1.8;
a plan counts on less."""


@dataclass(frozen=True)
class Utilisation:
    """Whole-run utilisation of the BF16 peak, lognormal.

    Attributes:
        median: a fraction.
        sigma: spread of the natural log.
        n_runs: published runs on this hardware.
        basis: what it rests on, for people.
    """

    median: float
    sigma: float
    n_runs: int
    basis: str

    def quantile(self, z: float) -> float:
        """Returns the utilisation at a standard normal quantile, at most 0.9 of the peak."""
        return float(min(self.median * np.exp(z * self.sigma), 0.9))


def expected_utilisation(chip: Accelerator, *, mixture: bool, precision: str) -> Utilisation:
    """Returns what published runs of this kind reached on this hardware.

    Args:
        chip: the accelerator.
        mixture: a mixture of experts.
        precision: `bf16` or `fp8`.
    """
    kind = "moe" if mixture else "dense"
    runs = [run for run in reference_runs() if run.architecture == kind]
    logs = np.log([run.mfu / (_FP8_GAIN if run.precision.startswith("fp8") else 1.0) for run in runs])
    own = np.array([run.hardware == chip.hardware for run in runs])
    pool = float(np.mean(logs))
    n = int(own.sum())
    mean = (float(logs[own].sum()) + _PRIOR_WEIGHT * pool) / (n + _PRIOR_WEIGHT)
    spread = float(np.std(logs, ddof=1))
    # A new piece of hardware may lie anywhere in the pool, and its own mean is not known exactly.
    sigma = max(spread * (1 + 1 / (n + _PRIOR_WEIGHT)) ** 0.5, _SMALLEST_SPREAD)
    gain = _FP8_GAIN if precision == "fp8" else 1.0
    words = f"whole-run utilisation of {len(runs)} published {kind} runs, {n} of them on {chip.hardware}"
    return Utilisation(float(np.exp(mean)) * gain, sigma, n, words)
