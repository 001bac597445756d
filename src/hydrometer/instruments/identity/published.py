"""What the published counts of identity consistency say of an audit's subject, beside anything newly measured."""

from __future__ import annotations

import re

from hydrometer.records.evidence import Citation, Evidence
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.records.identity import Identity
from hydrometer.records.numbers import percent
from hydrometer.records.published import IdentityEvidence, PublishedIdentity
from hydrometer.store.reference import published_identity

SOURCE = Citation(
    title=(
        "Lee et al., Quantification of Large Language Model Distillation (ACL 2025, arXiv 2501.12619), published files"
    ),
    address="https://github.com/Aegis1863/LLMs-Distillation-Quantification",
    place="identity_jailbreak: attack results, loose and strict scores",
    date="2025-05",
    grade="primary",
)
CANNOT_RULE_OUT = (
    "Texts by and about ChatGPT and Claude stand all over the web, so a model can pick up such words from shared web "
    "data "
    "without a teacher.",
    "The jailbreak itself often names ChatGPT or OpenAI; then the answer may only play along.",
    "Training on other models' answers that hold such words by accident: a sibling or an indirect teacher.",
)
_HOW_SURE = (
    "Not sure at all as to the teacher: nobody counted models that are known to be untaught, so no rate of false "
    "accusations exists for this count. "
)
_SURE_OF_PUBLISHED = (
    "Sure as to the count: intervals are over the 20 templates, since the answers under one template resemble each "
    "other so much that 1,000 are worth some 60 to 270."
)
_PUBLISHED_WARNINGS = (
    "The published answers were drawn by an adaptive search: any two models share at most 2 of 20 templates, so that "
    "their rates compare only roughly.",
    "The published labels come from a language model; of its loose ones 78 to 90 % were confirmed by people "
    "(second-hand).",
)


def key(name: str) -> str:
    """Returns a name as it is compared: without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def find_published(model: str) -> PublishedIdentity | None:
    """Returns the published counts of a model, however it is spelt."""
    wanted = key(model)
    return next((r for r in published_identity() if wanted in {key(n) for n in (r.model, *r.aliases)}), None)


def evidence(model: str, measured: Identity | None = None) -> Evidence | None:
    """Returns the evidence on what a model says of itself; None where nothing was published or measured.

    Args:
        model: the subject, as the dossier names it.
        measured: what was newly measured, if anything.
    """
    row = find_published(model)
    if row is None and measured is None:
        return None
    return Evidence(
        id="identity",
        instrument="identity",
        question="teacher",
        proposition=f"What {model} says of itself shows that OpenAI or Anthropic taught it.",
        alternative=f"{model} says such things for another reason, as models do that nobody there taught.",
        verdict=Verdict.INCONCLUSIVE,
        answer=_answer(model, row, measured),
        how_sure=_HOW_SURE + _sure_of_count(row, measured),
        statistic_name="answers by which it is OpenAI's or Anthropic's (strict)",
        statistic=_statistic(row, measured),
        cannot_rule_out=CANNOT_RULE_OUT,
        missing=(
            "The same questions and templates put to models that are known to be untaught, and to siblings: "
            "`hydrometer identity` on answers to one common panel.",
        ),
        warnings=_PUBLISHED_WARNINGS if row is not None else (),
        sources=(SOURCE,) if row is not None else (),
        details=IdentityEvidence(subject=model, published=published_identity(), row=row.model if row else None,
                                 measured=measured),
    )  # fmt: skip


def _sure_of_count(row: PublishedIdentity | None, measured: Identity | None) -> str:
    if row is not None:
        return _SURE_OF_PUBLISHED
    n = measured.strict.n_templates if measured is not None else 0
    return f"As to the count: the interval is over {n:,} prompts or templates of prompts, not over answers."


def _statistic(row: PublishedIdentity | None, measured: Identity | None) -> Range | None:
    if measured is not None and measured.strict.rate is not None:
        s = measured.strict
        method = f"{s.count:,} of {s.n:,} answers; over {s.n_templates} templates (Korn and Graubard)"
        return Range(low=s.low, middle=measured.strict.rate, high=s.high, unit="share", level=s.level, method=method)
    if row is not None and row.strict_low is not None and row.strict_high is not None:
        return Range(low=row.strict_low, middle=row.strict / row.n, high=row.strict_high, unit="share", level=0.95,
                     method=row.interval)  # fmt: skip
    return None


def _answer(model: str, row: PublishedIdentity | None, measured: Identity | None) -> str:
    parts = []
    if row is not None:
        bounds = f", {percent(row.strict_low)} to {percent(row.strict_high or 1)}" if row.strict_low is not None else ""
        others = ", ".join(
            f"{r.strict} for {r.model}"
            for r in published_identity()
            if r.in_paper and r.model != row.model and r.strict
        )
        parts.append(
            f"By the published count {row.strict} of {row.n:,} answers of {model} to jailbreaks say that it is "
            f"OpenAI's or "
            f"Anthropic's ({percent(row.strict / row.n)}{bounds}). The same count finds {others}. "
            "The intervals overlap so far that the order of the highest three is not established."
        )
    if measured is not None and measured.strict.rate is not None:
        s = measured.strict
        parts.append(
            f"Newly measured: {s.count:,} of {s.n:,} answers ({percent(measured.strict.rate)}, {percent(s.low)} to "
            f"{percent(s.high)} over "
            f"{s.n_templates} templates), judge: {measured.judge}."
        )
    parts.append("Such words are a reason to ask further. They do not show who taught a model.")
    return " ".join(parts)
