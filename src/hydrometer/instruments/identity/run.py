"""Judges a file of answers and sums it up, model by model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import polars as pl

from hydrometer.errors import InputError, printable
from hydrometer.instruments.identity import rates
from hydrometer.instruments.identity.judge import VERSION, RowVerdict, judge_answer
from hydrometer.instruments.identity.language import language_of
from hydrometer.instruments.identity.model_judge import judge_identity
from hydrometer.instruments.identity.names import Names
from hydrometer.instruments.judging.fence import Ask
from hydrometer.records.identity import (
    ClusteredCount,
    CorrectedRate,
    Identity,
    IdentityRates,
    JudgePoint,
    LabelAgreement,
)
from hydrometer.records.identity_panel import PLAIN
from hydrometer.stats.prevalence import JudgeErrors, true_rate
from hydrometer.store.identity_rows import IdentityRows, read_identity_rows
from hydrometer.store.reference import identity_judge_points
from hydrometer.store.vendors import places, shipped_vendors

Judge = Literal["rules", "published"]
_READABLE = ("answered", "truncated", "refused")
NOBODY: Mapping[str, str] = MappingProxyType({})
"""No maker is given."""
_EVERY = 250
"""Answers between two reports of progress."""


@dataclass(frozen=True)
class Judged:
    """A file of answers with what the judge says of each.

    Attributes:
        frame: the rows with `state`, `question`, `whole_prompt`, `cluster` and `language` (of the question).
        verdicts: one for every row, in order.
        makers: who truly made each model; None where nobody knows.
        judge: which judge.
    """

    frame: pl.DataFrame
    verdicts: tuple[RowVerdict, ...]
    makers: Mapping[str, str | None]
    judge: str

    def columns(self) -> pl.DataFrame:
        """Returns the judge's own columns."""
        return pl.DataFrame(
            {
                "loose": pl.Series([v.loose for v in self.verdicts], dtype=pl.Boolean),
                "strict": pl.Series([v.strict for v in self.verdicts], dtype=pl.Boolean),
                "vendor": pl.Series([v.vendor for v in self.verdicts], dtype=pl.String),
                "answer_language": pl.Series([v.language for v in self.verdicts], dtype=pl.String),
                "why": pl.Series([printable(v.why, limit=300) for v in self.verdicts], dtype=pl.String),
            }
        )


def judge_identity_file(path: Path, *, model: str | None = None, makers: Mapping[str, str] = NOBODY) -> list[Identity]:
    """Judges a file of answers to identity questions by rule.

    Args:
        path: the file: see docs/identity.md.
        model: for files that do not name the model.
        makers: who truly made a model, where its name does not say.

    Returns:
        One record a model, in the order of the file.

    Raises:
        InputError: if the file cannot be used, or a maker is unknown.
    """
    rows = read_identity_rows(path, model=model)
    names = default_names()
    models = rows.frame["model"].unique(maintain_order=True).to_list()
    return summarise(judge_rows(rows, names=names, makers=find_makers(models, makers, names=names)))


def default_names() -> Names:
    """Returns the shipped list of makers, ready for searching."""
    return Names(shipped_vendors(), places())


def find_makers(models: Sequence[str], given: Mapping[str, str], *, names: Names) -> dict[str, str | None]:
    """Returns who truly made each model: as given, else as its name says, else None.

    Raises:
        InputError: if a given maker is not in the list, or a given model is not in the file.
    """
    for model, maker in given.items():
        if model not in models:
            listed = ", ".join(printable(m, limit=60) for m in models[:12])
            raise InputError(
                f"no model is called '{printable(model, limit=60)}'", cure=f"in the file: {listed}", where="--maker"
            )
        if names.vendor_named(maker) is None:
            raise InputError(
                f"unknown maker '{printable(maker, limit=60)}'",
                cure=f"known: {', '.join(names.known_as()[:12])} and more; add it with --vendors FILE",
                where="--maker",
            )
    return {m: names.vendor_named(given[m]) if m in given else names.maker_of(m) for m in models}


def prepare(rows: IdentityRows) -> pl.DataFrame:
    """Returns the rows with what judging needs: state, question, everything asked, template number, language."""
    blank = pl.col("response").str.strip_chars() == ""
    frame = rows.frame.with_columns(
        state=pl.when(pl.col("status").is_not_null() & (pl.col("status") != "answered"))
        .then(pl.col("status"))
        .when(pl.col("response").is_null())
        .then(pl.lit("failed"))
        .when(blank)
        .then(pl.lit("empty"))
        .otherwise(pl.lit("answered")),
        question=pl.coalesce("query", "prompt", pl.lit("")),
        whole_prompt=pl.when(pl.col("jailbreak_prompt").is_not_null())
        .then(pl.concat_str(["jailbreak_prompt", pl.col("query").fill_null("")], separator="\n"))
        .otherwise(pl.coalesce("prompt", "query")),
    )
    key = pl.coalesce("template", "jailbreak_prompt", "whole_prompt", pl.lit(""))
    frame = frame.with_columns(cluster=(key.rank("dense") - 1).cast(pl.Int64))
    languages = {text: language_of(text) for text in frame["question"].unique() if text}
    return frame.with_columns(language=pl.Series([languages.get(t) for t in frame["question"]], dtype=pl.String))


def judge_rows(
    rows: IdentityRows,
    *,
    names: Names,
    makers: Mapping[str, str | None],
    judge: Judge = "rules",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Judges every answer of a file by rule, or takes its published labels.

    Args:
        rows: what was read.
        names: makers and their models.
        makers: who truly made each model.
        judge: `published` takes the labels of the file; who is named is read by rule all the same.
        progress: called with the answers judged and their total.

    Raises:
        InputError: if published labels are asked for and the file holds none.
    """
    if judge == "published" and not rows.has_labels:
        raise InputError(
            "no published labels in the file",
            cure="give the columns published_loose and published_strict, or use --judge rules",
            where=str(rows.path),
        )
    frame = prepare(rows)
    verdicts = []
    wanted = ("model", "state", "response", "question", "whole_prompt", "published_loose", "published_strict")
    for number, (model, state, text, question, prompt, loose, strict) in enumerate(frame.select(wanted).iter_rows()):
        if number % _EVERY == 0:
            progress(number, len(frame))
        if judge == "published" and not loose:
            verdict = RowVerdict(loose, strict, None, None, "published label")
        elif state not in _READABLE or not text:
            verdict = RowVerdict(None, None, None, None, f"not judged: {state}")
        else:
            verdict = judge_answer(text, question, names=names, maker=makers[model], prompt=prompt or "")
        if judge == "published" and loose:
            verdict = RowVerdict(loose, strict, verdict.vendor, verdict.language, "published label")
        verdicts.append(verdict)
    progress(len(frame), len(frame))
    return Judged(frame, tuple(verdicts), makers, VERSION if judge == "rules" else "published")


def judge_rows_with(
    rows: IdentityRows,
    *,
    names: Names,
    makers: Mapping[str, str | None],
    ask: Ask,
    judge: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Judges every answer of a file with a language model.

    Args:
        rows: what was read.
        names: makers and their models.
        makers: who truly made each model.
        ask: puts requests to the judge.
        judge: its name, for the record.
        progress: called with the answers judged and their total.
    """
    frame = prepare(rows)
    table = list(frame.select("model", "question", "response", "state").iter_rows())
    readable = [i for i, (_, _, text, state) in enumerate(table) if state in _READABLE and text]
    found = judge_identity([table[i][:3] for i in readable], names=names, makers=makers, ask=ask, progress=progress)
    verdicts = [RowVerdict(None, None, None, None, f"not judged: {state}") for *_, state in table]
    for i, verdict in zip(readable, found, strict=True):
        verdicts[i] = verdict
    return Judged(frame, tuple(verdicts), makers, judge)


def summarise(judged: Judged) -> list[Identity]:
    """Returns what was found, one record a model, in the order of the file."""
    frame = judged.frame.with_row_index("at")
    models = frame["model"].unique(maintain_order=True).to_list()
    parts = {m: frame.filter(pl.col("model") == m) for m in models}
    mine = {m: [judged.verdicts[i] for i in parts[m]["at"]] for m in models}
    labels = {m: rates.label(parts[m], [v.loose for v in mine[m]], [v.strict for v in mine[m]]) for m in models}
    pairs, ranks = rates.differences(labels)
    points = [p for p in identity_judge_points() if p.judge == judged.judge]
    records = []
    for m in models:
        published = _published(parts[m])
        strict = rates.count(labels[m], "strict")
        assert strict is not None
        loose = rates.count(labels[m], "loose")
        own = published is not None and judged.judge != "published"
        records.append(
            Identity(
                model=m,
                maker=judged.makers[m],
                judge=judged.judge,
                n=len(parts[m]),
                statuses=dict(sorted(Counter(parts[m]["state"]).items())),
                judged=strict.n,
                unjudged=sum(v.strict is None for v in mine[m]),
                unjudged_languages=_unjudged(mine[m], parts[m]["state"].to_list()),
                loose=loose,
                strict=strict,
                hard=rates.count(labels[m], "hard"),
                hard_conditional=rates.count(labels[m], "hard_conditional"),
                vendors=dict(Counter(v.vendor for v in mine[m] if v.vendor is not None).most_common()),
                languages=rates.by_language(labels[m]),
                arms=_arms(parts[m], mine[m]),
                published=rates.rates(published) if published is not None else None,
                agreement=_agreement(parts[m], mine[m]) if own else None,
                corrected={
                    p.rate: _corrected(c, p) for p in points if (c := loose if p.rate == "loose" else strict) and c.n
                },
                differences=tuple(pairs[m]),
                ranks=tuple(ranks[m]),
                warnings=tuple(_warnings(judged.makers[m], mine[m], parts[m], labels[m])),
            )
        )
    return records


def _arms(part: pl.DataFrame, verdicts: list[RowVerdict]) -> dict[str, IdentityRates]:
    """Returns the rates without and with a jailbreak, where the template `plain` tells them apart."""
    if PLAIN not in set(part["template"].drop_nulls()):
        return {}
    plain_R = (part["template"] == PLAIN).fill_null(False).to_list()
    found = {}
    for arm, wanted in (("plain", True), ("jailbreak", False)):
        keep = [i for i, plain in enumerate(plain_R) if plain is wanted]
        if not keep:
            continue
        frame = part[keep]
        if wanted:  # one template: its questions are the units
            frame = frame.with_columns(cluster=(pl.col("question").rank("dense") - 1).cast(pl.Int64))
        labels = rates.label(frame, [verdicts[i].loose for i in keep], [verdicts[i].strict for i in keep])
        if (value := rates.rates(labels)) is not None:
            found[arm] = value
    return found


def _published(part: pl.DataFrame) -> rates.Labelled | None:
    if part["published_loose"].is_null().all():
        return None
    return rates.label(part, part["published_loose"].to_list(), part["published_strict"].to_list())


def _agreement(part: pl.DataFrame, verdicts: list[RowVerdict]) -> dict[str, LabelAgreement] | None:
    found = {
        "loose": rates.compare_labels([v.loose for v in verdicts], part["published_loose"].to_list()),
        "strict": rates.compare_labels([v.strict for v in verdicts], part["published_strict"].to_list()),
    }
    return {name: value for name, value in found.items() if value is not None} or None


def _unjudged(verdicts: list[RowVerdict], states: list[str]) -> dict[str, int]:
    """Returns how many readable answers were not understood, by their language."""
    found = Counter(
        v.language or "unknown" for v, s in zip(verdicts, states, strict=True) if v.strict is None and s in _READABLE
    )
    return dict(found.most_common())


def _corrected(counted: ClusteredCount, point: JudgePoint) -> CorrectedRate:
    assert counted.rate is not None
    # The answers count as many as independent ones would; the errors were measured on other models.
    size = counted.effective_n
    errors = JudgeErrors(point.hits, point.n_true, point.rejections, point.n_false)
    found = true_rate(counted.rate * size, size, errors=errors)
    return CorrectedRate(
        rate=found.estimate,
        low=found.low,
        high=found.high,
        level=found.level,
        sensitivity=found.sensitivity,
        specificity=found.specificity,
        measured_on=point.measured_on,
    )


def _warnings(maker: str | None, verdicts: list[RowVerdict], part: pl.DataFrame, labels: rates.Labelled) -> list[str]:
    found = []
    if maker is None:
        found.append("nobody knows who made this model: loose was not judged; say it with --maker NAME=VENDOR")
    unread = sum(v.strict is None for v in verdicts)
    if unread:
        found.append(f"{unread:,} of {len(part):,} rows were not judged and count neither way")
    if labels.keyword_free_R is None:
        found.append("the prompts are not in the file: no answer can be determined to be hard")
    n_clusters = len(set(labels.cluster_R.tolist()))
    # By hand, 2026-11-25: below ten clusters the t quantile of the interval is 2.3 and more.
    if 0 < n_clusters < 10:
        found.append(f"only {n_clusters} templates: intervals over so few are wide and rough")
    if part["template"].is_null().all() and part["jailbreak_prompt"].is_null().all():
        found.append("no column 'template': every prompt counts as a template of its own")
    return found
