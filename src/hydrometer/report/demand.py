"""Demand for compute in a terminal: verdicts, elasticities, the index trap, prices."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hydrometer.errors import printable
from hydrometer.records.demand import DemandPrior, DemandVerdict, ElasticityEstimate, Outcome, Points
from hydrometer.records.demand_data import Adjustment, ElasticityReport, Estimated
from hydrometer.records.numbers import chance, estimated, percent

# A screen's worth, by hand, 2026-11-26; the JSON holds all.
_MOST_EVENTS = 40
"""Shown at once; a file may hold hundreds."""
_COLOUR = {"falls": "green", "rises": "red", "undetermined": "yellow"}


def points(p: Points) -> str:
    """Returns the middle and the 90 % interval."""
    return f"{estimated(p.p50)} ({estimated(p.p5)} to {estimated(p.p95)})"


def spelled(prior: DemandPrior) -> str:
    """Returns a distribution in words."""
    return f"{prior.distribution} {', '.join(f'{p:g}' for p in prior.points)}"


def heading(console: Console, text: str) -> None:
    """Prints a title after an empty line."""
    console.print()
    console.print(Text(text, style="bold"))


def line(console: Console, text: str, *, indent: int = 2, style: str = "") -> None:
    """Prints stored text that can neither style nor move the cursor."""
    console.print(Padding(Text(printable(text, limit=1000), style=style), (0, 0, 0, indent)))


def print_verdict(found: DemandVerdict, *, console: Console) -> None:
    """Prints the verdict on a gain, with everything it rests on."""
    console.print(Text.assemble(("Compute ", "bold"), (found.answer, f"bold {_COLOUR[found.answer]}")))
    line(console, found.in_words)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "before the evidence", "after it"):
        table.add_column(title, overflow="fold")
    for horizon in ("short_run", "long_run"):
        before: Outcome = getattr(found.prior, horizon)
        after: Outcome = getattr(found.posterior, horizon)
        table.add_row(Text(horizon.replace("_", " "), style="bold"), "", "")
        for title, key in (
            ("elasticity of the market", "elasticity"),
            ("compute, times", "compute_ratio"),
            ("saving taken back", "realised_fraction"),
        ):
            table.add_row(f"  {title}", points(getattr(before, key)), points(getattr(after, key)))
        table.add_row(
            "  probability of a rise", chance(before.probability_of_backfire), chance(after.probability_of_backfire)
        )
        table.add_row("  compute", before.answer, Text(after.answer, style=_COLOUR[after.answer]))
    console.print()
    console.print(table)
    line(console, "middle (90 % interval); “undetermined” between 20 and 80 %", style="dim")
    _print_evidence(found, console)
    heading(console, "If one thing were otherwise (long run)")
    for a in found.alternatives:
        middle = estimated(a.compute_ratio)
        line(console, f"{a.what}: probability of a rise {chance(a.probability_of_backfire)}, middle {middle} times")
    if found.swings:
        heading(console, "What matters most: median compute at the number's lowest and highest tenth")
    for s in found.swings:
        line(
            console,
            f"{s.prior}: {estimated(s.low)} to {estimated(s.high)} times (rank correlation {s.rank_correlation:+.2f})",
        )
    heading(console, "Where the supply of compute slopes upward")
    line(console, f"rent of compute, log change: {points(found.supply.compute_price)}")
    line(console, f"compute, log change: {points(found.supply.compute)}; both have one sign in every draw")
    heading(console, "Beliefs")
    for prior in found.priors:
        line(console, f"{prior.name}: {spelled(prior)} ({prior.origin})")
        line(console, f"{prior.meaning}; {prior.source}", indent=4, style="dim")
    print_warnings(found.warnings, console)


def _print_evidence(found: DemandVerdict, console: Console) -> None:
    e = found.evidence
    heading(console, "The evidence: short-run elasticity of one model")
    for row in e.estimates:
        _print_estimate(row.estimate, console, f"weight {percent(row.weight, 0)}")
    line(
        console,
        f"pooled: {e.mean:.2f}, standard error {e.standard_error:.2f}, spread between estimates {e.tau:.2f} "
        "(DerSimonian and Laird)",
    )
    for own in e.own:
        _print_estimate(own, console, "your own")
    if e.own:
        line(console, f"with your own: {e.used_mean:.2f}, standard deviation {e.used_sd:.2f}")


def _print_estimate(estimate: ElasticityEstimate, console: Console, note: str) -> None:
    date = f", {estimate.date}" if estimate.date else ""
    line(console, f"{estimate.elasticity:.2f} ± {estimate.standard_error:.2f}  {estimate.name}{date} ({note})")
    line(console, f"{estimate.identifies}; {estimate.source}", indent=4, style="dim")


def print_warnings(warnings: tuple[str, ...], console: Console) -> None:
    """Prints reservations, if there are any."""
    if warnings:
        heading(console, "Warnings")
    for text in warnings:
        line(console, f"- {text}")


def print_elasticity(found: ElasticityReport, *, console: Console) -> None:
    """Prints an elasticity with its events, what naive methods say, and the reasons to doubt it."""
    console.print(Text(f"Price elasticity from {printable(found.series)}", style="bold"))
    line(console, f"{found.n_rows:,} rows, {found.n_models:,} models, {found.first} to {found.last}", style="dim")
    if found.recommended is None:
        line(console, "Nothing in these data can tell a response to price.")
    else:
        _print_estimated(found.recommended, console, bold=True)
        if not found.identified:
            line(console, "NOT IDENTIFIED: an association, not a response to price. See the warnings.", style="yellow")
    if found.adjustment is not None:
        _print_adjustment(found.adjustment, console)
    if found.events:
        _print_events(found, console)
    if found.tau is not None:
        line(console, f"spread between events {found.tau:.2f}; events of one model or vendor are left out together")
    if found.others:
        heading(console, "What other methods would say")
    for other in found.others:
        _print_estimated(other, console)
    if found.warnings:
        heading(console, "Reasons to doubt it")
    for w in found.warnings:
        line(console, f"- {w.kind.replace('_', ' ')}: {w.text}")
        line(console, w.cure, indent=4, style="dim")


def _print_adjustment(a: Adjustment, console: Console) -> None:
    half = "at once" if a.half_days < 1 else f"after about {estimated(a.half_days)} days"
    text = f"half of the response is there {half}; a week after an event the elasticity is {a.first_week:.2f}"
    line(console, f"{text}; {a.window_days:.0f} days after it {percent(a.seen, 0)} of the response has come")
    if a.still_moving:
        line(console, "ONLY A LOWER BOUND: the response may still be growing there. See the warnings.", style="yellow")


def _print_events(found: ElasticityReport, console: Console) -> None:
    heading(console, "Every price change: its own elasticity, drawn towards the others, and the whole without it")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("model", "date", "price", "own", "shrunken", "whole without"):
        table.add_column(title, overflow="fold")
    for m in found.events[:_MOST_EVENTS]:
        table.add_row(
            Text(printable(m.model, limit=40)),
            str(m.date),
            f"× {m.price_ratio:.2f}",
            f"{m.elasticity:.2f} ± {m.standard_error:.2f}",
            f"{m.shrunken:.2f} ± {m.shrunken_error:.2f}",
            f"{m.without_it:.2f}" if m.without_it is not None else "-",
        )
    console.print(table)
    if len(found.events) > _MOST_EVENTS:
        line(console, f"{len(found.events) - _MOST_EVENTS:,} more with --json", style="dim")
    for m in found.events[:_MOST_EVENTS]:
        if m.note:
            line(console, f"{m.model}, {m.date}: {m.note}", style="dim")


def _print_estimated(e: Estimated, console: Console, *, bold: bool = False) -> None:
    low = f"{e.low:.2f}" if e.low is not None else "no bound"
    high = f"{e.high:.2f}" if e.high is not None else "no bound"
    text = f"{e.estimate:.2f} ({low} to {high}, {percent(e.level, 0)} interval): {e.method}"
    line(console, text, style="bold" if bold else "")
    line(console, f"{e.n:,} observations in {e.n_clusters} clusters; {e.interval}; assumes that {e.assumes}", indent=4,
         style="dim")  # fmt: skip
