"""How much of their peak accelerators reach over a whole training run: a small hierarchical model with an interval.

Utilisation is split in two. *Steady*: what a tuned run reaches while it runs, from published throughput benchmarks, by
generation of hardware, dense or mixture, precision and size. *Whole run*: published hours of other developers' runs, a
linear model of log utilisation with normal priors on every effect, a common effect of each developer (runs of one
developer are not independent) and a t-distributed rest:

    log MFU = mu + effects of hardware, kind, precision and size + what the hours include + developer + rest.

Forty runs cannot tell which effects are the right ones. Three accounts of them are therefore kept and averaged with
equal weights, and their disagreement widens the interval (`ACCOUNTS`). A new developer's run is predicted with the
spread between developers and between runs. MFU is 6·N_active·D over hours times the dense BF16 peak, whatever the
precision trained in.

Arrays: R runs, F effects, Q asked runs.

References:
    Linear mixed model with known priors: Gelman et al., Bayesian Data Analysis, 3rd ed., chapters 5 and 15; its
    prediction is that of a Gaussian process with a linear kernel: Rasmussen and Williams, 2006, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

GENERATIONS = ("ampere", "hopper", "blackwell", "tpu")
"""Generations of hardware with an effect of their own; any other is taken as an average one."""
# A round figure near the median of dense BF16 benchmarks on H100 (0.41); another one would only move the intercept and
# its prior.
STEADY_REFERENCE = 0.4
"""Utilisation at which the effect of the steady part is 0."""
EFFECTS = (
    "intercept",
    *GENERATIONS,
    "other_hardware",
    "peak",
    "steady",
    "mixture",
    "low_precision",
    "size",
    "small",
    "whole_programme",
    "a100_40gb",
)
"""Order of the effects of the whole-run model."""
# Tried: one regression of everything (33 % median error), six accounts weighed by marginal likelihood (23 %, against 18
# % by equal weights: 40 runs cannot choose), and effects of cluster size, year and sparsity (no gain). See docs/log.md.
ACCOUNTS = {
    "benchmarks": {"peak", "mixture", "low_precision", "small"},
    "kinds by generation": {"peak", "steady", "size"},
    "kinds by peak": {*GENERATIONS, "steady", "size"},
}
"""The accounts of published runs, each with the effects that it does without."""
# By hand, 2026-11-25, with the runs in view: 82 % of them lie in the 80 % interval (docs/log.md, 2026-11-25).
SELECTION_WIDENING = 1.05
"""Factor on the spread: which effects the accounts have was chosen with the runs in view."""
STEADY_EFFECTS = ("intercept", *GENERATIONS, "mixture", "low_precision", "small")
"""Order of the effects of the steady model."""
# These two, the range and the references were set by hand, 2026-11-25, while looking at the 40 runs; not varied apart.
_SMALL = 3e9
_SMALL_RUN = 1.5e9
# A100, dense BF16, NVIDIA's data sheet: the hardware with the most published runs.
_REFERENCE_PEAK = 312e12
# Tried: a further effect of size beyond 100B; no gain or worse, so size is cut at Llama's 70B. See docs/log.md.
_SIZE_RANGE = (1e8, 7e10)
_SIZE_REFERENCE = 1e10


@dataclass(frozen=True, kw_only=True)
class RunShape:
    """What the model looks at.

    Attributes:
        active_parameters: weights that a token passes through.
        mixture: a mixture of experts.
        generation: of the hardware, as in `GENERATIONS`; anything else is an average one.
        peak_flop_per_second: dense BF16 peak of one accelerator.
        low_precision: trained in FP8 or FP4.
        whole_programme: the hours hold more than the main phase (restarts of other stages, context extension).
        a100_40gb: on A100 with 40 GB, whose memory forces smaller batches.
    """

    active_parameters: float
    mixture: bool
    generation: str
    peak_flop_per_second: float
    low_precision: bool = False
    whole_programme: bool = False
    a100_40gb: bool = False


def steady_effects(shape: RunShape) -> Array:
    """Returns the row of the steady model, in the order of `STEADY_EFFECTS`."""
    # Below 1e8 no benchmark is at hand; the effect stays where the smallest ones put it.
    small = min(float(np.log10(max(shape.active_parameters, 1e8) / _SMALL)), 0.0)
    generation = [float(shape.generation == name) for name in GENERATIONS]
    return np.array([1.0, *generation, float(shape.mixture), float(shape.low_precision), small])


def effects(shape: RunShape, *, steady: float) -> Array:
    """Returns the row of the whole-run model, in the order of `EFFECTS`.

    Args:
        shape: the run.
        steady: utilisation that a tuned run reaches while it runs.
    """
    size = 0.0
    if not shape.mixture:
        size = float(np.log10(np.clip(shape.active_parameters, *_SIZE_RANGE) / _SIZE_REFERENCE))
    generation = [float(shape.generation == name) for name in GENERATIONS]
    return np.array(
        [
            1.0,
            *generation,
            float(not any(generation)),
            float(np.log(shape.peak_flop_per_second / _REFERENCE_PEAK)),
            float(np.log(steady / STEADY_REFERENCE)),
            float(shape.mixture),
            float(shape.low_precision),
            size,
            min(float(np.log10(shape.active_parameters / _SMALL_RUN)), 0.0),
            float(shape.whole_programme),
            float(shape.a100_40gb),
        ]
    )


@dataclass(frozen=True)
class LinearModel:
    """A linear model of log utilisation with normal priors and grouped noise.

    Attributes:
        effects_RF: rows of the runs that inform it.
        log_mfu_R: their log utilisation.
        group_R: number of each run's developer (or benchmarked model).
        noise_R: variance of the rest of each run, relative to `rest_sd`².
        prior_mean_F: of the effects.
        prior_sd_F: of the effects.
        group_sd: spread between developers.
        rest_sd: spread between runs of one developer.
        degrees: of freedom of the predicted t distribution.
    """

    effects_RF: Array
    log_mfu_R: Array
    group_R: NDArray[np.int64]
    noise_R: Array
    prior_mean_F: Array
    prior_sd_F: Array
    group_sd: float
    rest_sd: float
    degrees: float

    def _covariance(self) -> Array:
        x, same = self.effects_RF, self.group_R[:, None] == self.group_R[None, :]
        effects_RR = (x * self.prior_sd_F**2) @ x.T
        covariance: Array = effects_RR + same * self.group_sd**2 + np.diag(self.rest_sd**2 * self.noise_R)
        return covariance

    def log_likelihood(self) -> float:
        """Returns the log marginal likelihood of the runs under these priors and spreads."""
        residual_R = self.log_mfu_R - self.effects_RF @ self.prior_mean_F
        return float(stats.multivariate_normal.logpdf(residual_R, cov=self._covariance()))

    def with_spreads(self, *, group_sd: float, rest_sd: float, scale: float = 1.0) -> LinearModel:
        """Returns the model with other spreads, and its priors widened by `scale`."""
        return replace(self, group_sd=group_sd, rest_sd=rest_sd, prior_sd_F=self.prior_sd_F * scale)

    def without(self, left_out_R: NDArray[np.bool_]) -> LinearModel:
        """Returns the model that has not seen some runs."""
        kept = ~left_out_R
        return replace(
            self,
            effects_RF=self.effects_RF[kept],
            log_mfu_R=self.log_mfu_R[kept],
            group_R=self.group_R[kept],
            noise_R=self.noise_R[kept],
        )

    def predict(self, asked_F: Array) -> Prediction:
        """Returns the utilisation of one run of a developer who has not been seen."""
        x, precision_F = self.effects_RF, self.prior_sd_F**2
        shared_R = x @ (precision_F * asked_F)
        weights_R: Array = np.linalg.solve(self._covariance(), shared_R).astype(np.float64)
        location = asked_F @ self.prior_mean_F + weights_R @ (self.log_mfu_R - x @ self.prior_mean_F)
        variance = float(asked_F @ (precision_F * asked_F) - weights_R @ shared_R)
        spread = float(np.sqrt(max(variance, 0.0) + self.group_sd**2 + self.rest_sd**2))
        return Prediction(float(location), spread, self.degrees, weights_R)

    def mean(self, asked_F: Array) -> float:
        """Returns the expected log utilisation without any developer's effect."""
        return self.predict(asked_F).location


@dataclass(frozen=True)
class Prediction:
    """A log-t distribution of utilisation.

    Attributes:
        location: median of log utilisation.
        scale: of the t distribution.
        degrees: of freedom.
        weights_R: how much each informing run moves the location.
    """

    location: float
    scale: float
    degrees: float
    weights_R: Array

    def quantile(self, p: float | Sequence[float] | Array) -> Array:
        """Returns quantiles of utilisation (a fraction)."""
        found: Array = np.exp(self.location + self.scale * stats.t.ppf(np.asarray(p, dtype=np.float64), self.degrees))
        return found

    def draws(self, n: int, *, rng: np.random.Generator) -> Array:
        """Returns `n` draws of utilisation, shape (n,)."""
        found: Array = np.exp(self.location + self.scale * rng.standard_t(self.degrees, size=n))
        return found


def averaged(predictions: Sequence[Prediction]) -> Prediction:
    """Returns the equal-weight average of accounts: their mean, and a variance that holds their disagreement."""
    locations, scales = (np.array([getattr(p, name) for p in predictions]) for name in ("location", "scale"))
    # Variance of a mixture with equal weights: mean of the variances and variance of the means.
    spread = SELECTION_WIDENING * float(np.sqrt(np.mean(scales**2) + np.var(locations)))
    weights_R: Array = np.mean([p.weights_R for p in predictions], axis=0)
    return Prediction(float(np.mean(locations)), spread, predictions[0].degrees, weights_R)
