"""Finds the names of makers and of their models in a text, as whole words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hydrometer.records.identity_names import Vendor

# By hand, 2026-11-25: bounds the memory of a file in which every answer names other makers.
_MOST_PATTERNS = 4096


@dataclass(frozen=True)
class Mention:
    """A name in a text.

    Attributes:
        vendor: the maker.
        kind: whether the maker itself was named, or one of its models.
        start: first character.
        end: one past the last.
    """

    vendor: str
    kind: Literal["maker", "model"]
    start: int
    end: int


class Names:
    """Every name of a list of makers, ready for searching.

    Args:
        vendors: the makers.
        places: ISO 3166 code of a country to names of it and of its cities.
    """

    def __init__(self, vendors: Sequence[Vendor], places: Mapping[str, Sequence[str]]) -> None:
        self.vendors = {v.name: v for v in vendors}
        self._owner: dict[str, tuple[str, Literal["maker", "model"]]] = {}
        cased: set[str] = set()
        for vendor in vendors:
            cased.update(vendor.cased)
            for kind, names in (("maker", (vendor.name, *vendor.aliases)), ("model", vendor.models)):
                for name in names:
                    key = name if name in vendor.cased else _spelt(name)
                    self._owner.setdefault(key, (vendor.name, kind))  # type: ignore[arg-type]
        self._cased = cased
        everything = sorted({n for v in vendors for n in (v.name, *v.aliases, *v.models)}, key=len, reverse=True)
        # The longest part of a name stands for it: a quick search for that decides whether the whole is worth a
        # pattern.
        self._stems = {name: max(re.split(r"[\s-]+", name.casefold()), key=len) for name in everything}
        self._patterns: dict[tuple[str, ...], re.Pattern[str]] = {}
        self._country = {_key(n): code for code, names in places.items() for n in names}
        self._place_pattern = re.compile(
            "|".join(map(_word, sorted({n for names in places.values() for n in names}, key=len, reverse=True)))
        )

    def present(self, text: str) -> tuple[str, ...]:
        """Returns the names of which some part stands in a text: those that are worth searching for."""
        # One pattern of all names is slow at every letter; most answers hold two or three names.
        folded = text.casefold()
        return tuple(name for name, stem in self._stems.items() if stem in folded)

    def find(self, text: str, among: tuple[str, ...] | None = None) -> list[Mention]:
        """Returns the names in a text, from left to right, the longest where several start together.

        Args:
            text: where to look.
            among: what `present` gave for a text that holds this one; all names where absent.
        """
        there = self.present(text) if among is None else among
        if not there:
            return []
        mentions = []
        for match in self._pattern(there).finditer(text):
            name = match.group(0)
            owner = self._owner.get(name) or self._owner.get(_spelt(name))
            if owner is not None:
                mentions.append(Mention(owner[0], owner[1], match.start(), match.end()))
        return mentions

    def _pattern(self, there: tuple[str, ...]) -> re.Pattern[str]:
        if there not in self._patterns:
            if len(self._patterns) > _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[there] = _alternatives(there, self._cased)
        return self._patterns[there]

    def countries(self, text: str) -> set[str]:
        """Returns the codes of the countries that a text names, itself or by a city."""
        return {self._country[_key(m.group(0))] for m in self._place_pattern.finditer(text)}

    def maker_of(self, model: str) -> str | None:
        """Returns who makes a model of this name, however it is spelt; None where nobody knows, or two could."""
        words = _words(model)
        found: dict[str, int] = {}
        for vendor in self.vendors.values():
            if sizes := [len(f) for f in (*vendor.families, *vendor.models) if _contains(words, _words(f))]:
                found[vendor.name] = max(sizes)
        best = [name for name, size in found.items() if size == max(found.values())]
        return best[0] if len(best) == 1 else None

    def vendor_named(self, name: str) -> str | None:
        """Returns the maker that a name or an alias means; None where it means nobody."""
        wanted = _key(name)
        for vendor in self.vendors.values():
            if any(_key(n) == wanted for n in (vendor.name, *vendor.aliases)):
                return vendor.name
        return None

    def known_as(self) -> list[str]:
        """Returns the names of all makers."""
        return list(self.vendors)


def _alternatives(names: Iterable[str], cased: set[str]) -> re.Pattern[str]:
    return re.compile("|".join(_word(n) if n in cased else f"(?i:{_word(n)})" for n in names))


def _word(name: str) -> str:
    # Names of Latin letters end where the word ends, so that Meta is not found in metadata; Chinese has no blanks.
    # A version that follows belongs to the name: Claude-3.5-Sonnet, GPT-4-turbo.
    body = r"[\s-]?".join(re.escape(part) for part in re.split(r"[\s-]+", name))
    before = r"(?<![A-Za-z0-9_@/.])" if name[0].isascii() else ""
    after = r"(?![A-Za-z0-9_@]|\.(?:com|org|net|io)\b)" if name[-1].isascii() and name[-1].isalnum() else ""
    return before + body + after


def _spelt(name: str) -> str:
    """Returns a name without case, and with or without the blanks and hyphens that people put into it."""
    return re.sub(r"[\s-]+", "", name.casefold())


def _key(name: str) -> str:
    return re.sub(r"[\s._-]+", "", unicodedata.normalize("NFKC", name).casefold())


def _words(name: str) -> list[str]:
    """Splits a model's name at signs, and between letters and digits: `Qwen2.5-72B` is qwen 2 5 72 b."""
    return re.findall(r"[a-z]+|\d+|[^\W\d_a-z]+", unicodedata.normalize("NFKC", name).casefold())


def _contains(words: list[str], part: list[str]) -> bool:
    return f" {' '.join(part)} " in f" {' '.join(words)} "
