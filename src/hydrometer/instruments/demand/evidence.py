"""Did a model's efficiency make compute matter less? The third question of an audit."""

from __future__ import annotations

from hydrometer.instruments.demand.prices import read_index
from hydrometer.instruments.demand.verdict import judge_gain
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import DEFAULT_SEQUENCE_LENGTH, flop_per_token, phase_flop
from hydrometer.instruments.training_cost.checking.measured import citation
from hydrometer.records.demand import DemandEvidence, DemandVerdict, GainBasis
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Citation, Evidence
from hydrometer.records.evidence_base import Range, Verdict
from hydrometer.records.numbers import chance, estimated
from hydrometer.store.demand_beliefs import shipped_beliefs

NAME = "demand"
_VERDICTS = {"falls": Verdict.SUPPORTS, "rises": Verdict.OPPOSES, "undetermined": Verdict.INCONCLUSIVE}
# By hand, 2026-11-26.
_ALIKE = 2.0
"""Gains in training and in serving further apart than this factor are said to differ."""


def measure(dossier: Dossier, compared: Dossier | None, *, gain: float | None, seed: int) -> Evidence | None:
    """Returns the evidence on whether a gain like this model's lowers the demand for compute.

    Args:
        dossier: the subject.
        compared: a model of like quality that the dossier names, if any.
        gain: stated outright, in the place of the one that follows from both.
        seed: of the draws.

    Returns:
        None where no gain is stated and none can be computed.

    Raises:
        InputError: for a gain that is none.
    """
    basis = _basis(dossier, compared, gain)
    if basis is None:
        return None
    if gain is None and basis.gain <= 1:
        return None
    verdict = judge_gain(basis.gain, shipped_beliefs(), seed=seed)
    sources: tuple[Citation, ...] = ()
    if dossier.comparison is not None and gain is None:
        sources = (citation(dossier, dossier.comparison.source, dossier.comparison.place),)
    ratio = verdict.compute_ratio
    return Evidence(
        id="compute-demand",
        instrument=NAME,
        question="compute",
        proposition=f"A gain like that of {dossier.model.name} lowers the demand for compute in the long run.",
        alternative="Cheaper tokens bring so much more use that compute rises: backfire, or Jevons's paradox.",
        verdict=_VERDICTS[verdict.answer],
        answer=_answer(dossier.model.name, basis, verdict),
        how_sure=_how_sure(verdict),
        statistic_name="compute after over before, long run",
        statistic=Range(
            low=ratio.p5, middle=ratio.p50, high=ratio.p95, unit="times", level=0.90,
            method="draws from stated priors and pooled published elasticities",
        ),
        cannot_rule_out=_ALTERNATIVES,
        missing=(
            "Price elasticities of the whole market for tokens, measured at announced price moves, over months: "
            "`hydrometer demand elasticity FILE` measures them from dates, prices and quantities.",
        ),
        warnings=(*basis.warnings, *verdict.warnings),
        sources=sources,
        details=DemandEvidence(basis=basis, verdict=verdict, index=read_index()),
    )  # fmt: skip


_ALTERNATIVES = (
    "a different gain: like quality on one set of tests is not like quality, and the gain may not reach others' models",
    "growth of compute for other reasons: adoption and better models raise demand whatever the price, so that growing "
    "spending on chips proves no rebound",
    "tasks that take more tokens as tokens get cheaper: agents that think longer raise the probability of a rise",
)


def _basis(dossier: Dossier, compared: Dossier | None, gain: float | None) -> GainBasis | None:
    if gain is not None:
        return GainBasis(
            gain=gain, compared_with=None, quality=None, training_flop=None, compared_training_flop=None,
            serving_gain=None, assumption="the gain was given on the command line", warnings=(),
        )  # fmt: skip
    if compared is None or dossier.comparison is None:
        return None
    own, other = Claims(dossier), Claims(compared)
    trained, trained_other = _training_flop(own), _training_flop(other)
    if trained is None or trained_other is None:
        return None
    each, each_other = (
        flop_per_token(c, sequence_length=DEFAULT_SEQUENCE_LENGTH, include_mtp=False) for c in (own, other)
    )
    serving = each_other.flop.value / each.flop.value if each is not None and each_other is not None else None
    found = trained_other / trained
    differ = serving is not None and not 1 / _ALIKE <= found / serving <= _ALIKE
    warning = "gains differ: in training and in serving they are more than two-fold apart; the training one is used"
    return GainBasis(
        gain=float(f"{found:.3g}"),
        compared_with=compared.model.name,
        quality=dossier.comparison.quality,
        training_flop=trained,
        compared_training_flop=trained_other,
        serving_gain=serving,
        assumption=f"{compared.model.name} is of like quality ({dossier.comparison.quality}), and everybody who trains "
        "and serves gains as much",
        warnings=(warning,) if differ else (),
    )


def _training_flop(claims: Claims) -> float | None:
    """Returns the FLOP of every phase whose tokens are known."""
    found = [flop.flop.value for phase in claims.phases if (flop := phase_flop(claims, phase)) is not None]
    return sum(found) if found else None


def _flop(value: float) -> str:
    return f"{value:.2e}".replace("e+", "e")


def _answer(name: str, basis: GainBasis, verdict: DemandVerdict) -> str:
    short, long = verdict.posterior.short_run, verdict.posterior.long_run
    if basis.compared_with is not None and basis.training_flop and basis.compared_training_flop:
        served = f", and a token served takes {basis.serving_gain:.2g} times fewer" if basis.serving_gain else ""
        opening = (
            f"{name} was trained with {basis.gain:.2g} times fewer operations than {basis.compared_with}, a model of "
            f"like quality ({_flop(basis.training_flop)} against {_flop(basis.compared_training_flop)} FLOP){served}. "
        )
    else:
        opening = f"Take a gain of {basis.gain:g}, as given. "
    brief = {
        "falls": "compute falls",
        "rises": "compute rises",
        "undetermined": "nobody can tell yet whether compute falls or rises",
    }
    closing = {
        "falls": "So the evidence is on the side of those who said that fewer chips would be needed.",
        "rises": "So the evidence is on the side of those who said that more chips would be needed.",
        "undetermined": "So it neither showed that chips stopped mattering nor that more of them are needed: that "
        "rests on how much more people use as prices fall, over years, and this has hardly been measured.",
    }
    ratio, soon = long.compute_ratio, short.compute_ratio.p50
    return (
        f"{opening}If all of AI became as much more efficient, in the short run {brief[short.answer]} (to "
        f"{estimated(soon)} times; probability that it rises {chance(short.probability_of_backfire)}); in the long run "
        f"{brief[long.answer]}: {estimated(ratio.p50)} times in the middle, {estimated(ratio.p5)} to "
        f"{estimated(ratio.p95)} in 90 % of draws; probability that it rises {chance(long.probability_of_backfire)}. "
        f"{closing[long.answer]}"
    )


def _how_sure(verdict: DemandVerdict) -> str:
    before = verdict.prior.long_run.probability_of_backfire
    return (
        f"The probability that compute rises is {chance(before)} before any evidence, "
        f"{chance(verdict.probability_of_backfire)} after {verdict.evidence.n} published elasticities, and "
        f"{chance(verdict.probability_low)} to {chance(verdict.probability_high)} with one of them left out or "
        "with agents that use more tokens as they get cheaper. Between 20 and 80 % the answer is “undetermined”. These "
        "probabilities come from stated priors more than from data."
    )
