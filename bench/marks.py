"""Puts figures into a page that people have written around them."""

from __future__ import annotations


def put(page: str, mark: str, figures: str) -> str:
    """Returns the page with the figures between its two marks in place of what stood there."""
    head, _, rest = page.partition(mark)
    _, _, tail = rest.partition(mark)
    return f"{head}{mark}\n{figures}\n{mark}{tail}"
