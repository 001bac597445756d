"""Teacher attribution: which of a panel's models, or none, taught a subject."""

from __future__ import annotations

from collections.abc import Sequence

from hydrometer.instruments.attribution.inputs import PanelAnswers
from hydrometer.instruments.attribution.messages import NEEDS
from hydrometer.instruments.instrument import Case, Instrument
from hydrometer.records.attribution import Attribution
from hydrometer.records.evidence import Evidence


def _measure(case: Case) -> Sequence[Evidence]:
    # Reading tables takes long to import: only an audit of answers pays for it.
    if case.find(PanelAnswers) is None:
        return ()
    from hydrometer.instruments.attribution.evidence import measure

    return measure(case)


ATTRIBUTION = Instrument(
    name="attribution",
    question="teacher",
    decides=True,
    needs=NEEDS,
    details=(Attribution,),
    measure=_measure,
    inputs=PanelAnswers,
)
