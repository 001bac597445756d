"""Markdown that the pages of all benches share."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence


def paragraph(text: str) -> str:
    """Returns a paragraph in lines that fit an editor."""
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns a table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def put(page: str, mark: str, part: str) -> str:
    """Returns a page that people wrote with a part of it, between two marks, in place of what stood there."""
    head, _, tail = page.split(mark)
    return f"{head}{mark}\n{part.strip()}\n{mark}{tail}"
