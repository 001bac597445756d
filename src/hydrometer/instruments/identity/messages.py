"""What the evidence on what a model says of itself says in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.records.identity import Identity
from hydrometer.records.numbers import percent
from hydrometer.records.published import PublishedIdentity

NEEDS = ("Its answers to questions about who made it: ask them, then run this audit again with `--identity FILE`.",)
MISSING = (
    "The same questions and templates put to models that are known to be untaught, and to siblings: "
    "`hydrometer identity` on answers to one common panel.",
)
CANNOT_RULE_OUT = (
    "Texts by and about ChatGPT and Claude stand all over the web, so a model can pick up such words from shared web "
    "data without a teacher.",
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
PUBLISHED_WARNINGS = (
    "The published answers were drawn by an adaptive search: any two models share at most 2 of 20 templates, so that "
    "their rates compare only roughly.",
    "The published labels come from a language model; of its loose ones 78 to 90 % were confirmed by people "
    "(second-hand).",
)


def how_sure(row: PublishedIdentity | None, measured: Identity | None) -> str:
    """Returns what is known of the count, and what is not of the teacher."""
    if row is not None:
        return _HOW_SURE + _SURE_OF_PUBLISHED
    n = measured.strict.n_templates if measured is not None else 0
    return f"{_HOW_SURE}As to the count: the interval is over {n:,} prompts or templates of prompts, not over answers."


def answer(
    model: str,
    row: PublishedIdentity | None,
    measured: Identity | None,
    published: Sequence[PublishedIdentity],
) -> str:
    """Returns the published and the measured count in sentences.

    Args:
        model: the subject.
        row: its published counts, if any.
        measured: what was newly measured, if anything.
        published: the counts of every model.
    """
    parts = []
    if row is not None:
        bounds = f", {percent(row.strict_low)} to {percent(row.strict_high or 1)}" if row.strict_low is not None else ""
        others = ", ".join(
            f"{r.strict} for {r.model}" for r in published if r.in_paper and r.model != row.model and r.strict
        )
        parts.append(
            f"By the published count {row.strict} of {row.n:,} answers of {model} to jailbreaks say that it is "
            f"OpenAI's or Anthropic's ({percent(row.strict / row.n)}{bounds}). The same count finds {others}. "
            "The intervals overlap so far that the order of the highest three is not established."
        )
    if measured is not None and measured.strict.rate is not None:
        s = measured.strict
        parts.append(
            f"Newly measured: {s.count:,} of {s.n:,} answers ({percent(measured.strict.rate)}, {percent(s.low)} to "
            f"{percent(s.high)} over {s.n_templates} templates), judge: {measured.judge}."
        )
    parts.append("Such words are a reason to ask further. They do not show who taught a model.")
    return " ".join(parts)
