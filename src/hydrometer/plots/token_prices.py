"""The price of tokens in use at a fixed quality, over time."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, WARM, WIDE, wide_and_narrow
from hydrometer.records.token_prices import PricesReport


def token_price_figures(found: PricesReport) -> list[str]:
    """Returns the figure for a wide and for a narrow page."""
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, found),
        name="token-prices",
        height=lambda width: (0.5 if width == WIDE else 0.9) * width,
        description=describe_token_prices(found),
    )


def describe_token_prices(found: PricesReport) -> str:
    """Returns the figure in words."""
    steps = "; ".join(f"{a.date} {a.model} ${a.effective_usd:.3g} ({a.why})" for a in found.anchor)
    return f"Cheapest price of a million tokens in use with {found.benchmark} of {found.at_least:g} or more: {steps}."


def _plot(axes: Any, width: float, found: PricesReport) -> None:
    from matplotlib.dates import ConciseDateFormatter, date2num
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    size = 8.0 if width < WIDE else 9.0
    number: Any = date2num
    days = [number(a.date) for a in found.anchor]
    paid = [a.effective_usd for a in found.anchor]
    end = max(days[-1] + 30, number(found.prices[-1].date))
    axes.step([*days, end], [*paid, paid[-1]], where="post", color=ACCENT, linewidth=2, zorder=3)
    axes.step([*days, end], [*(a.sticker_usd for a in found.anchor), found.anchor[-1].sticker_usd], where="post",
              color=MUTED, linewidth=1, linestyle=(0, (3, 2)), zorder=2)  # fmt: skip
    for i, a in enumerate(found.anchor):
        up = "increase" in a.why
        axes.plot([days[i]], [paid[i]], "^" if up else "o", color=WARM if up else ACCENT, markersize=6, zorder=4)
        axes.annotate(a.model, (days[i], paid[i]), (3, -11 if i % 2 else 7), textcoords="offset points",
                      fontsize=size - 1, color=INK)  # fmt: skip
    axes.set_yscale("log")
    axes.margins(0.08, 0.2)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"${v:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis_date()
    formatter: Any = ConciseDateFormatter
    axes.xaxis.set_major_formatter(formatter(axes.xaxis.get_major_locator()))
    axes.set_ylabel("a million tokens in use (dashed: no cache hits)", fontsize=size)
    axes.tick_params(labelsize=size)
    axes.grid(axis="y", color=LINE, linewidth=0.8, zorder=0)
