"""Identity: what a model says of itself, how often, and whose it says it is."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.identity.inputs import IdentityAnswers
from hydrometer.instruments.identity.messages import NEEDS
from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.records.evidence import Evidence
from hydrometer.records.published import IdentityEvidence


def _measure(case: Case) -> Sequence[Evidence]:
    from hydrometer.instruments.identity.evidence import measure

    return measure(case)


IDENTITY = Instrument(
    name="identity",
    question="teacher",
    decides=False,
    needs=NEEDS,
    details=(IdentityEvidence,),
    measure=_measure,
    inputs=IdentityAnswers,
)
