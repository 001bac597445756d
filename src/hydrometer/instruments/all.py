"""Every instrument, listed: an audit loops over this mapping."""

from __future__ import annotations

from collections.abc import Mapping

from hydrometer.instruments.attribution import ATTRIBUTION
from hydrometer.instruments.demand import DEMAND
from hydrometer.instruments.identity import IDENTITY
from hydrometer.instruments.instrument import Instrument
from hydrometer.instruments.serving import SERVING
from hydrometer.instruments.similarity import SIMILARITY
from hydrometer.instruments.training_cost import TRAINING_COST

# In the order in which an audit runs them and a reader meets their evidence.
INSTRUMENTS: Mapping[str, Instrument] = {
    one.name: one for one in (TRAINING_COST, ATTRIBUTION, DEMAND, SERVING, IDENTITY, SIMILARITY)
}
