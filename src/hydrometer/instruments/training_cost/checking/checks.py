"""Every check that published figures must pass, and what a set of checks says together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hydrometer.instruments.training_cost.checking import (
    money_checks,
    plausibility,
    rate_checks,
    size_checks,
    utilisation_checks,
)
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.records.claim_checking import Check
from hydrometer.records.dossier import Claim, Dossier
from hydrometer.records.evidence import Verdict

_CHECKS: tuple[Callable[[Claims], Iterator[Check]], ...] = (
    money_checks.phases_add_up,
    money_checks.hours_times_price,
    money_checks.price_in_the_market,
    rate_checks.rate_times_tokens,
    rate_checks.days_per_trillion,
    rate_checks.clock_times_cluster,
    rate_checks.tokens_per_day,
    rate_checks.tokens_from_steps,
    rate_checks.throughput_and_hours,
    utilisation_checks.days_at_rate,
    size_checks.total_parameters,
    size_checks.active_by_convention,
    size_checks.training_flop,
    utilisation_checks.flop_per_token_stated,
    utilisation_checks.flop_rate_over_peak,
    utilisation_checks.rate_from_throughput,
    utilisation_checks.rate_from_hours,
    utilisation_checks.goodput_stated,
    plausibility.plausible_utilisation,
    money_checks.cost_needs_hours,
    size_checks.same_quantity_twice,
)


def figures_of_others(claims: Claims) -> list[Claim]:
    """Returns third parties' figures that can be judged; those about the company only fill the ladder."""
    return [
        claim
        for claim in claims.alternates()
        if claims.party(claim) != "developer" and not claim.quantity.startswith("company_")
    ]


def _checks(claims: Claims) -> list[Check]:
    return [check for function in _CHECKS for check in function(claims)]


def check_claims(dossier: Dossier, siblings: Sequence[Dossier]) -> list[Check]:
    """Returns every check of the developer's own figures, two figures for one quantity included."""
    claims = Claims(dossier)
    checks = _checks(claims)
    checks += utilisation_checks.sibling_efficiency(claims, [Claims(s) for s in siblings])
    for claim in claims.alternates():
        if claims.party(claim) == "developer":
            checks += checks_of(claims, claim)
    return list({check.id: check for check in checks}.values())


def checks_of(claims: Claims, claim: Claim) -> list[Check]:
    """Returns the checks that this claim stands in, put in the place of the base one."""
    return [check for check in _checks(Claims(claims.dossier, focus=claim)) if claim.id in check.claims]


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """Returns what a set of checks says together: one failed equation opposes the set."""
    # One failed equation is enough: figures that contradict each other cannot all be right.
    verdicts = {check.verdict for check in checks}
    for verdict in (Verdict.OPPOSES, Verdict.SUPPORTS, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.NOT_MEASURED
