"""How often do the intervals on elasticities hold, and what does the verdict rest on?

Markets of known elasticity are drawn and measured as a user's file would be. Seeds begin where no test and no trial
looked.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from demand_worlds import BROKEN, FRESH, SLOW, WORLDS, World, simulate
from frame import Inputs, Page
from hydrometer.instruments.demand.elasticity import elasticity_of_events, elasticity_of_series
from hydrometer.instruments.demand.prices import read_index, report_prices
from hydrometer.instruments.demand.verdict import judge_gain
from hydrometer.records.demand_data import Estimated
from hydrometer.stats.proportions import Proportion
from hydrometer.store.demand_beliefs import read_beliefs
from hydrometer.store.demand_series import shipped_events
from prose import paragraph

FIRST_SEED = 91_000


def holds(found: Estimated, truth: float) -> bool:
    """Returns whether an interval holds the truth; a missing bound is none."""
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    return bool(low <= truth <= high)


@dataclass(frozen=True)
class RunSummary:
    """What n markets of one kind show.

    Attributes:
        n: markets.
        covered: recommended intervals that hold the truth.
        error: mean of the estimates less the truth.
        width: median of the intervals that have both ends.
        events: mean number of events measured.
        n_naive: markets that the other methods were run on.
        naive: least squares intervals that hold the truth.
        naive_error: mean of the least squares estimates less the truth.
        effects: intervals with model and date effects that hold the truth.
        warned: reports that give each warning.
        half_days: median of when half of the response is said to be there.
    """

    n: int
    covered: int
    error: float
    width: float
    events: float
    n_naive: int
    naive: int
    naive_error: float
    effects: int
    warned: Counter[str]
    half_days: float


def trial(world: World, n: int) -> RunSummary:
    """Returns what n markets of one kind show; the other methods are run on the first quarter."""
    n_naive = max(n // 4, 1)
    reports = [
        elasticity_of_series(simulate(world, np.random.default_rng(FIRST_SEED + seed)), with_naive=seed < n_naive)
        for seed in range(n)
    ]
    best = [r.recommended for r in reports if r.recommended is not None]
    others = [r.others for r in reports[:n_naive]]
    return RunSummary(
        n=n,
        covered=sum(holds(b, world.elasticity) for b in best),
        error=float(np.mean([b.estimate for b in best])) - world.elasticity,
        width=float(np.median([b.high - b.low for b in best if b.low is not None and b.high is not None])),
        events=float(np.mean([len(r.events) for r in reports])),
        n_naive=n_naive,
        naive=sum(holds(o[0], world.elasticity) for o in others),
        naive_error=float(np.mean([o[0].estimate for o in others])) - world.elasticity,
        effects=sum(holds(o[1], world.elasticity) for o in others),
        warned=Counter(kind for r in reports for kind in {w.kind for w in r.warnings}),
        half_days=float(np.median([r.adjustment.half_days for r in reports if r.adjustment is not None])),
    )


def share(hits: int, n: int) -> str:
    """Returns a rate with its 95 % interval."""
    rate = Proportion(hits, n)
    low, high = rate.confidence_interval()
    return f"{100 * hits / n:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def coverage_table(worlds: dict[str, tuple[World, str]], tallies: dict[str, RunSummary]) -> list[str]:
    """Returns one table of markets."""
    lines = [
        "| market | what is planted | responses at events hold the truth | mean error | median width | events | half "
        "of the response after | least squares holds | its mean error | model and date effects hold | warned of "
        "simultaneity / slow response |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (_, what) in worlds.items():
        r = tallies[name]
        lines.append(
            f"| {name} | {what} | **{share(r.covered, r.n)}** | {r.error:+.2f} | {r.width:.2f} | {r.events:.0f} | "
            f"{r.half_days:.1f} days | {share(r.naive, r.n_naive)} | {r.naive_error:+.2f} | "
            f"{share(r.effects, r.n_naive)} | "
            f"{100 * r.warned['simultaneity'] / r.n:.0f} % / {100 * r.warned['slow_response'] / r.n:.0f} % |"
        )
    return lines


def verdict_lines() -> list[str]:
    """Returns the verdict on a tenfold gain, with its alternatives."""
    judge_gain(10, read_beliefs(None), draws=1000)
    start = time.process_time()
    found = judge_gain(10, read_beliefs(None))
    seconds = time.process_time() - start
    short, long = found.posterior.short_run, found.posterior.long_run
    rows = [
        ("elasticity of the market, short run", short.elasticity, short.probability_of_backfire),
        ("elasticity of the market, long run", long.elasticity, long.probability_of_backfire),
        ("compute after over before, k = 10, long run", long.compute_ratio, long.probability_of_backfire),
        (
            "the same before the evidence",
            found.prior.long_run.compute_ratio,
            found.prior.long_run.probability_of_backfire,
        ),
    ]
    lines = ["| | 5 % | 50 % | 95 % | probability of a rise |", "|---|---|---|---|---|"]
    lines += [f"| {title} | {p.p5:.2f} | {p.p50:.2f} | {p.p95:.2f} | {chance:.3f} |" for title, p, chance in rows]
    lines += ["", "| if one thing were otherwise | probability of a rise | compute in the middle |", "|---|---|---|"]
    lines += [f"| {a.what} | {a.probability_of_backfire:.3f} | {a.compute_ratio:.2f} |" for a in found.alternatives]
    lines += ["", "| what matters | lowest tenth | highest tenth | rank correlation |", "|---|---|---|---|"]
    lines += [f"| {s.prior} | {s.low:.2f} | {s.high:.2f} | {s.rank_correlation:+.2f} |" for s in found.swings]
    worked = [
        judge_gain(10, read_beliefs(None, priors=[f"long_run_elasticity={e}", "pass_through=0.7"]), draws=1000)
        for e in (0.76, 2.0)
    ]
    e = found.evidence
    lines += [
        "",
        paragraph(
            f"Pool of {e.n} published estimates: {e.mean:.2f}, standard error {e.standard_error:.2f}, spread "
            f"{e.tau:.2f}. With the long-run elasticity given as 0.76 and 2, and 0.7 passed through, a tenfold gain "
            f"makes compute {worked[0].compute_ratio.p50:.2f} and {worked[1].compute_ratio.p50:.2f} times. "
            f"{found.n_draws:,} draws took {seconds:.2f} CPU seconds."
        ),
    ]
    return lines


def data_lines() -> list[str]:
    """Returns the index trap, prices at a fixed quality, and the shipped price changes."""
    trap = read_index()
    lines = [
        "## The index trap",
        "",
        "| prices fell a year | elasticity | growth that would make it 1 |",
        "|---|---|---|",
    ]
    lines += [
        f"| {r.decline_a_year:g}-fold | {r.elasticity:.2f} | × {r.growth_for_one:.2f} a year |" for r in trap.readings
    ]
    lines += ["", paragraph(trap.in_words), "", "## Prices at a fixed quality", ""]
    until = dt.date(2026, 11, 25)
    for benchmark, bar in (("AA Intelligence Index", None), ("MMLU", 83.0)):
        found = report_prices(benchmark=benchmark, at_least=bar, until=until)
        first, last = found.anchor[0], found.anchor[-1]
        n_up = sum("increase" in step.why for step in found.anchor)
        lines.append(
            paragraph(
                f"- {benchmark} of {found.at_least:g} or more: ${first.effective_usd:.2f} ({first.model}, "
                f"{first.date}) to ${last.effective_usd:.2f} ({last.model}, {last.date}) a million tokens in use: "
                f"{found.decline_a_year:.1f}-fold a year, {found.decline_low:.1f} to {found.decline_high:.1f} over "
                f"other uses. {n_up} of {len(found.anchor)} steps are increases."
            )
        )
    prices = report_prices(benchmark="MMLU", at_least=83.0, until=until)
    lines += [
        f"- Of {len(prices.prices)} dated prices, {prices.n_cuts} changes are cuts and {prices.n_increases} increases.",
        "",
        "## The shipped price changes",
        "",
    ]
    events = elasticity_of_events(shipped_events())
    best = events.recommended
    assert best is not None
    lines += ["| model | date | price | elasticity | shrunken | the whole without it |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {m.model} | {m.date} | × {m.price_ratio:.2f} | {m.elasticity:.2f} ± {m.standard_error:.2f} | "
        f"{m.shrunken:.2f} | {'–' if m.without_it is None else f'{m.without_it:.2f}'} |"
        for m in events.events
    ]
    together = (
        f"Together {best.estimate:.2f} ({best.low:.2f} to {best.high:.2f}), {best.n_clusters} independent clusters, "
        f"{best.interval}. Standard errors are assumed: no daily series ships."
    )
    lines += ["", paragraph(together)]
    return lines


def tally_all(n: int, workers: int) -> dict[str, RunSummary]:
    """Returns the tally of every kind of market."""
    every = {**SLOW, **BROKEN, **WORLDS, **FRESH}
    found = {}
    with ProcessPoolExecutor(workers) as pool:
        for name, tally in zip(every, pool.map(trial, (w for w, _ in every.values()), repeat(n)), strict=True):
            found[name] = tally
            print(f"{name}: {share(tally.covered, n)}", flush=True)
    return found


def measure(inputs: Inputs) -> Page:
    """Measures every market."""
    n = 4 if inputs.quick else inputs["markets"]
    tallies = tally_all(n, inputs["workers"])
    lines = [
        "# Benchmark: demand",
        "",
        paragraph(
            f"Every market is drawn anew with another seed, {n} of each kind, the first {max(n // 4, 1)} of them with "
            "the methods that are there to be compared with. Nominal coverage is 90 %; in brackets 95 % intervals of "
            "the rate."
        ),
        "",
        "## Elasticity: markets that the assumptions allow",
        "",
        *coverage_table(WORLDS, tallies),
        "",
        "## The same, of other kinds",
        "",
        *coverage_table(FRESH, tallies),
        "",
        "## Markets in which use takes its time",
        "",
        *coverage_table(SLOW, tallies),
        "",
        paragraph(
            "The truth is the final response. A report that warns of a slow response gives a lower bound only; the "
            "width is that of the others."
        ),
        "",
        "## Markets that break an assumption",
        "",
        *coverage_table(BROKEN, tallies),
        "",
        paragraph(
            "What happens on the day of a event and fades as other shocks do is told from a response that stays, if "
            "roughly. Where cuts follow a weak week, the recovery is partly taken for a response; the last column says "
            "how often the report warns."
        ),
        "",
        "## The verdict on a tenfold gain",
        "",
        *verdict_lines(),
        "",
        *data_lines(),
    ]
    return Page("\n".join(lines))
