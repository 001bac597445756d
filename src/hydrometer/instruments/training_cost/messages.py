"""What the evidence on a training bill says in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydrometer.records.claim_checking import Check
from hydrometer.records.cost_ladder import CostLevel
from hydrometer.records.dossier import Claim, Model
from hydrometer.records.evidence import OperatingPoint, Range, Verdict
from hydrometer.records.numbers import as_printed, percent, rough_usd, usd, usd_range

if TYPE_CHECKING:
    from hydrometer.instruments.training_cost.checking.claims import Claims

NEEDS = ("Published hours, tokens, hardware and price: put them into the dossier as claims.",)
CONSISTENCY_CANNOT_RULE_OUT = (
    "figures that were made to agree with each other: consistency is not proof that the hours were run",
    "work that was left out of the published scope (earlier experiments, data, people, failed runs)",
)
FINAL_RUN_CANNOT_RULE_OUT = (
    "a contract at a price outside the range seen",
    "owned hardware, which is cheaper per hour",
)
WHOLE_CANNOT_RULE_OUT = (
    "a team that needed unusually few experiments, or that took its experience from earlier models",
    "costs that no level holds: data, licences, buildings",
)
_BOUND = {"at_most": "At most ", "at_least": "At least ", "about": "About ", "equals": ""}


def consistency(model: Model) -> str:
    """Returns the proposition that the published figures agree."""
    return (
        f"What {model.developer} published about the training of {model.name} "
        "- hours, tokens, cluster, speed, price - agrees with itself and with the arithmetic of the network."
    )


def consistency_answer(checks: Sequence[Check]) -> str:
    """Returns how many equations hold, and the first that fails."""
    decided = decided_of(checks)
    failed = [c for c in checks if c.verdict is Verdict.OPPOSES]
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


def decided_of(checks: Sequence[Check]) -> list[Check]:
    """Returns the checks with a verdict for or against."""
    return [c for c in checks if c.verdict in {Verdict.SUPPORTS, Verdict.OPPOSES}]


def error_rate(n_decided: int, point: OperatingPoint) -> str:
    """Returns how often this procedure is right."""
    false, caught = point.false_positive_rate, point.true_positive_rate
    return (
        f"{n_decided} equations decided. Of {point.n_true} models with true figures this procedure wrongly opposed "
        f"{percent(false.middle)} (95 % confidence interval {percent(false.low)} to {percent(false.high)}); it opposed "
        f"{percent(caught.middle)} ({percent(caught.low)} to {percent(caught.high)}) of {point.n_corrupted} corrupted "
        "ones."
    )


def unpublished(claims: Claims) -> tuple[str, ...]:
    """Returns what the developer did not publish and a check would need."""
    missing = []
    if claims.architecture is None:
        missing.append("The network's shape: with it FLOP are exact instead of 6·N·D. Add [architecture].")
    for phase in claims.phases:
        if claims.hours(phase.id) is None:
            missing.append(f"Accelerator-hours of “{phase.id}”: not published.")
        if claims.tokens(phase) is None and phase.kind != "reinforcement_learning":
            missing.append(f"Tokens of “{phase.id}”: not published.")
    return tuple(missing)


def dollars(claim: Claim) -> str:
    """Returns a published cost with its bound, as `At most $6 million`."""
    return f"{_BOUND[claim.relation]}{usd(claim.amount)}"


def no_headline_answer(final_run: CostLevel | None) -> str:
    """Returns what can be said where no total cost was published."""
    if final_run is None:
        return "Not checkable: no accelerator-hours were published, so no cost can be computed."
    cost = usd_range(final_run.usd.low, final_run.usd.high)
    return f"No total cost was published; by its hours the final run cost {cost} at market prices."


def final_run_answer(claim: Claim, final_run: CostLevel) -> str:
    """Returns what the published hours cost, beside the published figure."""
    figure = dollars(claim)
    return (
        f"Renting the published hours cost {usd_range(final_run.usd.low, final_run.usd.high)}, "
        f"{rough_usd(final_run.usd.middle)} in the middle. The figure reported: {figure[0].lower()}{figure[1:]}."
    )


def whole_answer(scope: str, cost: Range) -> str:
    """Returns what it cost with all that the scope names."""
    return (
        f"With {scope} the cost is {usd_range(cost.low, cost.high)}, {rough_usd(cost.middle)} in the middle. "
        f"The headline is of the final run; larger figures in the news are of other levels of cost."
    )


def whole_how_sure(share: float, n_draws: int) -> str:
    """Returns how probable it is that the headline covers the whole."""
    return (
        f"In {percent(share)} of {n_draws:,} draws the whole cost no more than the headline. "
        "This probability comes from the stated priors, not from the company's books."
    )


def reported_figure(claim: Claim, source: str) -> str:
    """Returns the proposition that a third party's figure is right."""
    return (
        f"“{claim.note or claim.quantity.replace('_', ' ')}”: "
        f"{as_printed(claim.value)} {claim.unit}, as reported by {source}."
    )


def reported_answer(checks: Sequence[Check]) -> str:
    """Returns what the checks say of a third party's figure."""
    failed = [c for c in checks if c.verdict is Verdict.OPPOSES]
    if failed:
        return f"{failed[0].title}: no. {failed[0].explanation}"
    return checks[0].explanation if checks else "Nothing was published that it could be checked against."
