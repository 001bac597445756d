"""Did a subject learn from a candidate, or the candidate's own human text? Hard controls answer: they learnt that text.

Whoever learnt the same human text as a candidate resembles it as its students do: every sibling of a candidate, every
model of a popular corpus. Where a panel documents such models (column `same_text_as` of lineage.csv), a candidate is
named only if the subject also stands nearer to the candidate's documented students than they do.

The statistic is the subject's place on the line from the centre of these models (-1) to the centre of the candidate's
documented students (+1); 0 is half-way. The candidate's own answers are left out: its siblings are more like it than
its students are. The null population is every such model of the panel on its own candidate's line, itself left out.

Axes: M models, G candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hydrometer.instruments.attribution.comparison_set import ComparisonSet
from hydrometer.instruments.attribution.statistic import kernel_of
from hydrometer.stats.conformal import ROUNDING, NullDistribution
from hydrometer.stats.resemblance import Array, nearer_centre

# Both ends of the line in one point, but for rounding; points have length 1.
_NO_DISTANCE = 1e-9


@dataclass(frozen=True)
class SharedText:
    """Where a subject stands between students and models of the same text.

    Attributes:
        place_G: the subject's place for each candidate; NaN where the panel has no students or no such models for it.
        n_G: such models of each candidate.
        null: places of all of them on their own candidates' lines; None without any.
    """

    place_G: Array
    n_G: tuple[int, ...]
    null: NullDistribution | None

    def supports(self, alpha: float) -> bool:
        """Returns whether there are enough such models for a p-value of alpha."""
        return self.null is not None and self.null.smallest_pvalue <= alpha + ROUNDING

    def pvalues(self, alpha: float) -> Array:
        """Returns how often a model of the candidate's text stands so near its students, NaN where that is not known.

        Args:
            alpha: where the panel supports no p-value so small, there is none.
        """
        if self.null is None or not self.supports(alpha):
            return np.full(len(self.place_G), np.nan)
        return np.array([np.nan if np.isnan(x) else self.null.pvalue(x) for x in self.place_G])

    def explains(self, candidate: int, alpha: float) -> bool:
        """Returns whether the candidate's human text is explanation enough.

        Where too few models of that text are documented for a p-value, the subject must stand nearer to the students
        than all of them.
        """
        place = self.place_G[candidate]
        if self.null is None or np.isnan(place):
            return False
        if self.supports(alpha):
            return bool(self.null.pvalue(float(place)) > alpha + ROUNDING)
        return bool((self.null.statistics >= place).any())


def shared_text(compared: ComparisonSet, similarity_MM: Mapping[str, Array]) -> SharedText:
    """Returns where the subject, and every model of a candidate's text, stands on that candidate's line.

    Args:
        compared: who is who.
        similarity_MM: mean similarities by channel.
    """
    n_G = tuple(len(positions) for positions in compared.same_text)
    place_G = np.full(len(compared.candidates), np.nan)
    if not any(n_G):
        return SharedText(place_G, n_G, None)
    # Tried: such models as ordinary controls (accuses 3 of 24, names none of 8 at 30 % and 1 of 8 at 100 %), nobody
    # named who is more alike than every student (accuses all 24), seven forms of this line (did not bear out on new
    # answers), likelihood against the teacher's twin (nothing). See docs/log.md, 2026-11-25.
    kernel_MM = kernel_of(compared, similarity_MM)
    null: list[float] = []
    for g, positions in enumerate(compared.same_text):
        place_G[g] = (
            _place(compared, kernel_MM, compared.subject, g) if compared.judged[compared.subject, g] else np.nan
        )
        null += [_place(compared, kernel_MM, i, g) for i in positions]
    known = np.array([x for x in null if not np.isnan(x)])
    return SharedText(place_G, n_G, NullDistribution(known) if len(known) else None)


def _place(compared: ComparisonSet, kernel_MM: Array, model: int, candidate: int) -> float:
    """Returns a model's place, without any kin of it and of the subject; NaN where an end of the line is missing."""
    allowed = ~(compared.kin[model] | compared.kin[compared.subject])
    students_M = compared.weights(i for i in compared.taught[candidate] if allowed[i])
    others_M = compared.weights(i for i in compared.same_text[candidate] if allowed[i])
    if not students_M.any() or not others_M.any():
        return float("nan")
    students_M, others_M = students_M / students_M.sum(), others_M / others_M.sum()
    direction_M = students_M - others_M
    half = 0.5 * float(direction_M @ kernel_MM @ direction_M)
    if half < _NO_DISTANCE:
        return float("nan")
    nearer = nearer_centre(kernel_MM, model, centre_GM=students_M[None], null_GM=others_M[None])
    return float(nearer[0]) / half
