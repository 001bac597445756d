"""What a verdict on demand, and the evidence on it, says in sentences; what to know before believing it."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.records.demand import DemandVerdict, GainBasis, Horizons
from hydrometer.records.numbers import chance, estimated
from hydrometer.store.demand_beliefs import Beliefs

NEEDS = (
    "How much less compute it took than an earlier model of like quality: name that model's dossier under "
    "[comparison], or give the gain with `--gain K`.",
)
MISSING = (
    "Price elasticities of the whole market for tokens, measured at announced price changes, over months: "
    "`hydrometer demand elasticity FILE` measures them from dates, prices and quantities.",
)
CANNOT_RULE_OUT = (
    "a different gain: like quality on one set of tests is not like quality, and the gain may not reach others' models",
    "growth of compute for other reasons: adoption and better models raise demand whatever the price, so that growing "
    "spending on chips proves no rebound",
    "tasks that take more tokens as tokens get cheaper: agents that think longer raise the probability of a rise",
)
_MEANS = {
    "falls": "compute falls",
    "rises": "compute rises",
    "undetermined": "the evidence does not settle whether compute falls or rises",
}


def in_words(gain: float, before: Horizons, after: Horizons, probabilities: Sequence[float]) -> str:
    """Returns the verdict as two or three sentences."""
    short, long = after.short_run, after.long_run
    ratio = long.compute_ratio
    varied = (
        f", {chance(min(probabilities))} to {chance(max(probabilities))} with other evidence or habits"
        if len(probabilities) > 1
        else ""
    )
    middle, low, high = (estimated(value) for value in (ratio.p50, ratio.p5, ratio.p95))
    return (
        f"A {gain:g}-fold gain: in the short run {_MEANS[short.answer]} "
        f"(probability of a rise {chance(short.probability_of_backfire)}); in the long run {_MEANS[long.answer]}: "
        f"{middle} times the compute in the middle, {low} to {high} in 90 % of draws, "
        f"probability of a rise {chance(long.probability_of_backfire)} "
        f"({chance(before.long_run.probability_of_backfire)} before the evidence{varied})."
    )


def caveats(beliefs: Beliefs, *, outright: bool) -> tuple[str, ...]:
    """Returns the reservations that go with the beliefs used."""
    found = []
    if outright:
        found.append(
            "given outright: the market's long-run elasticity was stated, so the evidence bears on the short run only"
        )
    else:
        if len(beliefs.estimates) == 1:
            found.append(
                "one estimate: how elasticities differ between models is not known, so the interval is too narrow"
            )
        if any("shares its panel" in e.source for e in beliefs.estimates):
            found.append(
                "not independent: two of the pooled estimates come from one panel, so the pool looks better informed "
                "than it is"
            )
        if any("assumed" in e.source for e in beliefs.estimates):
            found.append("assumed errors: some standard errors of the pooled estimates were not published")
        if beliefs.own:
            found.append(
                "own data: your estimates are taken as short-run elasticities of one model in this market; "
                "business-stealing is still taken off"
            )
    assumed = [p.name for p in beliefs.priors.values() if p.source.startswith("our assumption")]
    if assumed:
        found.append(f"prior-driven: these rest on assumptions, not measurements: {', '.join(assumed)}")
    return tuple(found)


def _flop(value: float) -> str:
    return f"{value:.2e}".replace("e+", "e")


def answer(name: str, basis: GainBasis, verdict: DemandVerdict) -> str:
    """Returns what the gain is, and what it does to compute in the short and in the long run."""
    short, long = verdict.posterior.short_run, verdict.posterior.long_run
    if basis.compared_with is not None and basis.training_flop and basis.compared_training_flop:
        served = f", and a token served takes {basis.serving_gain:.2g} times fewer" if basis.serving_gain else ""
        opening = (
            f"{name} was trained with {basis.gain:.2g} times fewer operations than {basis.compared_with}, a model of "
            f"like quality ({_flop(basis.training_flop)} against {_flop(basis.compared_training_flop)} FLOP){served}. "
        )
    else:
        opening = f"Take a gain of {basis.gain:g}, as given. "
    brief = {
        "falls": "compute falls",
        "rises": "compute rises",
        "undetermined": "nobody can tell yet whether compute falls or rises",
    }
    closing = {
        "falls": "So the evidence is on the side of those who said that fewer chips would be needed.",
        "rises": "So the evidence is on the side of those who said that more chips would be needed.",
        "undetermined": "So it neither showed that chips stopped mattering nor that more of them are needed: that "
        "rests on how much more people use as prices fall, over years, and this has hardly been measured.",
    }
    ratio, soon = long.compute_ratio, short.compute_ratio.p50
    return (
        f"{opening}If all of AI became as much more efficient, in the short run {brief[short.answer]} (to "
        f"{estimated(soon)} times; probability that it rises {chance(short.probability_of_backfire)}); in the long run "
        f"{brief[long.answer]}: {estimated(ratio.p50)} times in the middle, {estimated(ratio.p5)} to "
        f"{estimated(ratio.p95)} in 90 % of draws; probability that it rises {chance(long.probability_of_backfire)}. "
        f"{closing[long.answer]}"
    )


def how_sure(verdict: DemandVerdict) -> str:
    """Returns how probable a rise is before and after the evidence, and with other evidence."""
    before = verdict.prior.long_run.probability_of_backfire
    return (
        f"The probability that compute rises is {chance(before)} before any evidence, "
        f"{chance(verdict.probability_of_backfire)} after {verdict.evidence.n} published elasticities, and "
        f"{chance(verdict.probability_low)} to {chance(verdict.probability_high)} with one of them left out or "
        "with agents that use more tokens as they get cheaper. Between 20 and 80 % the answer is “undetermined”. These "
        "probabilities come from stated priors more than from data."
    )
