"""Ways to ask a subject."""

from hydrometer.records.exchange import Capabilities, Fault, Reply, Request, Target

__all__ = ["Capabilities", "Fault", "Reply", "Request", "Target"]
