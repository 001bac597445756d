"""A `config.json` whose every value is checked when it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydrometer.errors import InputError, printable

# By hand, 2026-11-25: no count of a published configuration is larger.
_MOST = 10**9
_REQUIRED: Any = object()


@dataclass(frozen=True)
class Fields:
    """The keys of one configuration.

    Attributes:
        values: as JSON gave them.
        where: the file, for error lines.
        inside: key of the object that holds them, if it is not the whole file.
    """

    values: dict[str, Any]
    where: str
    inside: str = ""

    def _place(self, key: str) -> str:
        return f"{self.where} {self.inside}{key}"

    def _find(self, keys: Sequence[str], default: Any) -> tuple[str, Any]:
        for key in keys:
            if self.values.get(key) is not None:
                return key, self.values[key]
        if default is _REQUIRED:
            raise InputError(
                f"'{keys[0]}' is missing",
                cure=f"a config.json of model_type '{self.model_type}' states it: take the file from the checkpoint",
                where=f"{self.where}{' ' + self.inside if self.inside else ''}",
            )
        return keys[0], default

    @property
    def model_type(self) -> str:
        """The family, as transformers spells it."""
        value = self.values.get("model_type")
        return value if isinstance(value, str) else ""

    def count(self, *keys: str, default: Any = _REQUIRED, least: int = 1) -> int:
        """Returns a whole number under the first of these keys that is there.

        Raises:
            InputError: if none is there and no default is given, or it is not a whole number of at least `least`.
        """
        key, value = self._find(keys, default)
        # In Python true is a whole number; in a configuration it is a mistake.
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise InputError(
                f"must be a whole number from {least} to {_MOST:,}, this is {printable(repr(value), limit=40)}",
                cure="take the value from the checkpoint's own config.json",
                where=self._place(key),
            )
        return value

    def maybe(self, *keys: str) -> int | None:
        """Returns a whole number, or None where it is absent or null."""
        return None if self._find(keys, None)[1] is None else self.count(*keys)

    def flag(self, *keys: str, default: bool = False) -> bool:
        """Returns true or false.

        Raises:
            InputError: if it is anything else.
        """
        key, value = self._find(keys, default)
        if not isinstance(value, bool):
            raise InputError(
                f"must be true or false, this is {printable(repr(value), limit=40)}",
                cure="take the value from the checkpoint's own config.json",
                where=self._place(key),
            )
        return value

    def text(self, key: str, *, default: str | None = None) -> str:
        """Returns text.

        Raises:
            InputError: if it is anything else, or absent without a default.
        """
        _, value = self._find((key,), _REQUIRED if default is None else default)
        if not isinstance(value, str):
            raise InputError(
                f"must be text, this is {printable(repr(value), limit=40)}",
                cure="take the value from the checkpoint's own config.json",
                where=self._place(key),
            )
        return value

    def items(self, key: str, *, length: int) -> list[Any] | None:
        """Returns a list with an entry for every layer, or None where it is absent.

        Raises:
            InputError: if it is no list, or of another length.
        """
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != length:
            found = f"{len(value)} entries" if isinstance(value, list) else "no list"
            raise InputError(
                f"must be a list with one entry for each of {length} layers, this is {found}",
                cure="take the value from the checkpoint's own config.json",
                where=self._place(key),
            )
        return value

    def numbers(self, key: str) -> list[int]:
        """Returns a list of whole numbers; empty where it is absent.

        Raises:
            InputError: if it is anything else.
        """
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or any(isinstance(v, bool) or not isinstance(v, int) for v in value):
            raise InputError(
                "must be a list of whole numbers",
                cure="take the value from the checkpoint's own config.json",
                where=self._place(key),
            )
        return list(value)

    def part(self, key: str) -> Fields | None:
        """Returns the object under a key, or None where there is none."""
        value = self.values.get(key)
        return Fields(value, self.where, f"{self.inside}{key}.") if isinstance(value, dict) else None

    def refuse(self, key: str, why: str) -> InputError:
        """Returns the error for a value that this version cannot count."""
        return InputError(
            f"{why} ({printable(repr(self.values.get(key)), limit=60)})",
            cure="this version cannot count such a network; give its figures as --total-params and --active-params",
            where=self._place(key),
        )
