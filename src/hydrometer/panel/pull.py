"""Makes a panel folder from the AlpacaEval repository: from a local copy, or fetched file by file over https."""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hydrometer.errors import InputError, OutputError, printable
from hydrometer.panel.folder import LINEAGE, PROBES, RESPONSES
from hydrometer.panel.lineage_table import lineage_csv
from hydrometer.panel.write import parquet_bytes, replace_files
from hydrometer.records.lineage import Lineage
from hydrometer.store.fetch import fetch_bytes
from hydrometer.store.files import write_whole
from hydrometer.store.responses import read_responses

# The revision that docs and benchmarks were made from: answers are added and replaced there without notice.
COMMIT = "cd543a149df89434d8a54582c0151c0b945c3d20"
FILES_URL = f"https://raw.githubusercontent.com/tatsu-lab/alpaca_eval/{COMMIT}"
LIST_URL = f"https://api.github.com/repos/tatsu-lab/alpaca_eval/contents/results?ref={COMMIT}"
DOWNLOADS = "downloads"
OUTPUTS = "model_outputs.json"
# A name becomes part of a path and of an address: no separator, no leading dot.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,150}")
# Bounds for answers that are no such list or file; by hand, 2026-11-24.
_LARGEST_FILE = 64 * 1024 * 1024
_MOST_MODELS = 5000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pulled:
    """What was made.

    Attributes:
        n_models: models in the panel.
        n_probes: prompts in the panel.
        n_responses: answers in the panel.
        n_fetched: files that were fetched now.
        undocumented: models whose lineage is not given: role `unscored`.
        notes: what the reader should know, one line each.
    """

    n_models: int
    n_probes: int
    n_responses: int
    n_fetched: int
    undocumented: tuple[str, ...]
    notes: tuple[str, ...]


def refuse_existing_panel(folder: Path) -> None:
    """Raises if the folder holds a panel already.

    Raises:
        OutputError: naming the first file that would be lost.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is not a folder; choose another --out")
    for name in (RESPONSES, PROBES, LINEAGE):
        if (folder / name).exists():
            raise OutputError(f"{folder / name}: exists already; choose another --out")


def local_outputs(folder: Path) -> dict[str, Path]:
    """Returns the output file of every model in a local copy of the repository.

    Args:
        folder: holds `results/`, or is it.

    Raises:
        InputError: if there is none.
    """
    results = folder / "results" if (folder / "results").is_dir() else folder
    if not results.is_dir():
        raise InputError("no such folder", cure="name a copy of the AlpacaEval repository", where=str(folder))
    found = {path.parent.name: path for path in sorted(results.glob(f"*/{OUTPUTS}"))}
    if not found:
        raise InputError(
            f"no results/*/{OUTPUTS} in it", cure="name a copy of the AlpacaEval repository", where=str(folder)
        )
    return found


def fetch_outputs(
    folder: Path, *, progress: Progress, files_url: str = FILES_URL, list_url: str = LIST_URL
) -> tuple[dict[str, Path], int]:
    """Fetches the output file of every model; files that are there already are not fetched again.

    Args:
        folder: where the files go; a file is there whole or not at all.
        progress: called with the model, how many are done, and how many there are.
        files_url: address of the repository's files.
        list_url: address of the list of result folders.

    Returns:
        Model to file, and how many were fetched now.

    Raises:
        InputError: naming the first file that could not be fetched; what was fetched stays for the next try.
    """
    models = _list_models(list_url)
    found: dict[str, Path] = {}
    failed: dict[str, str] = {}
    fetched = 0
    for n, model in enumerate(models):
        progress(model, n, len(models))
        path = folder / f"{model}.json"
        found[model] = path
        if path.is_file():
            continue
        try:
            content = fetch_bytes(f"{files_url}/results/{urllib.parse.quote(model)}/{OUTPUTS}", limit=_LARGEST_FILE)
        except (OSError, ValueError, http.client.HTTPException) as error:
            failed[model] = printable(error, limit=80)
            continue
        write_whole(path, content, make_folder=True)
        fetched += 1
    progress("", len(models), len(models))
    if failed:
        first = next(iter(failed))
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise InputError(
            f"could not be fetched: {failed[first]}{more}",
            cure="run it again: what was fetched is kept",
            where=f"results/{first}/{OUTPUTS}",
        )
    return found, fetched


def _list_models(url: str) -> list[str]:
    try:
        entries = json.loads(fetch_bytes(url, limit=_LARGEST_FILE))
        names = [entry["name"] for entry in entries if entry["type"] == "dir"]
    except (OSError, http.client.HTTPException) as error:
        raise InputError(
            f"the list of models could not be fetched ({printable(error, limit=80)})",
            cure="try again, or give a local copy with --from",
            where=url,
        ) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError("this is no list of folders", cure="give a local copy with --from", where=url) from None
    for name in names:
        # The name becomes part of a path here.
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InputError(f"unusable name of a folder '{name}'", cure="give a local copy with --from", where=url)
    if not names or len(names) > _MOST_MODELS:
        raise InputError(f"{len(names):,} models are listed", cure="give a local copy with --from", where=url)
    return sorted(names)


def build_panel(outputs: dict[str, Path], folder: Path, *, lineage: Sequence[Lineage], n_fetched: int = 0) -> Pulled:
    """Writes a panel folder from the output file of every model.

    Args:
        outputs: model to its `model_outputs.json`; the name of the folder is the name of the model.
        folder: where the panel goes.
        lineage: what is documented; models without an entry get one that says nothing.
        n_fetched: how many files were fetched for it.

    Raises:
        InputError: naming the file that cannot be read.
        OutputError: if the folder cannot be written.
    """
    refuse_existing_panel(folder)
    frames, notes = [], []
    for model, path in outputs.items():
        found = read_responses(path, model=model)
        if found.frame["model"].n_unique() != 1:
            raise InputError("answers of several models", cure="one file holds one model", where=str(path))
        frames.append(found.frame.with_columns(model=pl.lit(model)))
        notes += [f"{model}: {warning}" for warning in found.warnings]
    rows = pl.concat(frames)
    # Numbered by their text, so that the order of files or rows changes nothing.
    # Only the prompt joins: of AlpacaEval's files five are permuted and eight are short.
    prompts = rows.select("prompt").unique().sort("prompt").with_row_index("probe")
    table = rows.join(prompts, on="prompt", maintain_order="left").sort("model", "probe")
    table = table.select("model", "probe", "response", "status")
    given = {row.model: row for row in lineage}
    entries = [given.get(model, Lineage(model=model)) for model in sorted(outputs)]
    replace_files(
        folder,
        {
            PROBES: parquet_bytes(prompts.select("probe", "prompt")),
            LINEAGE: lineage_csv(entries).encode(),
            RESPONSES: parquet_bytes(table),
        },
    )
    undocumented = tuple(row.model for row in entries if row.model not in given)
    return Pulled(len(outputs), len(prompts), len(table), n_fetched, undocumented, tuple(notes))
