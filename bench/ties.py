"""Do the documents print the figures that the benches wrote? docs/figures.toml says which words print which figure.

    ["README.md"]
    "figures of true dossiers opposed | {true_claims/opposed} |" = "claims"

The key is what the document says, with figures in braces where their numbers stand; the value, put before each name,
says where the figures are: a bench, or a bench and the beginning of its figures' names. `{NAME}` prints all numbers of
the figure in their order, whatever the words between them; `{NAME[0,2]}` the first and third only. Fewer digits than
were written are the same number. A name may leave out its table where no other table has the row and column.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import numbers, same

_PRINTED = r"([-+−$]?\d[^|]{0,60}?)"  # noqa: RUF001 (a minus sign)
_BRACES = re.compile(r"\{([^{}\[\]]+)(?:\[([\d,\s]+)\])?\}")


@dataclass(frozen=True)
class Figure:
    """What a bench wrote."""

    name: str
    value: str
    kind: str
    date: str
    source: str


@dataclass(frozen=True)
class Printed:
    """What a document prints where a figure should stand.

    Attributes:
        document: its path.
        line: from 1.
        text: what is printed there.
        start, end: where, in characters.
        figure: what should be printed; None where there is no such figure.
        name: the figure's.
        expected: the numbers that should be printed.
    """

    document: str
    line: int
    text: str
    start: int
    end: int
    figure: Figure | None
    name: str
    expected: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the document prints the figure."""
        told = numbers(self.text)
        return len(told) == len(self.expected) and all(map(same, told, self.expected))

    @property
    def problem(self) -> str:
        """What is wrong, in one line; empty if nothing is."""
        where = f"{self.document}:{self.line}"
        if self.figure is None:
            return f"{where}: there is no figure {self.name}"
        if self.right:
            return ""
        wanted = ", ".join(self.expected)
        return (
            f"{where}: prints '{self.text.strip()}', {self.name} is {wanted} "
            f"('{self.figure.value}', {self.figure.source}, {self.figure.date})"
        )


def read_figures(folder: Path) -> dict[str, Figure]:
    """Returns the figures of every bench, by BENCH/NAME."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        for name, value in told["figures"].items():
            kind = told["other_kinds"].get(name, told["kind"])
            full = f"{told['bench']}/{name}"
            found[full] = Figure(full, value, kind, told["date"], told["source"])
    return found


def find(known: Mapping[str, Figure], name: str) -> Figure | None:
    """Returns a figure by its name, which may leave out the table; None where there is none, or more than one."""
    if name in known:
        return known[name]
    bench, _, rest = name.partition("/")
    fits = [f for full, f in known.items() if full.startswith(f"{bench}/") and full.endswith(f"/{rest}")]
    return fits[0] if len(fits) == 1 else None


def check(root: Path, ties: Path, known: Mapping[str, Figure]) -> tuple[list[Printed], list[str]]:
    """Returns what the documents print, and what is wrong.

    Args:
        root: where the documents' paths begin.
        ties: docs/figures.toml.
        known: the figures.
    """
    printed: list[Printed] = []
    problems: list[str] = []
    for document, each in tomllib.loads(ties.read_text(encoding="utf-8")).items():
        text = (root / document).read_text(encoding="utf-8")
        for words, prefix in each.items():
            found = list(_printed(document, text, words, prefix, known))
            if not found:
                problems.append(f"{document}: says nowhere '{words}' ({ties.name}, figures of {prefix})")
            printed += found
            problems += [p.problem for p in found if p.problem]
    return printed, problems


def _printed(
    document: str, text: str, words: str, prefix: str, known: Mapping[str, Figure]
) -> Iterator[Printed]:  # fmt: skip
    names = [(f"{prefix}/{match[1]}", match[2]) for match in _BRACES.finditer(words)]
    parts = [_blanks(part) for part in _BRACES.split(words)[::3]]
    if not names or not parts[0] or not parts[-1]:
        raise ValueError(f"{document}: {words!r} must hold a figure in braces, between words of the document")
    for match in re.finditer(_PRINTED.join(parts), text):
        for group, (name, chosen) in enumerate(names, start=1):
            figure = find(known, name)
            told = numbers(figure.value) if figure else []
            places = [int(i) for i in chosen.split(",")] if chosen else range(len(told))
            start, end = match.span(group)
            yield Printed(
                document, text.count("\n", 0, start) + 1, match[group], start, end, figure, name,
                tuple(told[i] for i in places if i < len(told)),
            )  # fmt: skip


def _blanks(words: str) -> str:
    """Returns a pattern of words whose blanks match line ends too."""
    return re.sub(r"(?:\\ |\\\n)+", r"\\s+", re.escape(words))


def untied(text: str, printed: Sequence[Printed]) -> list[tuple[int, str]]:
    """Returns line and number of every number in a document's tables that no figure is tied to."""
    found, place = [], 0
    for n, line in enumerate(text.splitlines(keepends=True), start=1):
        if line.startswith("|"):
            for match in re.finditer(r"\d[\d,.]*", line):
                at = place + match.start()
                if not any(p.start <= at < p.end for p in printed):
                    found.append((n, match[0]))
        place += len(line)
    return found
