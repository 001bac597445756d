"""Teacher attribution: which of a panel's models, or none, taught a subject."""

from hydrometer.instruments.attribution.calibration import calibrate, load_operating_point, save_operating_point
from hydrometer.instruments.attribution.run import Attributor

__all__ = ["Attributor", "calibrate", "load_operating_point", "save_operating_point"]
