"""Checks what the command line asks of a plan, and makes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating import inversion, planning
from hydrometer.instruments.training_cost.estimating.price_list import checked_date
from hydrometer.instruments.training_cost.estimating.pricing import contract_type
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


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """The options of `hydrometer cost plan`, as given."""

    tokens: float
    budget: float | None
    deadline: float | None
    accelerators: Sequence[str]
    counts: Sequence[int]
    contract: str
    date: str | None
    precision: str
    sequence_length: int
    batch: int | None
    prices: Path | None


def plan(model: Path, asked: PlanRequest, *, progress: planning.Progress | None = None) -> Plan:
    """Returns the plan that the options of `hydrometer cost plan` ask for.

    Args:
        model: a dossier, a config.json, or a checkpoint's folder.
        asked: the options.
        progress: called as the search goes on.

    Raises:
        InputError: for an option that cannot be.
    """
    name, architecture = planning.read_model(model)
    length = asked.sequence_length
    goal = planning.Goal(
        tokens=asked.tokens,
        sequence_length=length,
        sequences_per_step=planning.default_batch(length) if asked.batch is None else asked.batch,
        precision=_precision(asked.precision),
        date=_day(asked.date),
        contract=contract_type(find_contract(asked.contract)),
        budget_usd=asked.budget,
        deadline_days=asked.deadline,
    )
    return planning.make_plan(
        name,
        architecture,
        goal,
        accelerators=asked.accelerators or planning.DEFAULT_ACCELERATORS,
        counts=asked.counts or planning.DEFAULT_COUNTS,
        own_quotes=_quotes(asked.prices),
        progress=progress,
    )


def spend(
    usd: float,
    *,
    accelerator: str,
    terms: tuple[str, str | None],
    price: float | None,
    prices: Path | None,
    moe: bool,
    precision: str,
) -> Inversion:
    """Returns what the options of `hydrometer cost invert` ask for.

    Args:
        usd: the sum.
        accelerator: what it rents.
        terms: contract and date.
        price: a known price of an hour.
        prices: a user's price file.
        moe: a mixture of experts.
        precision: `bf16` or `fp8`.

    Raises:
        InputError: for an option that cannot be.
    """
    contract, date = terms
    spending = inversion.Spending(
        usd=usd,
        accelerator=accelerator,
        date=_day(date),
        contract=contract_type(find_contract(contract)),
        mixture=moe,
        precision=_precision(precision),
        price_per_hour=price,
    )
    return inversion.invert(spending, own_quotes=_quotes(prices))
