"""The evidence on a training bill: published figures as a set, the headline cost, and what others reported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.training_cost import messages
from hydrometer.instruments.training_cost.checking import plausibility
from hydrometer.instruments.training_cost.checking.checks import (
    check_claims,
    checks_of,
    figures_of_others,
    verdict_of,
)
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import flop_counts, utilisation_counts
from hydrometer.instruments.training_cost.checking.ladder import LadderResult, build_ladder, headline
from hydrometer.instruments.training_cost.checking.measured import citation, citations
from hydrometer.instruments.training_cost.networks import build_architecture, parameter_counts
from hydrometer.records.claim_checking import ClaimChecking, CostCheck, Proposition
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.dossier import Claim, Dossier
from hydrometer.records.evidence import Evidence, Range, Verdict
from hydrometer.store.reference import claim_checking_operating_point

NAME = "training_cost"
# The complement of the 90 % range that the levels print, half on either side.
_WITHIN_CHANCE = 0.05


def measure(case: Case) -> list[Evidence]:
    """Checks what was published about the cost of training, and builds the ladder to the whole.

    Returns:
        Evidence on the published figures as a set, on the headline cost where there is one, and on every
        figure that came from somebody else.
    """
    claims = Claims(case.dossier)
    ladder = build_ladder(claims, rng=np.random.default_rng(case.seed))
    return [
        _consistency(claims, case.siblings),
        *_headline(claims, ladder),
        *(_reported(claims, claim) for claim in figures_of_others(claims)),
    ]


def check_cost(dossier: Dossier, siblings: Sequence[Dossier] = ()) -> CostCheck:
    """Checks what was published, without the ladder.

    Args:
        dossier: what was claimed.
        siblings: dossiers of models by the same makers.
    """
    claims = Claims(dossier)
    found = [_consistency(claims, siblings)]
    found += [_reported(claims, claim) for claim in figures_of_others(claims)]
    checks = [c for e in found if isinstance(e.details, ClaimChecking) for c in e.details.checks]
    return CostCheck(
        subject=dossier.model.name,
        verdict=found[0].verdict,
        propositions=tuple(
            Proposition(id=e.id, proposition=e.proposition, verdict=e.verdict, answer=e.answer) for e in found
        ),
        checks=tuple(checks),
        operating_point=claim_checking_operating_point(),
        parameters=parameter_counts(build_architecture(dossier.architecture)) if dossier.architecture else (),
        flop_per_token=flop_counts(claims),
        utilisation_by_convention=utilisation_counts(claims),
    )


def _consistency(claims: Claims, siblings: Sequence[Dossier]) -> Evidence:
    dossier = claims.dossier
    checks = check_claims(dossier, siblings)
    point = claim_checking_operating_point()
    architecture = build_architecture(dossier.architecture) if dossier.architecture else None
    return Evidence(
        id="published-figures",
        instrument=NAME,
        question="cost",
        proposition=messages.consistency(dossier.model),
        alternative="At least one published figure is wrong, or means something other than it says.",
        verdict=verdict_of(checks),
        answer=messages.consistency_answer(checks),
        how_sure=messages.error_rate(len(messages.decided_of(checks)), point),
        operating_point=point,
        cannot_rule_out=messages.CONSISTENCY_CANNOT_RULE_OUT,
        missing=messages.unpublished(claims),
        warnings=tuple(
            f"{c.title} ({c.phase or 'whole'}): {c.explanation}" for c in checks if c.verdict is Verdict.INCONCLUSIVE
        ),
        sources=citations(dossier, [i for check in checks for i in check.claims]),
        details=ClaimChecking(
            checks=tuple(checks),
            parameters=parameter_counts(architecture) if architecture else (),
            flop_per_token=flop_counts(claims),
            utilisation_by_convention=utilisation_counts(claims),
            utilisation=plausibility.utilisation_points(claims),
        ),
    )


def _headline(claims: Claims, result: LadderResult) -> list[Evidence]:
    claim = headline(claims)
    if claim is None or result.final_run is None or result.whole is None:
        return [_ladder_only(claims, claim, result)]
    return [_final_run(claims, claim, result), _whole(claims, claim, result)]


def _ladder_only(claims: Claims, claim: Claim | None, result: LadderResult) -> Evidence:
    name = claims.dossier.model.name
    level = next((r for r in result.ladder.levels if r.id == "final_run"), None)
    return Evidence(
        id="headline",
        instrument=NAME,
        question="cost",
        proposition=f"{messages.dollars(claim)} is what the training of {name} cost."
        if claim
        else f"The published total cost of {name} is right.",
        alternative="It is not.",
        verdict=Verdict.NOT_MEASURED,
        answer=messages.no_headline_answer(level),
        how_sure="90 % of the draws from the stated prices lie in that range." if level else "Not measured.",
        statistic_name="dollars of the final run" if level else None,
        statistic=level.usd if level else None,
        missing=("A total cost by the developer.",) if level else ("Accelerator-hours by the developer.",),
        details=result.ladder,
    )


def _final_run(claims: Claims, claim: Claim, result: LadderResult) -> Evidence:
    level = next(r for r in result.ladder.levels if r.id == "final_run")
    inside = level.usd.low <= claim.amount <= level.usd.high
    bounded = claim.relation == "at_most" and claim.amount >= level.usd.low
    return Evidence(
        id="headline-final-run",
        instrument=NAME,
        question="cost",
        proposition=f"{messages.dollars(claim)} is what the published accelerator-hours cost at market prices.",
        alternative="The hours would have cost clearly more, or clearly less.",
        verdict=Verdict.SUPPORTS if inside or bounded else Verdict.OPPOSES,
        answer=messages.final_run_answer(claim, level),
        how_sure="90 % of the draws from the stated prices lie in that range. It rests on the price range, "
        "not on an invoice: no invoice was published.",
        statistic_name="dollars of the final run",
        statistic=level.usd,
        cannot_rule_out=messages.FINAL_RUN_CANNOT_RULE_OUT,
        missing=("An invoice, or the makers' own account of owned hardware.",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
    )


def _whole(claims: Claims, claim: Claim, result: LadderResult) -> Evidence:
    draws = result.whole
    assert draws is not None
    with_staff = any(r.id == "staff" for r in result.ladder.levels)
    scope = "experiments, failed runs and people" if with_staff else "experiments and failed runs"
    share = float(np.mean(draws <= claim.amount))
    low, middle, high = (float(q) for q in np.quantile(draws, [0.05, 0.5, 0.95]))
    verdict = Verdict.INCONCLUSIVE
    if share < _WITHIN_CHANCE:
        verdict = Verdict.OPPOSES
    elif share > 1 - _WITHIN_CHANCE:
        verdict = Verdict.SUPPORTS
    cost = Range(
        low=low,
        middle=middle,
        high=high,
        unit="USD",
        level=0.90,
        method="draws from the stated priors: 5 %, 50 % and 95 % points",
    )
    return Evidence(
        id="headline-whole",
        instrument=NAME,
        question="cost",
        proposition=f"{messages.dollars(claim)} also covers what it took to get there: {scope}.",
        alternative="Getting there cost more than the headline.",
        verdict=verdict,
        answer=messages.whole_answer(scope, cost),
        how_sure=messages.whole_how_sure(share, len(draws)),
        statistic_name=f"dollars with {scope}",
        statistic=cost,
        cannot_rule_out=messages.WHOLE_CANNOT_RULE_OUT,
        missing=("The makers' own count of experiment hours and of people.",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
        details=result.ladder,
    )


def _reported(claims: Claims, claim: Claim) -> Evidence:
    checks = [
        check.model_copy(update={"third_party_claim": claim.id, "id": f"{check.id}/{claim.id}"})
        for check in checks_of(claims, claim)
    ]
    decided = len(messages.decided_of(checks))
    point = claim_checking_operating_point() if decided else None
    return Evidence(
        id=f"reported-{claim.id}",
        instrument=NAME,
        question="cost",
        proposition=messages.reported_figure(claim, claims.dossier.source(claim.source).title),
        alternative="The figure is wrong, or is about something else.",
        verdict=verdict_of(checks),
        answer=messages.reported_answer(checks),
        how_sure=messages.error_rate(decided, point) if point else "Not measured.",
        operating_point=point,
        cannot_rule_out=("a different scope than the one stated",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
        details=ClaimChecking(
            checks=tuple(checks), parameters=(), flop_per_token=(), utilisation_by_convention=(), utilisation=()
        ),
        in_answer=False,
    )


TRAINING_COST = Instrument(
    name=NAME,
    question="cost",
    decides=True,
    needs=messages.NEEDS,
    details=(ClaimChecking, CostLadder),
    measure=measure,
)
