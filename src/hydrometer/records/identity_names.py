"""Who makes language models, by every name that a text may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hydrometer.records.base import Record, Text

Alias = Annotated[Text, StringConstraints(min_length=2, max_length=80)]


class Vendor(Record):
    """A maker of language models."""

    name: Annotated[Text, StringConstraints(max_length=80)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166 code; absent where unknown, and then no claim of a seat contradicts it."""
    places: Annotated[tuple[Alias, ...], Field(strict=False)] = ()
    """Where it truly sits."""
    aliases: Annotated[tuple[Alias, ...], Field(strict=False)] = ()
    """Names of the maker itself."""
    models: Annotated[tuple[Alias, ...], Field(strict=False)] = ()
    """Names of its models and products."""
    families: Annotated[tuple[Alias, ...], Field(strict=False)] = ()
    """What names of its models in response files start with, or contain as a word."""
    cased: Annotated[tuple[Alias, ...], Field(strict=False)] = ()
    """Names of the lists above that are common words too, and count only as written here."""
    new: bool = False
    """Says that a name close to a known one is meant."""
