"""Members whose weights ship with the zoo's panel: bf16, with recipe, ledger and hashes. Reading needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hydrometer.errors import InputError
from hydrometer.lab.zoo import Member, Probing
from hydrometer.records.base import Record, Slug
from hydrometer.store.files import read_bytes

MODELS, ABOUT = "models", "model.json"
# Both by hand, 2026-11-26: bounds for files that were put in their place.
_LARGEST = 1024**2
_LARGEST_WEIGHTS = 64 * 1024**2


class Shipped(Record):
    """What is reported of a model whose weights ship."""

    name: Slug
    parameters: int
    recipe: dict[str, Any]
    """What `lab train` or `lab distill` made it with; texts by their names."""
    parents: tuple[dict[str, Any], ...]
    ledger: dict[str, Any]
    trained_sha256: str
    """Of the weights as trained, in fp32."""
    sha256: dict[str, str]
    """Of the files here."""
    answer_tokens: int
    temperature: float
    """How the panel's members answered the probes."""


def ship(names: Sequence[str], members: Sequence[Member], built: Path, panel: Path, probing: Probing) -> None:
    """Writes the weights of some members beside their panel, in bf16.

    Args:
        names: which.
        members: the recipe's.
        built: the folder that `build` filled.
        panel: the panel's folder.
        probing: how the panel's members were asked.

    Raises:
        InputError: if a name is not of the zoo, or not built.
        OutputError: if the folder cannot be written.
    """
    from hydrometer.lab.files import load_model, save_model, whole_folder

    known = {m.name for m in members}
    for name in names:
        folder = built / "members" / name
        if name not in known or not (folder / "run.json").exists():
            raise InputError(f"no member '{name}' is built", cure="name one of the recipe's", where="--weights")
    for name in names:
        folder = built / "members" / name
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        model, tokenizer = load_model(folder)
        with whole_folder(panel / MODELS / name) as fresh:
            save_model(fresh, model, tokenizer, half=True)
            about = Shipped(
                name=name, parameters=run["parameters"], recipe=_reported(json.loads(run["recipe"])),
                parents=tuple(run["parents"]), ledger=run["ledger"], trained_sha256=run["weights_sha256"],
                sha256={f.name: _digest(f) for f in sorted(fresh.iterdir())}, answer_tokens=probing.answer_tokens,
                temperature=probing.temperature,
            )  # fmt: skip
            (fresh / ABOUT).write_text(about.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _reported(recipe: dict[str, Any]) -> dict[str, Any]:
    """Returns a recipe without the places where its texts lay."""
    return {k: [Path(x).name for x in v] if k in ("text", "prompts") else v for k, v in recipe.items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, limit=_LARGEST_WEIGHTS, what=path.name)).hexdigest()


def read_shipped(panel: Path) -> tuple[Shipped, ...]:
    """Returns the models whose weights ship with a panel, by name; their files are checked against their hashes.

    Raises:
        InputError: if there are none, or a file is not what was written.
    """
    found = []
    for path in sorted((panel / MODELS).glob(f"*/{ABOUT}")):
        try:
            about = Shipped.model_validate_json(read_bytes(path, limit=_LARGEST, what="model.json"))
        except ValidationError:
            raise InputError(
                "not what `lab zoo build --weights` writes", cure="write it again", where=str(path)
            ) from None
        for name, digest in about.sha256.items():
            if Path(name).name != name or _digest(path.parent / name) != digest:
                raise InputError(
                    "the file has changed since it was written", cure="write it again with `lab zoo build --weights`",
                    where=str(path.parent / name),
                )  # fmt: skip
        found.append(about)
    if not found:
        raise InputError(
            "no weights ship with this zoo", cure="write them with `lab zoo build --weights NAME`", where=str(panel)
        )
    return tuple(found)
