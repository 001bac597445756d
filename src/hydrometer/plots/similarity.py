"""Published ratings of likeness to GPT-4o, set by set."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, WARM, WIDE, Pictures, wide_and_narrow
from hydrometer.records.evidence import Details
from hydrometer.records.published import PublishedSimilarity, SimilarityEvidence


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    assert isinstance(details, SimilarityEvidence)
    return {"ratings": similarity_figures(details)}


def similarity_figures(found: SimilarityEvidence) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name="similarity",
        height=lambda _: 0.9 + 0.42 * len(found.published),
        description=describe(found),
    )


def describe(found: SimilarityEvidence) -> str:
    """Returns the figure in words."""
    parts = [
        f"{r.model}: {r.average:.3f}, sets {r.arena:.3f}, {r.numina:.3f}, {r.sharegpt:.3f}" for r in found.published
    ]
    return "Rated likeness to GPT-4o of August 2024 on a scale from 1 to 5. " + "; ".join(parts) + "."


def _plot(axes: Any, width: float, found: SimilarityEvidence) -> None:
    size = 9.0 if width < WIDE else 9.5
    rows = list(reversed(found.published))
    for y, row in enumerate(rows):
        mine = row.model == found.row
        colour = WARM if mine else ACCENT
        sets = _sets(row)
        axes.plot([min(sets), max(sets)], [y, y], color=LINE, linewidth=2, zorder=1)
        axes.plot(sets, [y] * len(sets), "|", markersize=10, color=MUTED, zorder=2)
        axes.plot([row.average], [y], marker="o", markersize=6, color=colour, zorder=3)
        label = f"{row.model}, {row.average:.3f}" + (
            " (a snapshot of GPT-4o itself)" if row.model == found.sibling else ""
        )
        axes.annotate(label, (0, y), (0, 8), xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=size, color=INK, ha="left", va="bottom", fontweight="bold" if mine else "normal",
                      annotation_clip=False)  # fmt: skip
    axes.set_ylim(-0.5, len(rows) - 0.1)
    # The published ratings lie between 3.412 and 4.403; the reference itself, rated 5 against its own text, is left
    # out.
    axes.set_xlim(3.3, 4.5)
    axes.set_yticks([])
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)


def _sets(row: PublishedSimilarity) -> list[float]:
    return [row.arena, row.numina, row.sharegpt]
