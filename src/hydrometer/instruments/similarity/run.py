"""Measures how alike subject and reference answer, beside a ceiling and a null population of models.

References:
    Lee et al., ACL 2025 (arXiv 2501.12619), response similarity evaluation: style, logical structure, content detail.
    Their scale has neither ceiling nor null; both are what makes a number here mean something.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hydrometer.errors import DegenerateInputWarning, InputError, printable
from hydrometer.instruments.similarity.features import likenesses
from hydrometer.panel import Panel
from hydrometer.records.evidence import Range, Verdict
from hydrometer.records.lineage import Lineage
from hydrometer.records.responses import WITH_TEXT
from hydrometer.records.similarity import ASPECTS, Aspect, AspectSimilarity, NullSimilarity, Similarity
from hydrometer.stats.clustered import clustered_mean
from hydrometer.stats.conformal import ROUNDING, NullDistribution
from hydrometer.stats.likeness import beyond_everybody
from hydrometer.store.responses import ResponseSet

Array = NDArray[np.float64]
# Both by hand, 2026-11-25: an interval over fewer than five probes says nothing, over fewer than thirty it is rough.
FEWEST_PROBES = 5
_FEW_PROBES = 30
CANNOT_RULE_OUT = (
    "Similarity has no direction: the reference may have learnt from the subject, or both from a third.",
    "Models trained on the same public text, or tuned to the same fashion of answering, resemble each other untaught.",
    "Right answers to questions with one answer are alike whoever gives them.",
)


@dataclass(frozen=True)
class SimilarityOptions:
    """What can be chosen.

    Attributes:
        alpha: rate of false positives to accept.
        most_probes: probes to compare if a panel is given; a random choice of so many where there are more.
        most_null: untaught models that judges rate, chosen at random; every one costs as much as the subject.
        seed: of both choices.
    """

    alpha: float = 0.05
    # 200 by hand, 2026-11-25: pairs of all models are compared on each. 19 models are the fewest for a p-value of 0.05.
    most_probes: int = 200
    most_null: int = 19
    seed: int = 0


@dataclass(frozen=True)
class Voice:
    """One model's answers by prompt.

    Attributes:
        name: the model.
        answers: prompt to text; prompts without a usable answer are absent.
    """

    name: str
    answers: dict[str, str] = field(repr=False)


def voice(responses: ResponseSet, name: str | None, *, option: str) -> Voice:
    """Returns the answers of one model of a response file.

    Raises:
        InputError: if several models are in the file and none is named, or the named one is not there.
    """
    import polars as pl

    models = responses.frame["model"].unique().sort().to_list()
    if name is None:
        if len(models) > 1:
            listed = ", ".join(printable(m, limit=60) for m in models[:12])
            raise InputError(
                f"{len(models):,} models are in the file", cure=f"name one with {option}: {listed}",
                where=str(responses.path),
            )  # fmt: skip
        name = models[0]
    elif name not in models:
        listed = ", ".join(printable(m, limit=60) for m in models[:12])
        raise InputError(
            f"no model is called '{printable(name, limit=60)}'", cure=f"in the file: {listed}", where=option
        )
    mine = responses.frame.filter((pl.col("model") == name) & pl.col("status").is_in(WITH_TEXT))
    return Voice(name, dict(zip(mine["prompt"], mine["response"], strict=True)))


def compare_answers(
    subject: Voice,
    reference: Voice,
    *,
    again: Voice | None = None,
    panel: Panel | None = None,
    options: SimilarityOptions = SimilarityOptions(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Similarity:
    """Returns how alike subject and reference answer, aspect by aspect.

    Args:
        subject: its answers.
        reference: likewise.
        again: a second sample of the reference's answers: the ceiling.
        panel: other models' answers to the same prompts: the null population and the centring.
        options: alpha, number of probes, seed.
        progress: called with the probes compared and their total.

    Raises:
        InputError: if too few prompts have an answer from both.
    """
    crowd = Crowd.of(panel, subject.name, reference.name)
    prompts = shared_prompts(subject, reference, panel=panel, options=options)
    voices = [subject.answers, reference.answers, again.answers if again else {}, *crowd.answers]
    cubes = _similarities(voices, prompts, progress=progress)
    aspects = tuple(_aspect(a, cubes[a], crowd, has_again=again is not None) for a in ASPECTS)
    notes = [] if panel is not None else ["no panel: nobody can say how alike untaught models are; give --panel DIR"]
    if panel is not None and not crowd.null:
        notes.append("the panel documents no model as untaught by the reference: there is no null population")
    if again is None:
        notes.append("no second sample of the reference: the ceiling is unknown, and 1 is not reachable in practice")
    if len(prompts) < _FEW_PROBES:
        notes.append(f"only {len(prompts)} probes: the interval is rough")
    return Similarity(
        subject=subject.name,
        reference=reference.name,
        method="judge-free",
        n_probes=len(prompts),
        aspects=aspects,
        verdict=verdict(aspects, alpha=options.alpha),
        alpha=options.alpha,
        n_null=len(crowd.null),
        judge=None,
        cannot_rule_out=CANNOT_RULE_OUT,
        warnings=(*notes, *crowd.warnings),
        sha256={},
    )


def verdict(aspects: Sequence[AspectSimilarity], *, alpha: float) -> Verdict:
    """Returns what the overall aspect says: is the subject more like the reference than untaught models are?"""
    overall = next(a for a in aspects if a.aspect == "overall")
    if overall.pvalue is None or 1 / (len(overall.null) + 1) > alpha + ROUNDING:
        return Verdict.NOT_MEASURED
    # A model of today resembles every model of today more than those of yesterday do; centring takes that out.
    # Tried: raw alone (2 of 380 control pairs pass at 0.05, and Yi-Large against GPT-4o reaches it), centred alone (13
    # of 380); both together none. See docs/log.md, 2026-11-25.
    worst = max(overall.pvalue, overall.centred_pvalue or 0.0)
    return Verdict.SUPPORTS if worst <= alpha + ROUNDING else Verdict.INCONCLUSIVE


def shared_prompts(subject: Voice, reference: Voice, *, panel: Panel | None, options: SimilarityOptions) -> list[str]:
    """Returns the prompts that both answered (and the panel knows), at most as many as wanted.

    Raises:
        InputError: if there are too few.
    """
    shared = sorted(subject.answers.keys() & reference.answers.keys())
    if panel is not None:
        known = set(panel.probes.values())
        shared = [p for p in shared if p in known]
    if len(shared) < FEWEST_PROBES:
        raise InputError(
            f"subject and reference share {len(shared)} answered prompts" + (" of the panel" if panel else ""),
            cure=f"give at least {FEWEST_PROBES}, joined by the text of the prompt",
            where=f"{printable(subject.name, limit=60)} and {printable(reference.name, limit=60)}",
        )
    if panel is not None and len(shared) > options.most_probes:
        rng = np.random.default_rng(options.seed)
        shared = [shared[i] for i in np.sort(rng.permutation(len(shared))[: options.most_probes])]
    return shared


_AT = 3
"""Place of the first model of the panel: before it come subject, reference and the reference's second sample."""


@dataclass(frozen=True)
class Crowd:
    """The other models.

    Attributes:
        names: models of the panel that are neither subject nor reference nor kin of the reference.
        answers: their answers by prompt.
        null: places among them of the models documented as untaught by the reference.
        warnings: what weakens the null.
    """

    names: tuple[str, ...] = ()
    answers: tuple[dict[str, str], ...] = ()
    null: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, panel: Panel | None, subject: str, reference: str) -> Crowd:
        """Returns the models of a panel that are no kin of the reference, nor the subject."""
        import polars as pl

        if panel is None:
            return cls()
        group = panel.lineage_of(reference).own_group
        developer = panel.lineage_of(reference).developer
        notes = []
        if group is None and developer is None:
            notes.append(
                f"lineage.csv says nothing of {printable(reference, limit=60)}: models that it taught may be in the "
                f"null "
                "population, which hides a teacher"
            )
        mine = panel.lineage_of(subject).developer
        names: list[str] = []
        null: list[int] = []
        for model in panel.models:
            row = panel.lineage_of(model)
            if model in {subject, reference} or (developer is not None and row.developer == developer):
                continue
            if mine is not None and row.developer == mine:
                continue
            taught = group is not None and group in row.teacher_group
            documented = row.role in {"control", "positive", "mixed"}
            if taught or not (documented or row.own_group):
                continue
            if documented and _teachers_known(row):
                null.append(len(names))
            names.append(model)
        frame = panel.responses().frame.filter(pl.col("model").is_in(names) & pl.col("status").is_in(WITH_TEXT))
        by_model = frame.partition_by("model", as_dict=True)
        answers = tuple(
            dict(zip(by_model[(m,)]["prompt"], by_model[(m,)]["response"], strict=True)) if (m,) in by_model else {}
            for m in names
        )
        return cls(tuple(names), answers, tuple(null), tuple(notes))


def _teachers_known(row: Lineage) -> bool:
    return row.role == "control" or bool(row.teacher_group)


def _similarities(
    voices: Sequence[dict[str, str]], prompts: Sequence[str], *, progress: Callable[[int, int], None]
) -> dict[Aspect, Array]:
    """Returns the similarity of every pair on every probe, by aspect: arrays of shape (P, M, M)."""
    cubes = {a: np.full((len(prompts), len(voices), len(voices)), np.nan, dtype=np.float32) for a in ASPECTS}
    for p, prompt in enumerate(prompts):
        progress(p, len(prompts))
        for aspect, found_MM in likenesses([v.get(prompt) for v in voices]).items():
            cubes[aspect][p] = found_MM  # type: ignore[index]
    progress(len(prompts), len(prompts))
    return cubes  # type: ignore[return-value]


def _aspect(aspect: Aspect, cube_PMM: Array, crowd: Crowd, *, has_again: bool) -> AspectSimilarity:
    plain = mean_range(cube_PMM[:, 0, 1], unit="likeness from 0 to 1")
    ceiling = mean_range(cube_PMM[:, 1, 2], unit="likeness from 0 to 1") if has_again else None
    everybody = np.arange(_AT, _AT + len(crowd.names))
    centred, null, pvalue, centred_pvalue = None, [], None, None
    if len(everybody) > 1:
        centred_P = beyond_everybody(cube_PMM, first=0, second=1, others=everybody)
        centred = mean_range(centred_P, unit="likeness beyond that to everybody")
        for place in crowd.null:
            others = np.delete(everybody, place)
            own_P = beyond_everybody(cube_PMM, first=_AT + place, second=1, others=others)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                value, raw = float(np.nanmean(own_P)), float(np.nanmean(cube_PMM[:, _AT + place, 1]))
            if not np.isnan(value):
                null.append(NullSimilarity(model=crowd.names[place], similarity=raw, centred=value))
        if null and plain is not None and centred is not None:
            pvalue = NullDistribution(np.array([n.similarity for n in null])).pvalue(plain.middle)
            population = NullDistribution(np.array([n.centred for n in null], dtype=np.float64))
            centred_pvalue = population.pvalue(centred.middle)
    return AspectSimilarity(
        aspect=aspect, similarity=plain, ceiling=ceiling, null=tuple(null), pvalue=pvalue,
        centred_pvalue=centred_pvalue, centred=centred,
    )  # fmt: skip


def mean_range(value_P: Array, *, unit: str) -> Range | None:
    """Returns a mean over probes with its interval, probes without a value left out; None where no probe has one."""
    kept_P = np.asarray(value_P, dtype=np.float64)
    kept_P = kept_P[~np.isnan(kept_P)]
    if not len(kept_P):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)
        found = clustered_mean(kept_P, np.arange(len(kept_P)))
    sure = not np.isnan(found.low)
    return Range(
        low=found.low if sure else found.estimate,
        middle=found.estimate,
        high=found.high if sure else found.estimate,
        unit=unit,
        level=found.level if sure else None,
        method="t over probes" if sure else "one probe: no interval",
    )
