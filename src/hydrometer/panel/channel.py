"""Which features the models of a panel share on each probe, and how alike that makes their answers.

Axes: P probes, M models of the panel, K features (distinct, of one probe), E entries (feature of a model).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hydrometer.panel.grams import Features

# By hand, 2026-11-24; not measured apart.
_FEWEST_OTHERS = 2
"""A feature must be used by this many further models to count for a pair: what only two share is a copied answer."""


@dataclass(frozen=True)
class Channel:
    """One channel of an indexed panel.

    Attributes:
        similarity_PMM: similarity of the models' answers to each probe, 0 to 1; float16.
        offsets_P1: where the features of a probe begin and end.
        features_K: hashes, sorted within a probe; only features of two models or more.
        models_K: how many models used the feature.
        entries_P1: where the entries of a probe begin and end.
        model_E: which model used the feature; the entries of one feature follow each other.
        count_E: how often, at most 255.
        norms_PM: length of an answer's weighted vector.
    """

    similarity_PMM: NDArray[np.float16]
    offsets_P1: NDArray[np.int64]
    features_K: NDArray[np.uint32]
    models_K: NDArray[np.uint16]
    entries_P1: NDArray[np.int64]
    model_E: NDArray[np.uint16]
    count_E: NDArray[np.uint8]
    norms_PM: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Writes one `.npy` file per array."""
        folder.mkdir(parents=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Channel:
        """Opens the arrays without reading them into memory. Never unpickles."""
        paths = {f.name: folder / f"{f.name}.npy" for f in fields(cls)}
        return cls(**{name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in paths.items()})

    def compare(self, probe: int, features: Features, *, n_answers: int) -> NDArray[np.float64]:
        """Returns how alike an outsider's answer is to each panel model's, as if it were in the panel.

        Features are weighed with the outsider counted in. Only the lengths of the others' vectors stay those of the
        panel: one model more changes them by less than 1 % on average from 20 models on.

        Args:
            probe: position of the probe.
            features: the outsider's features.
            n_answers: how many panel models answered this probe.
        """
        start, end = self.offsets_P1[probe], self.offsets_P1[probe + 1]
        known = self.features_K[start:end]
        at = np.searchsorted(known, features.hashes)
        at[at == len(known)] = 0
        hit = known[at] == features.hashes if len(known) else np.zeros(len(at), dtype=bool)
        users = self.models_K[start:end].astype(np.int64)
        first = self.entries_P1[probe] + np.cumsum(users) - users
        n_users = users[at[hit]]
        idf = np.log((n_answers + 1) / (n_users + 1))
        weight = _weight(features.counts)
        own = weight[hit] * idf
        norm = np.sqrt((own**2).sum() + ((weight[~hit] * np.log(n_answers + 1)) ** 2).sum())
        entries = np.repeat(first[at[hit]] - np.cumsum(n_users) + n_users, n_users) + np.arange(n_users.sum())
        shared = np.repeat(own * idf, n_users) * _weight(self.count_E[entries])
        total = np.zeros(self.norms_PM.shape[1])
        np.add.at(total, self.model_E[entries], shared)
        scale = norm * self.norms_PM[probe]
        squared: NDArray[np.float64] = np.divide(total, scale, out=np.zeros_like(total), where=scale > 0)
        # The root of the cosine: by hand, 2026-11-24; not measured apart.
        return np.sqrt(squared)


def _weight(counts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Sublinear term frequency (Salton and Buckley 1988); small integers would give a half-precision logarithm."""
    return 1 + np.log(counts.astype(np.float64))


class ChannelBuilder:
    """Collects one channel probe by probe, so that only one probe's features are in memory as Python objects."""

    def __init__(self, n_probes: int, n_models: int) -> None:
        self._similarity = np.zeros((n_probes, n_models, n_models), dtype=np.float16)
        self._norms = np.zeros((n_probes, n_models), dtype=np.float32)
        self._features: list[NDArray[np.uint32]] = []
        self._users: list[NDArray[np.uint16]] = []
        self._model: list[NDArray[np.uint16]] = []
        self._count: list[NDArray[np.uint8]] = []

    def add(self, probe: int, answers: Sequence[tuple[int, Features]]) -> None:
        """Adds all answers to the next probe, as (model, features)."""
        n_models = self._norms.shape[1]
        hashes = np.concatenate([m.hashes for _, m in answers] or [np.empty(0, np.uint32)])
        counts = np.concatenate([m.counts for _, m in answers] or [np.empty(0, np.uint8)])
        model = np.concatenate([np.full(len(m.hashes), i, np.uint16) for i, m in answers] or [np.empty(0, np.uint16)])
        distinct, column, users = np.unique(hashes, return_inverse=True, return_counts=True)
        counted = users > _FEWEST_OTHERS
        idf = np.log(max(len(answers), 1) / np.where(counted, users, 1))
        weighted = _weight(counts) * idf[column]
        norms = np.sqrt(np.bincount(model, weighted**2, minlength=n_models))
        keep = counted[column]
        # Features of two models stay in the norm and not in the products: a copied answer adds length and no likeness.
        scaled = (weighted[keep] / np.maximum(norms[model[keep]], 1e-12)).astype(np.float32)
        matrix = sparse.csr_array((scaled, (model[keep], column[keep])), shape=(n_models, len(distinct)))
        self._similarity[probe] = np.sqrt(np.maximum((matrix @ matrix.T).toarray(), 0))
        self._norms[probe] = norms
        # Features of just two are kept for outsiders: with one more model they are used by three.
        stored = users >= _FEWEST_OTHERS
        entries = stored[column]
        order = np.argsort(column[entries], kind="stable")
        self._features.append(distinct[stored])
        self._users.append(users[stored].astype(np.uint16))
        self._model.append(model[entries][order])
        self._count.append(counts[entries][order])

    def finish(self) -> Channel:
        """Returns the channel."""
        return Channel(
            similarity_PMM=self._similarity,
            offsets_P1=np.concatenate([[0], np.cumsum([len(m) for m in self._features])]),
            features_K=np.concatenate(self._features),
            models_K=np.concatenate(self._users),
            entries_P1=np.concatenate([[0], np.cumsum([len(m) for m in self._model])]),
            model_E=np.concatenate(self._model),
            count_E=np.concatenate(self._count),
            norms_PM=self._norms,
        )
