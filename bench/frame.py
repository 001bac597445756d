"""The frame of every bench: what it is given, what it gives back, and where that is written.

A bench is a module with one function, `measure(inputs: Inputs) -> Page`, and an entry in table.py. It parses nothing
and writes nothing: run.py reads its options and writes its page, figures and pictures, and on request what ships of it.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import figures
from hydrometer.store.files import write_whole
from prose import put

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/benchmarks"
IMAGES = ROOT / "docs/images"
FIGURES = PAGES / "figures"
DATA = ROOT.parent / "shared/data"
"""Where the data that are not part of the project lie by default."""
RAN, COPIED = "run", "copied from the page, not run again"
_WRITTEN = "Written by `{command}` on {date}."
WRITTEN = re.compile(r"Written by `([^`]+)` on ([\d-]+(?:\s+and\s+[\d-]+)*)")


class Kind(StrEnum):
    """What a figure is worth as an error rate on others."""

    NESTED = "nested"
    """Whatever was chosen by looking at cases was chosen again without those that are scored."""
    BLIND = "blind"
    """The scored cases were looked at once, after everything was fixed."""
    IN_VIEW = "in view"
    """Something, if only a form or a tolerance, was chosen while the scored cases were in view."""
    DIRECT = "direct"
    """A time, a size, a count or arithmetic: nothing is predicted, and so nothing is scored."""


class NotMeasuredError(Exception):
    """Something that the bench needs is not here; the message says what and how to name it."""


@dataclass(frozen=True)
class Option:
    """`--NAME VALUE`, told to one bench.

    Attributes:
        name: without the hyphens.
        help: what it is.
        kind: `Path`, `int`, `str` (several words, separated by commas), or `bool` (a flag).
        default: where nothing is told; of a path relative to `--data`, or None.
        role: of a path. `needed`: the bench cannot run without it. `part`: without it a part of the page cannot be
            measured, so that the page is not written. `made`: the bench makes it, by default below the project. Of a
            flag: `stored`, what was measured before is used or forgotten, which the page does not tell.
    """

    name: str
    help: str
    kind: type = Path
    default: Any = None
    role: str = ""


@dataclass(frozen=True)
class Bench:
    """One entry of the table.

    Attributes:
        name: of the command, of the figures' file, and of the module that has `measure`.
        measures: what it measures, or makes.
        kind: of its figures; None where it measures nothing and only makes data that ship.
        needs: in a word, beyond the project itself.
        minutes: of two idle cores, roughly.
        page: file in docs/benchmarks that it writes; empty: none.
        mark: the page is written by people, and only what stands between two of these marks is the bench's.
        kinds: kinds of figures that are not of the bench's kind, by the beginning of their names.
        said: figures in the page's sentences: name to pattern, whose groups are the figure.
        lists: tables of the page that list single rows, which are no figures.
        options: what it can be told.
    """

    name: str
    measures: str
    kind: Kind | None
    needs: str
    minutes: float
    page: str = ""
    mark: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def file(self) -> Path:
        """The page's."""
        return PAGES / self.page

    @property
    def figures_file(self) -> Path:
        """Where its figures are written."""
        return FIGURES / f"{self.name}.json"

    def on_page(self) -> str:
        """Returns what stands on its page, or in its part of the page; empty where there is none yet."""
        if not self.page or not self.file.exists():
            return ""
        text = self.file.read_text(encoding="utf-8")
        return text.split(self.mark)[1].strip("\n") + "\n" if self.mark else text

    def kind_of(self, figure: str) -> str:
        """Returns the kind of one of its figures."""
        found = next((k for start, k in self.kinds.items() if figure.startswith(start)), self.kind)
        return str(found)

    def read_figures(self) -> dict[str, str]:
        """Returns name and value of every figure on its page."""
        return figures.of_page(self.on_page(), said=self.said, lists=self.lists)


@dataclass(frozen=True)
class Inputs:
    """What a bench is given.

    Attributes:
        bench: its entry.
        told: its options by name, defaults among them; a path that is not there is None.
        quick: less of everything, to see that it works; nothing is written.
    """

    bench: Bench
    told: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False

    def __getitem__(self, name: str) -> Any:
        """Returns an option."""
        return self.told[name]

    def words(self, name: str) -> list[str]:
        """Returns the words of an option; none where it is not given."""
        return [word for word in (self.told[name] or "").split(",") if word]


@dataclass(frozen=True)
class Page:
    """What a bench gives back.

    Attributes:
        text: Markdown: the whole page with its title, or what stands between the page's marks.
        draw: draws the page's pictures into a folder.
        ships: files that are part of the product, by path below the repository's root.
    """

    text: str
    draw: Callable[[Path], None] | None = None
    ships: Mapping[str, bytes] = field(default_factory=dict)


def command(bench: Bench, given: Mapping[str, Any]) -> str:
    """Returns the command that writes a page: paths by their kind, since yours lie elsewhere.

    Args:
        bench: the bench.
        given: the options that were told.
    """
    words = ["python bench/run.py", bench.name]
    for option in bench.options:
        value = given.get(option.name)
        if value in (None, False) or option.role == "stored" or (option.kind is not Path and value == option.default):
            continue
        words.append(f"--{option.name}")
        if option.kind is not bool:
            words.append("PATH" if option.kind is Path else str(value))
    return " ".join([*words, "--write"])


def told(bench: Bench, given: Mapping[str, Any], data: Path) -> dict[str, Any]:
    """Returns every option of a bench: as given, or by default.

    Args:
        bench: the bench.
        given: the options that were told.
        data: where paths begin that are not told.

    Raises:
        NotMeasuredError: a path that is needed is not there.
    """
    found = {}
    for option in bench.options:
        value = given.get(option.name)
        if value is None and option.default is not None and option.kind is Path:
            value = ((ROOT if option.role == "made" else data) / option.default).resolve()
        elif value is None:
            value = option.default
        if option.kind is Path and option.role != "made" and value is not None and not value.exists():
            if option.name in given or option.role == "needed":
                raise NotMeasuredError(f"{value.name} is not here: name it with --{option.name}")
            value = None
        if value is None and option.role == "needed":
            raise NotMeasuredError(f"{bench.name} needs {option.help}: name it with --{option.name}")
        found[option.name] = value
    return found


def missing(bench: Bench, values: Mapping[str, Any]) -> list[str]:
    """Returns the options without which a part of the page is left out, and that are not there."""
    return [option.name for option in bench.options if option.role == "part" and values[option.name] is None]


def measure(inputs: Inputs) -> Page:
    """Runs a bench."""
    page = importlib.import_module(inputs.bench.name).measure(inputs)
    assert isinstance(page, Page)
    return page


def write(bench: Bench, page: Page, command: str) -> list[Path]:
    """Writes page, pictures and figures; returns what was written."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    bench.file.write_text(_whole(bench, page.text, _WRITTEN.format(command=command, date=today)), encoding="utf-8")
    if page.draw is not None:
        page.draw(IMAGES)
    store_figures(bench, date=today, command=command, source=RAN)
    return [bench.file, bench.figures_file]


def _whole(bench: Bench, text: str, written: str) -> str:
    """Returns the page's whole text with its line of who wrote it when."""
    if bench.mark:
        return put(bench.file.read_text(encoding="utf-8"), bench.mark, f"{written}\n\n{text.strip()}")
    title, _, rest = text.partition("\n")
    assert title.startswith("# "), f"{bench.name}: a page begins with its title"
    return f"{title}\n\n{written}\n\n{rest.strip()}\n"


def store_figures(bench: Bench, *, date: str, command: str, source: str) -> None:
    """Stores the figures of the page as it stands."""
    found = bench.read_figures()
    kinds = {name: kind for name in found if (kind := bench.kind_of(name)) != bench.kind}
    content = {
        "bench": bench.name, "page": f"docs/benchmarks/{bench.page}", "date": date, "command": command,
        "source": source, "kind": bench.kind, "other_kinds": kinds, "figures": found,
    }  # fmt: skip
    FIGURES.mkdir(parents=True, exist_ok=True)
    bench.figures_file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def copy_figures(bench: Bench) -> None:
    """Stores the figures of a page that is not measured now, with the date and command that it names itself."""
    match = WRITTEN.search(bench.on_page())
    if match is None:
        raise ValueError(f"{bench.file}: nothing says by what command and when it was written")
    store_figures(bench, date=" ".join(match[2].split()), command=match[1], source=COPIED)


def stale(bench: Bench) -> list[str]:
    """Returns what differs between a bench's page and its figures."""
    page, where = bench.on_page(), f"docs/benchmarks/figures/{bench.name}.json"
    if not bench.figures_file.exists():
        return [f"{where}: missing (python bench/run.py {bench.name} --write)"]
    told = json.loads(bench.figures_file.read_text(encoding="utf-8"))
    match = WRITTEN.search(page)
    found = []
    if match is None or (match[1], " ".join(match[2].split())) != (told["command"], told["date"]):
        found.append(f"{where}: command or date are not those of {bench.page}")
    on_page = bench.read_figures()
    for name in sorted(on_page.keys() | told["figures"].keys()):
        values = on_page.get(name), told["figures"].get(name)
        if values[0] != values[1]:
            found.append(f"{where}: {name} is {values[1]!r}, {bench.page} prints {values[0]!r}")
    return found


def ship(page: Page) -> list[Path]:
    """Writes what is part of the product; returns what was written."""
    for name, content in page.ships.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(ROOT / name, content)
    return [ROOT / name for name in page.ships]


def differs(page: Page) -> list[str]:
    """Returns the names of what would ship otherwise than it does, dates apart."""

    def undated(content: bytes) -> bytes:
        return re.sub(rb"20\d\d-\d\d-\d\d", b"", content)

    return [
        name
        for name, content in page.ships.items()
        if not (ROOT / name).exists() or undated((ROOT / name).read_bytes()) != undated(content)
    ]
