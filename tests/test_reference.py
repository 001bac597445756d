"""The tables that ship with the package."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.errors import InputError
from hydrometer.store.reference import (
    accelerators,
    claim_checking_operating_point,
    default_priors,
    find_accelerator,
    reference_runs,
)


def test_every_name_and_alias_means_one_chip() -> None:
    for chip in accelerators():
        for name in (chip.name, *chip.aliases):
            assert find_accelerator(name) is chip


@pytest.mark.parametrize("name", ["h100", "NVIDIA H100 SXM 80GB", "H100-SXM", " h-100 "])
def test_spelling_is_forgiven(name: str) -> None:
    assert find_accelerator(name).name == "H100-SXM-80GB"


@given(st.text(max_size=40))
def test_any_name_is_found_or_refused_with_a_cure(name: str) -> None:
    try:
        find_accelerator(name)
    except InputError as error:
        assert error.cure


def test_published_runs_imply_the_utilisation_they_list() -> None:
    for run in reference_runs():
        peak = find_accelerator(run.accelerator).bf16_flop_per_second
        implied = 6 * run.active_parameters * run.tokens / (run.accelerator_hours * 3600 * peak)
        assert run.mfu == pytest.approx(implied, rel=0.01)
        assert run.source


def test_the_stored_error_rates_keep_their_promise() -> None:
    point = claim_checking_operating_point()
    assert point.n_corrupted >= 20
    assert point.true_positive_rate.middle >= 0.9
    assert point.false_positive_rate.middle <= 0.05
    assert point.false_positive_rate.low <= point.false_positive_rate.middle <= point.false_positive_rate.high


def test_every_default_prior_names_its_source() -> None:
    assert {p.name for p in default_priors().values()} == {
        "development_multiplier",
        "full_time_share",
        "pay_per_year",
        "project_years",
    }
    assert all(p.source for p in default_priors().values())
