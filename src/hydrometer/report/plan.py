"""Plans in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.numbers import percent, readable, rough_usd
from hydrometer.records.plan import Inversion, Plan, PlannedLayout, PlanOption


def _short(layout: PlannedLayout) -> str:
    """Returns a layout as people write it: tp8 pp4 dp32, and what else is not 1."""
    words = [f"tp{layout.tensor}", f"pp{layout.pipeline}", f"dp{layout.data}"]
    words += [f"cp{layout.context}"] if layout.context > 1 else []
    words += [f"ep{layout.expert}"] if layout.expert > 1 else []
    words += [f"ZeRO-{layout.zero_stage}"]
    return " ".join([*words, *(["recompute"] if layout.recompute != "none" else [])])


def _count(value: float) -> str:
    """Returns a count with two digits and a letter: 12T, 7.9B."""
    for scale, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= scale:
            return f"{float(f'{value / scale:.2g}'):g}{letter}"
    return f"{value:,.0f}"


def _days(value: float) -> str:
    return readable(float(f"{value:.3g}"))


def _dollars(value: float) -> str:
    return rough_usd(value).replace(" million", "M").replace(" billion", "B")


def _print_option(option: PlanOption, console: Console) -> None:
    name = f"{'*' if option.on_the_frontier else ' '} {option.n_accelerators:,} {option.accelerator}: "
    if option.layout is None or option.days is None or option.usd is None:
        console.print(Text(name + "; ".join(printable(w, limit=80) for w in option.warnings), style="dim"))
        return
    days = f"{_days(option.days.p50)} days ({_days(option.days.p10)} to {_days(option.days.p90)})"
    dollars = f"{_dollars(option.usd.p50)} ({_dollars(option.usd.p10)} to {_dollars(option.usd.p90)})"
    limits = (("in budget", option.chance_in_budget), ("in time", option.chance_in_time))
    chances = [f"{word} {percent(chance, 0)}" for word, chance in limits if chance is not None]
    style = "bold" if option.on_the_frontier else ""
    console.print(Text(name + ", ".join([days, dollars, *chances]), style=style))
    layout = option.layout
    memory = f"{layout.memory_gb:.0f} GB a chip ({percent(layout.memory_share, 0)})"
    line = f"{memory}, {_short(layout)}, {layout.step_seconds:.3g} s a step without overlap"
    console.print(Padding(Text(line, style="dim"), (0, 0, 0, 6)))


def print_plan(plan: Plan, *, console: Console) -> None:
    """Prints every option as a row; the frontier is marked with a star."""
    console.print(Text(printable(plan.model), style="bold"))
    console.print(
        f"{readable(plan.total_parameters)} parameters, {readable(plan.tokens)} tokens, "
        f"{readable(plan.training_flop)} FLOP, {plan.precision}, {plan.contract} at {plan.date}",
        markup=False,
    )
    goals = [f"budget {rough_usd(plan.budget_usd)}"] if plan.budget_usd is not None else []
    goals += [f"deadline {plan.deadline_days:g} days"] if plan.deadline_days is not None else []
    console.print(", ".join(goals) + "; ranges hold 80 %", markup=False)
    console.print()
    for option in plan.options:
        _print_option(option, console)
    console.print("* no other option is both cheaper and sooner", markup=False)
    warnings = dict.fromkeys(f"{o.accelerator}: {w}" for o in plan.options if o.fits for w in o.warnings)
    for line in (*plan.basis, *(f"warning: {warning}" for warning in warnings)):
        console.print(Padding(Text(printable(line, limit=400), style="dim"), (0, 0, 0, 2)))


def print_inversion(found: Inversion, *, console: Console) -> None:
    """Prints the frontier of parameters and tokens."""
    hours, used = readable(float(f"{found.accelerator_hours.p50:.3g}")), found.utilisation
    console.print(
        f"{rough_usd(found.usd)} rents {hours} hours of {found.accelerator} ({found.contract}, {found.date}); "
        f"utilisation {percent(used.p50)} ({percent(used.p10)} to {percent(used.p90)})",
        markup=False,
    )
    console.print()
    what = "active parameters" if found.architecture == "moe" else "parameters"
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in (what, "tokens (80 % interval)", "tokens a parameter", ""):
        table.add_column(name, justify="right" if name != "" else "left")
    for point in found.frontier:
        t = point.tokens
        low, middle, high = (_count(v) for v in (t.p10, t.p50, t.p90))
        table.add_row(
            _count(point.active_parameters), f"{middle} ({low} to {high})", _days(point.tokens_per_parameter),
            point.note,
        )  # fmt: skip
    console.print(table)
    for line in (*found.basis, *(f"warning: {w}" for w in found.warnings)):
        console.print(Padding(Text(printable(line, limit=400), style="dim"), (0, 0, 0, 2)))
