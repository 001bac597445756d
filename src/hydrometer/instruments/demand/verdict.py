"""The verdict on a gain: a Monte Carlo over stated beliefs, before and after the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hydrometer.costs import rebound
from hydrometer.errors import InputError
from hydrometer.instruments.demand.messages import caveats, in_words
from hydrometer.records.demand import (
    Alternative,
    Answer,
    CurvePoint,
    DemandPrior,
    DemandSwing,
    DemandVerdict,
    ElasticityEstimate,
    EvidencePool,
    Horizons,
    Outcome,
    Points,
    PooledEstimate,
    SupplySide,
)
from hydrometer.stats.pooling import Pool, pool_estimates
from hydrometer.stats.sensitivity import influences
from hydrometer.store.demand_beliefs import Beliefs, shipped_beliefs, support

Array = npt.NDArray[np.float64]
# By hand, 2026-11-26: most of the probability rests on stated priors, so that four to one is the least that is called
# an answer.
FALLS_BELOW, RISES_ABOVE = 0.2, 0.8
"""Between these probabilities of backfire the answer is “undetermined”."""
# 1,000 draws leave a probability uncertain by 0.016; two million bound time and memory.
_FEWEST_DRAWS, _MOST_DRAWS = 1000, 2_000_000
# By hand, 2026-11-26, as are the elasticities of the curve, 0 to 3: the posterior's 95 % point is 2.8.
_LARGEST_GAIN = 1e9
# Assumptions, no measurement: shown beside the verdict because they move it the most (0.22 to 0.32 and 0.45).
_INTENSITIES = (0.3, 0.6)
_CURVE = tuple(round(0.1 * i, 1) for i in range(31))


@dataclass(frozen=True)
class _Draws:
    """Draws of every belief, shape (n,), and of standard normals for the evidence."""

    belief: Mapping[str, Array]
    normal: Array

    def market(self, own: Array) -> tuple[Array, Array]:
        """Returns the market's short- and long-run elasticity; a stated one stands in the place of what follows."""
        b = self.belief
        short = np.asarray(b.get("short_run_elasticity", own * (1.0 - b["business_stealing"])))
        long = rebound.long_run(short, inertia=b["inertia"])
        return short, np.asarray(b.get("long_run_elasticity", long))

    def response(self, elasticity: Array, *, intensity: float | None = None) -> Array:
        b = self.belief
        return np.asarray(
            rebound.response(
                elasticity,
                pass_through=b["pass_through"],
                token_intensity=b["token_intensity"] if intensity is None else intensity,
            )
        )


# 100,000 draws: the probability is then known to 0.001, in 0.2 CPU seconds (docs/benchmarks/demand.md).
def judge_gain(gain: float, beliefs: Beliefs | None = None, *, draws: int = 100_000, seed: int = 0) -> DemandVerdict:
    """Returns whether compute falls or rises when the same compute yields `gain` times the tokens.

    Args:
        gain: tokens per unit of compute, after over before; above 1.
        beliefs: priors and measured elasticities; those that ship if absent.
        draws: of the Monte Carlo.
        seed: of the generator; the same seed gives the same numbers.

    Raises:
        InputError: for a gain that is none, too many draws, or a belief that the evidence excludes.
    """
    _check(gain, draws, seed)
    beliefs = shipped_beliefs() if beliefs is None else beliefs
    rng = np.random.default_rng(seed)
    sample = _Draws({name: _sample(p, draws, rng) for name, p in beliefs.priors.items()}, rng.standard_normal(draws))
    outright = "long_run_elasticity" in beliefs.priors
    pool = _pool(beliefs.estimates)
    before = _horizons(gain, sample, sample.belief["own_elasticity"])
    own = _after_evidence(sample, pool, beliefs)
    after = _horizons(gain, sample, own)
    response = sample.response(sample.market(own)[1])
    alternatives = _alternatives(gain, sample, beliefs, own, after.long_run)
    probabilities = [a.probability_of_backfire for a in alternatives]
    chance = after.long_run.probability_of_backfire
    wage, compute = rebound.supply_response(gain, response, supply_elasticity=sample.belief["supply_elasticity"])
    return DemandVerdict(
        gain=gain,
        answer=after.long_run.answer,
        probability_of_backfire=chance,
        probability_low=min(probabilities),
        probability_high=max(probabilities),
        monte_carlo_error=math.sqrt(chance * (1 - chance) / draws),
        compute_ratio=after.long_run.compute_ratio,
        elasticity=after.long_run.elasticity,
        realised_fraction=after.long_run.realised_fraction,
        in_words=in_words(gain, before, after, probabilities),
        prior=before,
        posterior=after,
        evidence=_evidence(pool, beliefs),
        alternatives=tuple(alternatives),
        swings=_swings(gain, sample, own, response, beliefs),
        supply=SupplySide(compute_price=_points(np.asarray(wage)), compute=_points(np.asarray(compute))),
        curve=_curve(sample),
        priors=tuple(beliefs.priors.values()),
        warnings=caveats(beliefs, outright=outright),
        n_draws=draws,
        seed=seed,
    )


def _check(gain: float, draws: int, seed: int) -> None:
    if not math.isfinite(gain) or gain <= 0:
        raise InputError(f"--gain {gain:g}", cure="give how many times as many tokens a unit of compute yields, as 10")
    if gain <= 1:
        raise InputError(f"--gain {gain:g} is no gain", cure="give a number above 1: 2 halves the compute of a token")
    if gain > _LARGEST_GAIN:
        raise InputError(f"--gain {gain:g}", cure=f"give at most {_LARGEST_GAIN:g}")
    if not _FEWEST_DRAWS <= draws <= _MOST_DRAWS:
        raise InputError(f"--draws {draws:,}", cure=f"give {_FEWEST_DRAWS:,} to {_MOST_DRAWS:,}")
    if seed < 0:
        raise InputError(f"--seed {seed}", cure="give 0 or a positive number")


def _sample(prior: DemandPrior, n: int, rng: np.random.Generator) -> Array:
    """Returns n draws within the bounds of the quantity; draws beyond them are set to the bound."""
    p = prior.points
    if prior.distribution == "fixed" or p[0] == p[-1]:
        drawn = np.full(n, p[0])
    elif prior.distribution == "uniform":
        drawn = rng.uniform(p[0], p[1], n)
    elif prior.distribution == "triangular":
        drawn = rng.triangular(p[0], p[1], p[2], n)
    else:
        drawn = rng.normal(p[0], p[1], n)
    bounded: Array = np.clip(drawn, *support(prior.name))
    return bounded


def _pool(estimates: Sequence[ElasticityEstimate]) -> Pool:
    import warnings

    from hydrometer.errors import DegenerateInputWarning

    with warnings.catch_warnings():
        # A single estimate is said in the verdict's own warnings.
        warnings.simplefilter("ignore", DegenerateInputWarning)
        # Tried: estimates of one panel merged into one; 0.72, standard error 0.37, spread 0.60. Left as four, said in a
        # warning, and shown with each left out. See docs/log.md, 2026-11-25.
        return pool_estimates(
            np.array([e.elasticity for e in estimates]), np.array([e.standard_error for e in estimates])
        )


def _used(pool: Pool, own: Sequence[ElasticityEstimate]) -> tuple[float, float]:
    """Returns mean and standard deviation of the elasticity at hand: the pool's next case, then the user's data."""
    mean, precision = pool.mean, pool.predictive_sd**-2
    for estimate in own:
        weight = estimate.standard_error**-2
        mean = (mean * precision + estimate.elasticity * weight) / (precision + weight)
        precision += weight
    return mean, precision**-0.5


def _after_evidence(sample: _Draws, pool: Pool, beliefs: Beliefs) -> Array:
    """Returns draws of the short-run elasticity of one model given the evidence; negative ones are set to 0.

    The package's own belief before evidence is there to be compared with, and does not weigh. A user's does: the draws
    are then resampled by its density.
    """
    mean, sd = _used(pool, beliefs.own)
    drawn: Array = np.clip(mean + sd * sample.normal, *support("own_elasticity"))
    belief = beliefs.priors["own_elasticity"]
    # Tried: the wide prior in the posterior; it moves the median from 0.62 to 0.66 for no reason in the data. See
    # docs/log.md, 2026-11-25.
    if belief.origin == "default":
        return drawn
    if belief.distribution == "fixed":
        return sample.belief["own_elasticity"]
    weight = _density(belief)(drawn)
    # By hand, 2026-11-26: fewer draws would stand for all of them.
    if np.count_nonzero(weight) < 50:
        raise InputError(
            "the belief about own_elasticity and the measured elasticities exclude each other",
            cure="widen the belief, or give your own [[estimates]]",
            where="--prior own_elasticity",
        )
    # Systematic resampling: even steps through the weights, so that no further noise comes in.
    n = len(drawn)
    ladder = np.cumsum(weight) / weight.sum()
    index = np.minimum(np.searchsorted(ladder, (np.arange(n) + 0.5) / n), n - 1)
    # Draws beside each other must not be alike in the other beliefs either: those stay in their own order.
    resampled: Array = drawn[np.random.default_rng(0).permutation(index)]
    return resampled


def _density(prior: DemandPrior) -> Callable[[Array], Array]:
    from scipy.stats import norm, triang, uniform

    p = prior.points
    if prior.distribution == "uniform":
        return lambda x: np.asarray(uniform.pdf(x, p[0], max(p[1] - p[0], 1e-9)))
    if prior.distribution == "triangular":
        width = max(p[2] - p[0], 1e-9)
        return lambda x: np.asarray(triang.pdf(x, (p[1] - p[0]) / width, p[0], width))
    return lambda x: np.asarray(norm.pdf(x, p[0], max(p[1], 1e-9)))


def _points(drawn: Array) -> Points:
    p5, p10, p50, p90, p95 = (float(q) for q in np.quantile(drawn, [0.05, 0.10, 0.50, 0.90, 0.95]))
    return Points(p5=p5, p10=p10, p50=p50, p90=p90, p95=p95)


def answer_of(probability: float) -> Answer:
    """Returns the answer that a probability of backfire allows."""
    if probability < FALLS_BELOW:
        return "falls"
    return "rises" if probability > RISES_ABOVE else "undetermined"


def _outcome(gain: float, sample: _Draws, elasticity: Array) -> Outcome:
    response = sample.response(elasticity)
    ratio = np.asarray(rebound.compute_ratio(gain, response))
    chance = float(np.mean(response > 1.0))
    return Outcome(
        elasticity=_points(elasticity),
        compute_ratio=_points(ratio),
        realised_fraction=_points(np.asarray(rebound.realised_fraction(gain, ratio))),
        probability_of_backfire=chance,
        answer=answer_of(chance),
    )


def _horizons(gain: float, sample: _Draws, own: Array) -> Horizons:
    short, long = sample.market(own)
    return Horizons(short_run=_outcome(gain, sample, short), long_run=_outcome(gain, sample, long))


def _evidence(pool: Pool, beliefs: Beliefs) -> EvidencePool:
    mean, sd = _used(pool, beliefs.own)
    return EvidencePool(
        mean=pool.mean,
        standard_error=pool.standard_error,
        tau=pool.tau,
        n=pool.n,
        estimates=tuple(
            PooledEstimate(estimate=e, weight=float(w)) for e, w in zip(beliefs.estimates, pool.weights_S, strict=True)
        ),
        own=beliefs.own,
        used_mean=mean,
        used_sd=sd,
    )


def _alternatives(gain: float, sample: _Draws, beliefs: Beliefs, own: Array, base: Outcome) -> list[Alternative]:
    """Returns the verdict as stated, then with one estimate left out or more tokens a task."""

    def changed(what: str, elasticity: Array, intensity: float | None = None) -> Alternative:
        response = sample.response(elasticity, intensity=intensity)
        return Alternative(
            what=what,
            probability_of_backfire=float(np.mean(response > 1.0)),
            compute_ratio=float(rebound.compute_ratio(gain, float(np.median(response)))),
        )

    found = [
        Alternative(
            what="as stated",
            probability_of_backfire=base.probability_of_backfire,
            compute_ratio=base.compute_ratio.p50,
        )
    ]
    outright = "long_run_elasticity" in beliefs.priors or "short_run_elasticity" in beliefs.priors
    if not outright and len(beliefs.estimates) > 1:
        for i, left_out in enumerate(beliefs.estimates):
            rest = beliefs.estimates[:i] + beliefs.estimates[i + 1 :]
            without = _after_evidence(sample, _pool(rest), replace(beliefs, estimates=rest))
            found.append(changed(f"without “{left_out.name}”", sample.market(without)[1]))
    stated = beliefs.priors["token_intensity"]
    if stated.origin == "default":
        long = sample.market(own)[1]
        found += [changed(f"token intensity {value}", long, value) for value in _INTENSITIES]
    return found


def _swings(gain: float, sample: _Draws, own: Array, response: Array, beliefs: Beliefs) -> tuple[DemandSwing, ...]:
    """Returns what each belief does to the median compute ratio; those that are fixed or unused do nothing."""
    inputs = {name: draws for name, draws in sample.belief.items() if name != "supply_elasticity"}
    if "long_run_elasticity" in inputs:
        unused = {"own_elasticity", "business_stealing", "inertia", "short_run_elasticity"}
    elif "short_run_elasticity" in inputs:
        unused = {"own_elasticity", "business_stealing"}
    else:
        inputs["own_elasticity"] = own
        unused = set()
    varying = {name: d for name, d in inputs.items() if name not in unused and d.min() < d.max()}
    ratio = np.asarray(rebound.compute_ratio(gain, response))
    return tuple(
        DemandSwing(prior=i.name, low=i.low, high=i.high, rank_correlation=i.rank_correlation)
        for i in influences(varying, output=ratio)
    )


def _curve(sample: _Draws) -> tuple[CurvePoint, ...]:
    ones = np.ones(1)
    return tuple(
        CurvePoint(elasticity=e, probability_of_backfire=float(np.mean(sample.response(e * ones) > 1.0)))
        for e in _CURVE
    )
