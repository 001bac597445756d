"""An estimate of a training on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.estimates import CostEstimate, Quantiles
from hydrometer.records.numbers import readable


def print_estimate(found: CostEstimate, *, console: Console) -> None:
    """Prints what a training takes, what that rests on, and how good such estimates are."""
    at = f" on {found.n_accelerators:,} × {found.accelerator}" if found.n_accelerators else f" on {found.accelerator}"
    title = f"{found.subject}: {readable(found.tokens)} tokens ({found.phase.replace('_', ' ')}){at}, {found.precision}"
    console.print(Text(printable(title)), style="bold")
    table = Table(show_edge=False, pad_edge=False, box=None)
    for name in ("", "10 %", "50 %", "90 %"):
        table.add_column(name, justify="left" if not name else "right")
    table.add_row("parameters, total", *_cells(found.parameters.total))
    for convention, count in found.parameters.active.items():
        table.add_row(f"parameters, active, {convention.replace('_', ' ')}", *_cells(count))
    table.add_row("training FLOP", *_cells(found.training_flop))
    table.add_row("utilisation (6·N·D, BF16 peak)", *(f"{100 * x:.1f} %" for x in _values(found.utilisation)))
    if found.goodput is not None:
        steady = f"hours kept, {100 * found.steady_utilisation:.0f} % while it runs"
        table.add_row(steady, *(f"{100 * x:.0f} %" for x in _values(found.goodput)))
    table.add_row("accelerator-hours", *_cells(found.accelerator_hours))
    if found.days is not None:
        table.add_row("days", *_cells(found.days))
    price = f"{found.contract.replace('_', ' ')}, {found.tier}, {found.price_date}"
    table.add_row(f"US dollars ({price})", *(f"${readable(x)}" for x in _values(found.usd)))
    console.print(table)
    point = found.operating_point
    runs = ", ".join(f"{run.model} ({100 * run.mfu:.0f} %)" for run in found.informed_by)
    lines = [
        f"Utilisation rests most on: {runs}.",
        f"How sure: of {point.n_runs} main phases by developers left out, half were within "
        f"{100 * point.median_error:.0f} %, 90 % within a factor of {point.p90_ratio:.2f}, and "
        f"{100 * point.coverage:.0f} % inside this interval.",
        *(f"Warning: {warning}." for warning in found.warnings),
    ]
    for line in lines:
        console.print(Text(printable(line, limit=400)))


def _values(quantiles: Quantiles) -> tuple[float, float, float]:
    return quantiles.p10, quantiles.p50, quantiles.p90


def _cells(quantiles: Quantiles) -> list[str]:
    if quantiles.p10 == quantiles.p90:
        return ["", readable(quantiles.p50), ""]
    return [readable(value) for value in _values(quantiles)]
