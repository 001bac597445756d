"""The ladder from the headline to the whole, on a logarithmic axis."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, PAGE, WARM, WIDE, wide_and_narrow
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.numbers import usd, usd_range


def cost_ladder_figures(ladder: CostLadder) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where no level is known."""
    if not ladder.levels:
        return []
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, ladder),
        name="ladder",
        height=lambda _: 0.9 + 0.62 * len(ladder.levels),
        description=describe(ladder),
    )


def describe(ladder: CostLadder) -> str:
    """Returns the figure in words."""
    levels = "; ".join(f"{r.title}: {usd_range(r.usd.low, r.usd.high)}" for r in ladder.levels)
    reported = f"The headline is {usd(ladder.headline.usd)}. " if ladder.headline else ""
    return f"Cost by what is counted, on a logarithmic axis. {reported}{levels}."


def _plot(axes: Any, width: float, ladder: CostLadder) -> None:
    small = width < WIDE
    size = 9.0 if small else 9.5
    n = len(ladder.levels)
    marks = _marks(ladder)
    for row, level in enumerate(ladder.levels):
        y = n - 1 - row
        low, high = level.usd.low, level.usd.high
        axes.plot([low, high], [y, y], color=ACCENT, linewidth=7, solid_capstyle="round", alpha=0.85, zorder=3)
        if level.usd.level is not None:
            axes.plot([level.usd.middle], [y], marker="|", markersize=13, color=INK, markeredgewidth=2, zorder=4)
        text = usd_range(low, high)
        _label(axes, y, level.title if small else f"{level.title}:  {text}", size, at=0, colour=INK)
        if small:
            _label(axes, y, text, size, at=1, colour=MUTED)
    for value, text in marks:
        axes.axvline(value, color=WARM, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(text, (value, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                      fontsize=size, color=WARM, ha="center", va="bottom")  # fmt: skip
    _axis(axes, ladder, [value for value, _ in marks], n)


def _label(axes: Any, y: float, text: str, size: float, *, at: float, colour: str) -> None:
    # The backing keeps the dashed marks from running through words.
    axes.annotate(
        text,
        (at, y),
        (0, 11),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=size,
        color=colour,
        ha="right" if at else "left",
        va="bottom",
        annotation_clip=False,
        bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 1.0},
    )


def _marks(ladder: CostLadder) -> list[tuple[float, str]]:
    """Returns the figures that the news set against each other."""
    marks = [(ladder.headline.usd, f"headline {usd(ladder.headline.usd)}")] if ladder.headline else []
    bounds = [r.usd for r in ladder.readings if r.level == "company" and r.relation == "at_least"]
    return marks + [(usd_, f"“{usd(usd_)}”") for usd_ in bounds[:1]]


def _axis(axes: Any, ladder: CostLadder, marks: list[float], n: int) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    values = [v for r in ladder.levels for v in (r.usd.low, r.usd.high)] + marks
    axes.set_xscale("log")
    # Log scale: a factor on both sides, for labels; by eye, 2026-11-24.
    axes.set_xlim(min(values) / 1.8, max(values) * 1.8)
    axes.set_ylim(-0.5, n - 0.2)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(LogLocator(base=10))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: usd(v).replace(".00", "")))
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)
