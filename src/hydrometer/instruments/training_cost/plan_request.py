"""Checks what the command line asks of a plan, and makes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost import planning
from hydrometer.instruments.training_cost.price_list import checked_date
from hydrometer.instruments.training_cost.pricing import contract_type
from hydrometer.records.dossier import nearest
from hydrometer.records.plan import Inversion, Plan
from hydrometer.records.prices import PriceQuote
from hydrometer.store.prices import find_contract, read_price_file

_PRECISIONS = ("bf16", "fp8")


def _precision(text: str) -> str:
    if text.lower() not in _PRECISIONS:
        raise InputError(f"--precision: unknown '{text[:20]}'", cure=nearest(text, _PRECISIONS))
    return text.lower()


def _day(text: str | None) -> dt.date:
    return checked_date(text, "--date") if text is not None else dt.date.today()


def _quotes(path: Path | None) -> tuple[PriceQuote, ...]:
    return read_price_file(path) if path is not None else ()


def plan(
    model: Path,
    *,
    tokens: float,
    budget: float | None,
    deadline: float | None,
    accelerators: Sequence[str],
    counts: Sequence[int],
    contract: str,
    date: str | None,
    precision: str,
    sequence_length: int,
    batch: int | None,
    prices: Path | None,
) -> Plan:
    """Returns the plan that the options of `hydrometer cost plan` ask for.

    Raises:
        InputError: for an option that cannot be.
    """
    name, architecture = planning.read_model(model)
    goal = planning.Goal(
        tokens=tokens,
        sequence_length=sequence_length,
        sequences_per_step=planning.default_batch(sequence_length) if batch is None else batch,
        precision=_precision(precision),
        date=_day(date),
        contract=contract_type(find_contract(contract)),
        budget_usd=budget,
        deadline_days=deadline,
    )
    return planning.make_plan(
        name,
        architecture,
        goal,
        accelerators=accelerators or planning.DEFAULT_ACCELERATORS,
        counts=counts or planning.DEFAULT_COUNTS,
        own_quotes=_quotes(prices),
    )


def invert(
    usd: float,
    *,
    accelerator: str,
    contract: str,
    date: str | None,
    price: float | None,
    prices: Path | None,
    moe: bool,
    precision: str,
) -> Inversion:
    """Returns what the options of `hydrometer cost invert` ask for.

    Raises:
        InputError: for an option that cannot be.
    """
    return planning.invert(
        usd,
        accelerator=accelerator,
        date=_day(date),
        contract=contract_type(find_contract(contract)),
        mixture=moe,
        precision=_precision(precision),
        price_per_hour=price,
        own_quotes=_quotes(prices),
    )
