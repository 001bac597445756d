"""Asks targets, resumably: what is answered is on the disk, and nothing is paid for twice."""

from hydrometer.collect.engine import Collector, EndpointRefused, Settings, Stop
from hydrometer.collect.money import Budget, Estimate, Price
from hydrometer.collect.plan import Plan, plan_questions
from hydrometer.store.evidence import ProbeRequest

__all__ = [
    "Budget",
    "Collector",
    "EndpointRefused",
    "Estimate",
    "Plan",
    "Price",
    "ProbeRequest",
    "Settings",
    "Stop",
    "plan_questions",
]
