"""The model of utilisation: its rows by hand, its predictions by another route than its own."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hydrometer.costs.utilisation import (
    EFFECTS,
    STEADY_EFFECTS,
    LinearModel,
    Prediction,
    RunShape,
    averaged,
    effects,
    steady_effects,
)

PLAIN = RunShape(active_parameters=1e10, mixture=False, generation="ampere", peak_flop_per_second=312e12)


def named(shape: RunShape, *, steady: float = 0.4) -> dict[str, float]:
    row = effects(shape, steady=steady)
    return {name: value for name, value in zip(EFFECTS, row, strict=True) if value}


def named_steady(shape: RunShape) -> dict[str, float]:
    return {name: value for name, value in zip(STEADY_EFFECTS, steady_effects(shape), strict=True) if value}


# Rows.


def test_an_a100_run_of_ten_billion_parameters_at_forty_percent_is_the_reference() -> None:
    assert named(PLAIN) == {"intercept": 1, "ampere": 1}
    assert named_steady(PLAIN) == {"intercept": 1, "ampere": 1}


@pytest.mark.parametrize("generation", ["ampere", "hopper", "blackwell", "tpu"])
def test_a_generation_has_an_effect_of_its_own(generation: str) -> None:
    shape = replace(PLAIN, generation=generation)
    assert named(shape) == {"intercept": 1, generation: 1}
    assert named_steady(shape) == {"intercept": 1, generation: 1}


def test_other_hardware_is_an_average_one() -> None:
    shape = replace(PLAIN, generation="gaudi")
    assert named(shape) == {"intercept": 1, "other_hardware": 1}
    assert named_steady(shape) == {"intercept": 1}


@pytest.mark.parametrize("effect", ["low_precision", "whole_programme", "a100_40gb", "mixture"])
def test_a_property_has_an_effect(effect: str) -> None:
    shape = replace(PLAIN, **{effect: True})
    assert named(shape) == {"intercept": 1, "ampere": 1, effect: 1}
    steady = {effect: 1} if effect in STEADY_EFFECTS else {}
    assert named_steady(shape) == {"intercept": 1, "ampere": 1} | steady


@pytest.mark.parametrize(("peak", "steady"), [(312e12 * np.e, 0.4), (312e12, 0.4 * np.e), (312e12 / np.e**2, 0.4)])
def test_peak_and_steady_utilisation_count_by_their_logarithm(peak: float, steady: float) -> None:
    found = effects(replace(PLAIN, peak_flop_per_second=peak), steady=steady)
    row = dict(zip(EFFECTS, found, strict=True))
    assert row["peak"] == pytest.approx(np.log(peak / 312e12))
    assert row["steady"] == pytest.approx(np.log(steady / 0.4))


@pytest.mark.parametrize(
    ("active", "size", "small"),
    [
        # Powers of ten from ten billion, within 0.1 to 70 billion; and from 1.5 billion down.
        (1e9, -1, np.log10(1 / 1.5)),
        (1.5e8, np.log10(0.015), -1),
        (1e8, -2, np.log10(0.1 / 1.5)),
        (1.5e7, -2, -2),
        (1.5e9, np.log10(0.15), 0),
        (2e9, np.log10(0.2), 0),
        (5e10, np.log10(5), 0),
        (7e10, np.log10(7), 0),
        (7e11, np.log10(7), 0),
    ],
)
def test_size_counts_by_powers_of_ten(active: float, size: float, small: float) -> None:
    row = dict(zip(EFFECTS, effects(replace(PLAIN, active_parameters=active), steady=0.4), strict=True))
    assert row["size"] == pytest.approx(size)
    assert row["small"] == pytest.approx(small)
    mixed = effects(replace(PLAIN, active_parameters=active, mixture=True), steady=0.4)
    row = dict(zip(EFFECTS, mixed, strict=True))
    # Of a mixture the active weights say little about the size of its matrices.
    assert row["size"] == 0
    assert row["small"] == pytest.approx(small)


@pytest.mark.parametrize(
    ("active", "small"),
    [(3e9, 0), (4e9, 0), (3e8, -1), (2e9, np.log10(2 / 3)), (1e8, np.log10(1 / 30)), (1e7, np.log10(1 / 30))],
)
def test_below_three_billion_a_tuned_run_is_small_and_below_a_tenth_no_smaller(active: float, small: float) -> None:
    row = dict(zip(STEADY_EFFECTS, steady_effects(replace(PLAIN, active_parameters=active)), strict=True))
    assert row["small"] == pytest.approx(small)


def test_a_run_is_plain_unless_told() -> None:
    shape = RunShape(active_parameters=1e10, mixture=False, generation="ampere", peak_flop_per_second=312e12)
    assert (shape.low_precision, shape.whole_programme, shape.a100_40gb) == (False, False, False)


# The linear model, against the posterior of its coefficients, with a coefficient for every developer too: found from
# the normal equations, where the model works with the covariance of the runs.

RNG = np.random.default_rng(20240917)
RUNS, ROWS = 9, 3
MODEL = LinearModel(
    effects_RF=RNG.normal(size=(RUNS, ROWS)),
    log_mfu_R=RNG.normal(-1.2, 0.4, size=RUNS),
    group_R=np.array([0, 0, 1, 1, 1, 2, 3, 3, 4]),
    noise_R=RNG.uniform(0.5, 3.0, size=RUNS),
    prior_mean_F=np.array([-0.9, 0.2, 0.4]),
    prior_sd_F=np.array([0.7, 0.3, 1.1]),
    group_sd=0.23,
    rest_sd=0.31,
    degrees=5.0,
)
ASKED = np.array([1.0, -0.6, 0.35])


def coefficients(model: LinearModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the posterior mean and covariance of the effects, and how each run moves the mean."""
    developers = np.eye(model.group_R.max() + 1)[model.group_R]
    design = np.hstack([model.effects_RF, developers])
    prior_sd = np.concatenate([model.prior_sd_F, np.full(developers.shape[1], model.group_sd)])
    prior_mean = np.concatenate([model.prior_mean_F, np.zeros(developers.shape[1])])
    weight = 1 / (model.rest_sd**2 * model.noise_R)
    covariance = np.linalg.inv(design.T @ (weight[:, None] * design) + np.diag(prior_sd**-2.0))
    gain = covariance @ design.T * weight
    mean = prior_mean + gain @ (model.log_mfu_R - design @ prior_mean)
    return mean, covariance, gain


def test_a_prediction_is_the_posterior_of_the_effects_and_the_spreads_of_a_new_developer() -> None:
    mean, covariance, gain = coefficients(MODEL)
    found = MODEL.predict(ASKED)
    assert found.location == pytest.approx(ASKED @ mean[:ROWS])
    variance = ASKED @ covariance[:ROWS, :ROWS] @ ASKED
    assert found.scale == pytest.approx(np.sqrt(variance + 0.23**2 + 0.31**2))
    assert found.degrees == 5.0
    np.testing.assert_allclose(found.weights_R, ASKED @ gain[:ROWS])
    assert MODEL.mean(ASKED) == found.location


def test_the_likelihood_is_what_bayes_rule_leaves_at_any_effects() -> None:
    # p(y) = p(y | b)·p(b) / p(b | y), for effects and developers b at random.
    mean, covariance, _ = coefficients(MODEL)
    b = RNG.normal(size=mean.size)
    developers = np.eye(5)[MODEL.group_R]
    expected = (
        stats.norm.logpdf(
            MODEL.log_mfu_R, np.hstack([MODEL.effects_RF, developers]) @ b, 0.31 * np.sqrt(MODEL.noise_R)
        ).sum()
        + stats.norm.logpdf(b[:ROWS], MODEL.prior_mean_F, MODEL.prior_sd_F).sum()
        + stats.norm.logpdf(b[ROWS:], 0, 0.23).sum()
        - stats.multivariate_normal.logpdf(b, mean, covariance)
    )
    assert MODEL.log_likelihood() == pytest.approx(expected)


def test_without_runs_a_prediction_is_its_prior() -> None:
    nothing = MODEL.without(np.ones(RUNS, dtype=bool))
    found = nothing.predict(ASKED)
    assert found.location == pytest.approx(-0.9 + 0.2 * -0.6 + 0.4 * 0.35)
    prior = (1.0 * 0.7) ** 2 + (0.6 * 0.3) ** 2 + (0.35 * 1.1) ** 2
    assert found.scale == pytest.approx(np.sqrt(prior + 0.23**2 + 0.31**2))


def test_one_run_moves_a_mean_by_its_share_of_the_precision() -> None:
    # A normal mean, prior N(-1, 0.5²), one run at -0.4 of variance 0.2² + 3·0.1² = 0.07.
    model = LinearModel(
        effects_RF=np.array([[1.0]]),
        log_mfu_R=np.array([-0.4]),
        group_R=np.array([7]),
        noise_R=np.array([3.0]),
        prior_mean_F=np.array([-1.0]),
        prior_sd_F=np.array([0.5]),
        group_sd=0.2,
        rest_sd=0.1,
        degrees=4.0,
    )
    share = 0.25 / (0.25 + 0.07)
    found = model.predict(np.array([1.0]))
    assert found.location == pytest.approx(-1 + share * 0.6)
    assert found.weights_R == pytest.approx([share])
    assert found.scale == pytest.approx(np.sqrt(0.25 * (1 - share) + 0.05))
    assert model.log_likelihood() == pytest.approx(stats.norm.logpdf(-0.4, -1, np.sqrt(0.25 + 0.07)))


def test_runs_left_out_are_not_seen() -> None:
    left_out = np.zeros(RUNS, dtype=bool)
    left_out[[1, 6]] = True
    kept = [0, 2, 3, 4, 5, 7, 8]
    fewer = MODEL.without(left_out)
    by_hand = replace(
        MODEL,
        effects_RF=MODEL.effects_RF[kept],
        log_mfu_R=MODEL.log_mfu_R[kept],
        group_R=MODEL.group_R[kept],
        noise_R=MODEL.noise_R[kept],
    )
    mean, covariance, _ = coefficients(by_hand)
    found = fewer.predict(ASKED)
    assert found.location == pytest.approx(ASKED @ mean[:ROWS])
    assert found.scale**2 - 0.23**2 - 0.31**2 == pytest.approx(ASKED @ covariance[:ROWS, :ROWS] @ ASKED)
    assert found.weights_R.shape == (7,)


def test_other_spreads_and_wider_priors() -> None:
    same_priors = MODEL.with_spreads(group_sd=0.5, rest_sd=0.6)
    assert (same_priors.group_sd, same_priors.rest_sd) == (0.5, 0.6)
    np.testing.assert_array_equal(same_priors.prior_sd_F, [0.7, 0.3, 1.1])
    wider = MODEL.with_spreads(group_sd=0.5, rest_sd=0.6, scale=3.0)
    np.testing.assert_allclose(wider.prior_sd_F, [2.1, 0.9, 3.3])


# Predictions.

PREDICTION = Prediction(location=np.log(0.3), scale=0.2, degrees=5.0, weights_R=np.array([0.25, 0.75]))


def test_quantiles_are_those_of_a_t_distribution_of_log_utilisation() -> None:
    # Student's t with 5 degrees of freedom: 2.015 at 95 %, 0.727 at 75 % (any printed table).
    low, quarter, middle, high = PREDICTION.quantile([0.05, 0.25, 0.5, 0.95])
    assert middle == pytest.approx(0.3)
    assert np.log([high / 0.3, 0.3 / low, 0.3 / quarter]) == pytest.approx(
        [0.2 * 2.015, 0.2 * 2.015, 0.2 * 0.727], abs=1e-4
    )
    assert float(PREDICTION.quantile(0.95)) == pytest.approx(high)


def test_draws_follow_the_quantiles() -> None:
    draws = PREDICTION.draws(20_000, rng=np.random.default_rng(5))
    assert draws.shape == (20_000,)
    for p in (0.05, 0.5, 0.95):
        assert np.mean(draws < PREDICTION.quantile(p)) == pytest.approx(p, abs=0.01)


def test_draws_rise_with_the_stream_they_are_made_from() -> None:
    stream = np.random.default_rng(5).standard_t(5.0, size=100)
    draws = PREDICTION.draws(100, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(np.argsort(draws), np.argsort(stream))


def test_accounts_are_averaged_and_their_disagreement_widens() -> None:
    other = Prediction(location=np.log(0.3) + 0.6, scale=0.5, degrees=5.0, weights_R=np.array([0.5, 0.1]))
    found = averaged([PREDICTION, other])
    assert found.location == pytest.approx(np.log(0.3) + 0.3)
    # Of two halves 0.3 away from their middle: variance 0.3² and the mean of the two; 5 % for having chosen.
    assert found.scale == pytest.approx(1.05 * np.sqrt((0.2**2 + 0.5**2) / 2 + 0.3**2))
    assert found.degrees == 5.0
    assert found.weights_R == pytest.approx([0.375, 0.425])


def test_one_account_alone_is_only_widened() -> None:
    found = averaged([PREDICTION])
    assert found.location == PREDICTION.location
    assert found.scale == pytest.approx(0.2 * 1.05)
    assert found.degrees == 5.0


# The records themselves.


@pytest.mark.parametrize("record", [PLAIN, MODEL, PREDICTION])
def test_a_record_of_utilisation_cannot_be_changed(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 2)


def test_a_run_is_spelt_by_names() -> None:
    positional: Any = RunShape
    with pytest.raises(TypeError, match="positional"):
        positional(1e10, False, "ampere", 312e12)
