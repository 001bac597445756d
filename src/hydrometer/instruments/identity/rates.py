"""From labels of single answers to rates with intervals, differences and ranks."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning
from hydrometer.records.identity import (
    RATE_NAMES,
    ClusteredCount,
    IdentityDifference,
    IdentityRates,
    LabelAgreement,
    RankRange,
    RateName,
)
from hydrometer.stats.agreement import agreement
from hydrometer.stats.clustered import clustered_rate, rate_difference
from hydrometer.stats.multiple import holm, rank_ranges

# Of 1,000 each: 70, 102, 158, 19, 0, 0, 1 and 2, as the bars of Lee et al. (ACL 2025).
IDENTITY_KEYWORDS = re.compile("openai|gpt|anthropic|claude", re.IGNORECASE)
"""What a prompt must not hold for its strict answer to be hard. Reverse-engineered: with it every published hard count
is met exactly; no code for it was published."""

Bools = NDArray[np.bool_]
# Convention; p-values are adjusted over all pairs and rates before it is applied.
_LEVEL = 0.05


@dataclass(frozen=True)
class Labelled:
    """The labels of one model's judged answers. Axis R: answers.

    Attributes:
        loose_R: conflict with the maker; None where nobody knows the maker.
        strict_R: OpenAI's or Anthropic's.
        keyword_free_R: prompts that name neither; None where prompts are unknown.
        named_R: answers that hold an identity keyword.
        cluster_R: the template of each.
        language_R: of the question.
        templates: the text of each template by number, for telling whether two models saw the same; empty if unknown.
    """

    loose_R: Bools | None
    strict_R: Bools
    keyword_free_R: Bools | None
    named_R: Bools
    cluster_R: NDArray[np.int64]
    language_R: NDArray[np.str_]
    templates: frozenset[str]

    def series(self, rate: RateName) -> tuple[Bools, NDArray[np.int64]] | None:
        """Returns (success, template) over the rows that a rate is over; None where it cannot be determined."""
        if rate == "loose":
            return None if self.loose_R is None else (self.loose_R, self.cluster_R)
        if rate == "strict":
            return self.strict_R, self.cluster_R
        if self.keyword_free_R is None:
            return None
        # Published hard rates divide by all 1,000 answers, though only 350 to 650 prompts name nobody: both are kept.
        hard_R = self.strict_R & self.keyword_free_R & self.named_R
        if rate == "hard":
            return hard_R, self.cluster_R
        return hard_R[self.keyword_free_R], self.cluster_R[self.keyword_free_R]

    def only(self, keep_R: Bools) -> Labelled:
        """Returns the labels of some rows."""
        return Labelled(
            None if self.loose_R is None else self.loose_R[keep_R],
            self.strict_R[keep_R],
            None if self.keyword_free_R is None else self.keyword_free_R[keep_R],
            self.named_R[keep_R],
            self.cluster_R[keep_R],
            self.language_R[keep_R],
            self.templates,
        )


def label(frame: pl.DataFrame, loose: Sequence[bool | None], strict: Sequence[bool | None]) -> Labelled:
    """Returns the judged rows of one model as arrays.

    Args:
        frame: that model's rows, with `whole_prompt`, `cluster`, `language` and `response`.
        loose: label of each row; None where not judged.
        strict: likewise.
    """
    keep_R = np.array([value is not None for value in strict], dtype=bool)
    kept = frame.filter(pl.Series(keep_R))
    prompts = kept["whole_prompt"].to_list()
    known = all(text is not None for text in prompts)
    kept_loose = [value for value, keep in zip(loose, keep_R, strict=True) if keep]
    texts = frozenset(kept["jailbreak_prompt"].drop_nulls().unique())
    n_clusters = kept["cluster"].n_unique()
    return Labelled(
        None if None in kept_loose else np.array(kept_loose, dtype=bool),
        np.array([value for value in strict if value is not None], dtype=bool),
        np.array([not IDENTITY_KEYWORDS.search(t) for t in prompts], dtype=bool) if known else None,
        np.array([bool(IDENTITY_KEYWORDS.search(t or "")) for t in kept["response"]], dtype=bool),
        kept["cluster"].to_numpy().astype(np.int64),
        np.array([v or "unknown" for v in kept["language"]], dtype=np.str_),
        # With the question written into it, the text of a template is as often another as there are questions.
        texts if len(texts) == n_clusters else frozenset(),
    )


def count(labels: Labelled, rate: RateName) -> ClusteredCount | None:
    """Returns one rate with its interval; None where it cannot be determined."""
    series = labels.series(rate)
    if series is None:
        return None
    with warnings.catch_warnings():
        # The record itself says so: no rate, or an interval from 0 to 1.
        warnings.simplefilter("ignore", DegenerateInputWarning)
        found = clustered_rate(*series)
    return ClusteredCount(
        count=found.successes,
        n=found.n,
        rate=found.estimate if found.n else None,
        low=found.low,
        high=found.high,
        level=found.level,
        n_templates=found.n_clusters,
        design_effect=None if math.isnan(found.design_effect) else found.design_effect,
        effective_n=found.effective_n,
    )


def rates(labels: Labelled) -> IdentityRates | None:
    """Returns all rates; None where the maker is unknown."""
    loose, strict = count(labels, "loose"), count(labels, "strict")
    if loose is None:
        return None
    assert strict is not None
    return IdentityRates(
        loose=loose, strict=strict, hard=count(labels, "hard"), hard_conditional=count(labels, "hard_conditional")
    )


def by_language(labels: Labelled) -> dict[str, IdentityRates]:
    """Returns the rates for every language of the questions."""
    found = {str(code): rates(labels.only(labels.language_R == code)) for code in np.unique(labels.language_R)}
    return {code: value for code, value in found.items() if value is not None}


def compare_labels(ours: Sequence[bool | None], theirs: Sequence[bool | None]) -> LabelAgreement | None:
    """Returns how the judge agrees with published labels where both judged; None where there are none."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    both = agreement(np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]))
    return LabelAgreement(
        n=both.n,
        both=both.both,
        judge_only=both.first_only,
        published_only=both.second_only,
        neither=both.neither,
        kappa=None if math.isnan(both.kappa) else both.kappa,
        f1=None if math.isnan(both.f1) else both.f1,
    )


def differences(
    models: Mapping[str, Labelled],
) -> tuple[dict[str, list[IdentityDifference]], dict[str, list[RankRange]]]:
    """Compares every pair of models in every rate, adjusts the p-values for their number, and ranks.

    Returns:
        For every model its differences from the others, and the ranks that it can hold.
    """
    found = []
    for rate in RATE_NAMES:
        series = _with_answers(models, rate)
        for a, b in combinations(series, 2):
            shared = bool(models[a].templates) and models[a].templates == models[b].templates
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DegenerateInputWarning)
                # Clusters of different templates must not be paired, whatever their numbers.
                second = series[b] if shared else (series[b][0], series[b][1] + 1_000_000)
                found.append((rate, a, b, shared, rate_difference(series[a], second)))
    adjusted = holm(np.array([d.pvalue for *_, d in found]))
    pairs: dict[str, list[IdentityDifference]] = {m: [] for m in models}
    for (rate, a, b, shared, d), p in zip(found, adjusted, strict=True):
        for one, other, sign in ((a, b, 1), (b, a, -1)):
            low, high = sorted((sign * d.low, sign * d.high))
            pairs[one].append(
                IdentityDifference(
                    other=other,
                    rate=rate,
                    difference=sign * d.estimate,
                    low=low,
                    high=high,
                    pvalue=d.pvalue,
                    adjusted_pvalue=float(p),
                    shared_templates=shared and d.paired,
                )
            )
    return pairs, _ranks(models, pairs)


def _with_answers(models: Mapping[str, Labelled], rate: RateName) -> dict[str, tuple[Bools, NDArray[np.int64]]]:
    """Returns (success, template) of every model that has answers for a rate."""
    return {m: s for m, labels in models.items() if (s := labels.series(rate)) is not None and len(s[0])}


def _ranks(models: Mapping[str, Labelled], pairs: Mapping[str, list[IdentityDifference]]) -> dict[str, list[RankRange]]:
    ranks: dict[str, list[RankRange]] = {m: [] for m in models}
    for rate in RATE_NAMES:
        series = _with_answers(models, rate)
        if len(series) < 2:
            continue
        names = list(series)
        estimate_M = np.array([success_R.mean() for success_R, _ in series.values()])
        place = {m: i for i, m in enumerate(names)}
        differs_MM = np.zeros((len(names), len(names)), dtype=bool)
        for m in names:
            for d in pairs[m]:
                if d.rate == rate and d.adjusted_pvalue <= _LEVEL:
                    differs_MM[place[m], place[d.other]] = True
        for m, (best, worst) in zip(names, rank_ranges(estimate_M, differs_MM), strict=True):
            ranks[m].append(RankRange(rate=rate, best=best, worst=worst, of=len(names)))
    return ranks
