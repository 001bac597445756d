"""The index of a panel: what its models have in common, computed once so that a new subject costs seconds.

Axes: P probes, M models, V words of the style vocabulary.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ValidationError

from hydrometer.errors import InputError, OutputError
from hydrometer.panel.channel import Channel, ChannelBuilder
from hydrometer.panel.folder import Panel
from hydrometer.panel.grams import CHANNELS, features, tokens
from hydrometer.records.panel import IndexRecord
from hydrometer.records.responses import WITH_TEXT
from hydrometer.store.files import read_bytes, sha256
from hydrometer.version import __version__

INDEX = "index"
"""Name of the folder inside a panel folder."""
_RECORD = "index.json"
# By hand, 2026-11-24; not measured apart, no more than the largest vocabulary.
_SPREAD = 0.25
"""Share of the probes on which a word must occur, in two answers or more, to count as style and not as topic."""
# Bounds the matrix of models and words that is added up anew for each of 20 blocks.
_LARGEST_VOCABULARY = 4096
# 2: features, where 1 said marks.
_SCHEMA = 2
# A feature counts from three models on (`channel._FEWEST_OTHERS`).
_FEWEST_MODELS = 3


@dataclass(frozen=True)
class Style:
    """Which words of the style vocabulary every answer uses.

    Attributes:
        vocabulary_V: hashes of words and pairs that occur across topics, sorted.
        presence_PMV: used or not, eight to a byte along V.
    """

    vocabulary_V: NDArray[np.uint32]
    presence_PMV: NDArray[np.uint8]

    def counts(self, probes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns in how many of the named probes each model uses each word, shape (M, V)."""
        total = np.zeros((self.presence_PMV.shape[1], len(self.vocabulary_V)))
        for probe in probes:
            total += np.unpackbits(self.presence_PMV[probe], axis=1, count=len(self.vocabulary_V))
        return total


@dataclass(frozen=True)
class Index:
    """An indexed panel.

    Attributes:
        folder: where the index lies.
        record: what was indexed, when, and the hashes of the files.
        channels: by name, each comparing answers probe by probe.
        style: for the channel that compares whole models.
        lengths_PM: words in each answer; 0 where there is no text.
    """

    folder: Path
    record: IndexRecord
    channels: Mapping[str, Channel]
    style: Style
    lengths_PM: NDArray[np.float32]


def index_folders(panel: Panel, cache: Path | None) -> list[Path]:
    """Returns where an index may lie: in the panel folder, or under the cache where that cannot be written."""
    name = sha256("".join(sorted(panel.sha256.values())).encode())[:16]
    return [panel.folder / INDEX] + ([cache / name] if cache is not None else [])


def build_index(
    panel: Panel, *, cache: Path | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> Index:
    """Computes the index and writes it, whole or not at all.

    Args:
        panel: the panel.
        cache: folder to write under if the panel folder cannot be written.
        progress: called with the probes done and their total.

    Raises:
        InputError: if the panel is too small to index.
        OutputError: if neither folder can be written.
    """
    models = panel.models
    if len(models) < _FEWEST_MODELS:
        raise InputError(
            f"the panel holds {len(models)} models",
            cure=f"an index compares {_FEWEST_MODELS} or more",
            where=str(panel.folder),
        )
    fresh = _writable(index_folders(panel, cache))
    n_probes = len(panel.prompts)
    builders = {name: ChannelBuilder(n_probes, len(models)) for name in CHANNELS}
    lengths = np.zeros((n_probes, len(models)), dtype=np.float32)
    for probe, answers in _by_probe(panel):
        found = [(model, features(text)) for model, text in answers]
        for model, text in answers:
            lengths[probe, model] = len(tokens(text))
        for name, builder in builders.items():
            builder.add(probe, [(model, m[name]) for model, m in found if m is not None])
        progress(probe + 1, n_probes)
    channels = {name: builder.finish() for name, builder in builders.items()}
    record = IndexRecord(
        schema_version=_SCHEMA,
        hydrometer_version=__version__,
        created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        models=models,
        n_probes=n_probes,
        sha256=dict(panel.sha256),
    )
    index = Index(fresh, record, channels, _style(channels["content"], n_probes, len(models)), lengths)
    _save(index)
    return index


def find_index(panel: Panel, *, cache: Path | None = None) -> Index | None:
    """Returns the index that was made from these very files, or None.

    Raises:
        InputError: if the index is damaged.
    """
    for folder in index_folders(panel, cache):
        if (folder / _RECORD).exists() and (index := _open(folder, panel)) is not None:
            return index
    return None


def _open(folder: Path, panel: Panel) -> Index | None:
    content = read_bytes(folder / _RECORD, limit=16 * 1024 * 1024, what="index record (JSON)")
    damaged = InputError("the index is damaged", cure=f"run `hydrometer panel index {panel.folder}`", where=str(folder))
    try:
        record = IndexRecord.model_validate_json(content)
        if record.schema_version != _SCHEMA or record.sha256 != dict(panel.sha256):
            return None
        arrays = {name: Channel.load(folder / name) for name in CHANNELS}
        style = Style(*(np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("vocabulary_V", "presence_PMV")))
        lengths = np.load(folder / "lengths_PM.npy", allow_pickle=False)
    except (ValidationError, ValueError, OSError, EOFError):
        raise damaged from None
    shape = (record.n_probes, len(record.models))
    fits = lengths.shape == shape and all(c.similarity_PMM.shape == (*shape, shape[1]) for c in arrays.values())
    if not fits or record.models != panel.models or record.n_probes != len(panel.prompts):
        raise damaged
    return Index(folder, record, arrays, style, lengths)


def _by_probe(panel: Panel) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Yields every probe's position with its answers as (model, text); one probe's text at a time."""
    prompts = pl.DataFrame({"prompt": panel.prompts}).with_row_index("probe")
    models = pl.DataFrame({"model": panel.models}).with_row_index("m")
    frame = (
        panel.responses()
        .frame.filter(pl.col("status").is_in(WITH_TEXT))
        .join(prompts, on="prompt")
        .join(models, on="model")
        .select("probe", "m", "response")
        .sort("probe", "m")
    )
    counts = dict(frame.group_by("probe").len().iter_rows())
    start = 0
    for probe in range(len(panel.prompts)):
        part = frame.slice(start, counts.get(probe, 0))
        start += len(part)
        yield probe, list(zip(part["m"].to_list(), part["response"].to_list(), strict=True))


def _style(content: Channel, n_probes: int, n_models: int) -> Style:
    distinct, spread = np.unique(content.features_K, return_counts=True)
    common = np.argsort(-spread, kind="stable")[:_LARGEST_VOCABULARY]
    vocabulary = np.sort(distinct[common[spread[common] >= _SPREAD * n_probes]])
    presence = np.zeros((n_probes, n_models, (len(vocabulary) + 7) // 8), dtype=np.uint8)
    for probe in range(n_probes):
        users = content.models_K[content.offsets_P1[probe] : content.offsets_P1[probe + 1]].astype(np.int64)
        hashes = np.repeat(content.features_K[content.offsets_P1[probe] : content.offsets_P1[probe + 1]], users)
        model = content.model_E[content.entries_P1[probe] : content.entries_P1[probe + 1]]
        used = np.zeros((n_models, len(vocabulary)), dtype=bool)
        column = locate(vocabulary, hashes)
        used[model[column >= 0], column[column >= 0]] = True
        presence[probe] = np.packbits(used, axis=1)
    return Style(vocabulary, presence)


def locate(vocabulary: NDArray[np.uint32], hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Returns where each hash stands in a sorted vocabulary; -1 where it does not."""
    if not len(vocabulary):
        return np.full(len(hashes), -1, dtype=np.int64)
    at = np.searchsorted(vocabulary, hashes)
    at[at == len(vocabulary)] = 0
    return np.where(vocabulary[at] == hashes, at, -1).astype(np.int64)


def _writable(folders: list[Path]) -> Path:
    """Returns the first folder that can be made or replaced: better to know before minutes of work than after.

    Raises:
        OutputError: if there is none.
    """
    reason = ""
    for folder in folders:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.parent.stat().st_mode & 0o222:
                # Whoever runs as root could, but the owner marked it as not to be written.
                reason = "marked read-only"
                continue
            with tempfile.TemporaryDirectory(prefix=".index-", dir=folder.parent):
                return folder
        except OSError as error:
            reason = error.strerror or str(error)
    raise OutputError(
        f"{folders[0]}: the index cannot be written ({reason}); get the right to write there, or copy the panel"
    )


def _save(index: Index) -> None:
    """Writes everything beside the old index and then puts it in its place."""
    final = index.folder
    try:
        fresh = Path(tempfile.mkdtemp(prefix=".index-", dir=final.parent))
        try:
            for name, channel in index.channels.items():
                channel.save(fresh / name)
            np.save(fresh / "vocabulary_V.npy", index.style.vocabulary_V, allow_pickle=False)
            np.save(fresh / "presence_PMV.npy", index.style.presence_PMV, allow_pickle=False)
            np.save(fresh / "lengths_PM.npy", index.lengths_PM, allow_pickle=False)
            (fresh / _RECORD).write_text(index.record.model_dump_json(indent=1), encoding="utf-8")
            # mkdtemp makes a folder for its owner alone; a panel is shared.
            fresh.chmod(0o755)
            if final.exists():
                shutil.rmtree(final)
            fresh.replace(final)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"{final}: the index cannot be written ({error.strerror}); make room, or get the right to write there"
        ) from None
