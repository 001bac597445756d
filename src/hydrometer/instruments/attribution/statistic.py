"""The statistic: how much more a model resembles a candidate and its documented students than it resembles others.

Two parts, each divided by its spread over models of known lineage, then added:

* lineage: how much nearer the model stands to the centre of a candidate and the models it is documented to have
  taught than to the centre of models it did not teach;
* direct: how much more alike to the candidate's own answers its answers are than to the other candidates'.

The constants were set on documented lineage with whole data sources and developers left out (docs/log.md).

Axes: M models, G candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hydrometer.instruments.attribution.compare import LENGTH, STYLE
from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.panel.grams import CHANNELS
from hydrometer.stats.resemblance import Array, nearer_centre, soften, unit_kernel

COUNTED = (*CHANNELS, STYLE)
"""Channels that the statistic counts. Length is reported and never counted: it says how much, not who."""
REPORTED = (*COUNTED, LENGTH)

# Power 0.70 with none, 0.90 with 0.3 to 0.5, 0.63 with all of them taken out (docs/log.md, 2026-11-24, on the 30
# models).
BASE_SHARE = 0.5
"""Share of the directions of base families that is taken out: students of one base resemble each other."""
# By hand, 2026-11-24, while looking at the same 30 models; other values are not in the log.
TEACHER_WEIGHT = 3.0
"""The candidate itself weighs as much as so many independent data sources of documented students."""
# By hand likewise, 2026-11-24.
PRIOR_WEIGHT = 1.0
"""The centre of the untaught weighs as one data source: students move only part of the way to their teacher."""


@dataclass(frozen=True)
class Frame:
    """What is fixed by models of known lineage before a subject's statistic is read off.

    Attributes:
        centre_GM: each candidate's centre for the subject, as weights over models.
        null_GM: likewise the centre of the untaught.
        lineage: of the lineage part.
        direct: of the mean over channels.
        channel: of the direct part of each channel.
    """

    centre_GM: Array
    null_GM: Array
    lineage: float
    direct: float
    channel: Mapping[str, float]


@dataclass(frozen=True)
class Statistics:
    """Statistics of the models that were asked for.

    Attributes:
        total_MG: the statistic; NaN where a candidate cannot be judged or a model was not asked for.
        direct_MG: by channel, the direct part alone in units of its spread.
        frame: what they were computed with.
    """

    total_MG: Array
    direct_MG: Mapping[str, Array]
    frame: Frame


def statistics(compared: ComparisonSet, similarity_MM: Mapping[str, Array]) -> Statistics:
    """Returns the statistics of the subject, the null population and the documented students.

    No model is judged with the help of its own kin, nor of the subject's.

    Args:
        compared: who is who.
        similarity_MM: mean similarities by channel.
    """
    known = sorted({*compared.null_models, *compared.students})
    raw = {c: _direct(compared, similarity_MM[c]) for c in REPORTED}
    channel = {c: _spread(raw[c][known]) for c in REPORTED}
    direct = {c: raw[c] / channel[c] for c in REPORTED}
    # Without style: a profile of whole models already makes the kernel; counted here too it would count twice.
    direct_MG = np.mean([direct[c] for c in CHANNELS], axis=0)
    lineage_MG = np.full(direct_MG.shape, np.nan)
    kernel_MM = kernel_of(compared, similarity_MM)
    for i in known:
        lineage_MG[i] = _lineage(compared, kernel_MM, i, *_centres(compared, i))
    subject_centres = _centres(compared, compared.subject)
    lineage_MG[compared.subject] = _lineage(compared, kernel_MM, compared.subject, *subject_centres)
    frame = Frame(*subject_centres, _spread(lineage_MG[known]), _spread(direct_MG[known]), channel)
    # Tried, and worse (docs/log.md, 2026-11-24): a classifier over candidates, ranks within a prompt, softmax, a
    # matched filter, kernel ridge on documented students (best where it is regularised to this nearest centre), either
    # part alone (33 and 57 % named instead of 83).
    return Statistics(lineage_MG / frame.lineage + direct_MG / frame.direct, direct, frame)


def subject_statistic(compared: ComparisonSet, similarity_MM: Mapping[str, Array], frame: Frame) -> Array:
    """Returns the subject's statistics alone, shape (G,), in a frame that was set before."""
    rows = [_direct(compared, similarity_MM[c])[compared.subject] / frame.channel[c] for c in CHANNELS]
    kernel_MM = kernel_of(compared, similarity_MM)
    lineage_G = _lineage(compared, kernel_MM, compared.subject, frame.centre_GM, frame.null_GM)
    total_G: Array = lineage_G / frame.lineage + np.mean(rows, axis=0) / frame.direct
    return total_G


def _spread(values_MG: Array) -> float:
    # Tried: dividing each candidate by the controls' spread; power 0 to 0.37, as few controls of one era decide it. One
    # spread for all candidates; see docs/log.md, 2026-11-24.
    spread = float(np.nanstd(values_MG)) if np.isfinite(values_MG).any() else 0.0
    return spread if spread > 0 else 1.0


def kernel_of(compared: ComparisonSet, similarity_MM: Mapping[str, Array]) -> Array:
    """Returns the space that the counted channels span together, base families softened, shape (M, M)."""
    kernel_MM: Array = np.mean([unit_kernel(similarity_MM[c]) for c in COUNTED], axis=0)
    return soften(kernel_MM, compared.base_contrasts, share=BASE_SHARE)


def _direct(compared: ComparisonSet, similarity_MM: Array) -> Array:
    """Returns how much more alike each model is to a candidate's answers than to the mean candidate's."""
    out = np.full((len(compared.models), len(compared.candidates)), np.nan)
    for g, members in enumerate(compared.members):
        if members:
            out[:, g] = similarity_MM[:, list(members)].mean(axis=1)
    # Before the mean: with its maker's models in it every vendor's model looks innocent elsewhere (docs/log.md,
    # 2026-11-24).
    out[~compared.judged] = np.nan
    count_M1 = np.maximum(compared.judged.sum(axis=1, keepdims=True), 1)
    # Tried: taking the candidates' column means out as well; power 0.83 falls to 0.70 (half) and 0.63 (all): a commonly
    # copied teacher was punished for its students. See docs/log.md, 2026-11-24.
    centred_MG: Array = out - np.nansum(out, axis=1, keepdims=True) / count_M1
    return centred_MG


def _lineage(compared: ComparisonSet, kernel_MM: Array, model: int, centre_GM: Array, null_GM: Array) -> Array:
    """Returns the lineage part of one model, shape (G,)."""
    found_G = nearer_centre(kernel_MM, model, centre_GM=centre_GM, null_GM=null_GM)
    return np.where(compared.judged[model], found_G, np.nan)


def _centres(compared: ComparisonSet, model: int) -> tuple[Array, Array]:
    """Returns every candidate's centre and that of the untaught, without any kin of the model and of the subject."""
    allowed = ~(compared.kin[model] | compared.kin[compared.subject])
    size = (len(compared.candidates), len(compared.models))
    centre_GM, null_GM = np.zeros(size), np.zeros(size)
    for g, members in enumerate(compared.members):
        if not members:
            continue
        null_GM[g] = compared.weights(i for i in compared.others[g] if allowed[i])
        null_GM[g] /= max(null_GM[g].sum(), 1e-12)
        taught_M = compared.weights(i for i in compared.taught[g] if allowed[i])
        taught_M[list(members)] += TEACHER_WEIGHT / len(members)
        taught_M += PRIOR_WEIGHT * null_GM[g]
        centre_GM[g] = taught_M / taught_M.sum()
    return centre_GM, null_GM
