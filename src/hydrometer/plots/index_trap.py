"""One growth of use and the elasticity that each price index makes of it."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, SOFT, WARM, WIDE, wide_and_narrow
from hydrometer.records.token_prices import IndexTrap


def index_trap_figures(found: IndexTrap) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name="index-trap",
        height=lambda _: 1.0 + 0.55 * len(found.readings),
        description=describe_index_trap(found),
    )


def describe_index_trap(found: IndexTrap) -> str:
    """Returns the figure in words."""
    read = "; ".join(f"{r.decline_a_year:g}-fold a year: {r.elasticity:.2f}" for r in found.readings)
    return f"Apparent elasticity if prices fell {read}. Above 1 compute would rise, below 1 it would fall."


def _plot(axes: Any, width: float, found: IndexTrap) -> None:
    small = width < WIDE
    size = 9.0 if small else 9.5
    top = len(found.readings) - 1
    # Both sides of 1 must be seen, whatever the readings.
    right = max(1.6, 1.15 * found.highest)
    left = min(0.0, 1.15 * found.lowest)
    axes.axvspan(1.0, right, color=SOFT, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline(1.0, color=INK, linewidth=1.2, zorder=2)
    for row, r in enumerate(found.readings):
        y = top - row
        colour = WARM if r.elasticity > 1 else ACCENT
        axes.plot([0, r.elasticity], [y, y], color=LINE, linewidth=2, zorder=1)
        axes.plot([r.elasticity], [y], "o", color=colour, markersize=9, zorder=4)
        axes.annotate(f"{r.elasticity:.2f}", (r.elasticity, y), (9, 0), textcoords="offset points", fontsize=size + 0.5,
                      fontweight="bold", color=colour, va="center")  # fmt: skip
        axes.annotate(f"prices fell {r.decline_a_year:g}-fold a year", (0, y), (4, 8), textcoords="offset points",
                      xycoords=("axes fraction", "data"), fontsize=size, color=INK, va="bottom")  # fmt: skip
    axes.annotate("compute falls", (1.0, top + 0.85), (-6, 0), textcoords="offset points", ha="right", va="center",
                  fontsize=size, color=MUTED)  # fmt: skip
    axes.annotate("compute rises", (1.0, top + 0.85), (6, 0), textcoords="offset points", ha="left", va="center",
                  fontsize=size, color=MUTED)  # fmt: skip
    axes.set_xlim(left, right)
    axes.set_ylim(-0.5, top + 1.1)
    axes.set_yticks([])
    axes.set_xlabel("apparent elasticity of the same growth", fontsize=size)
    axes.tick_params(labelsize=size)
