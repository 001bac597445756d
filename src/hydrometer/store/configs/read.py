"""Reads a `config.json` and hands it to its family."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path

from hydrometer.costs.architecture import Architecture
from hydrometer.errors import InputError, printable
from hydrometer.store.configs.dense import DENSE
from hydrometer.store.configs.fields import Fields
from hydrometer.store.configs.hybrids import HYBRIDS
from hydrometer.store.configs.mixtures import MIXTURES
from hydrometer.store.files import decode_utf8, read_bytes

# By hand, 2026-11-25.
_LARGEST = 4_000_000
_FAMILIES: dict[str, Callable[[Fields], Architecture]] = {**DENSE, **MIXTURES, **HYBRIDS}
KNOWN_FAMILIES = tuple(sorted(_FAMILIES))
"""Every `model_type` that can be counted."""


def read_config(path: Path) -> Architecture:
    """Returns the language network that a `config.json` describes.

    Of a model that also sees or hears, only the language network (`text_config`) is counted.

    Args:
        path: the file, or the checkpoint's folder.

    Raises:
        InputError: if it is no such file, a key is missing or impossible, or its `model_type` is not known.
    """
    file = path / "config.json" if path.is_dir() else path
    where = str(file)
    text = decode_utf8(read_bytes(file, limit=_LARGEST, what="config.json"), where=where)
    try:
        values = json.loads(text)
    except RecursionError:
        raise InputError("nested too deeply", cure="name a config.json", where=where) from None
    except ValueError as error:
        raise InputError(f"not JSON: {error}", cure="name a config.json", where=where) from None
    if not isinstance(values, dict):
        raise InputError("holds no JSON object", cure="name a checkpoint's config.json", where=where)
    return architecture_of(Fields(values, where))


def architecture_of(fields: Fields) -> Architecture:
    """Returns the architecture of a configuration.

    Raises:
        InputError: as `read_config`.
    """
    if not fields.model_type:
        raise InputError(
            "'model_type' is missing", cure="a checkpoint's config.json names its family there", where=fields.where
        )
    inner = fields.part("text_config") or fields.part("llm_config")
    if inner is not None and fields.model_type not in DENSE | MIXTURES:
        # Vision and audio models keep their language network apart; old ones leave its family to the outer name.
        outer = fields.model_type
        values = {"model_type": f"{outer}_text", **inner.values}
        for key in ("tie_word_embeddings", "vocab_size"):
            if key not in values and key in fields.values:
                values[key] = fields.values[key]
        return architecture_of(Fields(values, fields.where, inner.inside))
    build = _FAMILIES.get(fields.model_type)
    if build is None:
        near = difflib.get_close_matches(fields.model_type, KNOWN_FAMILIES, n=3)
        hint = (
            f"near it: {', '.join(near)}"
            if near
            else f"{len(KNOWN_FAMILIES)} families are known: docs/training_cost.md"
        )
        raise InputError(
            f"model_type '{printable(fields.model_type, limit=60)}' is not known, so its weights cannot be counted",
            cure=f"{hint}; or give --total-params, --active-params and --architecture",
            where=fields.where,
        )
    return build(fields)
