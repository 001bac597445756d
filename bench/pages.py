"""A part of a page that a benchmark writes again, between two marks."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, mark: str, text: str) -> None:
    """Writes a text between the page's two marks, in the place of what was there."""
    head, _, rest = page.read_text(encoding="utf-8").partition(mark)
    _, _, tail = rest.partition(mark)
    page.write_text(f"{head}{mark}\n{text}\n{mark}{tail}", encoding="utf-8")
