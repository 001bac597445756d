"""Which unpublished number moves the cost the most: a tornado on a logarithmic axis."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, PAGE, WARM, WIDE, wide_and_narrow
from hydrometer.records.evidence import CostLadder, Swing
from hydrometer.records.numbers import rough_usd, usd, usd_range

_SHORT = {
    "price_per_hour": "Price of an hour",
    "development_multiplier": "Experiments over the final run",
    "full_time_share": "Share of full time of a contributor",
    "pay_per_year": "Pay for a year",
    "project_years": "Length of the project",
}


def prior_title(name: str) -> str:
    """Returns a prior's name for people."""
    return _SHORT.get(name, name.replace("_", " "))


def tornado_figures(ladder: CostLadder) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where nothing is unknown."""
    if not ladder.swings:
        return []
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, ladder),
        name="tornado",
        height=lambda _: 0.9 + 0.6 * len(ladder.swings),
        description=describe_tornado(ladder),
    )


def describe_tornado(ladder: CostLadder) -> str:
    """Returns the figure in words."""
    bars = "; ".join(f"{prior_title(s.prior)}: {usd_range(s.low, s.high)}" for s in ladder.swings)
    return f"Median cost where one unpublished number is in its lowest or highest tenth. {bars}."


def _centre(swings: tuple[Swing, ...]) -> float:
    """Returns where the bars meet: the geometric middle of the narrowest."""
    return float((swings[-1].low * swings[-1].high) ** 0.5)


def _plot(axes: Any, width: float, ladder: CostLadder) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    small = width < WIDE
    size = 9.0 if small else 9.5
    n = len(ladder.swings)
    centre = _centre(ladder.swings)
    for row, swing in enumerate(ladder.swings):
        y = n - 1 - row
        axes.plot([swing.low, centre], [y, y], color=WARM, linewidth=8, solid_capstyle="butt", zorder=3)
        axes.plot([centre, swing.high], [y, y], color=ACCENT, linewidth=8, solid_capstyle="butt", zorder=3)
        for x, text, side, shift in (
            (swing.low, rough_usd(swing.low), "right", -5),
            (swing.high, rough_usd(swing.high), "left", 5),
        ):
            axes.annotate(text.replace(" million", "M").replace(" billion", "B"), (x, y), (shift, 0),
                          textcoords="offset points", fontsize=size, color=MUTED, ha=side, va="center")  # fmt: skip
        axes.annotate(prior_title(swing.prior), (0, y), (0, 9), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=size, color=INK, ha="left", va="bottom",
                      bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 1.0})  # fmt: skip
    low, high = min(s.low for s in ladder.swings), max(s.high for s in ladder.swings)
    axes.set_xscale("log")
    margin = max((high / low) ** (0.45 if small else 0.22), 1.3)
    axes.set_xlim(low / margin, high * margin)
    axes.set_ylim(-0.5, n - 0.25)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: usd(v).replace(".00", "")))
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)
