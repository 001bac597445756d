"""What ships for serving: the fitted constants with the rows that they rest on, and the shapes of known networks."""

from __future__ import annotations

import json
from functools import cache

from hydrometer.costs.architecture import Architecture
from hydrometer.records.serving import ServingFit
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.read import architecture_of
from hydrometer.store.files import shipped


@cache
def serving_fit() -> ServingFit:
    """Returns the constants that bench/fit_serving.py fitted."""
    return ServingFit.model_validate_json(shipped("serving_fit.json"))


@cache
def _shapes() -> dict[str, dict[str, object]]:
    found = json.loads(shipped("serving_models.json"))["models"]
    assert isinstance(found, dict)
    return found


def shipped_networks() -> tuple[str, ...]:
    """Returns the names of the networks whose shapes ship."""
    return tuple(_shapes())


def shipped_network(name: str) -> tuple[str, Architecture] | None:
    """Returns a shipped network by its name, however it is spelt, or None."""
    wanted = _plain(name)
    for known, config in _shapes().items():
        if _plain(known) == wanted:
            return known, architecture_of(Fields(dict(config), known))
    return None


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
