"""Which uncertain number moves an answer the most: tornados on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, PAGE, WARM, WIDE, wide_and_narrow
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.demand import DemandVerdict
from hydrometer.records.numbers import estimated, rough_usd, usd, usd_range

_SHORT = {
    "price_per_hour": "Price of an hour",
    "development_multiplier": "Experiments over the final run",
    "full_time_share": "Share of full time of a contributor",
    "pay_per_year": "Pay for a year",
    "project_years": "Length of the project",
    "own_elasticity": "Elasticity of one model, short run",
    "business_stealing": "Share taken from other models",
    "inertia": "Demand that stays from period to period",
    "pass_through": "Lower cost that reaches the price",
    "token_intensity": "More tokens a task as they get cheaper",
}


@dataclass(frozen=True)
class _Tornado:
    """What is drawn.

    Attributes:
        bars: title, and the answer at the number's lowest and highest tenth, the widest first.
        centre: where the bars meet.
        spelled: the answer beside a bar.
        tick: the answer at the axis.
        mark: a value and its words, drawn as a line, if any.
    """

    bars: list[tuple[str, float, float]]
    centre: float
    spelled: Callable[[float], str]
    tick: Callable[[float], str]
    mark: tuple[float, str] | None = None


def prior_title(name: str) -> str:
    """Returns a prior's name for people."""
    return _SHORT.get(name, name.replace("_", " "))


def tornado_figures(ladder: CostLadder) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where nothing is unknown."""
    if not ladder.swings:
        return []
    found = _Tornado(
        bars=[(prior_title(s.prior), s.low, s.high) for s in ladder.swings],
        # The geometric middle of the narrowest.
        centre=float((ladder.swings[-1].low * ladder.swings[-1].high) ** 0.5),
        spelled=lambda v: rough_usd(v).replace(" million", "M").replace(" billion", "B"),
        tick=lambda v: usd(v).replace(".00", ""),
    )
    return _figures(found, "tornado", describe_tornado(ladder))


def describe_tornado(ladder: CostLadder) -> str:
    """Returns the figure in words."""
    bars = "; ".join(f"{prior_title(s.prior)}: {usd_range(s.low, s.high)}" for s in ladder.swings)
    return f"Median cost where one unpublished number is in its lowest or highest tenth. {bars}."


def demand_tornado_figures(found: DemandVerdict) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where every belief is fixed."""
    # A median that does not move, or that no axis can hold, is no bar.
    # A log scale shows no 0 and no infinity.
    swings = [s for s in found.swings if min(s.low, s.high) > 0 and max(s.low, s.high) < 1e12]
    if not swings:
        return []
    tornado = _Tornado(
        bars=[(prior_title(s.prior), s.low, s.high) for s in swings],
        centre=found.compute_ratio.p50,
        spelled=lambda v: f"× {estimated(v)}",
        tick=lambda v: f"× {v:g}",
        mark=(1.0, "as before"),
    )
    return _figures(tornado, "demand-tornado", describe_demand_tornado(found))


def describe_demand_tornado(found: DemandVerdict) -> str:
    """Returns the figure in words."""
    bars = "; ".join(f"{prior_title(s.prior)}: {estimated(s.low)} to {estimated(s.high)}" for s in found.swings)
    return (
        f"Median compute after over before, long run, where one number is in its lowest or highest tenth: {bars}. "
        f"Over all draws it is {estimated(found.compute_ratio.p50)}; 1 is as much compute as before."
    )


def _figures(found: _Tornado, name: str, description: str) -> list[str]:
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name=name,
        height=lambda _: 0.9 + 0.6 * len(found.bars),
        description=description,
    )


def _plot(axes: Any, width: float, found: _Tornado) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    small = width < WIDE
    size = 9.0 if small else 9.5
    n = len(found.bars)
    for row, (title, at_lowest, at_highest) in enumerate(found.bars):
        y = n - 1 - row
        for x, colour in ((at_lowest, WARM), (at_highest, ACCENT)):
            axes.plot([x, found.centre], [y, y], color=colour, linewidth=8, solid_capstyle="butt", zorder=3)
        for x, side, shift in ((min(at_lowest, at_highest), "right", -5), (max(at_lowest, at_highest), "left", 5)):
            axes.annotate(found.spelled(x), (x, y), (shift, 0), textcoords="offset points", fontsize=size,
                          color=MUTED, ha=side, va="center",
                          bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.5})  # fmt: skip
        axes.annotate(title, (0, y), (0, 9), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=size, color=INK, ha="left", va="bottom",
                      bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 1.0})  # fmt: skip
    values = [v for _, *ends in found.bars for v in ends] + ([found.mark[0]] if found.mark else [])
    if found.mark:
        axes.axvline(found.mark[0], color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(found.mark[1], (found.mark[0], 1), (0, 3), xycoords=("data", "axes fraction"),
                      textcoords="offset points", fontsize=size, color=INK, ha="center", va="bottom")  # fmt: skip
    low, high = min(values), max(values)
    axes.set_xscale("log")
    # By eye, 2026-11-26: room for labels at both ends, more on a narrow page.
    margin = max((high / low) ** (0.45 if small else 0.22), 1.3)
    axes.set_xlim(low / margin, high * margin)
    axes.set_ylim(-0.5, n - 0.25)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: found.tick(v)))
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)
