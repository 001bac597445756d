"""Teacher attribution: which of a panel's models, or none, taught a subject."""

from hydrometer.instruments.attribution.calibration import calibrate, load_operating_point
from hydrometer.instruments.attribution.open import make_index, open_attributor
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.instruments.attribution.subjects import panel_spelling

__all__ = ["Attributor", "calibrate", "load_operating_point", "make_index", "open_attributor", "panel_spelling"]
