"""The drawings of the evidence on a training bill."""

from __future__ import annotations

from hydrometer.plots.cost_ladder import cost_ladder_figures
from hydrometer.plots.svg import Pictures
from hydrometer.plots.tornado import tornado_figures
from hydrometer.plots.utilisation import utilisation_figures
from hydrometer.records.claim_checking import ClaimChecking
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.evidence import Details


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    if isinstance(details, CostLadder):
        return {"ladder": cost_ladder_figures(details), "tornado": tornado_figures(details)}
    assert isinstance(details, ClaimChecking)
    return {"utilisation": utilisation_figures(details.utilisation)}
