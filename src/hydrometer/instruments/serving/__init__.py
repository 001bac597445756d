"""Serving: what it takes to serve a model, a fleet for a load, what its techniques are worth, and its life."""

from hydrometer.instruments.serving.compare import LifeRequest, compare, life
from hydrometer.instruments.serving.estimate import estimate
from hydrometer.instruments.serving.fleet import DayLoad, deepseek_day, deepseek_request, fleet
from hydrometer.instruments.serving.headline import Headline, model_from_options
from hydrometer.instruments.serving.pictures import cache_sizes, frontier
from hydrometer.instruments.serving.request import ServingRequest

__all__ = [
    "DayLoad",
    "Headline",
    "LifeRequest",
    "ServingRequest",
    "cache_sizes",
    "compare",
    "deepseek_day",
    "deepseek_request",
    "estimate",
    "fleet",
    "frontier",
    "life",
    "model_from_options",
]
