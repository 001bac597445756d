"""Ways to ask a subject."""

from hydrometer.targets.protocol import Capabilities, Fault, Reply, Request, Target

__all__ = ["Capabilities", "Fault", "Reply", "Request", "Target"]
