"""Writes the files of a panel folder whole or not at all, and adds models to one."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hydrometer.errors import InputError, OutputError
from hydrometer.panel.folder import LINEAGE, PROBES, RESPONSES, Panel
from hydrometer.panel.lineage_table import COLUMNS, cells_of
from hydrometer.records.lineage import Lineage
from hydrometer.store.files import read_bytes
from hydrometer.store.responses import ResponseSet
from hydrometer.store.responses.common import first_names
from hydrometer.store.responses.tables import read_table

_INDEXES = ("index", "index.json")


@dataclass(frozen=True)
class Added:
    """What was added to a panel.

    Attributes:
        models: the new models, sorted.
        n_responses: rows added.
        n_prompts_left_out: prompts of the file that the panel does not hold.
        index_is_stale: the folder holds an index that does not know the new models.
        notes: what the reader should know, one line each.
    """

    models: tuple[str, ...]
    n_responses: int
    n_prompts_left_out: int
    index_is_stale: bool
    notes: tuple[str, ...]


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """Returns the table as a Parquet file."""
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder, replacing those of the same names; a failure leaves what was there.

    All are first written and flushed beside their places, so that what can fail has happened before the first is
    replaced. They are replaced in the order given.

    Raises:
        OutputError: if the folder cannot be written.
    """
    fresh: dict[str, Path] = {}
    before: dict[str, bytes | None] = {}
    done: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            fresh[name] = Path(temporary)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files for their owner alone; a panel is shared.
            fresh[name].chmod(0o644)
        # The last one is replaced last: once it is there, nothing can fail any more and nothing need be put back.
        for name in list(fresh)[:-1]:
            before[name] = (folder / name).read_bytes() if (folder / name).exists() else None
        for name, path in fresh.items():
            path.replace(folder / name)
            done.append(name)
    except OSError as error:
        for name in done:
            _put_back(folder / name, before.get(name))
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)


def _put_back(path: Path, content: bytes | None) -> None:
    with contextlib.suppress(OSError):
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)


def add_models(panel: Panel, responses: ResponseSet, lineage: Sequence[Lineage]) -> Added:
    """Adds the models of a response file to a panel folder.

    Args:
        panel: an open panel.
        responses: answers to prompts of the panel; other prompts are left out.
        lineage: what is documented about the new models; a model without an entry gets one that says nothing.

    Raises:
        InputError: if a model is in the panel already, or no prompt is of the panel.
        OutputError: if the folder cannot be written.
    """
    models = responses.frame["model"].unique().sort().to_list()
    _refuse_known(panel, models, responses.path)
    ids = pl.DataFrame({"prompt": list(panel.probes.values()), "probe": list(panel.probes)})
    rows = responses.frame.join(ids, on="prompt", how="inner", maintain_order="left")
    strange = responses.frame.join(ids, on="prompt", how="anti")["prompt"].n_unique()
    lost = set(models) - set(rows["model"].unique())
    if lost:
        raise InputError(
            f"answers no prompt of the panel: {first_names(lost)}",
            cure=f"ask the prompts of {panel.folder / PROBES}; they are joined by their text",
            where=str(responses.path),
        )
    table, entries, notes = _lineage_with(panel, models, lineage)
    replace_files(
        panel.folder,
        {LINEAGE: table.encode(), RESPONSES: parquet_bytes(_rows_with(panel, rows))},
    )
    if entries:
        notes.append(f"without documented lineage, role 'unscored': {first_names(entries)}")
    stale = any((panel.folder / name).exists() for name in _INDEXES)
    return Added(tuple(models), len(rows), strange, stale, tuple(notes))


def _refuse_known(panel: Panel, models: Sequence[str], path: Path) -> None:
    known = {name.casefold(): name for name in panel.models}
    for model in models:
        other = known.setdefault(model.casefold(), model)
        if other != model or model in panel.models:
            raise InputError(
                f"model '{model}' is in the panel already" + ("" if other == model else f", as '{other}'"),
                cure="give the new one another name, or take it out of the file",
                where=str(path),
            )


def _rows_with(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Returns the old rows as they were, and the new ones below them."""
    columns = ("model", "probe", "response", "status", "prompt")
    path = panel.folder / RESPONSES
    content = read_bytes(path, limit=2 * 1024**3, what="response file")
    if content[:4] == b"PAR1":
        old = read_table(content, columns, path=path)
    else:
        ids = pl.DataFrame({"prompt": list(panel.probes.values()), "probe": list(panel.probes)})
        old = panel.responses().frame.join(ids, on="prompt", how="left").select("model", "probe", "response", "status")
    kind = old["probe"].dtype if "probe" in old.columns else pl.String()
    old = old.with_columns(pl.col("model").cast(pl.String), pl.col("response").cast(pl.String))
    new = rows.select("model", pl.col("probe").cast(kind, strict=False), "response", "status", "prompt")
    if new["probe"].null_count():
        # The old column cannot hold these ids, as numbers beyond its type.
        old, new = old.with_columns(pl.col("probe").cast(pl.String)), rows.select(new.columns)
    if "status" in old.columns or not new["status"].is_in(["answered", "empty"]).all():
        old = old.with_columns(
            pl.col("status").cast(pl.String) if "status" in old.columns else pl.lit(None, pl.String).alias("status")
        )
    if "prompt" in old.columns:
        old = old.with_columns(pl.col("prompt").cast(pl.String))
    return pl.concat([old, new.select(old.columns)])


def _lineage_with(panel: Panel, models: Sequence[str], lineage: Sequence[Lineage]) -> tuple[str, list[str], list[str]]:
    """Returns the new lineage table, the models that got an empty row, and notes. Other columns are kept."""
    content = read_bytes(panel.folder / LINEAGE, limit=64 * 1024**2, what="lineage table (CSV)")
    old = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    header = [name.strip() for name in old[0]]
    known = {row.model for row in panel.lineage}
    given = {row.model: row for row in lineage}
    twice = sorted(set(given) & known & set(models))
    if twice:
        raise InputError(
            f"the panel documents '{twice[0]}' already",
            cure="leave the lineage out, or correct lineage.csv by hand",
            where=str(panel.folder / LINEAGE),
        )
    new = [given.get(model, Lineage(model=model)) for model in models if model not in known]
    header += [name for name in COLUMNS if name not in header and any(cells_of(row)[name] for row in new)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(cells + [""] * (len(header) - len(cells)) for cells in old[1:] if any(cells))
    writer.writerows([cells_of(row).get(name, "") for name in header] for row in new)
    unused = set(given) - set(models)
    notes = (
        [f"lineage of models that are not in the response file is left out: {first_names(unused)}"] if unused else []
    )
    return out.getvalue(), [row.model for row in new if row.model not in given], notes
