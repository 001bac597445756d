"""Trains small models of known lineage, so that the instruments can be checked against the truth. Needs torch."""

from __future__ import annotations

from importlib.util import find_spec

from hydrometer.errors import InputError


def need_torch() -> None:
    """Says what to install where torch is absent.

    Raises:
        InputError: if a library of the lab is missing.
    """
    missing = [name for name in ("torch", "transformers", "tokenizers", "safetensors") if find_spec(name) is None]
    if missing:
        raise InputError(f"the lab needs {', '.join(missing)}", cure="install them: pip install 'hydrometer[lab]'")
