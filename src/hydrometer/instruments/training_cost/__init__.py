"""Was the published training bill possible, and what does it leave out? And what does a training take?"""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.instruments.training_cost.messages import NEEDS
from hydrometer.records.claim_checking import ClaimChecking
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.evidence import Evidence


def _measure(case: Case) -> Sequence[Evidence]:
    from hydrometer.instruments.training_cost.evidence import measure

    return measure(case)


TRAINING_COST = Instrument(
    name="training_cost",
    question="cost",
    decides=True,
    needs=NEEDS,
    details=(ClaimChecking, CostLadder),
    measure=_measure,
)
