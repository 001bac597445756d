"""From statistics to p-values and a set of teachers: the null is over models.

The statistic of a null model is the largest that it reaches with any candidate which is documented not to have
taught it. A subject's statistic with a candidate is ranked among these maxima, so that the chance of naming anybody
for an untaught subject, whatever the number of candidates, is the level itself (single-step maxT; Westfall and Young
1993, section 2.3). Of the candidates that pass, the first is named, together with those that the noise over probes
cannot tell from it: a student also resembles its teacher's siblings and its teacher's other students.

Axes: M models, G candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.shared_text import SharedText
from hydrometer.records.attribution import ReferenceModel, Withheld
from hydrometer.records.evidence import Verdict
from hydrometer.stats.conformal import ROUNDING, NullDistribution, block_jackknife_error
from hydrometer.stats.resemblance import Array

# Two-sided 95 %, unlike `stats.priors.Z95`, the one-sided 95 % point.
Z975 = 1.959964
"""97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class References:
    """Where models of known lineage fall.

    Attributes:
        null: the null population.
        students: statistics of documented students with their own teacher.
        models: all of them, for the picture.
    """

    null: NullDistribution
    students: NDArray[np.float64]
    models: tuple[ReferenceModel, ...]


def references(
    compared: ComparisonSet, total_MG: Array, *, null_G: NDArray[np.bool_], asked_G: NDArray[np.bool_]
) -> References:
    """Returns the null population, and the documented students of the candidates that are asked about.

    Args:
        compared: who is who.
        total_MG: the statistics.
        null_G: candidates over which a null model's largest statistic is taken.
        asked_G: candidates that are asked about.
    """
    found: list[ReferenceModel] = []
    for i in compared.null_models:
        allowed = compared.untaught(i) & null_G
        if allowed.any():
            kind = "control" if compared.models[i].role == "control" else "other_teacher"
            found.append(_reference(compared, i, np.where(allowed, total_MG[i], -np.inf), kind))
    for i in compared.students:
        taught = np.array([name in compared.teachers(i) for name in compared.candidates]) & compared.judged[i] & asked_G
        if taught.any():
            found.append(_reference(compared, i, np.where(taught, total_MG[i], -np.inf), "student"))
    null = np.array([m.statistic for m in found if m.kind != "student"])
    students = np.array([m.statistic for m in found if m.kind == "student"])
    return References(NullDistribution(null), students, tuple(sorted(found, key=lambda m: -m.statistic)))


def _reference(compared: ComparisonSet, model: int, row_G: Array, kind: str) -> ReferenceModel:
    best = int(np.argmax(row_G))
    me = compared.models[model]
    return ReferenceModel.model_validate(
        {
            "model": me.model,
            "developer": me.developer,
            "kind": kind,
            "candidate": compared.candidates[best],
            "statistic": float(row_G[best]),
        }
    )


@dataclass(frozen=True)
class Decision:
    """What the statistics of one subject say.

    Attributes:
        pvalue_G: corrected for the number of candidates; the larger one where models of the candidate's own text are a
            second null population; NaN where not judged.
        leading: position of the candidate with the largest statistic.
        attributed: positions of the set that is named; perhaps none.
        also: positions of candidates that pass, but by less than the named by more than noise.
        error: standard error of the leading statistic over probes.
        verdict: of "one of the candidates taught it".
        withheld: why nobody is named although a candidate passes; None where it does not apply.
    """

    pvalue_G: Array
    leading: int
    attributed: tuple[int, ...]
    also: tuple[int, ...]
    error: float
    verdict: Verdict
    withheld: Withheld | None


def decide(
    row_G: Array, leave_out_BG: Sequence[Array], found: References, shared: SharedText, *, alpha: float,
    withheld: Withheld | None,
) -> Decision:  # fmt: skip
    """Decides about one subject.

    Args:
        row_G: its statistics; NaN where a candidate is not judged.
        leave_out_BG: the same with each block of probes left out.
        found: models of known lineage.
        shared: where it stands among models that learnt the candidates' own text.
        alpha: the level.
        withheld: why nobody may be named, whatever passes.
    """
    # Tried as null: p-values over prompts; they accuse 12 of 12 controls (docs/benchmarks/attribution.md). Two
    # unrelated models differ on every prompt in the same direction, so that more prompts only make the error surer.
    pvalue_G = np.array([np.nan if np.isnan(t) else found.null.pvalue(t) for t in row_G])
    leading = int(np.nanargmax(row_G))
    error = block_jackknife_error([row[leading] for row in leave_out_BG])
    passed = [g for g in np.argsort(-np.nan_to_num(row_G, nan=-np.inf)) if pvalue_G[g] <= alpha + ROUNDING]
    named: list[int] = []
    also: list[int] = []
    for g in passed:
        gap_error = block_jackknife_error([row[leading] - row[g] for row in leave_out_BG])
        within_noise = row_G[leading] - row_G[g] <= Z975 * gap_error
        stands = g == leading or (within_noise and not shared.explains(int(g), alpha))
        (named if stands else also).append(int(g))
    if named and withheld is not None:
        named, also, verdict = [], [*named, *also], Verdict.INCONCLUSIVE
    elif named:
        verdict = Verdict.SUPPORTS
    elif (1 + int((found.students <= row_G[leading]).sum())) / (len(found.students) + 1) <= alpha + ROUNDING:
        # Hardly any documented student resembles its teacher so little.
        verdict = Verdict.OPPOSES
    else:
        verdict = Verdict.INCONCLUSIVE
    # An untaught model must be unlike both kinds: those of other texts and those of the candidate's own.
    pvalue_G = np.fmax(pvalue_G, np.where(np.isnan(pvalue_G), np.nan, shared.pvalues(alpha)))
    return Decision(
        pvalue_G, leading, tuple(named), tuple(also), error, verdict, withheld if also and not named else None
    )
