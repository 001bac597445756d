"""What a gain in efficiency does to the demand for compute.

E is useful tokens per unit of compute, S the useful tokens asked for, C = S / E the compute that they take.
With an exogenous gain and a response to price that is the same up and down, the elasticity of C with respect to E is
the price elasticity of S less 1 (Sorrell and Dimitropoulos, Ecological Economics 65, 2008; Saunders, Energy
Journal 13, 1992). Above 1, compute rises: backfire, or Jevons's paradox.

Every function takes numbers or arrays alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Value = float | Array


def long_run(short_run: Value, *, inertia: Value) -> Value:
    """Returns the long-run elasticity of a demand that adjusts with inertia.

    ln q(t) = inertia · ln q(t-1) - (1 - inertia) · long · ln p(t) + ...: the first period shows (1 - inertia) · long
    (Nerlove's partial adjustment).

    Args:
        short_run: elasticity in the first period.
        inertia: share of the last period's demand that stays, 0 to below 1.
    """
    return short_run / (1.0 - inertia)


def response(elasticity: Value, *, pass_through: Value, token_intensity: Value) -> Value:
    """Returns the elasticity of tokens with respect to efficiency; above 1 compute rises.

    Args:
        elasticity: of tasks with respect to the price of a token, as a positive number.
        pass_through: share of a lower cost that reaches the price, on the log scale.
        token_intensity: elasticity of tokens per task with respect to the price of a token, as a positive number.
    """
    return pass_through * (elasticity + token_intensity)


def compute_ratio(gain: float, responses: Value) -> Value:
    """Returns compute after a gain over compute before: gain ** (response - 1), at most 1e260.

    Args:
        gain: tokens per unit of compute after over before, above 1.
        responses: see `response`.
    """
    # A power and not an exponential: without any response the ratio is 1 / gain to the last digit.
    # Responses beyond any meaning must not overflow: the ratio ends at 1e260.
    ratio: Value = np.power(gain, np.minimum(responses, 600.0 / max(np.log(gain), 1e-12))) / gain
    return ratio


def realised_fraction(gain: float, ratio: Value) -> Value:
    """Returns how much of the engineer's saving was taken back: 0 none, 1 all of it, above 1 backfire.

    Args:
        gain: above 0 and not 1.
        ratio: see `compute_ratio`.
    """
    taken: Value = (np.asarray(ratio) * gain - 1.0) / (gain - 1.0)
    return taken


def supply_response(gain: float, responses: Value, *, supply_elasticity: Value) -> tuple[Value, Value]:
    """Returns the log changes of the price of compute and of compute, where supply slopes upward.

    Both have the sign of response - 1: the rent of an accelerator is an independent witness of backfire.

    Args:
        gain: see `compute_ratio`.
        responses: see `response`.
        supply_elasticity: of compute supplied with respect to its price, positive.
    """
    pressure = (responses - 1.0) * np.log(gain) / (supply_elasticity + responses)
    return pressure, supply_elasticity * pressure
