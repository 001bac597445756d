"""Simulated markets of known elasticity, with everything planted that spoils naive estimates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from hydrometer.store.demand_series import Series, SeriesRow

START = dt.date(2026, 1, 1)


@dataclass(frozen=True)
class World:
    """A market.

    Attributes:
        n_models: models.
        n_days: days.
        elasticity: mean over models.
        spread: standard deviation over models.
        events: mean number of announced list-price changes a model.
        simultaneity: by how much the log price paid rises with a log demand shock (peak prices, lost cache hits).
        quality: correlation of a model's level of demand with its level of price (better ones cost and sell more).
        drift: mean log change of demand a day, as models age; half of it is also its spread over models.
        ramp: mean log size of the launch ramp of models that come out within the span.
        young: share of such models.
        growth: of the platform, log a day.
        shock: standard deviation of demand shocks.
        memory: of demand shocks from day to day.
        timing: how much announced price changes answer the demand shock of the week before (0: not at all).
        jump: standard deviation of a demand shock on the very day of an event, correlated with the event's direction.
        inertia: share of demand that stays from day to day.
        paid: whether the file tells prices paid.
        vendors: models of one vendor event on one day.
        tails: degrees of freedom of the shocks' Student distribution; 0 for normal ones.
        size: smallest and largest announced price change of the log price.
        every: days between rows.
    """

    n_models: int = 40
    n_days: int = 180
    elasticity: float = 0.6
    spread: float = 0.25
    events: float = 0.9
    simultaneity: float = 0.4
    quality: float = 0.7
    drift: float = -0.004
    ramp: float = 2.0
    young: float = 0.4
    growth: float = 0.006
    shock: float = 0.35
    memory: float = 0.8
    timing: float = 0.0
    jump: float = 0.0
    inertia: float = 0.0
    paid: bool = True
    vendors: int = 0
    tails: float = 0.0
    size: tuple[float, float] = (0.2, 1.2)
    every: int = 1


def _shocks(world: World, rng: np.random.Generator) -> np.ndarray:
    shape = (world.n_models, world.n_days)
    if world.tails:
        noise = rng.standard_t(world.tails, shape) / np.sqrt(world.tails / (world.tails - 2))
        noise *= world.shock * np.sqrt(1 - world.memory**2)
    else:
        noise = rng.normal(0, world.shock * np.sqrt(1 - world.memory**2), shape)
    shock = np.zeros_like(noise)
    shock[:, 0] = rng.normal(0, world.shock, world.n_models)
    for t in range(1, world.n_days):
        shock[:, t] = world.memory * shock[:, t - 1] + noise[:, t]
    return shock


def simulate(world: World, rng: np.random.Generator) -> Series:
    """Returns one draw of a market as a file would hold it."""
    u, t = world.n_models, np.arange(world.n_days)
    level = rng.normal(0, 1, u)
    # Better models cost more and sell more: levels of price and demand rise together.
    price0 = np.log(3.0) + 0.8 * level
    demand0 = 3.0 + 1.2 * (world.quality * level + np.sqrt(1 - world.quality**2) * rng.normal(0, 1, u))
    epsilon = np.maximum(rng.normal(world.elasticity, world.spread, u), 0.0)
    shock = _shocks(world, rng)
    steps = np.zeros((u, world.n_days))
    event = np.zeros((u, world.n_days), dtype=bool)
    shared = rng.integers(20, world.n_days - 20, max(world.vendors, 1))
    launched = np.where(rng.random(u) < world.young, rng.integers(1, world.n_days // 2, u), -rng.integers(60, 400, u))
    for i in range(u):
        for _ in range(rng.poisson(world.events)):
            at = int(shared[i % world.vendors]) if world.vendors else int(rng.integers(3, world.n_days - 3))
            if event[i, at] or at < launched[i] + 3:
                continue
            past = shock[i, max(at - 7, 0) : at].mean()
            pull = rng.normal() * (1 - world.timing) + world.timing * past / world.shock * 2
            cut = -1.0 if pull < 0.4 else 1.0  # two cuts for every increase
            steps[i, at] = cut * rng.uniform(*world.size)
            event[i, at] = True
            shock[i, at:] += world.jump * cut * world.memory ** np.arange(world.n_days - at)
    listed = price0[:, None] + steps.cumsum(axis=1)
    paid = listed + world.simultaneity * shock + rng.normal(0, 0.05, shock.shape)
    age = t[None, :] - launched[:, None]
    ramp = -rng.gamma(4, world.ramp / 4, u)[:, None] * np.exp(-np.maximum(age, 0) / rng.uniform(7, 25, u)[:, None])
    drift = rng.normal(world.drift, abs(world.drift) / 2 + 1e-12, u)[:, None] * np.maximum(age, 0)
    platform = world.growth * t + rng.normal(0, 0.03, world.n_days).cumsum() * 0.5 + 0.1 * np.sin(2 * np.pi * t / 7)
    price = paid if world.paid else listed
    response = -epsilon[:, None] * (price - price0[:, None])
    if world.inertia:
        for k in range(1, world.n_days):
            response[:, k] = world.inertia * response[:, k - 1] + (1 - world.inertia) * response[:, k]
    log_q = demand0[:, None] + platform[None, :] + drift + ramp + response + shock
    rows = [
        SeriesRow(
            date=START + dt.timedelta(days=int(k) * world.every),
            model=f"model-{i:03d}",
            vendor=f"vendor-{i % world.vendors}" if world.vendors else "",
            price=float(np.exp(listed[i, k])),
            effective_price=float(np.exp(paid[i, k])) if world.paid else None,
            quantity=float(np.exp(log_q[i, k])),
            platform=None,
            launched=START + dt.timedelta(days=int(launched[i]) * world.every),
            event=False,
            rationed=False,
        )
        for i in range(u)
        for k in range(max(int(launched[i]), 0), world.n_days)
    ]
    columns = {"model", "launched"} | ({"effective_price"} if world.paid else set())
    columns |= {"vendor"} if world.vendors else set()
    return Series(tuple(rows), frozenset(columns), "simulated", "")


BASE = World()
WORLDS: dict[str, tuple[World, str]] = {
    "everything planted": (BASE, "simultaneity, quality, drift, ramps, growth"),
    "simultaneity alone": (
        replace(BASE, drift=0.0, young=0.0, quality=0.0, growth=0.0),
        "the price paid follows demand",
    ),
    "drift alone": (replace(BASE, simultaneity=0.0, young=0.0, quality=0.0), "models fade, the platform grows"),
    "launch ramps": (replace(BASE, simultaneity=0.0, quality=0.0, drift=0.0, young=0.9), "nine models in ten are new"),
    "an elastic market": (replace(BASE, elasticity=1.3), "everything planted, mean elasticity 1.3"),
    "list prices only": (replace(BASE, paid=False), "no price paid is told, and list prices do not follow demand"),
    "twelve models": (replace(BASE, n_models=12), "everything planted, about ten events"),
    "vendors event together": (replace(BASE, vendors=10), "everything planted, all of a vendor's events on one day"),
}
"""Worlds that the assumptions allow; looked at while the method was built."""
FRESH: dict[str, tuple[World, str]] = {
    "restless demand": (replace(BASE, tails=3.0, memory=0.95, shock=0.5), "heavy tails, long memory, larger shocks"),
    "small events": (replace(BASE, size=(0.06, 0.3)), "events of 6 to 30 %"),
    "weekly rows": (replace(BASE, every=7, n_days=80, memory=0.5, growth=0.02, drift=-0.01), "a row a week"),
    "all alike": (replace(BASE, spread=0.0), "every model has the same elasticity"),
}
"""Worlds that the assumptions allow; run once, after the method was finished."""
SLOW: dict[str, tuple[World, str]] = {
    "slow response": (replace(BASE, inertia=0.9), "nine tenths of demand stays from day to day"),
    "slow, vendors together": (replace(BASE, inertia=0.9, vendors=10), "the same, all of a vendor's events on one day"),
    "slow, twelve models": (replace(BASE, inertia=0.9, n_models=12), "the same with about ten events"),
    "a few days": (replace(BASE, inertia=0.7), "seven tenths of demand stays from day to day"),
    "months": (replace(BASE, inertia=0.97), "97 % of demand stays: a quarter of the response comes after six weeks"),
}
"""Worlds in which use takes its time; the truth is the final response."""
BROKEN: dict[str, tuple[World, str]] = {
    "events follow demand": (replace(BASE, timing=0.9), "cuts are announced after a weak week"),
    "events meet a shock": (replace(BASE, jump=0.3), "demand jumps by 0.3 on the day of an event"),
}
"""Worlds that break an assumption: the method must fail here, and the question is how often it says so."""
