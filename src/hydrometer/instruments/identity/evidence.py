"""The evidence on what a model says of itself: published counts, beside anything newly measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hydrometer.errors import InputError, printable
from hydrometer.instruments.identity import messages
from hydrometer.instruments.instrument import Case, Input, Instrument
from hydrometer.records.evidence import Citation, Evidence, InputFile, Range, Verdict
from hydrometer.records.identity import Identity
from hydrometer.records.published import IdentityEvidence, PublishedIdentity, plain_name
from hydrometer.store.reference import published_identity

NAME = "identity"
SOURCE = Citation(
    title=(
        "Lee et al., Quantification of Large Language Model Distillation (ACL 2025, arXiv 2501.12619), published files"
    ),
    address="https://github.com/Aegis1863/LLMs-Distillation-Quantification",
    place="identity_jailbreak: attack results, loose and strict scores",
    date="2025-05",
    grade="primary",
)


@dataclass(frozen=True)
class IdentityAnswers(Input):
    """A model's answers to questions about who made it.

    Attributes:
        identity: the file.
    """

    identity: Path


def measure(case: Case) -> list[Evidence]:
    """Returns the evidence on what a model says of itself; none where nothing was published or measured.

    Raises:
        InputError: if the file of answers cannot be used, or does not hold the subject's.
    """
    given = case.find(IdentityAnswers)
    model = case.dossier.model.name
    measured, inputs = (None, ()) if given is None else _measured(model, given.identity)
    row = find_published(model)
    if row is None and measured is None:
        return []
    return [_evidence(model, row, measured, inputs)]


def find_published(model: str) -> PublishedIdentity | None:
    """Returns the published counts of a model, however it is spelt."""
    wanted = plain_name(model)
    return next((r for r in published_identity() if wanted in {plain_name(n) for n in (r.model, *r.aliases)}), None)


def _measured(model: str, path: Path) -> tuple[Identity, tuple[InputFile, ...]]:
    # Reading tables takes long to import: only an audit of answers pays for it.
    from hydrometer.instruments.identity.run import default_names, find_makers, judge_rows, summarise
    from hydrometer.store.identity_rows import read_identity_rows

    rows = read_identity_rows(path)
    names = default_names()
    models = rows.frame["model"].unique(maintain_order=True).to_list()
    mine = [m for m in models if plain_name(m) == plain_name(model)] if len(models) > 1 else models
    if len(mine) != 1:
        listed = ", ".join(printable(m, limit=60) for m in models[:12])
        raise InputError(
            f"no model is called '{printable(model, limit=60)}'", cure=f"in the file: {listed}", where=str(path)
        )
    judged = judge_rows(rows, names=names, makers=find_makers(models, {}, names=names))
    found = next(i for i in summarise(judged) if i.model == mine[0])
    return found, (InputFile(name=path.name, sha256=rows.sha256, bytes=path.stat().st_size),)


def _evidence(
    model: str, row: PublishedIdentity | None, measured: Identity | None, inputs: tuple[InputFile, ...]
) -> Evidence:
    return Evidence(
        id="identity",
        instrument=NAME,
        question="teacher",
        proposition=f"What {model} says of itself shows that OpenAI or Anthropic taught it.",
        alternative=f"{model} says such things for another reason, as models do that nobody there taught.",
        verdict=Verdict.INCONCLUSIVE,
        answer=messages.answer(model, row, measured, published_identity()),
        how_sure=messages.how_sure(row, measured),
        statistic_name="answers by which it is OpenAI's or Anthropic's (strict)",
        statistic=_statistic(row, measured),
        cannot_rule_out=messages.CANNOT_RULE_OUT,
        missing=messages.MISSING,
        warnings=messages.PUBLISHED_WARNINGS if row is not None else (),
        sources=(SOURCE,) if row is not None else (),
        details=IdentityEvidence(
            subject=model, published=published_identity(), row=row.model if row else None, measured=measured
        ),
        inputs=inputs,
    )


def _statistic(row: PublishedIdentity | None, measured: Identity | None) -> Range | None:
    if measured is not None and measured.strict.rate is not None:
        s = measured.strict
        method = f"{s.count:,} of {s.n:,} answers; over {s.n_templates} templates (Korn and Graubard)"
        return Range(low=s.low, middle=measured.strict.rate, high=s.high, unit="share", level=s.level, method=method)
    if row is not None and row.strict_low is not None and row.strict_high is not None:
        return Range(low=row.strict_low, middle=row.strict / row.n, high=row.strict_high, unit="share", level=0.95,
                     method=row.interval)  # fmt: skip
    return None


IDENTITY = Instrument(
    name=NAME,
    question="teacher",
    decides=False,
    needs=messages.NEEDS,
    details=(IdentityEvidence,),
    measure=measure,
    inputs=IdentityAnswers,
)
