"""Elasticity from data: steps at announced price moves, beside what naive methods would say.

Axes: E moves, R rows.
"""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hydrometer.errors import DegenerateInputWarning, InputError
from hydrometer.instruments.demand import checks
from hydrometer.instruments.demand.moves import Move, Panel, build_panel, find_moves, measure_moves
from hydrometer.instruments.demand.regressions import naive_estimates
from hydrometer.records.demand_data import ElasticityReport, Estimated, MeasuredMove, PriceMove
from hydrometer.stats.pooling import Pool, pool_estimates, shrunken
from hydrometer.stats.wild_bootstrap import wild_cluster_interval
from hydrometer.store.demand_series import Series

Array = npt.NDArray[np.float64]
LEVEL = 0.90
_Z95 = 1.6448536269514722
_FEWEST_CLUSTERS = 5
"""Fewer give no bounded interval by the bootstrap."""
_SMALLEST_ERROR = 1e-3
"""Of a step: a series without noise must not weigh without bound."""
_ASSUMES = (
    "price moves were announced for reasons of cost or competition, not because of that week's demand; the response "
    "shows within days of the move (what takes weeks is taken for trend)"
)


@dataclass(frozen=True)
class Steps:
    """Measured steps at E moves.

    Attributes:
        quantity_E: of the log quantity.
        error_E: its standard error.
        weighing_E: the error that weighs a move among the others.
        paid_E: of the log price paid.
        announced_E: of the log list price: the instrument.
        cluster_E: moves that are not independent share a number.
    """

    quantity_E: Array
    error_E: Array
    weighing_E: Array
    paid_E: Array
    announced_E: Array
    cluster_E: npt.NDArray[np.int64]

    def without(self, cluster: int) -> Steps:
        """Returns the steps of the other clusters."""
        kept = self.cluster_E != cluster
        return Steps(
            quantity_E=self.quantity_E[kept],
            error_E=self.error_E[kept],
            weighing_E=self.weighing_E[kept],
            paid_E=self.paid_E[kept],
            announced_E=self.announced_E[kept],
            cluster_E=self.cluster_E[kept],
        )


def elasticity_of_series(series: Series, *, seed: int = 0, with_naive: bool = True) -> ElasticityReport:
    """Returns the price elasticity that a series shows, as a positive number, with the reasons to doubt it.

    Where list prices move to stay, every move is an experiment: the log quantity's step over trend, ramp and the
    platform's growth, over the step of the log price paid, with the announced step as the instrument. Moves are pooled
    with random effects and the interval inverts wild cluster bootstrap tests. Where prices do not move so, only
    regressions remain, and the report says that they identify nothing.

    Args:
        series: rows by model and date.
        seed: of the bootstrap.
        with_naive: also run the methods that are there to be compared with.

    Raises:
        InputError: if the price never moves.
    """
    panel = build_panel(series)
    if not _moves_at_all(panel):
        cure = "give a span with a price move"
        raise InputError("the price never moves: no response to it can be seen", cure=cure, where=series.name)
    found = find_moves(panel)
    moves = measure_moves(panel, found)
    rng = np.random.default_rng(seed)
    others = naive_estimates(panel, rng=rng, level=LEVEL) if with_naive or not moves else ()
    troubles = checks.of_series(series, panel, n_found=len(found), moves=moves)
    if not moves:
        best, error = (others[-1], _error_of(others[-1])) if others else (None, None)
        others, tau, identified = others[:-1], None, False
        listed: tuple[MeasuredMove, ...] = ()
    else:
        steps = _steps_of(panel, moves)
        best, error, pool = estimate_steps(steps, rng=rng)
        troubles += checks.of_steps(steps, moves, best, rng=rng)
        listed, tau = _listed(steps, pool, [_label(panel, m) for m in moves]), pool.tau
        spoilt = any(trouble.kind in {"simultaneity", "supply_rationing"} for trouble in troubles)
        identified = best.n_clusters >= _FEWEST_CLUSTERS and not spoilt
    return ElasticityReport(
        series=series.name, sha256=series.sha256, n_rows=len(series.rows), n_models=len(panel.models),
        first=panel.dates[0], last=panel.dates[-1], identified=identified, recommended=best, standard_error=error,
        others=others, moves=listed, tau=tau, warnings=tuple(troubles), sources=(series.name,), seed=seed,
    )  # fmt: skip


def _moves_at_all(panel: Panel) -> bool:
    known = np.where(np.isfinite(panel.paid_UT), panel.paid_UT, np.nan)
    return bool((np.nanmax(known, axis=1) - np.nanmin(known, axis=1)).max() > 1e-9)


def _steps_of(panel: Panel, moves: Sequence[Move]) -> Steps:
    error_E = np.maximum([m.quantity.standard_error for m in moves], _SMALLEST_ERROR)
    return Steps(
        quantity_E=np.array([m.quantity.size for m in moves]),
        error_E=error_E,
        # Where the price paid follows demand, the more elastic model shows less noise: its own error alone would weigh
        # it up. Halfway to the typical error, on the log scale, half of that is gone; noisy models still weigh less.
        weighing_E=np.sqrt(error_E * np.median(error_E)),
        paid_E=np.array([m.paid for m in moves]),
        announced_E=np.array([m.announced for m in moves]),
        cluster_E=clusters([(m.unit, panel.vendors[m.unit], panel.dates[m.at].toordinal()) for m in moves]),
    )


def _label(panel: Panel, move: Move) -> tuple[str, dt.date, str]:
    note = f"{move.age_days} days old: a launch ramp may hide in the step" if move.young else ""
    return panel.models[move.unit] or "the series", panel.dates[move.at], note


def _listed(steps: Steps, pool: Pool, labels: Sequence[tuple[str, dt.date, str]]) -> tuple[MeasuredMove, ...]:
    """Returns every move with its own and its shrunken elasticity, and the whole without its cluster."""
    own_E, error_E = _own(steps)
    value_E, left_E = shrunken(own_E, error_E, pool)
    return tuple(
        MeasuredMove(
            model=model,
            date=date,
            price_ratio=math.exp(steps.announced_E[i]),
            elasticity=float(own_E[i]),
            standard_error=float(error_E[i]),
            shrunken=float(value_E[i]),
            shrunken_error=float(left_E[i]),
            without_it=_without(steps, int(steps.cluster_E[i])),
            cluster=int(steps.cluster_E[i]),
            note=note,
        )
        for i, (model, date, note) in enumerate(labels)
    )


def elasticity_of_moves(published: Sequence[PriceMove], *, seed: int = 0) -> ElasticityReport:
    """Returns the elasticity that published price moves show, each with its quantities before and after.

    Args:
        published: at least two.
        seed: of the bootstrap.
    """
    moves = sorted(published, key=lambda m: (m.date, m.model))
    price = np.log([m.price_ratio for m in moves])
    error_E = np.array([m.standard_error for m in moves])
    steps = Steps(
        quantity_E=np.log([m.quantity_ratio for m in moves]) - np.log([m.platform_ratio for m in moves]),
        error_E=error_E,
        weighing_E=error_E,
        paid_E=price,
        announced_E=price,
        cluster_E=clusters([(m.model, m.vendor, m.date.toordinal()) for m in moves]),
    )
    best, error, pool = estimate_steps(steps, rng=np.random.default_rng(seed))
    return ElasticityReport(
        series="the shipped price moves", sha256=None, n_rows=len(moves), n_models=len({m.model for m in moves}),
        first=moves[0].date, last=moves[-1].date, identified=False, recommended=best, standard_error=error, others=(),
        moves=_listed(steps, pool, [(m.model, m.date, m.note) for m in moves]), tau=pool.tau,
        warnings=checks.of_published(moves, best), sources=tuple(dict.fromkeys(m.source for m in moves)), seed=seed,
    )  # fmt: skip


def _own(steps: Steps) -> tuple[Array, Array]:
    """Returns each move's elasticity by itself and its standard error."""
    return -steps.quantity_E / steps.paid_E, np.maximum(steps.error_E / np.abs(steps.paid_E), _SMALLEST_ERROR)


def estimate_steps(steps: Steps, *, rng: np.random.Generator) -> tuple[Estimated, float, Pool]:
    """Returns the pooled elasticity, its standard error and the pool of the single moves.

    The estimate is a random-effects mean (DerSimonian and Laird) with the announced step as the instrument.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)  # said by the report's own warnings
        pool = pool_estimates(*_own(steps))
        found = wild_cluster_interval(
            steps.quantity_E * (weight_E := _weights(steps, pool.tau)),
            -steps.paid_E * weight_E,
            steps.cluster_E,
            rng=rng,
            instrument_R=-steps.announced_E * weight_E,
            level=LEVEL,
        )
    error, low, high, method = found.standard_error, found.low, found.high, found.method
    if found.n_clusters == 1:
        error = math.hypot(pool.standard_error, pool.tau)
        low, high = found.estimate - _Z95 * error, found.estimate + _Z95 * error
        method = "from the noise around one move: what the next one will show is not in it"
    best = Estimated(
        method="steps at announced price moves",
        estimate=found.estimate,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        level=found.level,
        interval=method,
        n=len(steps.quantity_E),
        n_clusters=found.n_clusters,
        assumes=_ASSUMES,
    )
    return best, error, pool


def _weights(steps: Steps, tau: float) -> Array:
    """Returns the square roots of random-effects weights, as a regression of steps on steps needs them."""
    weights: Array = (steps.weighing_E**2 + (tau * steps.announced_E) ** 2) ** -0.5
    return weights


def _without(steps: Steps, cluster: int) -> float | None:
    rest = steps.without(cluster)
    if not len(rest.quantity_E):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateInputWarning)
        tau = pool_estimates(*_own(rest)).tau
    weight_E = _weights(rest, tau) ** 2 * rest.announced_E
    return float(-(weight_E * rest.quantity_E).sum() / (weight_E * rest.paid_E).sum())


def clusters(keys: Sequence[tuple[object, str, int]]) -> npt.NDArray[np.int64]:
    """Returns a number for each move; moves of one model, or of one vendor within three days, share one.

    Args:
        keys: model, vendor (or an empty text) and day of each move.
    """
    label = list(range(len(keys)))
    for i, (model, vendor, day) in enumerate(keys):
        for j in range(i):
            other = keys[j]
            if model == other[0] or (vendor and vendor == other[1] and abs(day - other[2]) <= 3):
                old, new = label[i], label[j]
                label = [new if k == old else k for k in label]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _error_of(found: Estimated | None) -> float | None:
    if found is None or found.low is None or found.high is None:
        return None
    return (found.high - found.low) / (2 * _Z95)
