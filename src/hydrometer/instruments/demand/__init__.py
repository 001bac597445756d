"""Demand: does a gain in efficiency lower or raise the demand for compute?"""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.demand.inputs import StatedGain
from hydrometer.instruments.demand.messages import NEEDS
from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.records.demand import DemandEvidence
from hydrometer.records.evidence import Evidence


def _measure(case: Case) -> Sequence[Evidence]:
    from hydrometer.instruments.demand.evidence import measure

    return measure(case)


DEMAND = Instrument(
    name="demand",
    question="compute",
    decides=True,
    needs=NEEDS,
    details=(DemandEvidence,),
    measure=_measure,
    inputs=StatedGain,
)
