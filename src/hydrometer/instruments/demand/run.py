"""What the commands of `hydrometer demand` run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.instruments.demand.elasticity import elasticity_of_events, elasticity_of_series
from hydrometer.instruments.demand.prices import report_prices
from hydrometer.instruments.demand.verdict import judge_gain
from hydrometer.records.demand import DemandVerdict, ElasticityEstimate
from hydrometer.records.demand_data import ElasticityReport
from hydrometer.records.token_prices import PricesReport
from hydrometer.stats.priors import Z95
from hydrometer.store.demand_beliefs import read_beliefs
from hydrometer.store.demand_series import read_series, shipped_events


def judge_gain_from_options(
    gain: float,
    *,
    prior: Sequence[str],
    priors: Path | None,
    estimate: Sequence[str],
    data: Path | None,
    draws: int,
    seed: int,
) -> DemandVerdict:
    """Returns the verdict on a gain with a user's beliefs and measurements.

    Args:
        gain: tokens per unit of compute, after over before.
        prior: `NAME=VALUE` statements.
        priors: a TOML file of beliefs.
        estimate: `NAME=ELASTICITY,STANDARD_ERROR` statements.
        data: a CSV of dates, prices and quantities, measured first.
        draws: of the Monte Carlo.
        seed: of the generator.

    Raises:
        InputError: for what cannot be read or is out of bounds, or data that identify no elasticity.
    """
    beliefs = read_beliefs(priors, priors=prior, own=estimate)
    if data is not None:
        beliefs = replace(beliefs, own=(*beliefs.own, _measured(data, seed)))
    return judge_gain(gain, beliefs, draws=draws, seed=seed)


def _measured(path: Path, seed: int) -> ElasticityEstimate:
    """Returns what a user's file shows, as an estimate that the verdict can take in."""
    found = measure_elasticity(path, seed=seed)
    best = found.recommended
    if not found.identified or best is None or best.low is None or best.high is None:
        spoilt = {"no_price_events", "simultaneity", "few_clusters", "slow_response"}
        kinds = ", ".join(sorted({w.kind for w in found.warnings} & spoilt))
        raise InputError(
            f"these data identify no elasticity ({kinds or 'no bounded interval'})",
            cure="read `hydrometer demand elasticity FILE` first; if you trust a figure, give it with --estimate",
            where=str(path),
        )
    # Half the 90 % interval as a normal's: the bootstrap's interval is wider than the standard error alone.
    return ElasticityEstimate(
        name=path.name,
        elasticity=best.estimate,
        # An interval of width 0 would overrule everything else in the pool.
        standard_error=max((best.high - best.low) / 2 / Z95, 1e-3),
        date=found.last,
        identifies="own model, within weeks of an event, measured from your data",
        source=f"{path.name}, {best.method}, {best.n} events",
        origin="file",
    )


def measure_elasticity(path: Path | None, *, seed: int) -> ElasticityReport:
    """Returns the elasticity that a file shows; that of the shipped price changes where none is given.

    Raises:
        InputError: for a file that cannot be read or whose price never changes, or a negative seed.
    """
    if seed < 0:
        raise InputError(f"--seed {seed}", cure="give 0 or a positive number")
    if path is None:
        return elasticity_of_events(shipped_events(), seed=seed)
    return elasticity_of_series(read_series(path), seed=seed)


def price_tokens(
    *,
    benchmark: str,
    at_least: float | None,
    shares: tuple[float | None, float | None, float | None],
    until: str | None,
    own: Path | None,
) -> PricesReport:
    """Returns effective prices at a fixed quality.

    Args:
        benchmark: whose score fixes the quality.
        at_least: the score.
        shares: of output tokens, of cached input, and of peak hours, each 0 to 1 or None.
        until: the last day, as 2026-03-31; today if None.
        own: a user's prices.

    Raises:
        InputError: for a date, share, score or file that cannot be used.
    """
    try:
        last = dt.date.today() if until is None else dt.date.fromisoformat(until)
    except ValueError:
        raise InputError(f"--until '{until}' is not a date", cure="write 2026-03-31") from None
    output, cache, peak = shares
    return report_prices(
        benchmark=benchmark, at_least=at_least, output_share=output, cache_share=cache, peak_share=peak,
        until=last, own=own,
    )  # fmt: skip
