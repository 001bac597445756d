"""Opens a panel folder: `responses.parquet`, `probes.parquet` and `lineage.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.panel.lineage_table import parse_lineage
from hydrometer.records.lineage import Lineage
from hydrometer.store.files import read_bytes, sha256
from hydrometer.store.responses import ResponseSet, prompt_key, read_responses
from hydrometer.store.responses.common import count, first_names
from hydrometer.store.responses.tables import read_table, text_column

RESPONSES = "responses.parquet"
PROBES = "probes.parquet"
LINEAGE = "lineage.csv"
# By hand, 2026-11-24: AlpacaEval's 805 prompts take some 100 kB. A bound for files that are none.
_LARGEST_PROBES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Panel:
    """A reference population: other models' responses to the same probes, with their documented lineage.

    Attributes:
        folder: where it lies.
        probes: probe id to prompt (the join key), in the order of the file.
        lineage: one entry for every model of `lineage.csv`.
        warnings: everything odd that does not prevent its use.
        sha256: hash of every file.
    """

    folder: Path
    probes: Mapping[str, str]
    lineage: tuple[Lineage, ...]
    warnings: tuple[str, ...]
    sha256: Mapping[str, str]
    _responses: ResponseSet

    def responses(self) -> ResponseSet:
        """Returns the answers: `model`, `prompt`, `response`, `status`, one row for every model and prompt."""
        return self._responses

    @cached_property
    def prompts(self) -> tuple[str, ...]:
        """The prompts in the order of the file."""
        return tuple(self.probes.values())

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models with responses, sorted."""
        return tuple(self._responses.frame["model"].unique().sort())

    def lineage_of(self, model: str) -> Lineage:
        """Returns what is documented about a model; an entry without content where nothing is."""
        return next((row for row in self.lineage if row.model == model), Lineage.model_construct(model=model))


def open_panel(folder: Path) -> Panel:
    """Opens a panel folder and checks that its three files fit together.

    Args:
        folder: holds `responses.parquet` (`model`, `probe`, `response`, perhaps `status`), `probes.parquet`
            (`probe`, `prompt`) and `lineage.csv`.

    Raises:
        InputError: one line with the file, the row, what is wrong and the cure.
    """
    _check_folder(folder)
    probes, probes_hash = _read_probes(folder / PROBES)
    content = read_bytes(folder / LINEAGE, limit=64 * 1024 * 1024, what="lineage table (CSV)")
    lineage = parse_lineage(content, path=folder / LINEAGE)
    responses = read_responses(folder / RESPONSES, probes=probes)
    _check_prompts(responses, probes)
    models = responses.frame["model"].unique().sort().to_list()
    _check_case(models, folder / RESPONSES)
    hashes = {RESPONSES: responses.sha256, PROBES: probes_hash, LINEAGE: sha256(content)}
    warnings = (*responses.warnings, *_compare_models(models, lineage))
    return Panel(folder, MappingProxyType(probes), lineage, warnings, MappingProxyType(hashes), responses)


def _check_folder(folder: Path) -> None:
    cure = f"a panel folder holds {RESPONSES}, {PROBES} and {LINEAGE} (see docs/panel.md)"
    if not folder.exists():
        raise InputError("no such folder", cure=cure, where=str(folder))
    if not folder.is_dir():
        raise InputError("this is not a folder", cure=cure, where=str(folder))
    missing = [name for name in (RESPONSES, PROBES, LINEAGE) if not (folder / name).exists()]
    if missing:
        raise InputError(f"{' and '.join(missing)} missing", cure=cure, where=str(folder))


def _read_probes(path: Path) -> tuple[dict[str, str], str]:
    content = read_bytes(path, limit=_LARGEST_PROBES, what="probe table (Parquet)")
    # Parquet's magic number (Apache Parquet format, "File format").
    if content[:4] != b"PAR1":
        raise InputError("not Parquet", cure="store probe and prompt as Parquet", where=str(path))
    table = read_table(content, ("probe", "prompt"), path=path)
    names = text_column(table, "probe", path=path, numbers=True)
    prompts = text_column(table, "prompt", path=path)
    probes: dict[str, str] = {}
    seen: dict[str, int] = {}
    for row, (name, prompt) in enumerate(zip(names, prompts, strict=True), start=1):
        where = f"{path} row {row}"
        if name is None or prompt is None or not prompt.strip():
            raise InputError("a probe without id or prompt", cure="give both", where=where)
        key = prompt_key(prompt)
        if name in probes:
            raise InputError(f"probe '{printable(name, limit=60)}' is there twice", cure="keep one", where=where)
        if key in seen:
            raise InputError(
                f"the same prompt as in row {seen[key]}", cure="keep one: prompts are the join key", where=where
            )
        probes[name] = key
        seen[key] = row
    if not probes:
        raise InputError("holds no probes", cure="give at least one", where=str(path))
    return probes, sha256(content)


def _check_prompts(responses: ResponseSet, probes: Mapping[str, str]) -> None:
    known = pl.DataFrame({"prompt": list(probes.values())})
    strange = responses.frame.join(known, on="prompt", how="anti")
    if len(strange):
        names = strange["prompt"].unique()
        raise InputError(
            f"{len(names):,} probes are not in {PROBES}, as '{printable(names.sort()[0], limit=60)}'",
            cure=f"add them to {PROBES} or take their responses out",
            where=str(responses.path),
        )


def _check_case(models: list[str], path: Path) -> None:
    seen: dict[str, str] = {}
    for model in models:
        other = seen.setdefault(model.casefold(), model)
        if other != model:
            raise InputError(
                f"models '{other}' and '{model}' differ only in case",
                cure="are they one model? give one of them another name",
                where=str(path),
            )


def _compare_models(models: list[str], lineage: tuple[Lineage, ...]) -> list[str]:
    documented = {row.model for row in lineage}
    warnings = []
    undocumented = set(models) - documented
    if undocumented:
        warnings.append(
            f"{count(len(undocumented), 'model')} without a row in {LINEAGE}, so of unknown lineage: "
            f"{first_names(undocumented)}"
        )
    absent = documented - set(models)
    if absent:
        warnings.append(f"{count(len(absent), 'model')} of {LINEAGE} without responses: {first_names(absent)}")
    return warnings
