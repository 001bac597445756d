"""Filters the dated prices and estimates the price of a day: what `hydrometer cost prices` prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar, cast, get_args

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.pricing import (
    FIRST_YEAR,
    LAST_YEAR,
    contract_type,
    owned_hour,
    price_at,
)
from hydrometer.records.dossier import nearest
from hydrometer.records.prices import Contract, OwnershipLine, PriceListing, PriceQuote, Region, Tier
from hydrometer.store.prices import find_contract, price_quotes, read_price_file
from hydrometer.store.reference import find_accelerator

_RENTS: tuple[Contract, ...] = ("on_demand", "1_year", "3_year", "spot")
Word = TypeVar("Word")


def checked_date(text: str, option: str) -> dt.date:
    """Returns the date that an option gives; a month stands for its middle.

    Raises:
        InputError: naming the option, for anything that is not a date of 2010 to 2099.
    """
    try:
        date = dt.date.fromisoformat(f"{text}-15" if len(text) == 7 else text)
    except ValueError:
        raise InputError(f"{option}: '{text[:40]}' is not a date", cure="write 2026-03-31") from None
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise InputError(f"{option}: {date} is out of range", cure=f"give a date from {FIRST_YEAR} to {LAST_YEAR}")
    return date


def _one_of(text: str | None, words: tuple[str, ...], option: str) -> str | None:
    if text is None or text.lower() in words:
        return None if text is None else text.lower()
    raise InputError(f"{option}: unknown '{text[:40]}'", cure=nearest(text, words))


def list_prices(
    *,
    accelerator: str | None,
    contract: str | None,
    tier: str | None,
    region: str | None,
    between: tuple[str | None, str | None],
    at: str | None,
    own: Path | None,
) -> PriceListing:
    """Returns the quotes that pass every filter, and the price of a day for each contract.

    Args:
        accelerator: only this one; needed where `at` is given.
        contract: only this type; without it `at` estimates every rent.
        tier: kind of seller.
        region: region class; `any` quotes pass every region.
        between: first and last day.
        at: the day to estimate.
        own: a user's price file; its quotes come first and override in estimates.

    Raises:
        InputError: for an unknown name, a date that is none, or `at` without an accelerator.
    """
    chip = find_accelerator(accelerator).name if accelerator is not None else None
    kind = contract_type(find_contract(contract)) if contract is not None else None
    seller = cast(Tier | None, _one_of(tier, get_args(Tier), "--tier"))
    place = _one_of(region, get_args(Region), "--region")
    first = checked_date(between[0], "--since") if between[0] else dt.date.min
    last = checked_date(between[1], "--until") if between[1] else dt.date.max
    mine: Sequence[PriceQuote] = read_price_file(own) if own is not None else ()
    quotes = [
        q
        for q in (*mine, *price_quotes())
        if (chip is None or q.accelerator == chip)
        and (kind is None or q.contract == kind)
        and (seller is None or q.tier == seller)
        and (place in (None, "any") or q.region in (place, "any"))
        and first <= q.date <= last
    ]
    if at is None:
        return PriceListing(quotes=tuple(quotes), estimates=())
    if chip is None:
        raise InputError("--at estimates the price of one accelerator", cure="add --accelerator NAME")
    date = checked_date(at, "--at")
    estimates = [
        price_at(chip, date=date, contract=asked, tier=seller or "neocloud", own_quotes=mine)
        for asked in ((kind,) if kind is not None else _RENTS)
    ]
    lines: tuple[OwnershipLine, ...] = ()
    if kind == "own":
        cost = owned_hour(chip, tier=seller or "neocloud")
        lines = tuple(OwnershipLine(line=f.name, usd_per_hour=getattr(cost, f.name)) for f in fields(cost))
    return PriceListing(quotes=tuple(quotes), estimates=tuple(estimates), ownership=lines)
