"""Days against dollars of every option of a plan, with the frontier."""

from __future__ import annotations

from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, WARM, WIDE, wide_and_narrow
from hydrometer.records.numbers import usd
from hydrometer.records.plan import Plan, PlanOption


def frontier_figures(plan: Plan) -> list[str]:
    """Returns the figure for a wide and for a narrow page; empty where nothing fits in memory."""
    fitting = [option for option in plan.options if option.fits]
    if not fitting:
        return []
    return wide_and_narrow(
        lambda axes, width: _plot(axes, width, plan, fitting),
        name="frontier",
        height=lambda width: 0.6 * width,
        description=describe_frontier(plan),
    )


def describe_frontier(plan: Plan) -> str:
    """Returns the figure in words."""
    best = [o for o in plan.options if o.on_the_frontier and o.days and o.usd]
    words = "; ".join(
        f"{o.n_accelerators:,} {o.accelerator}: {o.days.p50:.3g} days, {usd(float(f'{o.usd.p50:.2g}'))}"
        for o in best
        if o.days and o.usd
    )
    return f"Days against dollars. On the frontier: {words}."


def _plot(axes: Any, width: float, plan: Plan, options: list[PlanOption]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    size = 8.0 if width < WIDE else 9.0
    for option in options:
        assert option.days is not None
        assert option.usd is not None
        x, y = option.days.p50, option.usd.p50
        best = option.on_the_frontier
        axes.plot([option.days.p10, option.days.p90], [y, y], color=LINE, linewidth=1.2, zorder=1)
        axes.plot(
            [x], [y], "o", color=ACCENT if best else MUTED, markersize=6 if best else 3.5, zorder=4 if best else 3
        )
        if best:
            short = option.accelerator.split("-")[0]
            axes.annotate(f"{option.n_accelerators:,} {short}", (x, y), (4, 6), textcoords="offset points",
                          fontsize=size, color=INK, rotation=30)  # fmt: skip
    if plan.budget_usd is not None:
        axes.axhline(plan.budget_usd, color=WARM, linewidth=1.4, linestyle=(0, (4, 3)), zorder=2)
    if plan.deadline_days is not None:
        axes.axvline(plan.deadline_days, color=WARM, linewidth=1.4, linestyle=(0, (4, 3)), zorder=2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    # Room for labels at an angle; by eye, 2026-11-25.
    axes.margins(0.12, 0.2)
    axes.set_xlabel("days", fontsize=size + 1)
    axes.set_ylabel("dollars", fontsize=size + 1)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: usd(v).replace(".00", "")))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=size)
    axes.grid(color=LINE, linewidth=0.8, zorder=0)
