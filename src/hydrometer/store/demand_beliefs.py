"""Beliefs about demand and measured elasticities: the shipped ones, a user's file, and what the command line states."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hydrometer.errors import InputError
from hydrometer.records.demand import DemandPrior, Distribution, ElasticityEstimate, Origin
from hydrometer.records.dossier import nearest
from hydrometer.store.files import decode_utf8, read_bytes, shipped

# Limits by hand, 2026-11-26.
_LARGEST_FILE = 256 * 1024
_MOST_ESTIMATES = 500
_POINTS: dict[Distribution, tuple[str, ...]] = {
    "fixed": ("VALUE",),
    "uniform": ("LOW", "HIGH"),
    "triangular": ("LOW", "MODE", "HIGH"),
    "normal": ("MEAN", "SD"),
}
_SUPPORT = {
    # Bounds of what a number can mean, by hand, 2026-11-26: the published elasticities end at 1.2; an inertia of 1 has
    # no long run.
    "own_elasticity": (0.0, 20.0),
    "business_stealing": (0.0, 1.0),
    "inertia": (0.0, 0.99),
    "pass_through": (0.0, 2.0),
    "token_intensity": (0.0, 20.0),
    "supply_elasticity": (1e-6, 1000.0),
    "short_run_elasticity": (0.0, 20.0),
    "long_run_elasticity": (0.0, 100.0),
}
_GIVEN_OUTRIGHT = {
    "short_run_elasticity": "short-run price elasticity of the whole market's tokens, given outright",
    "long_run_elasticity": "long-run price elasticity of the whole market's tokens, given outright",
}
"""Numbers that otherwise follow from the others; a user may state them instead."""
_ESTIMATE_KEYS = ("name", "elasticity", "standard_error", "date", "identifies", "source")


@dataclass(frozen=True)
class Beliefs:
    """Priors by name, and measured elasticities.

    Attributes:
        priors: by name.
        estimates: of the pool.
        own: the user's own measurements of the case at hand.
    """

    priors: Mapping[str, DemandPrior]
    estimates: tuple[ElasticityEstimate, ...]
    own: tuple[ElasticityEstimate, ...] = ()


@cache
def shipped_beliefs() -> Beliefs:
    """Returns the priors and estimates of data/demand_priors.toml."""
    return _parse(tomllib.loads(shipped("demand_priors.toml")), where="demand_priors.toml", origin="default")


def read_beliefs(path: Path | None, *, priors: Sequence[str] = (), own: Sequence[str] = ()) -> Beliefs:
    """Returns the shipped beliefs with a user's file and command-line statements in their place.

    Args:
        path: a TOML file with `[[priors]]`, `[[estimates]]` or both, if any.
        priors: `NAME=VALUE` or `NAME=uniform:LOW,HIGH` (triangular, normal), each name at most once.
        own: `NAME=ELASTICITY,STANDARD_ERROR`, the user's own measurements.

    Raises:
        InputError: for what cannot be read, unknown names, and numbers out of bounds.
    """
    found = shipped_beliefs()
    if path is not None:
        content = decode_utf8(read_bytes(path, limit=_LARGEST_FILE, what="file of priors (TOML)"), where=str(path))
        try:
            data = tomllib.loads(content)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            raise InputError(f"not TOML ({error})", cure="correct the line", where=str(path)) from None
        given = _parse(data, where=str(path), origin="file")
        if not given.priors and not given.estimates:
            raise InputError("no [[priors]] and no [[estimates]]", cure="see docs/demand.md", where=str(path))
        found = Beliefs({**found.priors, **given.priors}, given.estimates or found.estimates)
    stated: dict[str, DemandPrior] = {}
    for text in priors:
        prior = _stated_prior(text)
        if prior.name in stated:
            raise InputError(f"--prior {prior.name} is given twice", cure="give each prior once")
        stated[prior.name] = prior
    return replace(found, priors={**found.priors, **stated}, own=tuple(map(_stated_estimate, own)))


def _parse(data: Mapping[str, Any], *, where: str, origin: Origin) -> Beliefs:
    for key in data:
        if key not in {"date", "priors", "estimates"}:
            cure = nearest(key, ("priors", "estimates"))
            raise InputError(f"unknown key '{key[:40]}'", cure=cure, where=where)
    priors: dict[str, DemandPrior] = {}
    for place, row in _tables(data, "priors", where=where):
        prior = _prior_of(row, where=place, origin=origin)
        if prior.name in priors:
            raise InputError(f"prior '{prior.name}' is there twice", cure="keep one", where=place)
        priors[prior.name] = prior
    estimates = tuple(_estimate(row, where=p, origin=origin) for p, row in _tables(data, "estimates", where=where))
    if len(estimates) > _MOST_ESTIMATES:
        raise InputError(f"{len(estimates)} estimates", cure=f"give at most {_MOST_ESTIMATES}", where=where)
    return Beliefs(priors, estimates)


def _tables(data: Mapping[str, Any], key: str, *, where: str) -> list[tuple[str, dict[str, Any]]]:
    rows = data.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{key} are not tables", cure=f"begin every one with a line [[{key}]]", where=where)
    return [(f"{where} {key}[{number}]", row) for number, row in enumerate(rows, start=1)]


def _prior_of(row: Mapping[str, Any], *, where: str, origin: Origin) -> DemandPrior:
    name = _text(row, "name", where=where)
    meaning = _meaning(name, where=where) if origin != "default" else _text(row, "meaning", where=where)
    kinds = [kind for kind in _POINTS if kind in row]
    for key in row:
        if key not in {*_POINTS, "name", "meaning", "source"}:
            known = [*_POINTS, "name", "meaning", "source"]
            raise InputError(f"unknown key '{str(key)[:40]}'", cure=nearest(str(key), known), where=where)
    if len(kinds) != 1:
        cure = "give one of fixed, uniform, triangular or normal"
        raise InputError(f"prior '{name}' has {len(kinds)} distributions", cure=cure, where=where)
    values = row[kinds[0]]
    points = _numbers(values if isinstance(values, list) else [values], where=where)
    source = _text(row, "source", where=where)
    return _checked(name, meaning, kinds[0], points, source=source, origin=origin, where=where)


def _stated_prior(text: str) -> DemandPrior:
    name, _, value = text.partition("=")
    name = name.strip()
    meaning = _meaning(name, where="--prior")
    kind, colon, numbers = value.partition(":")
    chosen = next((k for k in _POINTS if k == kind.strip()), None) if colon else "fixed"
    if chosen is None:
        raise InputError(f"unknown distribution '{kind[:40]}'", cure=nearest(kind, list(_POINTS)), where="--prior")
    parts = (numbers if colon else value).split(",")
    if not colon and len(parts) > 1:
        cure = f"say which: --prior {name}=uniform:LOW,HIGH or triangular:LOW,MODE,HIGH or normal:MEAN,SD"
        raise InputError(f"'{value[:60]}' names no distribution", cure=cure, where=f"--prior {name}")
    points = _numbers(parts, where=f"--prior {name}")
    return _checked(
        name, meaning, chosen, points, source="the command line", origin="command line", where=f"--prior {name}"
    )


def _meaning(name: str, *, where: str) -> str:
    known = {prior.name: prior.meaning for prior in shipped_beliefs().priors.values()} | _GIVEN_OUTRIGHT
    if name not in known:
        raise InputError(f"unknown prior '{name[:60]}'", cure=nearest(name, sorted(known)), where=where)
    return known[name]


def _checked(
    name: str, meaning: str, kind: Distribution, points: tuple[float, ...], *, source: str, origin: Origin, where: str
) -> DemandPrior:
    needed = _POINTS[kind]
    if len(points) != len(needed):
        raise InputError(f"{kind} needs {len(needed)} numbers, not {len(points)}", cure=",".join(needed), where=where)
    if kind != "normal" and list(points) != sorted(points):
        raise InputError(f"{kind} {list(points)} is out of order", cure=f"give {', '.join(needed)}", where=where)
    if kind == "normal" and points[1] < 0:
        raise InputError("the standard deviation is negative", cure="give MEAN,SD", where=where)
    low, high = _SUPPORT[name]
    outside = points[:1] if kind == "normal" else points
    if not all(low <= point <= high for point in outside):
        raise InputError(f"{name} must lie between {low:g} and {high:g}", cure="correct the numbers", where=where)
    return DemandPrior(name=name, meaning=meaning, distribution=kind, points=points, source=source, origin=origin)


def support(name: str) -> tuple[float, float]:
    """Returns the bounds of a prior; draws beyond them are set to the bound."""
    return _SUPPORT[name]


def _estimate(row: Mapping[str, Any], *, where: str, origin: Origin) -> ElasticityEstimate:
    for key in row:
        if key not in _ESTIMATE_KEYS:
            raise InputError(f"unknown key '{str(key)[:40]}'", cure=nearest(str(key), _ESTIMATE_KEYS), where=where)
    for key in ("elasticity", "standard_error"):
        if key not in row:
            raise InputError(f"no '{key}'", cure="add it", where=where)
    date = row.get("date")
    if not isinstance(date, dt.date) or isinstance(date, dt.datetime):
        raise InputError("no date", cure="add date = 2026-08-22, without quotation marks", where=where)
    value, error = _numbers([row["elasticity"], row["standard_error"]], where=where)
    return _measured(
        ElasticityEstimate(
            name=_text(row, "name", where=where), elasticity=value, standard_error=error, date=date,
            identifies=str(row.get("identifies", "not stated"))[:400], source=_text(row, "source", where=where),
            origin=origin,
        ),
        where=where,
    )  # fmt: skip


def _stated_estimate(text: str) -> ElasticityEstimate:
    name, equals, numbers = text.rpartition("=")
    parts = numbers.split(",")
    if not equals or len(parts) != 2:
        cure = "write --estimate my-market=0.8,0.2: elasticity and its standard error"
        raise InputError(f"'{text[:60]}' is not NAME=ELASTICITY,STANDARD_ERROR", cure=cure, where="--estimate")
    value, error = _numbers(parts, where="--estimate")
    return _measured(
        ElasticityEstimate(
            name=name.strip() or "own", elasticity=value, standard_error=error, date=None,
            identifies="own model, short run, as given", source="the command line", origin="command line",
        ),
        where="--estimate",
    )  # fmt: skip


def _measured(estimate: ElasticityEstimate, *, where: str) -> ElasticityEstimate:
    if not 0.001 <= estimate.standard_error <= 100:
        raise InputError(
            f"standard error {estimate.standard_error:g}", cure="give a positive one, 0.001 or more", where=where
        )
    if abs(estimate.elasticity) > 100:
        raise InputError(f"elasticity {estimate.elasticity:g}", cure="give it as a number like 0.8", where=where)
    return estimate


def _text(row: Mapping[str, Any], key: str, *, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        why = "every number has its source" if key == "source" else "it is needed"
        raise InputError(f"no '{key}'", cure=f"add it: {why}", where=where)
    return value.strip()[:400]


def _numbers(values: Sequence[object], *, where: str) -> tuple[float, ...]:
    found = []
    for value in values:
        try:
            number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise InputError(f"'{str(value)[:40]}' is not a number", cure="give numbers like 0.8", where=where)
        found.append(number)
    return tuple(found)
