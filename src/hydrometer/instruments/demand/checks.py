"""Reasons to doubt an elasticity, as typed warnings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hydrometer.instruments.demand.events import PriceEvent, SeriesArrays
from hydrometer.instruments.demand.steps import Steps
from hydrometer.records.demand_data import Adjustment, DemandWarning, Estimated, PublishedEvent, WarningKind
from hydrometer.stats.wild_bootstrap import wild_cluster_interval
from hydrometer.store.demand_series import Series

# These three by hand, 2026-11-26; markets with about ten events still hold their 90 % (docs/benchmarks/demand.md).
_FEW_CLUSTERS = 10
_PLATEAU = 5
_FEWEST_TESTED = 8


def _warn(kind: WarningKind, text: str, cure: str) -> DemandWarning:
    return DemandWarning(kind=kind, text=text, cure=cure)


def of_series(
    series: Series, arrays: SeriesArrays, *, n_found: int, events: Sequence[PriceEvent]
) -> list[DemandWarning]:
    """Returns the doubts that the file itself shows.

    Args:
        series: the file.
        arrays: the same as arrays.
        n_found: price changes found.
        events: those that could be measured.
    """
    found = _about_events(n_found, len(events))
    if not arrays.has_paid:
        found.append(
            _warn(
                "list_price",
                "list prices, not what was paid: cache hits, batches and discounts soften an event",
                "add a column 'effective_price': revenue over tokens",
            )
        )
    if "model" not in series.columns and _range_of(arrays) > np.log(2):
        found.append(
            _warn(
                "index_choice",
                "one price for everything: whether the average, the cheapest or a constant-quality price is taken can "
                "turn the answer around (see `hydrometer demand index`)",
                "give one row a model and date",
            )
        )
    if len(arrays.models) > 1 or any(arrays.models):
        found.append(
            _warn(
                "business_stealing",
                "a model's tokens, not the market's: part of the response is taken from other models",
                "take off a share of it (the verdict does, 20 to 70 %), or give the market's quantity and price",
            )
        )
    return found + _about_growth(arrays, events) + _about_supply(series, arrays)


def _about_events(n_found: int, n_events: int) -> list[DemandWarning]:
    found = []
    if not n_events:
        found.append(
            _warn(
                "no_price_events",
                f"{n_found} price changes to a new level, none that was paid and has four rows on either "
                "side: a response to price cannot be told apart from what changed the price",
                "give more models or a longer span, or name announced price changes in a column 'event'",
            )
        )
        found.append(
            _warn(
                "simultaneity",
                "price may follow demand: nothing here changes it for other reasons",
                "name announced price changes in a column 'event'",
            )
        )
    elif n_found > n_events:
        found.append(
            _warn(
                "short_windows",
                f"{n_found - n_events} of {n_found} price changes lie within four rows of another or of an "
                "end, or the price paid did not follow",
                "give a longer span or finer dates",
            )
        )
    return found


def _range_of(arrays: SeriesArrays) -> float:
    return float(np.nanmax(arrays.paid_UT) - np.nanmin(arrays.paid_UT))


def _about_growth(arrays: SeriesArrays, events: Sequence[PriceEvent]) -> list[DemandWarning]:
    found = []
    if any(m.young for m in events):
        found.append(
            _warn(
                "launch_ramp",
                f"{sum(m.young for m in events)} of {len(events)} events fall into the first weeks of their model; a "
                "curve is fitted, and a ramp that bends at the event itself still looks like a response",
                "leave out young models and compare",
            )
        )
    if events and not all(m.netted for m in events):
        found.append(
            _warn(
                "platform_growth",
                f"for {sum(not m.netted for m in events)} of {len(events)} events nothing tells the platform's growth: "
                "a jump of the platform looks like a response",
                "add a column 'platform', or at least three models whose price stood still",
            )
        )
    # Four models: three whose price stands still, and the one in question (`events._FEWEST_CONTROLS`).
    elif not events and arrays.platform_T is None and len(arrays.models) < 4:
        found.append(
            _warn(
                "platform_growth",
                "nothing tells the platform's growth from a response to price",
                "add a column 'platform'",
            )
        )
    return found


def _about_supply(series: Series, arrays: SeriesArrays) -> list[DemandWarning]:
    capped = sum(row.rationed for row in series.rows)
    stuck = [
        arrays.models[u] or "the series"
        for u in range(len(arrays.models))
        if _longest_plateau(arrays.quantity_UT[u]) >= _PLATEAU
    ]
    if not capped and not stuck:
        return []
    what = (
        f"{capped} rows are marked as rationed" if capped else f"the quantity of {stuck[0]} stands at its highest value"
    )
    return [
        _warn(
            "supply_rationing",
            f"{what}: where supply caps the quantity, the response is measured too small",
            "leave out capped spans",
        )
    ]


def _longest_plateau(quantity_T: np.ndarray) -> int:
    known = quantity_T[np.isfinite(quantity_T)]
    if len(known) < 2 * _PLATEAU or known.max() - known.min() < 1e-9:
        return 0
    run = longest = 0
    for at_top in np.abs(known - known.max()) < 1e-9:
        run = run + 1 if at_top else 0
        longest = max(longest, run)
    return longest


def of_steps(
    steps: Steps, events: Sequence[PriceEvent], best: Estimated, adjustment: Adjustment, *, rng: np.random.Generator
) -> list[DemandWarning]:
    """Returns the doubts that the measured steps show: events that follow demand, slow responses, few clusters."""
    found = _few(best)
    lately = np.array([np.nan if m.lately is None or m.young else m.lately for m in events])
    if _foretell(lately, steps, rng=rng):
        found.append(
            _warn(
                "simultaneity",
                "cuts and increases differ in how demand ran before them: events seem to follow demand",
                "use events announced well ahead, or made for reasons of cost",
            )
        )
    if adjustment.still_moving:
        found.append(
            _warn(
                "slow_response",
                f"{adjustment.window_days:.0f} days after an event the response may still be growing: about "
                f"{1 - adjustment.seen:.0%} of it is yet to come",
                "read this as a lower bound; give a longer span",
            )
        )
    return found


# Tried: a placebo step in the time before an event (noticed in 5 %, as often as where there is nothing), the week
# against the week before (12 of 25 instead of 19), the sign of an event (22 of 25, but falsely in 8 instead of 5 of
# 75), and the difference as a control (bias unchanged). See docs/log.md, 2026-11-25 and 2026-11-26.
def _foretell(lately_E: np.ndarray, steps: Steps, *, rng: np.random.Generator) -> bool:
    """Returns whether the size of an event goes with how demand ran before it, at 5 %."""
    known = np.isfinite(lately_E)
    announced = steps.announced_E[known]
    if len(np.unique(steps.cluster_E[known])) < _FEWEST_TESTED or np.ptp(announced) < 1e-9:
        return False
    found = wild_cluster_interval(
        lately_E[known], announced, steps.cluster_E[known], rng=rng, controls_RK=np.ones((len(announced), 1)),
        level=0.95,
    )  # fmt: skip
    return found.low > 0 or found.high < 0


def _few(best: Estimated) -> list[DemandWarning]:
    if best.n_clusters >= _FEW_CLUSTERS:
        return []
    return [
        _warn(
            "few_clusters",
            f"{best.n_clusters} independent price changes: the interval says little of what the next one will show",
            "add models or vendors",
        )
    ]


def of_published(events: Sequence[PublishedEvent], best: Estimated) -> tuple[DemandWarning, ...]:
    """Returns the doubts of the shipped price changes."""
    # Four half-windows of 14 days, as `events._YOUNG_WINDOWS` has it.
    young = sum(m.age_days is not None and m.age_days < 56 for m in events)
    return (
        *_few(best),
        _warn(
            "simultaneity",
            "why these prices changed is not known; promotions end on a set date, others may follow demand",
            "use events made for reasons of cost",
        ),
        _warn(
            "launch_ramp",
            f"{young} of {len(events)} events fall into the first weeks of their model",
            "leave them out and compare: every row shows the result without it",
        ),
        _warn(
            "business_stealing",
            "siblings and successors moved on the same days: part of every response is taken from other models",
            "the verdict takes off 20 to 70 %",
        ),
        _warn("list_price", "list prices, not what was paid", "no better figure was published"),
        _warn("quality_change", "two successors were launched in the same weeks", "compare at a fixed quality only"),
    )
