"""Writes a figure as an SVG file of its own, with the colours that the page would give it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydrometer.errors import InputError, OutputError

_COLOURS = {
    "var(--ink)": "#1b1f24",
    "var(--muted)": "#57606a",
    "var(--line)": "#d8dee4",
    "var(--accent)": "#0a6c74",
    "var(--warm)": "#b3541e",
    "var(--soft)": "#eef2f4",
    "var(--page)": "#ffffff",
}


def write_svg(path: Path, figures: Sequence[str]) -> None:
    """Writes the first (wide) figure to a new file.

    Raises:
        InputError: if there is nothing to draw, or the name does not end in .svg.
        OutputError: if the file exists or cannot be written.
    """
    if path.suffix.lower() != ".svg":
        raise InputError(f"'{path.name}' is not an .svg name", cure="end the picture's name in .svg")
    if not figures:
        raise InputError("there is nothing to draw", cure="leave the picture out")
    svg = figures[0]
    for variable, colour in _COLOURS.items():
        svg = svg.replace(variable, colour)
    # A file of its own has no page to take fonts and background from.
    svg = re.sub(r"(<svg\b[^>]*>)", r'\1<rect width="100%" height="100%" fill="#ffffff"/>', svg, count=1)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(svg)
    except FileExistsError:
        raise OutputError(f"{path}: the file exists; name a new one") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); name another place") from None
