"""The probability that compute rises, against the market's long-run elasticity, before and after the evidence."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, SOFT, WARM, WIDE, wide_and_narrow
from hydrometer.records.demand import DemandVerdict
from hydrometer.records.numbers import chance, estimated


def backfire_figures(found: DemandVerdict) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name="backfire",
        height=lambda width: (0.46 if width == WIDE else 0.95) * width,
        description=describe_backfire(found),
    )


def describe_backfire(found: DemandVerdict) -> str:
    """Returns the figure in words."""
    e = found.elasticity
    even = next((p.elasticity for p in found.curve if p.probability_of_backfire >= 0.5), None)
    turn = f" It passes one half at an elasticity of {even:g}." if even is not None else ""
    return (
        f"Probability that compute rises, against the market's long-run elasticity.{turn} After the evidence the "
        f"elasticity lies between {estimated(e.p5)} and {estimated(e.p95)} (90 % interval), "
        f"{estimated(e.p50)} in the middle, and the probability over all of it is "
        f"{chance(found.probability_of_backfire)}."
    )


def _plot(axes: Any, width: float, found: DemandVerdict) -> None:
    from matplotlib.ticker import PercentFormatter

    small = width < WIDE
    size = 8.5 if small else 9.5
    x = [p.elasticity for p in found.curve]
    # The bounds of the verdict (instruments/demand/verdict.py: FALLS_BELOW, RISES_ABOVE).
    axes.axhspan(0.2, 0.8, color=SOFT, alpha=0.6, zorder=0, linewidth=0)
    axes.annotate("undetermined", (x[-1], 0.22), ha="right", va="bottom", fontsize=size, color=MUTED)
    axes.plot(x, [p.probability_of_backfire for p in found.curve], color=INK, linewidth=2, zorder=4)
    for row, (title, knowledge, colour) in enumerate(
        (("before the evidence", found.prior, MUTED), ("after the evidence", found.posterior, ACCENT))
    ):
        e, y = knowledge.long_run.elasticity, -0.15 - 0.18 * row
        shown = min(e.p95, x[-1])
        axes.plot([e.p5, shown], [y, y], color=colour, linewidth=5, solid_capstyle="butt", zorder=3)
        if e.p95 > x[-1]:
            axes.plot([x[-1]], [y], marker=">", color=colour, markersize=7, clip_on=False, zorder=4)
        axes.plot([e.p50], [y], marker="|", color=WARM, markersize=10, markeredgewidth=2, zorder=5)
        how_likely = chance(knowledge.long_run.probability_of_backfire)
        axes.annotate(f"{title}: {how_likely}", (0, y), (2, 6), textcoords="offset points",
                      fontsize=size, color=colour, ha="left", va="bottom")  # fmt: skip
    axes.set_xlim(0, x[-1])
    # Below 0 lie the intervals of the elasticity, before and after the evidence.
    axes.set_ylim(-0.4, 1.02)
    axes.set_yticks([0, 0.2, 0.5, 0.8, 1.0])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.grid(axis="y", color=LINE, linewidth=0.8, zorder=0)
    axes.set_xlabel("long-run price elasticity of the market's tokens", fontsize=size)
    axes.set_ylabel("probability that compute rises", fontsize=size)
    axes.tick_params(labelsize=size)
