"""Two pictures of serving: speed against cost, and the cache of a token by kind of attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, NARROW, SOFT, WARM, WIDE, Pictures, draw
from hydrometer.records.evidence import Details
from hydrometer.records.numbers import usd
from hydrometer.records.serving import CacheSize, Frontier, ServingEvidence

# As in plots/svg.py.


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    assert isinstance(details, ServingEvidence)
    return {"frontier": frontier_figures(details.frontier)}


def frontier_figures(found: Frontier) -> list[str]:
    """Returns speed against cost for a wide and for a narrow page."""
    points = found.points
    first, last = points[0], points[-1]
    words = (
        f"Speed against cost of {found.model} on {found.deployment}: "
        f"from {first.tokens_per_second_per_user.p50:.3g} tokens "
        f"a second and user at {usd(first.usd_per_million_output.p50)} a million output tokens to "
        f"{last.tokens_per_second_per_user.p50:.3g} at {usd(last.usd_per_million_output.p50)}."
    )
    return [
        draw(
            lambda axes, width: _frontier(axes, width, found),
            name=f"serving-{name}",
            width=width,
            height=0.62 * width,
            description=words,
            css_class=f"figure {name}",
        )
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    ]


def _frontier(axes: Any, width: float, found: Frontier) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    size = 8.0 if width < WIDE else 9.0
    speed = [p.tokens_per_second_per_user.p50 for p in found.points]
    cost = [p.usd_per_million_output for p in found.points]
    axes.fill_between(speed, [c.p10 for c in cost], [c.p90 for c in cost], color=SOFT, zorder=1)
    axes.plot(speed, [c.p50 for c in cost], "-", color=ACCENT, linewidth=1.6, zorder=2)
    for point, x, y in zip(found.points, speed, cost, strict=True):
        marked = point.asked
        axes.plot([x], [y.p50], "o", color=WARM if marked else ACCENT, markersize=7 if marked else 4, zorder=3)
        axes.annotate(f"{point.concurrency:,.0f}", (x, y.p50), (5, 5), textcoords="offset points",
                      fontsize=size, color=INK if marked else MUTED)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("tokens a second, one user (numbers: sequences at once)", fontsize=size + 1)
    axes.set_ylabel("dollars a million output tokens", fontsize=size + 1)
    axes.set_title(f"{found.model}: {found.deployment}", fontsize=size + 1, loc="left")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"${v:g}"))
    axes.tick_params(labelsize=size)
    axes.margins(0.08, 0.1)
    axes.grid(color=LINE, linewidth=0.8, zorder=0)


def cache_figures(sizes: Sequence[CacheSize]) -> list[str]:
    """Returns the bytes of cache of a token for a wide and for a narrow page."""
    words = "Bytes of a BF16 cache of one token: " + "; ".join(
        f"{s.name} {s.bytes_per_token:,.0f} ({s.kind})" for s in sizes
    )
    return [
        draw(
            lambda axes, width: _cache(axes, width, sizes),
            name=f"cache-{name}",
            width=width,
            height=0.7 + 0.27 * len(sizes),
            description=words + ".",
            css_class=f"figure {name}",
        )
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    ]


def _cache(axes: Any, width: float, sizes: Sequence[CacheSize]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    size = 7.0 if width < WIDE else 9.0
    values = [s.bytes_per_token / 1e3 for s in sizes]
    colours = [ACCENT if s.kind == "latent" else WARM if s.kind == "every head" else MUTED for s in sizes]
    axes.barh(range(len(sizes)), values, color=colours, height=0.62, zorder=2)
    for i, (s, value) in enumerate(zip(sizes, values, strict=True)):
        axes.annotate(f"{value:,.0f} kB, {s.kind}", (value, i), (4, 0), textcoords="offset points", va="center",
                      fontsize=size, color=INK)  # fmt: skip
    axes.set_xscale("log")
    # Log scale: room for words behind the bars, more of it on a narrow page; by eye, 2026-11-26.
    axes.set_xlim(min(values) * 0.6, max(values) * (12 if width >= WIDE else 60))
    axes.set_yticks(range(len(sizes)), [s.name for s in sizes], fontsize=size)
    axes.set_xlabel("kilobytes of BF16 cache a token", fontsize=size + 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=size)
    axes.grid(axis="x", color=LINE, linewidth=0.8, zorder=0)
