"""How alike a subject and the models of a panel answer: one matrix per channel, over the probes they share.

Axes: P probes, M models (the panel's, then an outside subject), V words of the style vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.panel.grams import CHANNELS, LONGEST_ANSWER, features, tokens
from hydrometer.panel.index import Index, locate
from hydrometer.stats.resemblance import Array

STYLE = "style"
LENGTH = "length"


@dataclass(frozen=True)
class Answers:
    """A subject's answers, ready to compare.

    Attributes:
        probes: positions of the probes it answered with text, ascending.
        similarity_PM: by channel, similarity to every panel model; rows in the order of `probes`.
        used_PV: which words of the style vocabulary each answer uses.
        lengths_P: words per answer.
        n_cut: answers longer than what is compared.
    """

    probes: NDArray[np.int64]
    similarity_PM: Mapping[str, Array]
    used_PV: NDArray[np.bool_]
    lengths_P: Array
    n_cut: int


@dataclass(frozen=True)
class Sums:
    """Sums over some probes of the panel's models: what a mean over any union of such sets is made from.

    Attributes:
        similarity_MM: by channel.
        both_MM: probes that both models answered.
        style_MV: in how many answers each model uses each word.
        distance_MM: distances of the logarithms of the answers' lengths.
        log_length_M: those logarithms.
        n_probes: how many probes.
    """

    similarity_MM: Mapping[str, Array]
    both_MM: Array
    style_MV: Array
    distance_MM: Array
    log_length_M: Array
    n_probes: int

    def __add__(self, other: Sums) -> Sums:
        """Returns the sums over the union."""
        return self._combined(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        """Returns the sums over what is left."""
        return self._combined(other, -1)

    def _combined(self, other: Sums, sign: int) -> Sums:
        return Sums(
            {c: m + sign * other.similarity_MM[c] for c, m in self.similarity_MM.items()},
            self.both_MM + sign * other.both_MM,
            self.style_MV + sign * other.style_MV,
            self.distance_MM + sign * other.distance_MM,
            self.log_length_M + sign * other.log_length_M,
            self.n_probes + sign * other.n_probes,
        )


def compare_outsider(index: Index, texts: Mapping[int, str]) -> Answers:
    """Compares a subject that is not in the panel with every model of the panel.

    Args:
        index: the panel's.
        texts: what the subject answered, by position of the probe.
    """
    probes, rows, used, lengths = [], [], [], []
    answered_P = (index.lengths_PM > 0).sum(axis=1)
    vocabulary = index.style.vocabulary_V
    for probe, text in sorted(texts.items()):
        found = features(text)
        if found is None:
            continue
        n_answers = int(answered_P[probe])
        rows.append([index.channels[c].compare(probe, found[c], n_answers=n_answers) for c in CHANNELS])
        columns = locate(vocabulary, found["content"].hashes)
        present = np.zeros(len(vocabulary), dtype=bool)
        present[columns[columns >= 0]] = True
        used.append(present)
        probes.append(probe)
        lengths.append(len(tokens(text)))
    n_models = len(index.record.models)
    table = np.array(rows, dtype=np.float64).reshape(len(probes), len(CHANNELS), n_models)
    return Answers(
        probes=np.array(probes, dtype=np.int64),
        similarity_PM={name: table[:, k] for k, name in enumerate(CHANNELS)},
        used_PV=np.array(used, dtype=bool).reshape(len(probes), len(vocabulary)),
        lengths_P=np.array(lengths, dtype=np.float64),
        n_cut=sum(len(text) > LONGEST_ANSWER for text in texts.values()),
    )


def member_probes(index: Index, model: int) -> NDArray[np.int64]:
    """Returns the probes that a model of the panel answered with text."""
    return np.flatnonzero(index.lengths_PM[:, model] > 0)


def add_up(index: Index, probes: NDArray[np.int64], outsider: Answers | None = None) -> Sums:
    """Returns the sums over some probes.

    Args:
        index: the panel's.
        probes: positions, ascending; with an outsider, a subset of those it answered.
        outsider: appended as the last model.
    """
    lengths_PM = index.lengths_PM[probes].astype(np.float64)
    style_MV = index.style.counts(probes)
    rows: Mapping[str, Array] = {}
    if outsider is not None:
        take = np.searchsorted(outsider.probes, probes)
        rows = {c: outsider.similarity_PM[c][take].sum(axis=0) for c in CHANNELS}
        lengths_PM = np.column_stack([lengths_PM, outsider.lengths_P[take]])
        style_MV = np.vstack([style_MV, outsider.used_PV[take].sum(axis=0)])
    answered_PM = lengths_PM > 0
    similarity: dict[str, Array] = {}
    for name in CHANNELS:
        total_MM = np.zeros((len(index.record.models),) * 2)
        for probe in probes:
            total_MM += index.channels[name].similarity_PMM[probe]
        similarity[name] = _bordered(total_MM, rows[name]) if outsider is not None else total_MM
    distance_MM = np.zeros((lengths_PM.shape[1],) * 2)
    # Answers without words are masked below; the 1 only keeps the logarithm finite.
    log_PM = np.log(np.maximum(lengths_PM, 1))
    for log_M, here_M in zip(log_PM, answered_PM, strict=True):
        distance_MM += np.abs(log_M[:, None] - log_M[None, :]) * (here_M[:, None] & here_M[None, :])
    both_MM = answered_PM.astype(np.float64).T @ answered_PM.astype(np.float64)
    return Sums(similarity, both_MM, style_MV, distance_MM, log_PM.sum(axis=0), len(probes))


def _bordered(matrix_MM: Array, row_M: Array) -> Array:
    n = len(row_M)
    out = np.zeros((n + 1, n + 1))
    out[:n, :n], out[n, :n], out[:n, n] = matrix_MM, row_M, row_M
    return out


def mean_log_length(sums: Sums) -> Array:
    """Returns the mean logarithm of each model's number of words per answer, shape (M,)."""
    return sums.log_length_M / np.maximum(np.diag(sums.both_MM), 1)


def similarities(sums: Sums) -> dict[str, Array]:
    """Returns the mean similarity of every pair of models by channel, over the probes that both answered."""
    both_MM = np.maximum(sums.both_MM, 1)
    found = {name: total / both_MM for name, total in sums.similarity_MM.items()}
    found[STYLE] = _style(sums.style_MV)
    # Tried: similarity with length regressed out; short answers are part of what davinci's students learnt (AUC 1.00 to
    # 0.77). Length is reported and never counted; see docs/log.md, 2026-11-24.
    found[LENGTH] = -sums.distance_MM / both_MM
    return found


def _style(counts_MV: Array) -> Array:
    """Cosine of how often each model uses the words and marks that every topic needs.

    Square roots of the counts, scaled to length 1 (Hellinger), minus the models' mean and over their spread, which is
    added to its median so that words of a single model do not dominate.
    """
    root_MV = _unit(np.sqrt(counts_MV))
    spread_V = root_MV.std(axis=0)
    # Tried: the same with length regressed out (AUC 0.28 to 0.40 instead of 0.84 to 0.87); see docs/log.md, 2026-11-24.
    # That the median spread is added is by hand, 2026-11-24; not measured apart.
    scaled_MV = _unit((root_MV - root_MV.mean(axis=0)) / np.maximum(spread_V + np.median(spread_V), 1e-12))
    similarity_MM: Array = scaled_MV @ scaled_MV.T
    return similarity_MM


def _unit(matrix_MV: Array) -> Array:
    length_M1: Array = np.linalg.norm(matrix_MV, axis=1, keepdims=True)
    return matrix_MV / np.maximum(length_M1, 1e-12)
