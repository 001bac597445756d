"""What a verdict on demand says in words, and what a reader must know before believing it."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.records.demand import Horizons
from hydrometer.records.numbers import chance, estimated
from hydrometer.store.demand_beliefs import Beliefs

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
