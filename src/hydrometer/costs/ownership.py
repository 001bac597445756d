"""What owning an accelerator for an hour costs, line by line: the build-up that a cluster's owner does.

References:
    Barroso, Hölzle and Ranganathan, "The Datacenter as a Computer" (3rd edition 2018), chapter 6 (capital and
    operating lines); SemiAnalysis's AI Cloud TCO splits rents in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from hydrometer.costs.money import HOURS_PER_YEAR

_MONTHS_PER_YEAR = 12.0


@dataclass(frozen=True, kw_only=True)
class Ownership:
    """What a cluster is bought and run for, per accelerator.

    Attributes:
        server_usd: the server's price over its accelerators.
        network_usd: switches, cables and optics of the cluster.
        storage_usd: storage and control nodes.
        all_in_kilowatts: power of the server and its share of network and storage, at full load.
        life_years: years over which it is written off; nothing is left then.
        capital_cost: yearly interest on what is tied up, a fraction.
        hosting_usd_per_kilowatt_month: rent of space, power feed and cooling, electricity left out.
        usd_per_kwh: price of electricity.
        pue: data centre power over server power.
        average_share: average over full load.
        support_share: yearly upkeep and staff, as a share of what was paid.
        rented_share: share of all hours that somebody pays for.
    """

    server_usd: float
    network_usd: float
    storage_usd: float
    all_in_kilowatts: float
    life_years: float
    capital_cost: float
    hosting_usd_per_kilowatt_month: float
    usd_per_kwh: float
    pue: float
    average_share: float
    support_share: float
    rented_share: float


@dataclass(frozen=True)
class OwnershipCost:
    """USD per paid accelerator-hour, by line."""

    server: float
    network: float
    storage: float
    hosting: float
    power: float
    support: float
    capital: float

    @property
    def total(self) -> float:
        """The sum of the lines."""
        return float(sum(getattr(self, line.name) for line in fields(self)))


def annuity(*, rate: float, years: float) -> float:
    """Returns the yearly payment that pays back 1 with interest in equal parts: r / (1 - (1+r)^-n)."""
    return 1.0 / years if rate == 0 else rate / (1.0 - (1.0 + rate) ** -years)


def ownership_cost(plan: Ownership) -> OwnershipCost:
    """Returns what a paid hour of one accelerator costs its owner.

    Capital is the annuity less straight writing-off, on all that was bought.
    """
    # Idle hours cost the owner too: every line is divided by paid hours.
    hours = HOURS_PER_YEAR * plan.rented_share
    bought = plan.server_usd + plan.network_usd + plan.storage_usd
    written_off = 1.0 / (plan.life_years * hours)
    interest = annuity(rate=plan.capital_cost, years=plan.life_years) - 1.0 / plan.life_years
    energy = plan.all_in_kilowatts * plan.average_share * plan.pue * HOURS_PER_YEAR * plan.usd_per_kwh
    return OwnershipCost(
        server=plan.server_usd * written_off,
        network=plan.network_usd * written_off,
        storage=plan.storage_usd * written_off,
        hosting=plan.all_in_kilowatts * plan.hosting_usd_per_kilowatt_month * _MONTHS_PER_YEAR / hours,
        power=energy / hours,
        support=bought * plan.support_share / hours,
        capital=bought * interest / hours,
    )
