"""Accuracy against thinking tokens, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, WIDE, wide_and_narrow
from hydrometer.records.numbers import percent


class _Point(Protocol):
    @property
    def limit(self) -> int: ...
    @property
    def waits(self) -> int: ...
    @property
    def thinking_tokens(self) -> float: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class _Arm(Protocol):
    @property
    def arm(self) -> str: ...
    @property
    def points(self) -> Sequence[_Point]: ...


class _Found(Protocol):
    @property
    def most(self) -> int: ...
    @property
    def arms(self) -> Sequence[_Arm]: ...


def thinking_figures(found: _Found) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name="thinking",
        height=lambda width: 0.55 * width,
        description=describe(found),
    )


def describe(found: _Found) -> str:
    """Returns the figure in words."""
    first = next((a for a in found.arms if a.arm == "s1"), found.arms[0])
    words = "; ".join(f"{p.thinking_tokens:.0f} tokens: {percent(p.accuracy)}" for p in first.points)
    return f"Accuracy against thinking tokens. Choice {first.arm}: {words}."


def _plot(axes: Any, width: float, found: _Found) -> None:
    from matplotlib.ticker import PercentFormatter

    size = 8.0 if width < WIDE else 9.0
    for arm in found.arms:
        main = arm.arm == "s1"
        points = sorted(arm.points, key=lambda p: p.thinking_tokens)
        xs, ys = [p.thinking_tokens for p in points], [p.accuracy for p in points]
        axes.plot(xs, ys, color=ACCENT if main else MUTED, linewidth=2.0 if main else 0.9, zorder=4 if main else 2)
        axes.annotate(arm.arm, (xs[-1], ys[-1]), (5, -3), textcoords="offset points", fontsize=size,
                      color=ACCENT if main else MUTED)  # fmt: skip
        if main:
            for p in points:
                axes.plot([p.thinking_tokens] * 2, [p.low, p.high], color=ACCENT, linewidth=1.4, zorder=4)
                label = f"{p.waits} waits" if p.waits else "own end" if p.limit == found.most else f"cut at {p.limit}"
                axes.annotate(label, (p.thinking_tokens, p.high), (0, 4), textcoords="offset points",
                              fontsize=size - 1, color=INK, rotation=45)  # fmt: skip
            axes.plot(xs, ys, "o", color=ACCENT, markersize=5, zorder=5)
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.margins(x=0.1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("thinking tokens, mean of all questions", fontsize=size + 1)
    axes.set_ylabel("right answers", fontsize=size + 1)
    axes.tick_params(labelsize=size)
    axes.grid(color=LINE, linewidth=0.8, zorder=0)
