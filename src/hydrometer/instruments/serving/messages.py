"""What the evidence on serving says in sentences."""

from __future__ import annotations

from hydrometer.records.estimates import Quantiles
from hydrometer.records.numbers import estimated, percent, rough_usd
from hydrometer.records.serving import ServingEstimate, ServingFit

NEEDS = (
    "The network's shape, and that of a model of like quality: [architecture] in the dossier, and that model's dossier "
    "named under [comparison].",
)
CANNOT_RULE_OUT = (
    "another engine, layout or load, at which the order may be another",
    "speculative decoding, cached prompts and other techniques that a maker uses and this estimate leaves out",
    "a price that is not what serving takes: makers sell below and above it",
)


def proposition(name: str, other: str | None) -> tuple[str, str]:
    """Returns what is judged, and what would be so if it were false."""
    compared = other or "an earlier model"
    return (
        f"A token written by {name} takes less serving compute than one written by {compared}, of like quality.",
        "It takes as much, or more.",
    )


def answer(found: ServingEstimate, other: str | None, ratio: Quantiles | None) -> str:
    """Returns what serving takes, and against the compared model where there is one.

    Args:
        found: the subject's estimate.
        other: the model of like quality, if its shape is known.
        ratio: accelerator-seconds of a written token, the subject's over the other's.
    """
    where = (
        f"{found.accelerators} {found.accelerator} in {found.precision.upper()}, {found.concurrency:g} requests at once"
    )
    speed, cost = found.tokens_per_second_per_user, found.usd_per_million_output
    alone = (
        f"{estimated(speed.p50)} tokens a second for each reader ({estimated(speed.p10)} to {estimated(speed.p90)}) "
        f"and {rough_usd(cost.p50)} of rent for a million written tokens ({rough_usd(cost.p10)} to "
        f"{rough_usd(cost.p90)}), at prices of {found.price_date.isoformat()}"
    )
    if other is None or ratio is None:
        return f"No model of like quality is named whose shape is known. On {where}, {found.model} gives {alone}."
    return (
        f"On {where}, a token written by {found.model} takes {estimated(ratio.p50)} times the accelerator time of one "
        f"written by {other} ({estimated(ratio.p10)} to {estimated(ratio.p90)}), at the same layout and load. "
        f"{found.model} gives {alone}."
    )


def how_sure(fit: ServingFit) -> str:
    """Returns how good the estimate is on networks that it was not fitted to."""
    return (
        f"Ranges are 80 % intervals. Of {fit.rows:,} measured rows, each estimated by a fit without its whole family "
        f"of networks, the time of a written token is off by {percent(fit.left_out_median)} in the middle."
    )
