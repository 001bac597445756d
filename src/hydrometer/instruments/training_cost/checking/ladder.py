"""From the headline to the whole: final run, experiments, staff, cluster, company.

Each level answers its own question. The first three are draws from stated priors; the cluster is arithmetic on a
range of chip prices; the company is what others have published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hydrometer.costs.money import (
    acquisition_cost,
    owned_price_per_hour,
    server_power_factor,
    staff_cost,
    training_start_age,
)
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.measured import Measured, citation
from hydrometer.instruments.training_cost.checking.priors import ladder_priors
from hydrometer.instruments.training_cost.estimating.pricing import decimal_year, server_factor
from hydrometer.records.cost_ladder import CostLadder, CostLevel, PriorUsed, Reading, Swing
from hydrometer.records.dossier import Claim
from hydrometer.records.evidence import Range
from hydrometer.records.numbers import readable, usd
from hydrometer.records.prices import PriceQuote
from hydrometer.records.reference import Accelerator
from hydrometer.stats.priors import SplitLognormal
from hydrometer.stats.sensitivity import influences

# By hand, 2026-11-24: the ends of the range then move by less than one per cent from seed to seed.
N_DRAWS = 100_000
_LEVEL = 0.90

Draws = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LadderResult:
    """The ladder and the draws that the headline is judged against.

    Attributes:
        ladder: the record.
        final_run: dollars of the final run, shape (n_draws,); None without hours.
        whole: dollars with experiments and, where contributors are known, staff; same shape.
    """

    ladder: CostLadder
    final_run: Draws | None
    whole: Draws | None


def headline(claims: Claims) -> Claim | None:
    """Returns the total cost that was published: the developer's if there is one, else the first reported."""
    costs = [c for c in claims.dossier.claims if c.quantity == "cost" and claims.phase_of(c) == claims.whole_phase()]
    own = [c for c in costs if claims.party(c) == "developer"]
    return next(iter([*own, *costs]), None)


def build_ladder(
    claims: Claims,
    *,
    rng: np.random.Generator,
    overrides: Sequence[PriorUsed] = (),
    own_quotes: Sequence[PriceQuote] = (),
    n_draws: int = N_DRAWS,
) -> LadderResult:
    """Returns the ladder of one dossier.

    Args:
        claims: the developer's claims.
        rng: source of the draws.
        overrides: priors that replace the dossier's and the package's.
        own_quotes: a user's prices, for the rent where neither dossier nor command line gives it.
        n_draws: draws of the Monte Carlo.
    """
    priors = ladder_priors(claims, overrides=overrides, own_quotes=own_quotes)
    # Every prior is drawn whether used or not, so that replacing one leaves the draws of the others.
    draws = {name: SplitLognormal(p.p5, p.p50, p.p95).sample(n_draws, rng=rng) for name, p in priors.items()}
    levels: list[CostLevel] = []
    hours = _whole_hours(claims)
    final = whole = None
    if hours is not None and "price_per_hour" in priors:
        final = hours.value * draws["price_per_hour"]
        levels.append(_final_level(claims, hours, final, priors["price_per_hour"]))
        levels += _owned_level(claims, hours, priors, draws)
        whole = _add_experiments(claims, final, priors, draws, levels)
        whole = _add_staff(claims, whole, draws, levels)
    levels += _cluster_level(claims, priors, draws)
    readings = _readings(claims)
    levels += _company_levels(readings)
    published = headline(claims)
    used = [p for p in priors.values() if _is_used(p.name, levels, claims)]
    swings = () if whole is None else _swings(used, draws, whole)
    return LadderResult(
        CostLadder(
            headline=_reading(claims, published, "final_run") if published is not None else None,
            levels=tuple(levels),
            readings=readings,
            priors=tuple(used),
            n_draws=n_draws,
            swings=swings,
        ),
        final,
        whole,
    )


def _swings(used: Sequence[PriorUsed], draws: dict[str, Draws], whole: Draws) -> tuple[Swing, ...]:
    # A chip price moves what is bought, not what is rented.
    inputs = {p.name: draws[p.name] for p in used if p.name != "chip_price"}
    return tuple(
        Swing(prior=i.name, low=i.low, high=i.high, rank_correlation=i.rank_correlation)
        for i in influences(inputs, output=whole)
    )


def _range(draws: Draws) -> Range:
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return Range(
        low=float(low),
        middle=float(middle),
        high=float(high),
        unit="USD",
        level=_LEVEL,
        method=f"{len(draws):,} draws from the priors listed: 5 %, 50 % and 95 % points",
    )


def _whole_hours(claims: Claims) -> Measured | None:
    """Returns the hours of the whole training: as stated, or the sum of the phases."""
    stated = claims.hours(claims.whole_phase())
    if stated is not None:
        return stated
    parts = [claims.hours(phase.id) for phase in claims.phases]
    known = [part for part in parts if part is not None]
    return Measured.exact(sum(part.value for part in known)) if known else None


_NEEDS = {
    "price_per_hour": ("final_run",),
    "development_multiplier": ("programme",),
    "full_time_share": ("staff",),
    "pay_per_year": ("staff",),
    "project_years": ("staff",),
    "chip_price": ("final_run_owned", "cluster"),
}
"""The levels that each prior goes into."""


def _is_used(name: str, levels: list[CostLevel], claims: Claims) -> bool:
    if name == "development_multiplier" and claims.number("programme_accelerator_hours", claims.whole_phase()):
        return False  # the hours themselves were published
    return any(level.id in _NEEDS[name] for level in levels)


def _final_level(claims: Claims, hours: Measured, draws: Draws, price: PriorUsed) -> CostLevel:
    return CostLevel(
        id="final_run",
        title="The final run, rented",
        question="What would the accelerators cost you to repeat the final training, knowing everything?",
        usd=_range(draws),
        sources=(f"{readable(hours.value)} accelerator-hours, as published", f"price: {price.source}"),
    )


def _owned_level(
    claims: Claims, hours: Measured, priors: dict[str, PriorUsed], draws: dict[str, Draws]
) -> list[CostLevel]:
    chip = claims.accelerator(claims.phases[0])
    if "chip_price" not in draws or chip.board_power_watts is None:
        return []
    clock = claims.number("wall_clock", claims.whole_phase())
    age = training_start_age(
        publication=decimal_year(claims.dossier.model.released),
        launched=decimal_year(chip.launched),
        duration_days=clock.value if clock is not None else None,
    )
    hourly = owned_price_per_hour(
        chip_price=draws["chip_price"],
        age_years=age,
        board_power_watts=chip.board_power_watts,
        server_factor=server_factor(chip),
        power_factor=server_power_factor(chip.name),
    )
    return [
        CostLevel(
            id="final_run_owned",
            title="The final run, on owned hardware",
            question="What did the same hours cost an owner: loss of value and electricity?",
            usd=_range(hours.value * hourly),
            sources=(_bought_at(chip, priors["chip_price"]), "method: Epoch, arXiv:2405.21015"),
        )
    ]


def _bought_at(chip: Accelerator, price: PriorUsed) -> str:
    return f"{chip.name} at {usd(price.p5)} to {usd(price.p95)}: {price.source}"


def _bounds(low: float, high: float, method: str) -> Range:
    return Range(low=low, middle=(low * high) ** 0.5, high=high, unit="USD", method=method)


def _add_experiments(
    claims: Claims,
    final: Draws,
    priors: dict[str, PriorUsed],
    draws: dict[str, Draws],
    levels: list[CostLevel],
) -> Draws:
    published = claims.number("programme_accelerator_hours", claims.whole_phase())
    hours = _whole_hours(claims)
    if published is not None and hours is not None:
        programme = final * (published.value / hours.value)
        source = (
            f"{readable(published.value)} accelerator-hours of the whole project were published: "
            f"{published.value / hours.value:.2f} times the final run"
        )
    else:
        prior = priors["development_multiplier"]
        programme = final * draws["development_multiplier"]
        source = f"final run × {prior.meaning}: {prior.source}"
    levels.append(
        CostLevel(
            id="programme",
            title="With experiments and failed runs",
            question="What did the accelerators cost to find out how to do it?",
            usd=_range(programme),
            sources=(source,),
        )
    )
    return programme


def _add_staff(claims: Claims, programme: Draws, draws: dict[str, Draws], levels: list[CostLevel]) -> Draws:
    people = claims.number("contributors", claims.whole_phase())
    if people is None:
        return programme
    whole = programme + staff_cost(
        contributors=people.value,
        # The prior's tail passes 1: nobody gives more than all of his time.
        full_time_share=np.minimum(draws["full_time_share"], 1.0),
        years=draws["project_years"],
        pay_per_year=draws["pay_per_year"],
    )
    levels.append(
        CostLevel(
            id="staff",
            title="With the people",
            question="What did it cost them to get there, salaries included?",
            usd=_range(whole),
            sources=(f"{people.value:,.0f} contributors, as published, × share × years × pay (priors below)",),
        )
    )
    return whole


def _cluster_level(claims: Claims, priors: dict[str, PriorUsed], draws: dict[str, Draws]) -> list[CostLevel]:
    sizes = [
        (n.value, claims.accelerator(phase))
        for phase in claims.phases
        if (n := claims.number("n_accelerators", phase.id)) is not None
    ]
    if not sizes:
        return []
    size, chip = max(sizes, key=lambda size: size[0])
    if "chip_price" not in draws:
        return []
    bought = acquisition_cost(n_accelerators=size, chip_price=draws["chip_price"], server_factor=server_factor(chip))
    return [
        CostLevel(
            id="cluster",
            title="Buying the cluster",
            question=f"What does it cost to own the {size:,.0f} accelerators, with servers and network?",
            usd=_range(bought),
            sources=(
                _bought_at(chip, priors["chip_price"]),
                f"× {server_factor(chip)} for servers ÷ (1 - 0.19) for the network: Epoch, arXiv:2405.21015",
            ),
        )
    ]


def _reading(claims: Claims, claim: Claim, level: str) -> Reading:
    return Reading(
        level=level,
        text=claim.note or claim.quantity.replace("_", " "),
        usd=claim.amount,
        relation=claim.relation,
        citation=citation(claims.dossier, claim.source, claim.place),
    )


def _readings(claims: Claims) -> tuple[Reading, ...]:
    levels = {"company_hardware": "company", "company_operation": "company_operation"}
    return tuple(_reading(claims, c, levels[c.quantity]) for c in claims.dossier.claims if c.quantity in levels)


_COMPANY = (
    (
        "company",
        "All of the company's hardware",
        "What has the company spent on accelerators and servers, for every model and use?",
    ),
    ("company_operation", "Running all of it", "What does it cost to run all of the company's accelerators?"),
)


def _company_levels(readings: tuple[Reading, ...]) -> list[CostLevel]:
    levels = []
    for name, title, question in _COMPANY:
        reported = [reading for reading in readings if reading.level == name]
        if reported:
            amounts = [reading.usd for reading in reported]
            usd_ = _bounds(min(amounts), max(amounts), "lowest and highest published reading")
            sources = tuple(dict.fromkeys(reading.citation.title for reading in reported))
            levels.append(CostLevel(id=name, title=title, question=question, usd=usd_, sources=sources))
    return levels
