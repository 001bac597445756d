"""The fitted utilisation model that ships with the package."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

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
from hydrometer.records.estimates import HoursOperatingPoint, InformingRun
from hydrometer.store.files import shipped

# For the reader, by hand, 2026-11-25.
_MOST_NAMED = 6


@dataclass(frozen=True)
class ShippedUtilisation:
    """The models and what they rest on.

    Attributes:
        date: when they were fitted.
        steady: utilisation of tuned runs while they run.
        whole: accounts of the utilisation of whole runs.
        labels: model, developer, accelerator and utilisation of every run of `whole`.
        flop_over_short_form: deciles 1, 5 and 9 of exact FLOP over 6·N·D, over published networks at 4,096 tokens.
    """

    date: dt.date
    steady: LinearModel
    whole: tuple[LinearModel, ...]
    labels: tuple[dict[str, Any], ...]
    flop_over_short_form: tuple[float, float, float]

    def predict(self, shape: RunShape) -> tuple[Prediction, float]:
        """Returns the utilisation of a whole run, and the steady one behind it."""
        steady = float(np.exp(self.steady.mean(steady_effects(shape))))
        asked = effects(shape, steady=steady)
        return averaged([account.predict(asked) for account in self.whole]), steady

    def informing(self, prediction: Prediction) -> tuple[InformingRun, ...]:
        """Returns the runs that move a prediction most, the weightiest first."""
        order = np.argsort(-np.abs(prediction.weights_R))[:_MOST_NAMED]
        return tuple(InformingRun(weight=round(float(prediction.weights_R[i]), 3), **self.labels[i]) for i in order)


def _model(given: dict[str, Any], runs: list[dict[str, Any]], names: tuple[str, ...]) -> LinearModel:
    return LinearModel(
        effects_RF=np.array([[run["effects"].get(name, 0.0) for name in names] for run in runs]),
        log_mfu_R=np.array([run["log_mfu"] for run in runs]),
        group_R=np.array([run["group"] for run in runs]),
        noise_R=np.array([run["noise"] for run in runs]),
        prior_mean_F=np.array([given["prior_mean"].get(name, 0.0) for name in names]),
        prior_sd_F=np.array([given["prior_sd"].get(name, 0.0) for name in names]),
        group_sd=given["group_sd"],
        rest_sd=given["rest_sd"],
        degrees=given["degrees"],
    )


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shipped(name))
    return found


@cache
def shipped_utilisation() -> ShippedUtilisation:
    """Returns the models of data/utilisation.json (made by `bench/fit_utilisation.py`)."""
    given = _read("utilisation.json")
    kept = ("model", "developer", "accelerator", "mfu")
    low, middle, high = given["flop_over_short_form"]
    return ShippedUtilisation(
        date=dt.date.fromisoformat(given["date"]),
        steady=_model(given["steady"], given["benchmarks"], STEADY_EFFECTS),
        whole=tuple(_model(account, given["runs"], EFFECTS) for account in given["accounts"].values()),
        labels=tuple({key: run[key] for key in kept} for run in given["runs"]),
        flop_over_short_form=(low, middle, high),
    )


@cache
def hours_operating_point() -> HoursOperatingPoint:
    """Returns the measured error of estimated hours (`bench/training_cost.py` writes it)."""
    return HoursOperatingPoint.model_validate(_read("hours_operating_point.json"), strict=False)
