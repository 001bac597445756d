"""Draws with matplotlib and hands out inline SVG whose colours are the page's CSS variables."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

# Stand-in colours: matplotlib needs real ones, the page needs variables that change with light and dark.
INK, MUTED, LINE, ACCENT, WARM, SOFT, PAGE = (f"#0{i}0{i}0{i}" for i in range(1, 8))
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    WARM: "var(--warm)",
    SOFT: "var(--soft)",
    PAGE: "var(--page)",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # two dollar signs are money here, not a formula
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


# By eye, 2026-11-24: text of 9 points is then as large as the page's own, on a screen and on a telephone.
WIDE, NARROW = 8.6, 4.3
"""Inches of a figure on a wide and on a narrow page."""
Pictures = Mapping[str, list[str]]
"""An instrument's drawings by name, each as SVG for a wide and for a narrow page; empty where nothing can be drawn."""


def wide_and_narrow(
    plot: Callable[[Any, float], None], *, name: str, height: Callable[[float], float], description: str
) -> list[str]:
    """Returns the figure for a wide and for a narrow page.

    Args:
        plot: draws on an axes, given the figure's width in inches.
        name: of the figure, unique on the page.
        height: in inches, of a width in inches.
        description: what a reader who cannot see the figure should know.
    """
    return [
        draw(plot, name=f"{name}-{page}", width=width, height=height(width), description=description,
             css_class=f"figure {page}")
        for page, width in (("wide", WIDE), ("narrow", NARROW))
    ]  # fmt: skip


def draw(
    plot: Callable[[Any, float], None], *, name: str, width: float, height: float, description: str, css_class: str
) -> str:
    """Returns one figure as inline SVG.

    Args:
        plot: draws on an axes, given the figure's width in inches.
        name: prefix of the ids inside, unique on the page.
        width: inches.
        height: inches.
        description: what a reader who cannot see the figure should know.
        css_class: class of the SVG element.
    """
    # A second to import: only a command that draws pays for it.
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # The salt and the missing date make the same figure the same bytes: a golden audit pins them.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        figure.patch.set_alpha(0)
        axes.patch.set_alpha(0)
        plot(axes, width)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _for_the_page(buffer.getvalue(), name=name, description=description, css_class=css_class)


def _for_the_page(svg: str, *, name: str, description: str, css_class: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', lambda m: f"{m[1]}{name}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    # Fonts come from the page, so that text stays text.
    svg = re.sub(r"(font: (?:\d+ )?[\d.]+px) [^;\"]+", r"\1 system-ui, sans-serif", svg)
    view = re.search(r'viewBox="[^"]+"', svg)
    assert view is not None
    head = (
        f'<svg class="{css_class}" role="img" aria-label="{escape(description, quote=True)}" {view[0]} '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return re.sub(r"<svg\b[^>]*>", lambda _: head, svg, count=1)
