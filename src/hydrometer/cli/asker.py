"""Opens models that a command asks: subject, judge, helper."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hydrometer.collect.asking import Asker
    from hydrometer.collect.money import Estimate


def ask_before(model: str, estimate: Estimate, *, where: str) -> None:
    """Asks the person whether requests that cost money may be sent.

    Raises:
        InputError: if nobody can be asked.
        typer.Abort: if they may not.
    """
    from hydrometer.errors import InputError
    from hydrometer.report.collection import estimate_line

    typer.echo(estimate_line(model, estimate), err=True)
    if not sys.stdin.isatty():
        raise InputError("nobody can be asked whether to go on", cure="add --yes", where=where)
    typer.confirm("Send them?", default=False, abort=True, err=True)


@dataclass(frozen=True, kw_only=True)
class Purse:
    """How models are asked, and what may be spent on each of them."""

    store: Path | None
    concurrency: int
    max_requests: int | None
    max_usd: float | None
    usd_in: float | None
    usd_out: float | None
    key_env: str | None
    yes: bool

    def asker(self, address: str, *, model: str | None, option: str) -> Asker:
        """Returns what asks a model; sends nothing yet.

        Raises:
            InputError: if there is no store, one of the prices is missing, or the address stands for nothing.
        """
        from hydrometer.collect.asking import Asker
        from hydrometer.collect.engine import Settings
        from hydrometer.collect.money import Budget, price_of
        from hydrometer.errors import InputError
        from hydrometer.targets.open import open_target

        if self.store is None:
            raise InputError("nowhere to keep the answers", cure="give --store FILE.db", where=option)
        budget = Budget(requests=self.max_requests, usd=self.max_usd, price=price_of(self.usd_in, self.usd_out))
        extra = {"key_variable": self.key_env} if address.startswith(("http://", "https://")) else {}
        target = open_target(address, model=model, **extra)

        def confirm(estimate: Estimate) -> None:
            if not self.yes and target.capabilities.billed:
                ask_before(target.model, estimate, where=option)

        return Asker(
            lambda: open_target(address, model=model, **extra),
            self.store,
            settings=Settings(concurrency=self.concurrency, budget=budget),
            confirm=confirm,
        )
