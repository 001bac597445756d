"""What a person ordered on the command line or in a plan file, made into a target, questions and settings."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from hydrometer.collect.engine import Settings
from hydrometer.collect.money import Budget, price_of
from hydrometer.collect.plan import Plan, plan_questions
from hydrometer.errors import InputError, printable
from hydrometer.records.exchange import Request, Target
from hydrometer.store.files import decode_utf8, read_bytes
from hydrometer.store.probe_sets import read_probes
from hydrometer.store.responses.common import check_model_name
from hydrometer.targets.open import open_target

# Some thousand targets; a bound for files that are no plan.
_LARGEST_PLAN = 1024 * 1024
_RANGES: dict[str, tuple[float, float]] = {
    "concurrency": (1, 1024), "samples": (1, 1000), "max_tokens": (1, 1_000_000), "temperature": (0, 2),
    "top_p": (0, 1), "logprobs": (0, 20), "timeout": (0.1, 86_400), "attempts": (1, 100), "ray": (1, 1024),
}  # fmt: skip
"""Of a plan's numbers, as the command line has them; others are 0 or more."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One target to ask; the fields are the options of `hydrometer ask` and the keys of a plan file."""

    target: str | None = None
    model: str | None = None
    probes: str | None = None
    concurrency: int = 8
    samples: int = 1
    canaries: int | None = None
    system: str | None = None
    # By hand, 2026-11-25, as are two minutes: long answers are cut and marked, and a silent server is given up.
    max_tokens: int = 1024
    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None
    logprobs: int = 0
    completions: bool = False
    key_env: str | None = None
    keyring: str | None = None
    header: tuple[str, ...] = ()
    timeout: float = 120.0
    attempts: int = 8
    max_requests: int | None = None
    max_tokens_total: int | None = None
    max_usd: float | None = None
    usd_per_million_in: float | None = None
    usd_per_million_out: float | None = None
    retry_failed: bool = False
    ray: int | None = None

    def open(self) -> tuple[Target, Plan]:
        """Opens the target and lays out the questions; sends nothing.

        Raises:
            InputError: naming the option that cannot be used.
        """
        if not self.target:
            raise InputError("nobody to ask", cure="give a TARGET, or --plan FILE.toml", where="ask")
        if self.probes is None:
            raise InputError("nothing to ask", cure="give --probes FILE", where="--probes")
        if self.model is not None:
            # Response files refuse such a name: what was paid for could not be read again.
            check_model_name(self.model, where="--model")
        probes = read_probes(self.probes).probes
        target = self._target(self.target)
        base = Request(
            prompt="", system=self.system, max_tokens=self.max_tokens, temperature=self.temperature,
            top_p=self.top_p, seed=self.seed, top_logprobs=self.logprobs,
        )  # fmt: skip
        return target, plan_questions(probes, base=base, samples=self.samples, canaries=self.canaries)

    def _target(self, name: str) -> Target:
        endpoint: dict[str, Any] = {}
        if name.startswith(("http://", "https://")):
            endpoint = {
                "completions": self.completions, "key_variable": self.key_env, "keyring": self.keyring,
                "headers": _headers(self.header), "timeout": self.timeout,
            }  # fmt: skip
        elif name.startswith("inspect:"):
            endpoint = {"timeout": self.timeout}
        if not self.ray:
            return open_target(name, model=self.model, **endpoint)
        from hydrometer.targets.ray_target import RayTarget

        return RayTarget(name, workers=self.ray, model=self.model, **endpoint)

    def settings(self) -> Settings:
        """Returns how the questions are to be asked.

        Raises:
            InputError: if one of the prices is missing, or both are and there is a limit in dollars.
        """
        price = price_of(self.usd_per_million_in, self.usd_per_million_out)
        budget = Budget(requests=self.max_requests, tokens=self.max_tokens_total, usd=self.max_usd, price=price)
        return Settings(
            concurrency=self.concurrency, budget=budget, attempts=self.attempts, retry_failed=self.retry_failed
        )


def orders_from(order: Order, *, store: Path | None, plan: Path | None) -> Iterator[tuple[Order, Path]]:
    """Yields every target to ask with its store: one from the options, or all of a plan file.

    Everything is checked before the first is yielded.

    Raises:
        InputError: naming the option, or the place in the plan, that cannot be used.
    """
    if plan is not None and order.target is not None:
        raise InputError("a plan names its targets itself", cure="give a TARGET or --plan, not both", where="--plan")
    if plan is None:
        if store is None:
            raise InputError("nowhere to keep the answers", cure="give --store FILE.db", where="--store")
        order.settings()
        _refuse_idle(order)
        yield order, store
        return
    found = list(_read_plan(plan, order, store))
    for one, _ in found:
        one.settings()
    yield from found


def _refuse_idle(order: Order) -> None:
    """Refuses options that would change nothing: who gives them expects that they do.

    In a plan they may stand above targets of several kinds.
    """
    idle = [name for name in ("completions", "key_env", "keyring", "header") if getattr(order, name)]
    if idle and order.target is not None and not order.target.startswith(("http://", "https://")):
        raise InputError(
            "only endpoints take it", cure="give http(s)://..., or leave it out", where=f"--{idle[0].replace('_', '-')}"
        )


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            # The line may hold a key, so it is not shown.
            raise InputError("no usable header", cure="write 'NAME: VALUE' or 'NAME: env:VARIABLE'", where="--header")
        headers[name.strip()] = value.strip()
    return headers


def _read_plan(path: Path, order: Order, store: Path | None) -> Iterator[tuple[Order, Path]]:
    text = decode_utf8(read_bytes(path, limit=_LARGEST_PLAN, what="plan (TOML)"), where=str(path))
    try:
        plan = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"not TOML ({error})", cure="see docs/ask.md for a plan", where=str(path)) from None
    entries = plan.pop("target", None)
    if not isinstance(entries, list) or not entries or not all(isinstance(e, dict) for e in entries):
        raise InputError("names no targets", cure="write one [[target]] for each", where=str(path))
    common = _checked(plan, where=str(path))
    for number, entry in enumerate(entries, start=1):
        where = f"{path} target {number}"
        given = common | _checked(entry, where=where)
        address = given.pop("address", None)
        place = given.pop("store", str(store) if store is not None else None)
        if address is None or place is None:
            missing = "address" if address is None else "store"
            raise InputError(f"'{missing}' is missing", cure=f"add {missing} = '...'", where=where)
        yield replace(order, target=address, **given), Path(place)


def _checked(given: dict[str, Any], *, where: str) -> dict[str, Any]:
    """Returns the keys of a plan with values of the right kind."""
    kinds = {field.name: str(field.type) for field in fields(Order) if field.name != "target"}
    kinds |= {"address": "str", "store": "str"}
    checked: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        kind = kinds.get(name)
        if kind is None:
            raise InputError(
                f"unknown key '{printable(key, limit=40)}'", cure=f"known: {', '.join(kinds)}", where=where
            )
        if kind.startswith("float") and type(value) is int:
            value = float(value)
        if kind.startswith("tuple"):
            fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
            checked[name] = tuple(value) if fits else ()
        else:
            wanted = {"str": str, "int": int, "float": float, "bool": bool}[kind.removesuffix(" | None")]
            least, most = _RANGES.get(name, (0, math.inf))
            # So that what is no number does not fit either.
            fits = type(value) is wanted and not (isinstance(value, int | float) and not least <= value <= most)
            kind = kind if name not in _RANGES else f"{kind.removesuffix(' | None')}, {least:.10g} to {most:.10g}"
            checked[name] = value
        if not fits:
            raise InputError(f"'{key}' has no usable value", cure=f"give {kind}", where=where)
    return checked
