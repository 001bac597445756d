"""Small networks of every family against transformers' own classes: layer by layer, flag by flag."""

from __future__ import annotations

import pytest

from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from small_networks import Small, counted_here, rows


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_every_layer_is_the_one_that_transformers_builds(row: Small) -> None:
    assert counted_here(architecture_of(Fields(row.config, row.name))) == row.reference


def test_no_stored_network_is_lost() -> None:
    assert len(rows()) >= 290
    assert len({row.config["model_type"] for row in rows()}) >= 65
