"""The subject's model FLOP utilisation among published runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, PAGE, SOFT, WARM, WIDE, wide_and_narrow
from hydrometer.records.claim_checking import UtilisationPoint
from hydrometer.records.numbers import percent


def utilisation_figures(points: Sequence[UtilisationPoint]) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where the subject's utilisation is unknown."""
    if not any(point.is_subject for point in points):
        return []
    rows = _rows(points)
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, rows),
        name="utilisation",
        height=lambda _: 1.0 + 0.85 * len(rows),
        description=describe(points),
    )


def describe(points: Sequence[UtilisationPoint]) -> str:
    """Returns the figure in words."""
    subject = next(p for p in points if p.is_subject)
    same = sorted(p.mfu for p in points if not p.is_subject and p.hardware == subject.hardware)
    others = sorted(p.mfu for p in points if not p.is_subject)
    rank = sum(mfu < subject.mfu for mfu in others)
    near = (
        f" On the same hardware {len(same)} runs lie between {percent(same[0])} and {percent(same[-1])}."
        if same
        else ""
    )
    return (
        f"Utilisation of {subject.model}, {percent(subject.mfu)} by 6·N·D over the BF16 peak, among {len(others)} "
        f"published runs; {rank} of them lie lower.{near}"
    )


def _rows(points: Sequence[UtilisationPoint]) -> list[tuple[str, list[UtilisationPoint]]]:
    """Returns the subject's hardware first, then other hardware with runs, the rare ones together."""
    subject = next(p for p in points if p.is_subject)
    groups: dict[str, list[UtilisationPoint]] = {subject.hardware: []}
    for point in points:
        groups.setdefault(point.hardware, []).append(point)
    # Four by eye, 2026-11-24: fewer dots make no row of their own.
    rare = [p for name, group in groups.items() if name != subject.hardware and len(group) < 4 for p in group]
    rows = [(name, group) for name, group in groups.items() if name == subject.hardware or len(group) >= 4]
    return rows + ([("other hardware", rare)] if rare else [])


def _plot(axes: Any, width: float, rows: list[tuple[str, list[UtilisationPoint]]]) -> None:
    from matplotlib.ticker import PercentFormatter

    for row, (name, group) in enumerate(rows):
        y = len(rows) - 1 - row
        axes.axhline(y, color=LINE, linewidth=0.8, zorder=0)
        axes.annotate(name, (0, y), (0, 24), xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=9.5, color=MUTED, ha="left", va="center", annotation_clip=False)  # fmt: skip
        for i, point in enumerate(sorted(group, key=lambda p: p.mfu)):
            if not point.is_subject:
                # A fixed stagger keeps neighbours apart and the picture the same on every run.
                _dot(axes, point, y + (-0.12, 0.0, 0.12)[i % 3])
        for point in group:
            if point.is_subject:
                _subject(axes, point, y)
    axes.set_ylim(-0.45, len(rows) - 0.35)
    # Published runs end below 0.6; an impossible utilisation of the subject must stay on the picture.
    axes.set_xlim(0, max(0.6, *(1.1 * point.mfu for _, group in rows for point in group)))
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.tick_params(labelsize=9)
    wide = width >= WIDE
    axes.set_xlabel("6·N·D over hours and BF16 peak" + (" (circle: dense, square: mixture of experts)" if wide else ""),
                    fontsize=9)  # fmt: skip


def _dot(axes: Any, point: UtilisationPoint, y: float) -> None:
    marker = "o" if point.architecture == "dense" else "s"
    axes.plot([point.mfu], [y], marker=marker, markersize=6.5, color=SOFT, markeredgecolor=ACCENT, zorder=2)


def _subject(axes: Any, point: UtilisationPoint, y: float) -> None:
    marker = "o" if point.architecture == "dense" else "s"
    axes.plot([point.mfu], [y], marker=marker, markersize=11, color=WARM, markeredgecolor=PAGE, zorder=5)
    axes.annotate(f"{point.model}  {percent(point.mfu)}", (point.mfu, y), (0, 15), textcoords="offset points",
                  fontsize=9.5, fontweight="bold", color=INK, ha="center", va="bottom")  # fmt: skip
