"""The report: one self-contained HTML file, no script, no network."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hydrometer.plots.tornado import prior_title
from hydrometer.records.attribution import Attribution, CandidateResult
from hydrometer.records.audit import Audit
from hydrometer.records.evidence import Evidence
from hydrometer.records.numbers import (
    amount,
    as_printed,
    chance,
    estimated,
    fraction,
    percent,
    rough_usd,
    usd,
    usd_range,
)
from hydrometer.report.passages import absent, harmless, marked
from hydrometer.report.sections import SECTIONS
from hydrometer.report.words import KIND_WORDS, VERDICT_MARK, VERDICT_WORDS

RELATION_SIGN = {"equals": "=", "at_most": "≤", "at_least": "≥", "within": "in", "about": "≈"}
# As on the terminal.
_MOST_CANDIDATES = 6
"""Shown at once; the others open on demand."""


def _pictures(evidence: Evidence) -> dict[str, list[Markup]]:
    """Returns the pictures of one piece of evidence by name; the drawing code escapes its own text."""
    drawn = SECTIONS[evidence.instrument].pictures(evidence.details) if evidence.details is not None else {}
    return {
        name: [Markup(svg) for svg in svgs]  # noqa: S704 - built by matplotlib, which escapes text
        for name, svgs in drawn.items()
    }


def _candidates_of(found: Attribution) -> list[CandidateResult]:
    """Returns the candidates, the most alike first; those that were not judged last."""
    return sorted(found.candidates, key=lambda c: (c.statistic is None, -(c.statistic or 0.0), c.name))


def render_html(audit: Audit) -> str:
    """Returns the report of a stored audit as one HTML document."""
    # Everything in a record may come from a stranger's file, so every value is escaped.
    environment = Environment(
        loader=PackageLoader("hydrometer.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(as_printed=as_printed, usd=usd, rough_usd=rough_usd, percent=percent, harmless=harmless)
    environment.filters.update(estimated=estimated, chance=chance)
    environment.globals.update(
        amount=amount,
        usd_range=usd_range,
        mark=VERDICT_MARK,
        verdict_words=VERDICT_WORDS,
        kind_words=KIND_WORDS,
        relation_sign=RELATION_SIGN,
        candidates_of=_candidates_of,
        most_candidates=_MOST_CANDIDATES,
        fraction=fraction,
        marked=marked,
        absent=absent,
    )
    page: str = environment.get_template("report.html.j2").render(
        audit=audit,
        evidence={e.id: e for e in audit.evidence},
        sections=SECTIONS,
        pictures={e.id: _pictures(e) for e in audit.evidence},
        prior_title=prior_title,
        sources={s.id: s for s in audit.dossier.sources},
        statements={t: [s for s in audit.dossier.statements if s.topic == t] for t in ("cost", "teacher", "compute")},
    )
    return page
