"""How often models say that they are OpenAI's or Anthropic's, with intervals over templates."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, WARM, WIDE, Pictures, wide_and_narrow
from hydrometer.records.evidence import Details
from hydrometer.records.published import IdentityEvidence

Row = tuple[str, float, float | None, float | None, bool]
"""Label, rate, bounds, whether it is the subject."""


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    assert isinstance(details, IdentityEvidence)
    return {"rates": identity_figures(details)}


def identity_figures(found: IdentityEvidence) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    rows = rows_of(found)
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, rows),
        name="identity",
        height=lambda _: 0.9 + 0.42 * len(rows),
        description=describe(rows),
    )


def rows_of(found: IdentityEvidence) -> list[Row]:
    """Returns what is drawn: the newly measured first, then the published, the highest first."""
    published = sorted(found.published, key=lambda r: (r.strict, r.loose))
    rows: list[Row] = [
        (r.model, r.strict / r.n, r.strict_low, r.strict_high, r.model == found.row)
        for r in published
        if r.in_paper or r.model == found.row
    ]
    if found.measured is not None and found.measured.strict.rate is not None:
        s = found.measured.strict
        rows.append((f"{found.subject}, newly measured", found.measured.strict.rate, s.low, s.high, True))
    return rows


def describe(rows: list[Row]) -> str:
    """Returns the figure in words."""
    parts = [
        f"{label}: {100 * rate:.1f} %" + (f" ({100 * low:.0f} to {100 * (high or 1):.0f})" if low is not None else "")
        for label, rate, low, high, _ in reversed(rows)
    ]
    return "Answers by which the speaker is OpenAI's or Anthropic's, of all. " + "; ".join(parts) + "."


def _plot(axes: Any, width: float, rows: list[Row]) -> None:
    from matplotlib.ticker import FuncFormatter

    size = 9.0 if width < WIDE else 9.5
    for y, (label, rate, low, high, mine) in enumerate(rows):
        colour = WARM if mine else ACCENT
        if low is not None and high is not None:
            axes.plot([low, high], [y, y], color=colour, linewidth=5, solid_capstyle="round", alpha=0.45, zorder=2)
        axes.plot([rate], [y], marker="o", markersize=6, color=colour, zorder=3)
        axes.annotate(label, (0, y), (0, 8), xycoords=("axes fraction", "data"), textcoords="offset points",
                      fontsize=size, color=INK, ha="left", va="bottom", fontweight="bold" if mine else "normal",
                      annotation_clip=False)  # fmt: skip
    axes.set_ylim(-0.5, len(rows) - 0.1)
    # Published strict rates end at 0.30, their intervals below 0.45; a higher rate of a new measurement would be cut
    # off.
    axes.set_xlim(-0.01, 0.45)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    axes.tick_params(labelsize=9)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)
