"""Where the subject falls among models whose lineage is documented."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, NARROW, PAGE, SOFT, WARM, WIDE, Pictures, draw
from hydrometer.records.attribution import Attribution, ReferenceModel
from hydrometer.records.evidence import Details

# As in plots/svg.py: inches at which 9-point text is as large as the page's own, on a screen and on a telephone. All
# sizes of this file by eye, 2026-11-24.
_LONGEST_NAME = 30
_SUBJECT, _STUDENTS, _UNTAUGHT = 2.6, 1.4, 0.0
"""Heights of the three lanes."""
# Neighbours step aside, in lane heights, so that dots that would lie on each other are seen.
_STAGGER = (0.0, 0.15, -0.15, 0.3, -0.3)
_MARKERS = {"control": "o", "other_teacher": "s", "student": "D"}


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    assert isinstance(details, Attribution)
    return {"lineage": attribution_figures(details)}


def attribution_figures(found: Attribution) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where nothing was measured."""
    if found.interval is None or not found.reference:
        return []
    with warnings.catch_warnings():
        # The page's fonts draw the letters, so it does not matter which ones matplotlib's font lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        return [
            draw(
                lambda axes, width: _plot(axes, width, found),
                name=f"attribution-{name}",
                width=width,
                height=height,
                description=describe(found),
                css_class=f"figure {name}",
            )
            for name, width, height in (("wide", WIDE, 4.2), ("narrow", NARROW, 4.6))
        ]


def describe(found: Attribution) -> str:
    """Returns the figure in words."""
    assert found.interval is not None
    parts = [f"Resemblance to a candidate. {found.subject}: {_range(found)}."]
    for models, what in ((_untaught(found), "untaught models"), (_students(found), "documented students")):
        values = [m.statistic for m in models]
        if values:
            parts.append(f"{len(values)} {what} lie between {min(values):.1f} and {max(values):.1f}.")
    if found.threshold is not None:
        parts.append(f"The threshold is {found.threshold:.1f}.")
    return " ".join(parts)


def _range(found: Attribution) -> str:
    assert found.interval is not None
    return f"{found.interval.middle:.1f} ({found.interval.low:.1f} to {found.interval.high:.1f})"


def _untaught(found: Attribution) -> list[ReferenceModel]:
    return [m for m in found.reference if m.kind != "student"]


def _students(found: Attribution) -> list[ReferenceModel]:
    return [m for m in found.reference if m.kind == "student"]


def _plot(axes: Any, width: float, found: Attribution) -> None:
    assert found.interval is not None
    small = width < WIDE
    untaught, students = _untaught(found), _students(found)
    lanes = (
        (_SUBJECT, "the subject", ()),
        (_STUDENTS, "documented students, each with its own teacher", students),
        (_UNTAUGHT, "untaught models, each with the candidate it comes nearest to", untaught),
    )
    values = [found.interval.low, found.interval.high, *(m.statistic for m in found.reference)]
    # All values alike make no axis; the floor gives it some width.
    span = max(max(values) - min(values), 1e-9)
    axes.set_xlim(min(values) - 0.09 * span, max(values) + 0.09 * span)
    axes.set_ylim(_UNTAUGHT - 0.68, _SUBJECT + 0.6)
    for y, title, models in lanes:
        axes.axhline(y, color=LINE, linewidth=0.8, zorder=0)
        axes.annotate(title, (0, y), (0, 33), xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=9, color=MUTED, ha="left", va="center", annotation_clip=False,
                      bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.8}, zorder=4)  # fmt: skip
        _dots(axes, models, y)
    if untaught:
        _name(axes, max(untaught, key=lambda m: m.statistic), _UNTAUGHT)
    if students:
        _name(axes, min(students, key=lambda m: m.statistic), _STUDENTS)
    _subject(axes, found)
    _threshold(axes, found)
    axes.set_yticks([])
    axes.tick_params(labelsize=9)
    marks = "circle: control, square: taught by others, diamond: student"
    axes.set_xlabel(f"resemblance to a candidate\n{marks}" if small else f"resemblance to a candidate ({marks})",
                    fontsize=8.5 if small else 9)  # fmt: skip


def _dots(axes: Any, models: Sequence[ReferenceModel], y: float) -> None:
    for i, model in enumerate(sorted(models, key=lambda m: (m.statistic, m.model))):
        # A fixed stagger keeps neighbours apart and the picture the same on every run.
        colour = ACCENT if model.kind == "student" else SOFT
        axes.plot([model.statistic], [y + _STAGGER[i % len(_STAGGER)]], marker=_MARKERS[model.kind], markersize=6,
                  color=colour, markeredgecolor=PAGE if model.kind == "student" else ACCENT, markeredgewidth=0.8,
                  zorder=3)  # fmt: skip


def _name(axes: Any, model: ReferenceModel, y: float) -> None:
    name = model.model if len(model.model) <= _LONGEST_NAME else model.model[: _LONGEST_NAME - 1] + "…"
    low, high = axes.get_xlim()
    right = model.statistic > (low + high) / 2
    axes.annotate(name, (model.statistic, y), (0, -25), textcoords="offset points", fontsize=8.5, color=INK,
                  ha="right" if right else "left", va="top", annotation_clip=False,
                  bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.8}, zorder=4)  # fmt: skip


def _subject(axes: Any, found: Attribution) -> None:
    assert found.interval is not None
    at = found.interval
    axes.plot([at.low, at.high], [_SUBJECT, _SUBJECT], color=WARM, linewidth=3, solid_capstyle="round", zorder=4)
    axes.plot([at.middle], [_SUBJECT], marker="o", markersize=12, color=WARM, markeredgecolor=PAGE, zorder=5)
    low, high = axes.get_xlim()
    place = (at.middle - low) / (high - low)
    name = found.subject if len(found.subject) <= _LONGEST_NAME else found.subject[: _LONGEST_NAME - 1] + "…"
    axes.annotate(f"{name}  {at.middle:.1f}", (at.middle, _SUBJECT), (0, -13), textcoords="offset points", fontsize=9.5,
                  fontweight="bold", color=INK, ha="left" if place < 0.3 else "right" if place > 0.7 else "center",
                  va="top", bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.8}, zorder=4)  # fmt: skip


def _threshold(axes: Any, found: Attribution) -> None:
    if found.threshold is None:
        return
    axes.axvline(found.threshold, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(f"threshold {found.threshold:.1f}", (found.threshold, 1), (0, 3),
                  xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9, color=INK, ha="center",
                  va="bottom")  # fmt: skip
