"""What the evidence on serving says in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.records.numbers import estimated, percent, rough_usd
from hydrometer.records.serving import RatioAtLoad, ServingEstimate, ServingFit

NEEDS = (
    "The network's shape, and that of a model of like quality: [architecture] in the dossier, and that model's dossier "
    "named under [comparison].",
)
CANNOT_RULE_OUT = (
    "another engine or layout, at which the order may be another",
    "speculative decoding, cached prompts and other techniques that a maker uses and this estimate leaves out",
    "a price that is not what serving takes: makers sell below and above it",
)


def proposition(name: str, other: str | None) -> tuple[str, str]:
    """Returns what is judged, and what would be so if it were false."""
    compared = f"{other}, a model of like quality" if other else "an earlier model of like quality"
    return (
        f"Whatever the load, a token written by {name} takes less serving compute than one written by {compared}.",
        "At some load it takes as much, or more.",
    )


def answer(found: ServingEstimate, other: str | None, ratios: Sequence[RatioAtLoad]) -> str:
    """Returns what serving takes, and against the compared model where there is one.

    Args:
        found: the subject's estimate.
        other: the model of like quality, if its shape is known.
        ratios: accelerator-seconds of a written token, the subject's over the other's, by load.
    """
    where = f"{found.accelerators} {found.accelerator} in {found.precision.upper()}"
    speed, cost = found.tokens_per_second_per_user, found.usd_per_million_output
    alone = (
        f"With {found.concurrency:g} requests at once, {found.model} gives {estimated(speed.p50)} tokens a second for "
        f"each reader ({estimated(speed.p10)} to {estimated(speed.p90)}), and a million written tokens cost "
        f"{rough_usd(cost.p50)} of rent ({rough_usd(cost.p10)} to {rough_usd(cost.p90)}) at prices of "
        f"{found.price_date.isoformat()}."
    )
    if other is None or not ratios:
        return f"No model of like quality is named whose shape is known. On {where}: {alone}"
    least, *_, most = sorted(ratios, key=lambda at: at.ratio.p50) if len(ratios) > 1 else (ratios[0], ratios[0])
    return (
        f"On {where}, a token written by {found.model} takes {_at(least)} the accelerator time of one written by "
        f"{other} where that is least, and {_at(most)} where it is most. {alone}"
    )


def _at(load: RatioAtLoad) -> str:
    ratio = load.ratio
    requests = "one request" if load.concurrency == 1 else f"{load.concurrency:g} requests"
    times = f"{estimated(ratio.p50)} times ({estimated(ratio.p10)} to {estimated(ratio.p90)}"
    return f"{times}, {requests} at once)"


def how_sure(fit: ServingFit) -> str:
    """Returns how good the estimate is on networks that it was not fitted to."""
    return (
        f"Ranges are 80 % intervals. Of {fit.rows:,} measured rows, each estimated by a fit without its whole family "
        f"of networks, the time of a written token is off by {percent(fit.held_out_median)} in the middle."
    )
