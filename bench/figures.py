"""The figures of a page: every cell of its tables that holds a digit, and what patterns find in its sentences.

A cell is named `TABLE/ROW/COLUMN`: the words of the heading above, of the row's first cell and of the column's head.
So a page and its figures cannot drift apart, and a page that was not measured again gives its figures as one that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_TOP, _BLANK = "top", "value"
_NUMBER = re.compile(r"(?:(?<![\w.)])[-+−])?\d(?:[\d,]*\d)?(?:\.\d+)?(?:e[-+]?\d+)?")  # noqa: RUF001 (a minus sign)
_REMARK = re.compile(r"\([^()]*\)")
_ROW = re.compile(r"^\|(.*)\|\s*$")


def numbers(text: str) -> list[str]:
    """Returns the numbers in a text as they are printed."""
    return _NUMBER.findall(text)


def same(printed: str, written: str) -> bool:
    """Returns whether a document prints a number as it was written, or rounded to fewer digits."""
    text, exact = (_plain(x) for x in (printed, written))
    if float(text) == float(exact):
        return True
    decimals = len(text.partition(".")[2])
    # Half a unit of the last printed digit, and no more digits than were written.
    return decimals <= len(exact.partition(".")[2]) and abs(float(text) - float(exact)) <= 0.5001 * 10**-decimals


def _plain(number: str) -> str:
    return number.replace(",", "").replace("−", "-").lower()  # noqa: RUF001


def slug(text: str) -> str:
    """Returns the words of a label, without what stands in brackets unless there is nothing else."""
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", _REMARK.sub("", text.lower()))
    return "_".join(words or re.findall(r"[a-z0-9]+", text.lower()))


def of_page(text: str, *, said: Mapping[str, str], lists: Sequence[str] = ()) -> dict[str, str]:
    """Returns name and printed value of every figure.

    Args:
        text: the page.
        said: patterns of figures in sentences, by name; blanks of a pattern match line ends too.
        lists: names of tables that are left out.
    """
    found = {}
    for table, rows in _tables(text):
        if table not in lists:
            found |= {f"{table}/{name}": value for name, value in _cells(rows)}
    for name, pattern in said.items():
        match = re.search(re.sub(" +", r"\\s+", pattern), text, re.DOTALL)
        if match is None:
            raise ValueError(f"no sentence of the page matches {pattern!r}, the figure {name!r}")
        found[name] = ", ".join(group.rstrip(".,") for group in match.groups())
    return found


def _tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yields every table's name and rows, its head first; a second table under one heading is called NAME_2."""
    heading, seen = _TOP, {}
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        match = _ROW.match(line)
        if match:
            rows.append([cell.strip() for cell in match[1].split("|")])
            continue
        if rows:
            seen[heading] = seen.get(heading, 0) + 1
            yield heading if seen[heading] == 1 else f"{heading}_{seen[heading]}", [rows[0], *rows[2:]]
            rows = []
        if line.startswith("##"):
            heading = slug(line)


def _cells(rows: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Yields ROW/COLUMN and value. Rows with the same first cell are told apart by the next ones."""
    head, *body = rows
    columns = _apart([slug(cell) or _BLANK for cell in head])
    width = 1
    while width < len(head) and len({tuple(row[:width]) for row in body}) < len(body):
        width += 1
    names = _apart(["_".join(filter(None, map(slug, row[:width]))) or _BLANK for row in body])
    for name, row in zip(names, body, strict=True):
        for column, cell in list(zip(columns, row, strict=False))[width:]:
            if numbers(cell):
                yield f"{name}/{column}", cell.replace("**", "")


def _apart(names: list[str]) -> list[str]:
    """Returns names with a number behind those that occurred before."""
    return [name if (n := names[:i].count(name)) == 0 else f"{name}_{n + 1}" for i, name in enumerate(names)]
