"""Hours and FLOP of one phase, as draws: training on given text, or on text that the network writes first.

The constants of the generating phases rest on very few published runs, each named beside its constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrometer.costs.flop import (
    FLOP_PER_PARAMETER_AND_TOKEN,
    FORWARD_PASSES_OF_TRAINING,
    forward_flop_per_token,
    training_flop_per_token,
)
from hydrometer.costs.utilisation import Array
from hydrometer.instruments.training_cost.estimating.request import FITTED_LENGTH, GENERATING, Network, TrainingPlan

# Both set by hand, 2026-11-25, on published reasoning runs; nothing held out tests them. R1-Zero's tokens are our
# reading of a figure. With them R1 comes out at 1.03, MiniMax-M1 at 0.76, Qwen3-8B at 1.81 of its hours (docs/log.md).
GENERATION_UTILISATION = (0.010, 0.8)
"""Median and log-spread of utilisation while a network generates; from one run (DeepSeek-R1-Zero)."""
RUN_TOKENS = {"rl": 60e9, "distillation": 4e9}
"""Tokens that a published reasoning run generates, where a plan does not say: set so that DeepSeek-R1, MiniMax-M1 and
Qwen3-8B come out within a factor of two; distillation on Qwen3-8B alone."""
# 80 % of draws within a factor of 2.8; by hand, 2026-11-25, with the three runs in view.
_RUN_TOKENS_SPREAD = 0.8
# Olmo 3 (7B, 32B), Llama 3.1 405B, Gopher, Skywork, PaLM, SmolLM3: 0.67 to 0.93. The logit keeps draws below 1.
GOODPUT = (1.90, 0.82)
"""Logit of the share of hours that a run keeps, and its spread: published shares of seven runs lie from 0.67 to 0.93
with a median of 0.87 (restarts, repeated steps, failed nodes)."""
# As PPO and GRPO have it: one frozen copy reads each sample for the KL term.
_REFERENCE_PASSES = 1.0
"""Forward passes of the reference network beside the three of training."""


@dataclass(frozen=True)
class Draws:
    """Draws of one phase, each of shape (D,).

    Attributes:
        tokens_D: trained on.
        flop_D: of training and generation.
        mfu_D: whole-run utilisation of the training part.
        goodput_D: share of the hours that the run keeps; none where utilisation is the model's.
        hours_D: accelerator-hours.
    """

    tokens_D: Array
    flop_D: Array
    mfu_D: Array
    goodput_D: Array | None
    hours_D: Array


def draw_phase(
    network: Network,
    plan: TrainingPlan,
    *,
    peak_flop_per_hour: float,
    mfu_D: Array,
    flop_over_short_form: tuple[float, float, float],
    rng: np.random.Generator,
) -> Draws:
    """Returns draws of a phase.

    Args:
        network: what is trained.
        plan: how.
        peak_flop_per_hour: of one accelerator, dense BF16.
        mfu_D: draws of whole-run utilisation from the model.
        flop_over_short_form: deciles 1, 5 and 9 of exact FLOP over 6·N·D.
        rng: source of the draws.
    """
    n = len(mfu_D)
    tokens_D = _tokens(plan, n, rng=rng)
    exact_D = _exact_flop_per_token(network, plan, flop_over_short_form, n, rng=rng)
    goodput_D: Array | None = None
    charged: float | Array = _charged_flop_per_token(network, plan)
    if plan.steady_mfu is not None:
        # A reported utilisation is of exact FLOP and of the steps alone; lost time comes on top.
        mean, spread = GOODPUT
        goodput_D = 1.0 / (1.0 + np.exp(-(mean + spread * rng.standard_normal(n))))
        mfu_D, charged = plan.steady_mfu * goodput_D, exact_D
    if plan.phase not in GENERATING:
        return Draws(tokens_D, exact_D * tokens_D, mfu_D, goodput_D, charged * tokens_D / (peak_flop_per_hour * mfu_D))
    # Each token is generated one by one, at a low utilisation, read by a reference or a teacher, and trained on.
    median, spread = GENERATION_UTILISATION
    generating = 2.0 * network.active_parameters
    reading = _REFERENCE_PASSES * 2.0 * network.active_parameters
    if plan.phase == "distillation":
        reading = 2.0 * (plan.teacher_parameters or 0.0)
    busy_D = (charged + reading) / mfu_D + generating / (median * np.exp(spread * rng.standard_normal(n)))
    flop_D = (exact_D + reading + generating) * tokens_D
    return Draws(tokens_D, flop_D, mfu_D, goodput_D, busy_D * tokens_D / peak_flop_per_hour)


def _tokens(plan: TrainingPlan, n: int, *, rng: np.random.Generator) -> Array:
    if plan.tokens is not None:
        return np.full(n, float(plan.tokens))
    drawn: Array = RUN_TOKENS[plan.phase] * np.exp(_RUN_TOKENS_SPREAD * rng.standard_normal(n))
    return drawn


def _exact_flop_per_token(
    network: Network, plan: TrainingPlan, ratios: tuple[float, float, float], n: int, *, rng: np.random.Generator
) -> Array:
    """Returns draws of the FLOP of a token, attention included; without a shape, 6·N times a drawn ratio."""
    if network.architecture is not None:
        return np.full(n, training_flop_per_token(network.architecture, sequence_length=plan.core_length))
    low, middle, high = ratios
    # 1.2816: the 90 % point of the normal distribution, since the ratios are deciles.
    z = rng.standard_normal(n) / 1.2815515655446004  # Two half-normals on the log scale, joined at the median.
    span = np.where(z < 0, np.log(middle / low), np.log(high / middle))
    drawn: Array = FLOP_PER_PARAMETER_AND_TOKEN * network.active_parameters * middle * np.exp(z * span)
    return drawn


def _charged_flop_per_token(network: Network, plan: TrainingPlan) -> float:
    """Returns the FLOP to which the fitted utilisation applies: 6·N, and attention beyond the fitted length."""
    flop = FLOP_PER_PARAMETER_AND_TOKEN * network.active_parameters
    if network.architecture is not None and plan.core_length > FITTED_LENGTH:
        far, near = (
            forward_flop_per_token(network.architecture, sequence_length=s)
            for s in (plan.core_length, float(FITTED_LENGTH))
        )
        flop += FORWARD_PASSES_OF_TRAINING * (far - near)
    return flop
