"""Runs the checks and the ladder, and says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hydrometer.instruments.training_cost.checking import (
    money_checks,
    plausibility,
    rate_checks,
    size_checks,
    utilisation_checks,
)
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import flop_counts, utilisation_counts
from hydrometer.instruments.training_cost.checking.ladder import LadderResult, build_ladder, headline
from hydrometer.instruments.training_cost.checking.measured import citation, citations
from hydrometer.instruments.training_cost.networks import build_architecture, parameter_counts
from hydrometer.records.dossier import Claim, Dossier
from hydrometer.records.evidence import Check, ClaimChecking, CostCheck, Evidence, Proposition
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.records.numbers import as_printed, percent, rough_usd, usd, usd_range
from hydrometer.store.reference import claim_checking_operating_point

NAME = "training_cost"
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
# The complement of the 90 % range that the rungs print, half on either side.
_WITHIN_CHANCE = 0.05
_ALTERNATIVES = (
    "figures that were made to agree with each other: consistency is not proof that the hours were run",
    "work that was left out of the published scope (earlier experiments, data, people, failed runs)",
)


def measure(dossier: Dossier, siblings: Sequence[Dossier], *, rng: np.random.Generator) -> list[Evidence]:
    """Checks what was published about the cost of training, and builds the ladder to the whole.

    Args:
        dossier: what was claimed.
        siblings: dossiers of models by the same makers.
        rng: source of the ladder's draws.

    Returns:
        Evidence on the published figures as a set, on the headline cost where there is one, and on every
        figure that came from somebody else.
    """
    claims = Claims(dossier)
    found = [_consistency(claims, siblings)]
    ladder = build_ladder(claims, rng=rng)
    found += _headline_evidence(claims, ladder)
    found += [_third_party(claims, claim) for claim in _told_by_others(claims)]
    return found


def check(dossier: Dossier, siblings: Sequence[Dossier]) -> CostCheck:
    """Checks what was published, without the ladder.

    Args:
        dossier: what was claimed.
        siblings: dossiers of models by the same makers.
    """
    claims = Claims(dossier)
    found = [_consistency(claims, siblings)]
    found += [_third_party(claims, claim) for claim in _told_by_others(claims)]
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


def _told_by_others(claims: Claims) -> list[Claim]:
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
            checks += _checks_of(claims, claim)
    return list({check.id: check for check in checks}.values())


def _checks_of(claims: Claims, claim: Claim) -> list[Check]:
    """Returns the checks that this claim stands in, put in the place of the base one."""
    return [check for check in _checks(Claims(claims.dossier, focus=claim)) if claim.id in check.claims]


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """Returns what a set of checks says together: one failed equation opposes the set."""
    verdicts = {check.verdict for check in checks}
    # One failed equation is enough: figures that contradict each other cannot all be right.
    for verdict in (Verdict.OPPOSES, Verdict.SUPPORTS, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.NOT_MEASURED


def _consistency(claims: Claims, siblings: Sequence[Dossier]) -> Evidence:
    dossier = claims.dossier
    checks = check_claims(dossier, siblings)
    verdict = verdict_of(checks)
    decided = [c for c in checks if c.verdict in {Verdict.SUPPORTS, Verdict.OPPOSES}]
    failed = [c for c in checks if c.verdict is Verdict.OPPOSES]
    architecture = build_architecture(dossier.architecture) if dossier.architecture else None
    return Evidence(
        id="published-figures",
        instrument=NAME,
        question="cost",
        proposition=f"What {dossier.model.developer} published about the training of {dossier.model.name} "
        "- hours, tokens, cluster, speed, price - agrees with itself and with the arithmetic of the network.",
        alternative="At least one published figure is wrong, or means something other than it says.",
        verdict=verdict,
        answer=_consistency_answer(decided, failed, checks),
        how_sure=_error_rate_in_words(len(decided)),
        operating_point=claim_checking_operating_point(),
        cannot_rule_out=_ALTERNATIVES,
        missing=_unpublished(claims),
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


def _consistency_answer(decided: Sequence[Check], failed: Sequence[Check], checks: Sequence[Check]) -> str:
    if failed:
        first = failed[0]
        return f"{len(failed)} of {len(decided)} equations fail. First: {first.title.lower()}. {first.explanation}"
    if decided:
        open_ones = len(checks) - len(decided)
        rest = f" {open_ones} more could not be decided." if open_ones else ""
        return f"All {len(decided)} equations that the published figures must satisfy hold.{rest}"
    if checks:
        return checks[0].explanation
    return "Too little was published to check anything."


def _error_rate_in_words(n_decided: int) -> str:
    point = claim_checking_operating_point()
    false, caught = point.false_positive_rate, point.true_positive_rate
    return (
        f"{n_decided} equations decided. Of {point.n_true} models with true figures this procedure wrongly opposed "
        f"{percent(false.middle)} (95 % interval {percent(false.low)} to {percent(false.high)}); it opposed "
        f"{percent(caught.middle)} ({percent(caught.low)} to {percent(caught.high)}) of {point.n_corrupted} corrupted "
        "ones."
    )


def _unpublished(claims: Claims) -> tuple[str, ...]:
    missing = []
    if claims.architecture is None:
        missing.append("The network's shape: with it FLOP are exact instead of 6·N·D. Add [architecture].")
    for phase in claims.phases:
        if claims.hours(phase.id) is None:
            missing.append(f"Accelerator-hours of “{phase.id}”: not published.")
        if claims.tokens(phase) is None and phase.kind != "reinforcement_learning":
            missing.append(f"Tokens of “{phase.id}”: not published.")
    return tuple(missing)


def _headline_evidence(claims: Claims, result: LadderResult) -> list[Evidence]:
    claim = headline(claims)
    if claim is None or result.final_run is None or result.whole is None:
        return [_ladder_only(claims, result)]
    return [_final_run(claims, claim, result), _whole(claims, claim, result)]


def _ladder_only(claims: Claims, result: LadderResult) -> Evidence:
    name = claims.dossier.model.name
    told = headline(claims)
    rung = next((r for r in result.ladder.rungs if r.id == "final_run"), None)
    return Evidence(
        id="headline",
        instrument=NAME,
        question="cost",
        proposition=f"{_told(told)} is what the training of {name} cost."
        if told
        else f"The published total cost of {name} is right.",
        alternative="It is not.",
        verdict=Verdict.NOT_MEASURED,
        answer=f"No total cost was published; by its hours the final run cost {usd_range(rung.usd.low, rung.usd.high)} "
        "at market prices."
        if rung
        else "Not checkable: no accelerator-hours were published, so no cost can be computed.",
        how_sure="90 % of the draws from the stated prices lie in that range." if rung else "Not measured.",
        statistic_name="dollars of the final run" if rung else None,
        statistic=rung.usd if rung else None,
        missing=("A total cost by the developer.",) if rung else ("Accelerator-hours by the developer.",),
        details=result.ladder,
    )


def _final_run(claims: Claims, claim: Claim, result: LadderResult) -> Evidence:
    draws = result.final_run
    assert draws is not None
    rung = next(r for r in result.ladder.rungs if r.id == "final_run")
    amount = claim.amount
    inside = rung.usd.low <= amount <= rung.usd.high
    bounded = claim.relation == "at_most" and amount >= rung.usd.low
    return Evidence(
        id="headline-final-run",
        instrument=NAME,
        question="cost",
        proposition=f"{_told(claim)} is what the published accelerator-hours cost at market prices.",
        alternative="The hours would have cost clearly more, or clearly less.",
        verdict=Verdict.SUPPORTS if inside or bounded else Verdict.OPPOSES,
        answer=f"Renting the published hours cost {usd_range(rung.usd.low, rung.usd.high)}, "
        f"{rough_usd(rung.usd.middle)} in the middle. The figure told: {_told(claim)[0].lower()}{_told(claim)[1:]}.",
        how_sure="90 % of the draws from the stated prices lie in that range. It rests on the price range, "
        "not on an invoice: no invoice was published.",
        statistic_name="dollars of the final run",
        statistic=rung.usd,
        cannot_rule_out=(
            "a contract at a price outside the range seen",
            "owned hardware, which is cheaper per hour",
        ),
        missing=("An invoice, or the makers' own account of owned hardware.",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
    )


def _told(claim: Claim) -> str:
    bound = {"at_most": "At most ", "at_least": "At least ", "about": "About ", "equals": ""}[claim.relation]
    return f"{bound}{usd(claim.amount)}"


def _whole(claims: Claims, claim: Claim, result: LadderResult) -> Evidence:
    draws = result.whole
    assert draws is not None
    with_staff = any(r.id == "staff" for r in result.ladder.rungs)
    scope = "experiments, failed runs and people" if with_staff else "experiments and failed runs"
    share = float(np.mean(draws <= claim.amount))
    low, middle, high = (float(q) for q in np.quantile(draws, [0.05, 0.5, 0.95]))
    verdict = Verdict.INCONCLUSIVE
    if share < _WITHIN_CHANCE:
        verdict = Verdict.OPPOSES
    elif share > 1 - _WITHIN_CHANCE:
        verdict = Verdict.SUPPORTS
    return Evidence(
        id="headline-whole",
        instrument=NAME,
        question="cost",
        proposition=f"{_told(claim)} also covers what it took to get there: {scope}.",
        alternative="Getting there cost more than the headline.",
        verdict=verdict,
        answer=f"With {scope} the cost is {usd_range(low, high)}, {rough_usd(middle)} in the middle. "
        f"The headline is of the final run; larger figures in the news are of other rungs of the ladder.",
        how_sure=f"In {percent(share)} of {len(draws):,} draws the whole cost no more than the headline. "
        "This probability comes from the stated priors, not from the company's books.",
        statistic_name=f"dollars with {scope}",
        statistic=Range(
            low=low,
            middle=middle,
            high=high,
            unit="USD",
            level=0.90,
            method="draws from the stated priors: 5 %, 50 % and 95 % points",
        ),
        cannot_rule_out=(
            "a team that needed unusually few experiments, or that took its experience from earlier models",
            "costs that no rung holds: data, licences, buildings",
        ),
        missing=("The makers' own count of experiment hours and of people.",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
        details=result.ladder,
    )


def _third_party(claims: Claims, claim: Claim) -> Evidence:
    checks = [
        check.model_copy(update={"third_party_claim": claim.id, "id": f"{check.id}/{claim.id}"})
        for check in _checks_of(claims, claim)
    ]
    verdict = verdict_of(checks)
    source = claims.dossier.source(claim.source)
    failed = [c for c in checks if c.verdict is Verdict.OPPOSES]
    if failed:
        answer = f"{failed[0].title}: no. {failed[0].explanation}"
    elif checks:
        answer = checks[0].explanation
    else:
        answer = "Nothing was published that it could be checked against."
    decided = sum(c.verdict in {Verdict.SUPPORTS, Verdict.OPPOSES} for c in checks)
    return Evidence(
        id=f"told-{claim.id}",
        instrument=NAME,
        question="cost",
        proposition=f"“{claim.note or claim.quantity.replace('_', ' ')}”: "
        f"{as_printed(claim.value)} {claim.unit}, as told by {source.title}.",
        alternative="The figure is wrong, or is about something else.",
        verdict=verdict,
        answer=answer,
        how_sure=_error_rate_in_words(decided) if decided else "Not measured.",
        operating_point=claim_checking_operating_point() if decided else None,
        cannot_rule_out=("a different scope than the one stated",),
        sources=(citation(claims.dossier, claim.source, claim.place),),
        details=ClaimChecking(
            checks=tuple(checks),
            parameters=(),
            flop_per_token=(),
            utilisation_by_convention=(),
            utilisation=(),
        ),
    )
