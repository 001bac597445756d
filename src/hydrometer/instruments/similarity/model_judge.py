"""A language model rates how alike two answers are: style, logical structure, content detail, overall, from 1 to 5.

The aspects are those of Lee et al. (ACL 2025); their rubric was not published, so the words are ours. Every pair is
rated in both orders, since judges favour a place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hydrometer.errors import DegenerateInputWarning
from hydrometer.instruments.judging.fence import Ask, JudgeTask, judge_all
from hydrometer.instruments.similarity.run import (
    CANNOT_RULE_OUT,
    Crowd,
    SimilarityOptions,
    Voice,
    mean_range,
    shared_prompts,
    verdict,
)
from hydrometer.panel import Panel
from hydrometer.records.base import Record
from hydrometer.records.evidence import Range
from hydrometer.records.similarity import ASPECTS, Aspect, AspectSimilarity, JudgeQuality, NullSimilarity, Similarity
from hydrometer.stats.agreement import intraclass_correlation, weighted_kappa
from hydrometer.stats.conformal import NullDistribution

Rating = Annotated[int, Field(ge=1, le=5)]
UNIT = "rating from 1 to 5"
_TASK = (
    "Two programs answered the same prompt. Rate how alike the two answers are; do not rate how good they are. Two "
    "wrong "
    "answers can be very alike, two right ones very different.\n"
    "style: choice of words, tone, person, punctuation, habits of wording.\n"
    "structure: how it is built: order of ideas, sections, lists, openings and endings.\n"
    "content: which facts, examples, steps and details it holds.\n"
    "overall: all of it together, as one would ask whether one author wrote both.\n"
    "Scale: 1 nothing in common beyond the topic; 2 little; 3 some, as two writers of one school; 4 much, as one "
    "writer on "
    "two days; 5 the same but for small changes.\n"
    'Keys: {"style": 1-5, "structure": 1-5, "content": 1-5, "overall": 1-5, "code": string}'
)


class PairRating(Record):
    """What a judge must return."""

    style: Rating
    structure: Rating
    content: Rating
    overall: Rating


@dataclass(frozen=True)
class Ratings:
    """All ratings of one pair of models. Axes: J judges, O orders (the first model first, then second), P probes.

    Attributes:
        by_aspect: shape (J, O, P); not a number where no rating came.
    """

    by_aspect: Mapping[Aspect, NDArray[np.float64]]

    def per_probe(self, aspect: Aspect) -> NDArray[np.float64]:
        """Returns the mean over judges and orders, shape (P,); not a number where there is none."""
        cube = self.by_aspect[aspect]
        known = ~np.isnan(cube)
        count = known.sum(axis=(0, 1))
        total = np.where(known, cube, 0.0).sum(axis=(0, 1))
        mean: NDArray[np.float64] = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return mean


def rate_pairs(
    first: Mapping[str, str], second: Mapping[str, str], prompts: Sequence[str], judges: Sequence[Ask]
) -> Ratings:
    """Has every judge rate two models' answers to every prompt in both orders."""
    found = {a: np.full((len(judges), 2, len(prompts)), np.nan) for a in ASPECTS}
    for j, ask in enumerate(judges):
        at: list[tuple[int, int]] = []
        cases: list[JudgeTask] = []
        for p, prompt in enumerate(prompts):
            if prompt not in first or prompt not in second:
                continue
            for order, (one, two) in enumerate(((first, second), (second, first))):
                at.append((order, p))
                texts = (("prompt", prompt), ("answer-1", one[prompt]), ("answer-2", two[prompt]))
                cases.append(JudgeTask(texts=texts, task=_TASK, key=f"order {order}"))
        for (order, p), rating in zip(at, judge_all(cases, PairRating, ask=ask), strict=True):
            if rating is not None:
                for a in ASPECTS:
                    found[a][j, order, p] = getattr(rating, a)
    return Ratings(found)


def compare_answers_with_judges(
    subject: Voice,
    reference: Voice,
    *,
    judges: Mapping[str, Ask],
    again: Voice | None = None,
    panel: Panel | None = None,
    options: SimilarityOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Similarity:
    """Returns how alike subject and reference answer by the rating of language models.

    Args:
        subject: its answers.
        reference: likewise.
        judges: by name; two or more show how far they agree.
        again: a second sample of the reference's answers: the ceiling.
        panel: other models' answers: the null population and the centring.
        options: alpha, numbers of probes and of untaught models, seed.
        progress: called with the pairs of models rated and their total.

    Raises:
        InputError: if too few prompts have an answer from both.
    """
    crowd = Crowd.of(panel, subject.name, reference.name)
    prompts = shared_prompts(subject, reference, panel=panel, options=options)
    asks = list(judges.values())
    rng = np.random.default_rng(options.seed)
    null = sorted(rng.permutation(crowd.null)[: options.most_null].tolist()) if crowd.null else []
    total = 1 + (again is not None) + 2 * len(null)
    done = 0

    def rated(first: Mapping[str, str], second: Mapping[str, str]) -> Ratings:
        nonlocal done
        progress(done, total)
        done += 1
        return rate_pairs(first, second, prompts, asks)

    own = rated(subject.answers, reference.answers)
    ceiling = rated(reference.answers, again.answers) if again is not None else None
    # To centre, the subject too is rated against everybody: what both share with others is taken out.
    to_reference = [rated(crowd.answers[i], reference.answers) for i in null]
    to_subject = [rated(crowd.answers[i], subject.answers) for i in null]
    progress(total, total)
    aspects = tuple(_aspect(a, own, ceiling, [crowd.names[i] for i in null], to_reference, to_subject) for a in ASPECTS)
    return Similarity(
        subject=subject.name,
        reference=reference.name,
        method="judge",
        n_probes=len(prompts),
        aspects=aspects,
        verdict=verdict(aspects, alpha=options.alpha),
        alpha=options.alpha,
        n_null=len(null),
        judge=_quality(tuple(judges), own),
        cannot_rule_out=(*CANNOT_RULE_OUT, "A judge may favour answers of its own family; use judges of two families."),
        warnings=(*crowd.warnings, *_notes(own, n_null=len(null), has_again=again is not None, n_judges=len(judges))),
        sha256={},
    )


def _notes(own: Ratings, *, n_null: int, has_again: bool, n_judges: int) -> list[str]:
    """Returns what weakens the ratings, one line each."""
    notes = []
    if not n_null:
        notes.append("no null population: nobody can say how alike untaught models are rated; give --panel DIR")
    if not has_again:
        notes.append("no second sample of the reference: the ceiling is unknown")
    if not _any(own, "overall"):
        notes.append("no judge gave a single usable rating")
    if n_judges < 2:
        notes.append("one judge: how far judges agree is unknown")
    return notes


def _aspect(
    aspect: Aspect,
    own: Ratings,
    ceiling: Ratings | None,
    names: list[str],
    to_reference: list[Ratings],
    to_subject: list[Ratings],
) -> AspectSimilarity:
    own_P = own.per_probe(aspect)
    means = [float(np.nanmean(r.per_probe(aspect))) if _any(r, aspect) else float("nan") for r in to_reference]
    null = [NullSimilarity(model=m, similarity=v, centred=None) for m, v in zip(names, means, strict=True) if v == v]
    pvalue, centred = None, None
    if null and _any(own, aspect):
        # Raw only: a centred null would need every model rated against every other, which is paid for pair by pair.
        pvalue = NullDistribution(np.array([n.similarity for n in null])).pvalue(float(np.nanmean(own_P)))
        everybody = np.stack([r.per_probe(aspect) for r in (*to_reference, *to_subject)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            centred = mean_range(own_P - np.nanmean(everybody, axis=0), unit="rating beyond that to everybody")
    return AspectSimilarity(
        aspect=aspect,
        similarity=mean_range(own_P, unit=UNIT),
        ceiling=mean_range(ceiling.per_probe(aspect), unit=UNIT) if ceiling is not None else None,
        null=tuple(null),
        pvalue=pvalue,
        centred_pvalue=None,
        centred=centred,
    )


def _any(ratings: Ratings, aspect: Aspect) -> bool:
    return bool((~np.isnan(ratings.by_aspect[aspect])).any())


def _quality(names: tuple[str, ...], own: Ratings) -> JudgeQuality:
    """Returns how far the ratings of subject and reference can be trusted."""
    cube = own.by_aspect["overall"]
    n_failed = int(np.isnan(cube).sum())
    gap = cube[:, 0] - cube[:, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gap_P = np.nanmean(gap, axis=0) if (~np.isnan(gap)).any() else np.full(cube.shape[2], np.nan)
    kappa, icc = None, None
    if len(names) > 1:
        pairs = np.stack([cube[j].ravel() for j in range(len(names))], axis=1)
        pairs = pairs[~np.isnan(pairs).any(axis=1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateInputWarning)
            if len(pairs) > 1:
                kappa = _number(weighted_kappa(pairs[:, 0].astype(int), pairs[:, 1].astype(int), n_levels=5))
                icc = _number(intraclass_correlation(pairs))
    bias: Range | None = mean_range(gap_P, unit="rating points") if (~np.isnan(gap_P)).any() else None
    return JudgeQuality(
        judges=names, n_ratings=int(cube.size) - n_failed, n_failed=n_failed, position_bias=bias, kappa=kappa, icc=icc
    )


def _number(value: float) -> float | None:
    return value if value == value else None
