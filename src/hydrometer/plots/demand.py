"""The drawings of the evidence on demand."""

from __future__ import annotations

from hydrometer.plots.backfire import backfire_figures
from hydrometer.plots.index_trap import index_trap_figures
from hydrometer.plots.svg import Pictures
from hydrometer.plots.tornado import demand_tornado_figures
from hydrometer.records.demand import DemandEvidence
from hydrometer.records.evidence import Details


def pictures(details: Details) -> Pictures:
    """Returns the drawings of this instrument's evidence."""
    assert isinstance(details, DemandEvidence)
    return {
        "backfire": backfire_figures(details.verdict),
        "index_trap": index_trap_figures(details.index),
        "tornado": demand_tornado_figures(details.verdict),
    }
