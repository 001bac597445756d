"""Every instrument, listed: an audit loops over this mapping."""

from __future__ import annotations

from collections.abc import Mapping

from hydrometer.instruments.attribution.evidence import ATTRIBUTION
from hydrometer.instruments.demand.evidence import DEMAND
from hydrometer.instruments.identity.evidence import IDENTITY
from hydrometer.instruments.instrument import Instrument
from hydrometer.instruments.serving.evidence import SERVING
from hydrometer.instruments.similarity.evidence import SIMILARITY
from hydrometer.instruments.training_cost.evidence import TRAINING_COST

# In the order in which an audit runs them and a reader meets their evidence.
INSTRUMENTS: Mapping[str, Instrument] = {
    one.name: one for one in (TRAINING_COST, ATTRIBUTION, DEMAND, SERVING, IDENTITY, SIMILARITY)
}
