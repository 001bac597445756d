"""The evidence on whether a model's efficiency makes compute matter less."""

from __future__ import annotations

from dataclasses import dataclass

from hydrometer.instruments.demand import messages
from hydrometer.instruments.demand.prices import read_index
from hydrometer.instruments.demand.verdict import judge_gain
from hydrometer.instruments.instrument import Case, Input, Instrument
from hydrometer.instruments.training_cost.checking.claims import Claims
from hydrometer.instruments.training_cost.checking.compute import DEFAULT_SEQUENCE_LENGTH, flop_per_token, phase_flop
from hydrometer.instruments.training_cost.checking.measured import citation
from hydrometer.records.demand import DemandEvidence, GainBasis
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Citation, Evidence, Range, Verdict

NAME = "demand"
_VERDICTS = {"falls": Verdict.SUPPORTS, "rises": Verdict.OPPOSES, "undetermined": Verdict.INCONCLUSIVE}
# By hand, 2026-11-26.
_ALIKE = 2.0
"""Gains in training and in serving further apart than this factor are said to differ."""


@dataclass(frozen=True)
class StatedGain(Input):
    """A gain in efficiency, stated outright.

    Attributes:
        gain: tokens per unit of compute, after over before.
    """

    gain: float


def measure(case: Case) -> list[Evidence]:
    """Returns the evidence on whether a gain like this model's lowers the demand for compute.

    Returns:
        Nothing where no gain is stated and none above 1 can be computed.

    Raises:
        InputError: for a gain that is none.
    """
    dossier, given = case.dossier, case.find(StatedGain)
    basis = _basis(dossier, case.compared, given.gain if given is not None else None)
    if basis is None or (given is None and basis.gain <= 1):
        return []
    verdict = judge_gain(basis.gain, seed=case.seed)
    sources: tuple[Citation, ...] = ()
    if dossier.comparison is not None and given is None:
        sources = (citation(dossier, dossier.comparison.source, dossier.comparison.place),)
    ratio = verdict.compute_ratio
    return [
        Evidence(
            id="compute-demand",
            instrument=NAME,
            question="compute",
            proposition=f"A gain like that of {dossier.model.name} lowers the demand for compute in the long run.",
            alternative="Cheaper tokens bring so much more use that compute rises: backfire, or Jevons's paradox.",
            verdict=_VERDICTS[verdict.answer],
            answer=messages.answer(dossier.model.name, basis, verdict),
            how_sure=messages.how_sure(verdict),
            statistic_name="compute after over before, long run",
            statistic=Range(
                low=ratio.p5, middle=ratio.p50, high=ratio.p95, unit="times", level=0.90,
                method="draws from stated priors and pooled published elasticities",
            ),
            cannot_rule_out=messages.CANNOT_RULE_OUT,
            missing=messages.MISSING,
            warnings=(*basis.warnings, *verdict.warnings),
            sources=sources,
            details=DemandEvidence(basis=basis, verdict=verdict, index=read_index()),
        )
    ]  # fmt: skip


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


DEMAND = Instrument(
    name=NAME,
    question="compute",
    decides=True,
    needs=messages.NEEDS,
    details=(DemandEvidence,),
    measure=measure,
    inputs=StatedGain,
)
