"""Was the published training bill possible, and what does it leave out?"""

from hydrometer.instruments.training_cost.checking.run import check, measure

__all__ = ["check", "measure"]
