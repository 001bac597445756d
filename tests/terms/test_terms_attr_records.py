"""What attribution and collecting hand on cannot be changed, and is made by name where order would confuse."""

from __future__ import annotations

import dataclasses

import pytest

from hydrometer.collect import Budget, Estimate, Plan, Price, Settings
from hydrometer.collect.orders import Order
from hydrometer.collect.run import Collected
from hydrometer.collect.watch import Watch
from hydrometer.instruments.attribution.compare import Answers, Sums
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.design import Design
from hydrometer.instruments.attribution.passages import _Shared
from hydrometer.instruments.attribution.run import Attributor, Comparison, Judged
from hydrometer.instruments.attribution.shared_text import SharedText
from hydrometer.instruments.attribution.significance import Decision, References
from hydrometer.instruments.attribution.statistic import Frame, Statistics
from hydrometer.instruments.attribution.subjects import Subject

ATTRIBUTION = [
    Answers, Attributor, Comparison, Decision, Frame, Judged, Design, References, ComparisonSet, SharedText, Statistics,
    Subject, Sums, _Shared,
]  # fmt: skip
COLLECTING = [Budget, Collected, Estimate, Order, Plan, Price, Settings, Watch]


@pytest.mark.parametrize("record", ATTRIBUTION + COLLECTING)
def test_a_result_cannot_be_changed(record: type) -> None:
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(object.__new__(record), name, None)


@pytest.mark.parametrize("record", [Budget, Collected, Estimate, Order, Settings])
def test_what_has_many_parts_of_one_kind_is_made_by_name(record: type) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        record(*(None for _ in dataclasses.fields(record)))


@pytest.mark.parametrize("record", [Budget, Estimate, Price])
def test_what_is_made_for_every_request_is_small(record: type) -> None:
    assert not hasattr(object.__new__(record), "__dict__")
