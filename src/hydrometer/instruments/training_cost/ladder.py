"""From the headline to the whole: final run, experiments, staff, cluster, company.

Each rung answers its own question. The first three are draws from stated priors; the cluster is arithmetic on a
range of chip prices; the company is what others have published.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hydrometer.costs.money import acquisition_cost, owned_price_per_hour, staff_cost
from hydrometer.instruments.training_cost.claims import Claims
from hydrometer.instruments.training_cost.measured import Measured, citation
from hydrometer.records.dossier import Claim, PriorName
from hydrometer.records.evidence import CostLadder, PriorUsed, Reading, Rung
from hydrometer.records.evidence_base import Range
from hydrometer.records.numbers import readable, usd
from hydrometer.stats.priors import SplitLognormal
from hydrometer.store.reference import default_priors

N_DRAWS = 100_000
_LEVEL = 0.90
_YEAR_DAYS = 365.25
_AVAILABLE_AFTER = dt.timedelta(days=90)

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
    """Returns the total cost that was published: the developer's if there is one, else the first told."""
    costs = [c for c in claims.dossier.claims if c.quantity == "cost" and claims.phase_of(c) == claims.whole_phase()]
    own = [c for c in costs if claims.party(c) == "developer"]
    return next(iter([*own, *costs]), None)


def build_ladder(claims: Claims, *, rng: np.random.Generator) -> LadderResult:
    """Returns the ladder of one dossier.

    Args:
        claims: the developer's claims.
        rng: source of the draws.
    """
    priors = _priors(claims)
    rungs: list[Rung] = []
    hours = _whole_hours(claims)
    final = whole = None
    if hours is not None and "price_per_hour" in priors:
        final = hours.value * _draw(priors["price_per_hour"], rng)
        rungs.append(_final_rung(claims, hours, final, priors["price_per_hour"]))
        rungs += _owned_rung(claims, hours)
        whole = _add_experiments(claims, final, priors, rng, rungs)
        whole = _add_staff(claims, whole, priors, rng, rungs)
    rungs += _cluster_rung(claims)
    readings = _readings(claims)
    rungs += _company_rung(readings)
    published = headline(claims)
    used = [p for p in priors.values() if _is_used(p.name, rungs, claims)]
    return LadderResult(
        CostLadder(
            headline=_reading(claims, published, "final_run") if published is not None else None,
            rungs=tuple(rungs),
            readings=readings,
            priors=tuple(used),
            n_draws=N_DRAWS,
        ),
        final,
        whole,
    )


def _draw(prior: PriorUsed, rng: np.random.Generator) -> Draws:
    return SplitLognormal(prior.p5, prior.p50, prior.p95).sample(N_DRAWS, rng=rng)


def _range(draws: Draws) -> Range:
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return Range(
        low=float(low),
        middle=float(middle),
        high=float(high),
        unit="USD",
        level=_LEVEL,
        method=f"{N_DRAWS:,} draws from the priors listed: 5 %, 50 % and 95 % points",
    )


def _whole_hours(claims: Claims) -> Measured | None:
    """Returns the hours of the whole training: as stated, or the sum of the phases."""
    stated = claims.hours(claims.whole_phase())
    if stated is not None:
        return stated
    parts = [claims.hours(phase.id) for phase in claims.phases]
    known = [part for part in parts if part is not None]
    return Measured.exact(sum(part.value for part in known)) if known else None


def _priors(claims: Claims) -> dict[PriorName, PriorUsed]:
    """Returns every prior: the dossier's own, else the price table's and the package's."""
    found = {prior.name: PriorUsed(**prior.model_dump(), from_dossier=False) for prior in default_priors().values()}
    chips = [claims.accelerator(phase) for phase in claims.phases]
    price = next((price for chip in chips for price in chip.prices if price.typical is not None), None)
    if price is not None and price.typical is not None:
        found["price_per_hour"] = PriorUsed(
            name="price_per_hour",
            meaning=f"rent of one {chips[0].name} for an hour",
            p5=min(p.low for p in chips[0].prices),
            p50=price.typical,
            p95=price.high,
            unit="USD per accelerator-hour",
            source=f"{price.source} ({price.as_of}); low end: the lowest price seen, owning included",
            from_dossier=False,
        )
    meanings = {"price_per_hour": ("price of one accelerator-hour", "USD per accelerator-hour")}
    for own in claims.dossier.priors:
        known = found.get(own.name)
        meaning, unit = (known.meaning, known.unit) if known else meanings[own.name]
        where = citation(claims.dossier, own.source, own.place)
        found[own.name] = PriorUsed(
            name=own.name,
            meaning=meaning,
            p5=float(own.p5),
            p50=float(own.p50),
            p95=float(own.p95),
            unit=unit,
            source=f"{where.title}: {where.place}",
            from_dossier=True,
        )
    return found


def _is_used(name: str, rungs: list[Rung], claims: Claims) -> bool:
    if name == "development_multiplier" and claims.number("programme_accelerator_hours", claims.whole_phase()):
        return False  # the hours themselves were published
    needs = {
        "price_per_hour": "final_run",
        "development_multiplier": "programme",
        "full_time_share": "staff",
        "pay_per_year": "staff",
        "project_years": "staff",
    }
    return any(rung.id == needs[name] for rung in rungs)


def _final_rung(claims: Claims, hours: Measured, draws: Draws, price: PriorUsed) -> Rung:
    return Rung(
        id="final_run",
        title="The final run, rented",
        question="What would the accelerators cost you to repeat the final training, knowing everything?",
        usd=_range(draws),
        sources=(f"{readable(hours.value)} accelerator-hours, as published", f"price: {price.source}"),
    )


def _owned_rung(claims: Claims, hours: Measured) -> list[Rung]:
    chips = [claims.accelerator(phase) for phase in claims.phases]
    chip = chips[0]
    if chip.purchase is None or chip.board_power_watts is None:
        return []
    start = claims.dossier.model.released - dt.timedelta(days=120)
    age = max((start - chip.launched - _AVAILABLE_AFTER).days / _YEAR_DAYS, 0.0)
    low, high = (
        hours.value * owned_price_per_hour(chip_price=price, age_years=age, board_power_watts=chip.board_power_watts)
        for price in (chip.purchase.low, chip.purchase.high)
    )
    return [
        Rung(
            id="final_run_owned",
            title="The final run, on owned hardware",
            question="What did the same hours cost an owner: loss of value and electricity?",
            usd=_bounds(low, high, "Epoch's amortisation at the low and the high chip price"),
            sources=(
                f"{chip.name} at {usd(chip.purchase.low)} to {usd(chip.purchase.high)}: {chip.purchase.source}",
                "method: Epoch, arXiv:2405.21015",
            ),
        )
    ]


def _bounds(low: float, high: float, method: str) -> Range:
    return Range(low=low, middle=(low * high) ** 0.5, high=high, unit="USD", method=method)


def _add_experiments(
    claims: Claims,
    final: Draws,
    priors: dict[PriorName, PriorUsed],
    rng: np.random.Generator,
    rungs: list[Rung],
) -> Draws:
    published = claims.number("programme_accelerator_hours", claims.whole_phase())
    hours = _whole_hours(claims)
    if published is not None and hours is not None:
        draws = final * (published.value / hours.value)
        source = (
            f"{readable(published.value)} accelerator-hours of the whole project were published: "
            f"{published.value / hours.value:.2f} times the final run"
        )
    else:
        prior = priors["development_multiplier"]
        draws = final * _draw(prior, rng)
        source = f"final run × {prior.meaning}: {prior.source}"
    rungs.append(
        Rung(
            id="programme",
            title="With experiments and failed runs",
            question="What did the accelerators cost to find out how to do it?",
            usd=_range(draws),
            sources=(source,),
        )
    )
    return draws


def _add_staff(
    claims: Claims,
    programme: Draws,
    priors: dict[PriorName, PriorUsed],
    rng: np.random.Generator,
    rungs: list[Rung],
) -> Draws:
    people = claims.number("contributors", claims.whole_phase())
    if people is None:
        return programme
    pay = staff_cost(
        contributors=people.value,
        full_time_share=np.minimum(_draw(priors["full_time_share"], rng), 1.0),
        years=_draw(priors["project_years"], rng),
        pay_per_year=_draw(priors["pay_per_year"], rng),
    )
    draws = programme + pay
    rungs.append(
        Rung(
            id="staff",
            title="With the people",
            question="What did it cost them to get there, salaries included?",
            usd=_range(draws),
            sources=(f"{people.value:,.0f} contributors, as published, × share × years × pay (priors below)",),
        )
    )
    return draws


def _cluster_rung(claims: Claims) -> list[Rung]:
    sizes = [
        (n.value, claims.accelerator(phase))
        for phase in claims.phases
        if (n := claims.number("n_accelerators", phase.id)) is not None
    ]
    if not sizes:
        return []
    size, chip = max(sizes, key=lambda size: size[0])
    if chip.purchase is None:
        return []
    low, high = (acquisition_cost(n_accelerators=size, chip_price=p) for p in (chip.purchase.low, chip.purchase.high))
    return [
        Rung(
            id="cluster",
            title="Buying the cluster",
            question=f"What does it cost to own the {size:,.0f} accelerators, with servers and network?",
            usd=_bounds(low, high, "accelerators × chip price × 1.64 ÷ (1 - 0.19), Epoch's server and network shares"),
            sources=(
                f"{chip.name} at {usd(chip.purchase.low)} to {usd(chip.purchase.high)}: {chip.purchase.source}",
                "server and network shares: Epoch, arXiv:2405.21015",
            ),
        )
    ]


def _reading(claims: Claims, claim: Claim, rung: str) -> Reading:
    return Reading(
        rung=rung,
        text=claim.note or claim.quantity.replace("_", " "),
        usd=claim.amount,
        relation=claim.relation,
        citation=citation(claims.dossier, claim.source, claim.place),
    )


def _readings(claims: Claims) -> tuple[Reading, ...]:
    rungs = {"company_hardware": "company", "company_operation": "company_operation"}
    return tuple(_reading(claims, c, rungs[c.quantity]) for c in claims.dossier.claims if c.quantity in rungs)


def _company_rung(readings: tuple[Reading, ...]) -> list[Rung]:
    amounts = [reading.usd for reading in readings if reading.rung == "company"]
    if not amounts:
        return []
    return [
        Rung(
            id="company",
            title="All of the company's hardware",
            question="What has the company spent on accelerators and servers, for every model and use?",
            usd=_bounds(min(amounts), max(amounts), "lowest and highest published reading"),
            sources=tuple(dict.fromkeys(r.citation.title for r in readings if r.rung == "company")),
        )
    ]
