"""What a token costs in use, and what a price index makes of growing use. Numbers in, numbers out."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """How tokens are used: what the price actually paid depends on.

    Attributes:
        output_share: output tokens over all tokens, 0 to 1.
        cache_share: input tokens that were read from the cache, over all input tokens.
        peak_share: tokens used in peak hours; None spreads them evenly over the day.
    """

    output_share: float
    cache_share: float
    peak_share: float | None = None


def effective_price(
    *, input_usd: float, output_usd: float, cached_usd: float | None, use: Use, peak_factor: float, peak_hours: float
) -> float:
    """Returns dollars for a million tokens of this use.

    Args:
        input_usd: list price of a million input tokens.
        output_usd: of a million output tokens.
        cached_usd: of a million input tokens read from the cache; the input price where there is none.
        use: the mix.
        peak_factor: price in peak hours over the list price; 1 where there are none.
        peak_hours: of a day.
    """
    cached = input_usd if cached_usd is None else cached_usd
    spent_on_input = (1 - use.output_share) * (use.cache_share * cached + (1 - use.cache_share) * input_usd)
    share = peak_hours / 24 if use.peak_share is None else use.peak_share
    return (spent_on_input + use.output_share * output_usd) * (1 + share * (peak_factor - 1))


def apparent_elasticity(quantity_ratio: float, *, decline_a_year: float, years: float, growth_a_year: float) -> float:
    """Returns the elasticity that growth shows if a price index fell so fast, as a positive number.

    ln(quantity) = growth · years + elasticity · ln(decline) · years: whatever growth would have come at constant
    prices must be assumed, and the index decides the rest.

    Args:
        quantity_ratio: after over before.
        decline_a_year: price before over price after, a year; above 1.
        years: between the two.
        growth_a_year: factor by which demand would have grown at constant prices; 1 for none.
    """
    return (math.log(quantity_ratio) / years - math.log(growth_a_year)) / math.log(decline_a_year)


def growth_at_elasticity(quantity_ratio: float, *, decline_a_year: float, years: float, elasticity: float) -> float:
    """Returns the yearly growth at constant prices at which the elasticity would be this one."""
    return math.exp(math.log(quantity_ratio) / years - elasticity * math.log(decline_a_year))
