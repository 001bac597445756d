"""The report: one self-contained HTML file, no script, no network."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hydrometer.plots.attribution import attribution_figures
from hydrometer.plots.backfire import backfire_figures
from hydrometer.plots.cost_ladder import cost_ladder_figures
from hydrometer.plots.identity import identity_figures
from hydrometer.plots.index_trap import index_trap_figures
from hydrometer.plots.similarity import similarity_figures
from hydrometer.plots.tornado import demand_tornado_figures, prior_title, tornado_figures
from hydrometer.plots.utilisation import utilisation_figures
from hydrometer.records.attribution import Attribution, CandidateResult
from hydrometer.records.attribution_words import fraction, leading_candidate
from hydrometer.records.audit import Audit
from hydrometer.records.demand import DemandEvidence
from hydrometer.records.evidence import ClaimChecking, CostLadder, Evidence
from hydrometer.records.numbers import amount, as_printed, chance, estimated, percent, rough_usd, usd, usd_range
from hydrometer.records.published import IdentityEvidence, SimilarityEvidence
from hydrometer.report.passages import absent, harmless, marked
from hydrometer.report.words import INSTRUMENT_WORDS, KIND_WORDS, VERDICT_MARK, VERDICT_WORDS

RELATION_SIGN = {"equals": "=", "at_most": "≤", "at_least": "≥", "within": "in", "about": "≈"}
# As on the terminal.
_MOST_CANDIDATES = 6
"""Shown at once; the others open on demand."""


def _figures(evidence: Evidence) -> list[Markup]:
    """Returns the pictures of one piece of evidence; the drawing code escapes its own text."""
    details = evidence.details
    if isinstance(details, CostLadder):
        drawn = cost_ladder_figures(details)
    elif isinstance(details, ClaimChecking):
        drawn = utilisation_figures(details.utilisation)
    elif isinstance(details, Attribution):
        drawn = attribution_figures(details)
    elif isinstance(details, IdentityEvidence):
        drawn = identity_figures(details)
    elif isinstance(details, SimilarityEvidence):
        drawn = similarity_figures(details)
    elif isinstance(details, DemandEvidence):
        verdict = details.verdict
        drawn = [*backfire_figures(verdict), *index_trap_figures(details.index), *demand_tornado_figures(verdict)]
    else:
        drawn = []
    return [Markup(svg) for svg in drawn]  # noqa: S704 - built by matplotlib, which escapes text


def _tornado(evidence: Evidence) -> list[Markup]:
    """Returns the picture of which unknown moves the cost the most, if this is a ladder."""
    drawn = tornado_figures(evidence.details) if isinstance(evidence.details, CostLadder) else []
    return [Markup(svg) for svg in drawn]  # noqa: S704 - built by matplotlib, which escapes text


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
        instrument_words=INSTRUMENT_WORDS,
        kind_words=KIND_WORDS,
        relation_sign=RELATION_SIGN,
        candidates_of=_candidates_of,
        most_candidates=_MOST_CANDIDATES,
        leading_candidate=leading_candidate,
        fraction=fraction,
        marked=marked,
        absent=absent,
    )
    figures = {e.id: _figures(e) for e in audit.evidence}
    tornadoes = {e.id: _tornado(e) for e in audit.evidence}
    page: str = environment.get_template("report.html.j2").render(
        audit=audit,
        evidence={e.id: e for e in audit.evidence},
        figures=figures,
        tornadoes=tornadoes,
        prior_title=prior_title,
        sources={s.id: s for s in audit.dossier.sources},
        statements={t: [s for s in audit.dossier.statements if s.topic == t] for t in ("cost", "teacher", "compute")},
    )
    return page
