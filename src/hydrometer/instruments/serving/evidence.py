"""The evidence on what serving a model takes, beside a model of like quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hydrometer.costs.served import served
from hydrometer.errors import InputError
from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.serving import messages
from hydrometer.instruments.serving.compare import compare
from hydrometer.instruments.serving.estimate import ask, estimate
from hydrometer.instruments.serving.headline import Shape
from hydrometer.instruments.serving.pictures import cache_sizes, frontier
from hydrometer.instruments.serving.request import ServingRequest
from hydrometer.instruments.training_cost.networks import build_architecture
from hydrometer.records.dossier import Dossier
from hydrometer.records.estimates import Quantiles
from hydrometer.records.evidence import Evidence, Range, Verdict
from hydrometer.records.serving import RatioAtLoad, ServingEvidence
from hydrometer.store.prices import last_price_date
from hydrometer.store.serving import serving_fit

NAME = "serving"
_ACCELERATOR = "H200"
"""The widest memory that many measured rows are of: eight of them hold every network measured so far."""
_TP = (8, 4, 2, 1)
_DP = (1, 2, 4, 8)
_CONCURRENCY = 64.0
_LOADS = tuple(4.0**i for i in range(7))


def measure(case: Case) -> list[Evidence]:
    """Returns the evidence on serving; none where the network's shape is not known, or no layout holds it."""
    mine, other = _shape(case.dossier), _shape(case.compared)
    request = _layout(mine, other) if mine is not None else None
    if mine is None or request is None:
        return []
    return [_evidence(mine, request, other)]


def _shape(dossier: Dossier | None) -> Shape | None:
    if dossier is None or dossier.architecture is None:
        return None
    return Shape(dossier.model.name, served(build_architecture(dossier.architecture)))


def _layout(mine: Shape, other: Shape | None) -> ServingRequest | None:
    """Returns the smallest layout that both networks run in: tensor parallelism first, then replicated attention."""
    shapes = [shape for shape in (mine, other) if shape is not None]
    tp = next(n for n in _TP if all(shape.net.heads % n == 0 for shape in shapes))
    for dp in _DP:
        # A price ages: the newest in the package gives the same record whenever the audit is run again.
        asked = ServingRequest(_ACCELERATOR, tp=tp, dp=dp, concurrency=_CONCURRENCY, date=last_price_date())
        try:
            for shape in shapes:
                estimate(shape, asked)
        except InputError:
            continue
        return asked
    return None


def _ratios(mine: Shape, other: Shape, request: ServingRequest) -> tuple[RatioAtLoad, ...]:
    """Returns the subject's time of a token over the other's, from one request at once to as many as fit both.

    The order of two networks can turn with the load: few requests read all weights of a dense network and a part of a
    mixture's, many read all of both, and at the largest loads the cache counts.
    """
    most = min(ask(shape, request).most for shape in (mine, other))
    found = []
    for n in (n for n in _LOADS if n <= most):
        over = compare(mine, replace(request, concurrency=n), against=[other]).rows[1].cost_ratio
        found.append(RatioAtLoad(concurrency=n, ratio=Quantiles(p10=1 / over.p90, p50=1 / over.p50, p90=1 / over.p10)))
    return tuple(found)


def _evidence(mine: Shape, request: ServingRequest, other: Shape | None) -> Evidence:
    found = estimate(mine, request)
    named = other.name if other is not None else None
    ratios = _ratios(mine, other, request) if other is not None else ()
    proposition, alternative = messages.proposition(mine.name, named)
    return Evidence(
        id="serving",
        instrument=NAME,
        question="compute",
        proposition=proposition,
        alternative=alternative,
        verdict=_verdict(ratios),
        answer=messages.answer(found, named, ratios),
        how_sure=messages.how_sure(serving_fit()),
        statistic_name="accelerator-seconds of a written token over the compared model's, at the least favourable load"
        if ratios
        else None,
        statistic=_range(ratios),
        cannot_rule_out=messages.CANNOT_RULE_OUT,
        missing=() if ratios else messages.NEEDS,
        warnings=found.warnings,
        details=ServingEvidence(
            estimate=found, compared=named, ratios=ratios, frontier=frontier(mine, request), cache=cache_sizes()
        ),
    )


def _verdict(ratios: Sequence[RatioAtLoad]) -> Verdict:
    if not ratios:
        return Verdict.NOT_MEASURED
    if all(at.ratio.p90 < 1 for at in ratios):
        return Verdict.SUPPORTS
    return Verdict.OPPOSES if all(at.ratio.p10 > 1 for at in ratios) else Verdict.INCONCLUSIVE


def _range(ratios: Sequence[RatioAtLoad]) -> Range | None:
    if not ratios:
        return None
    worst = max(ratios, key=lambda at: at.ratio.p50).ratio
    return Range(
        low=worst.p10, middle=worst.p50, high=worst.p90, unit="times", level=0.80,
        method="errors of ratios between families of networks left out whole",
    )  # fmt: skip


SERVING = Instrument(
    name=NAME,
    question="compute",
    decides=False,
    needs=messages.NEEDS,
    details=(ServingEvidence,),
    measure=measure,
)
