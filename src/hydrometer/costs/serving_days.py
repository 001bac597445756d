"""A day of a fleet, and the life of a model: counting, without a model of speed."""

from __future__ import annotations

from dataclasses import dataclass

_DAY_SECONDS, _DAY_HOURS, _MILLION = 86400.0, 24.0, 1e6


@dataclass(frozen=True)
class Day:
    """Tokens of 24 hours, tokens a second and node (those found in a cache counted), and prices in USD.

    Attributes:
        input_tokens: all that were sent.
        cached_tokens: of those, found in a cache.
        output_tokens: written.
        input_rate: a second and node.
        output_rate: a second and node.
        accelerators_per_node: accelerators in a node.
        usd_per_hour: of an accelerator.
    """

    input_tokens: float
    cached_tokens: float
    output_tokens: float
    input_rate: float
    output_rate: float
    accelerators_per_node: int
    usd_per_hour: float

    @property
    def input_nodes(self) -> float:
        """Nodes that read prompts."""
        return self.input_tokens / (_DAY_SECONDS * self.input_rate)

    @property
    def output_nodes(self) -> float:
        """Nodes that write answers."""
        return self.output_tokens / (_DAY_SECONDS * self.output_rate)

    def cost(self, nodes: float) -> float:
        """Returns the USD of a day of so many nodes."""
        return nodes * self.accelerators_per_node * _DAY_HOURS * self.usd_per_hour

    def revenue(self, *, usd_input: float, usd_cached: float, usd_output: float) -> float:
        """Returns the USD of the day's tokens at prices of a million."""
        fresh = self.input_tokens - self.cached_tokens
        return (self.cached_tokens * usd_cached + fresh * usd_input + self.output_tokens * usd_output) / _MILLION


def training_days(hours: float, *, accelerators: float) -> float:
    """Returns days of a fleet whose accelerator-hours equal a training's."""
    return hours / (accelerators * _DAY_HOURS)


def training_flop(active: float, tokens: float) -> float:
    """Returns 6·N·D (Kaplan et al., arXiv:2001.08361, section 2.1)."""
    return 6.0 * active * tokens


def inference_flop(active: float, tokens: float) -> float:
    """Returns 2·N·T (the same section)."""
    return 2.0 * active * tokens


def break_even_tokens(training_tokens: float, *, research_factor: float = 1.0) -> float:
    """Returns the served tokens whose FLOP equal the training's: 6·N·D = 2·N·T.

    Args:
        training_tokens: D.
        research_factor: all development compute over the final run's.
    """
    return 3.0 * training_tokens * research_factor


def inference_share(served_tokens: float, even: float) -> float:
    """Returns the share of a model's whole compute that serving takes: T / (T + T*)."""
    return served_tokens / (served_tokens + even)
