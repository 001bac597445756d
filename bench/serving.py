"""Measures `hydrometer serving` on public rows.

    pip download --no-deps --dest CACHE aiconfigurator-core==0.12.0

brings the wheel that holds them. Published throughputs are for wide expert parallelism; peers/serving_peer.py asks
NVIDIA's AIConfigurator. Every figure of a family is of a fit that has not seen the family; its interval too.
"""

from __future__ import annotations

import csv
import datetime as dt
import time
from pathlib import Path

import numpy as np

from fit_serving import cell_width, cluster_quantile, fit, groups_of, held_out_in_cells, left_out, ratio_width
from frame import Inputs, Page
from hydrometer.costs.serving_time import speeds
from hydrometer.instruments import serving
from prose import paragraph
from serving_headline import page_of_headline
from serving_published import page_of_published
from serving_rows import Rows, clean

MODEL = Path("DeepSeek-V3")


def _error(gap: np.ndarray) -> np.ndarray:
    return np.abs(np.expm1(gap))


def nested_widths(rows: Rows) -> dict[str, tuple[float, float]]:
    """Returns for each family the half widths that the other families alone give, each of them left out in turn."""
    found = {}
    for name in np.unique(rows.family):
        others = rows.family != name
        later, first = left_out(rows, others)
        found[str(name)] = tuple(
            cluster_quantile(np.abs(values[others]), rows.family[others]) for values in (later, first)
        )
    return found  # type: ignore[return-value]


def families_table(rows: Rows, later: np.ndarray, first: np.ndarray) -> tuple[list[str], dict[str, float]]:
    """Returns the table of families left out, and the coverage of each."""
    width = nested_widths(rows)
    lines = [
        "| family left out | rows | TPOT median | TPOT mean | within 20 % | bias | 80 % interval holds | TTFT median "
        "| holds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    covered = {}
    for name in np.unique(rows.family):
        of = rows.family == name
        gap, early = later[of], first[of]
        holds = float(np.mean(np.abs(gap) <= width[str(name)][0]))
        holds_first = float(np.mean(np.abs(early) <= width[str(name)][1]))
        covered[str(name)] = holds
        error = _error(gap)
        lines.append(
            f"| {label(rows, of)} | {of.sum()} | {np.median(error):.1%} | {error.mean():.1%} "
            f"| {np.mean(error < 0.2):.0%} | {np.expm1(np.median(gap)):+.0%} | {holds:.0%} "
            f"| {np.median(_error(early)):.0%} | {holds_first:.0%} |"
        )
    error = _error(later)
    lines.append(
        f"| **all** | {len(rows)} | **{np.median(error):.1%}** | **{error.mean():.1%}** | {np.mean(error < 0.2):.0%} "
        f"| {np.expm1(np.median(later)):+.0%} | {np.mean(list(covered.values())):.0%} (mean of families) "
        f"| {np.median(_error(first)):.0%} | |"
    )
    return lines, covered


def label(rows: Rows, of: np.ndarray) -> str:
    """Returns the models of some rows."""
    return " and ".join(sorted({str(m) for m in rows.model[of]})[:2])


def measured_table(rows: Rows, gap: np.ndarray) -> list[str]:
    """Returns the table of measured networks: layouts and lengths left out of offsets, half of them of widths."""
    held = np.abs(held_out_in_cells(rows, gap))
    overall, group = cluster_quantile(held, rows.family), groups_of(rows)
    half = np.array([sum(name.encode()) % 2 for name in rows.layout])
    inside = np.zeros(len(rows), bool)
    for one in np.unique(group):
        for side in (0, 1):
            test = (group == one) & (half == side)
            rest = (group == one) & (half != side)
            inside[test] = held[test] <= cell_width(held[rest], overall)
    lines = ["| measured family | rows | TPOT median | TPOT mean | 80 % interval holds |", "|---|---|---|---|---|"]
    error = _error(held_out_in_cells(rows, gap))
    for name in np.unique(rows.family):
        of = rows.family == name
        lines.append(
            f"| {label(rows, of)} | {of.sum()} | {np.median(error[of]):.1%} | {error[of].mean():.1%} "
            f"| {inside[of].mean():.0%} |"
        )
    lines.append(f"| **all** | {len(rows)} | {np.median(error):.1%} | {error.mean():.1%} | {inside.mean():.0%} |")
    return lines


def peer_table(rows: Rows, later: np.ndarray, first: np.ndarray, path: Path | None) -> list[str]:
    """Returns our errors beside AIConfigurator's on the rows that it answers."""
    if path is None:
        return [
            "AIConfigurator was not run here. Its errors as measured before on 1,303 of these rows (quoted, not "
            "re-run): TPOT mean 21.9 %, median 15.2 %; TTFT mean 50 %, median 48 % (1,305 rows).",
        ]
    with path.open(encoding="utf-8", newline="") as file:
        told = {row["id"]: row for row in csv.DictReader(file)}
    answers = {name: row for name, row in told.items() if row["tpot_ms"]}
    asked = sum(row["id"] in told for row in rows.raw)
    mine = [i for i, row in enumerate(rows.raw) if row["id"] in answers]
    lines = [
        "| on the same rows | rows | TPOT median | TPOT mean | within 20 % | TTFT median | TTFT mean |",
        "|---|---|---|---|---|---|---|",
    ]
    before = [
        f"A sample of {asked:,} of the {len(rows):,} rows, drawn by hash, was asked; AIConfigurator, offline on its "
        f"own data, answers {len(mine):,}. Measured before on 1,303 rows (quoted, not re-run): TPOT mean 21.9 %, "
        "median 15.2 %; TTFT mean 50 %, median 48 %.",
        "",
    ]
    theirs = np.array([[float(answers[rows.raw[i]["id"]][k]) for k in ("tpot_ms", "ttft_ms")] for i in mine]) / 1e3
    seen = np.column_stack([rows.tpot[mine], rows.ttft[mine]])
    for name, error in (
        ("AIConfigurator 0.12.0", np.abs(theirs / seen - 1)),
        ("Hydrometer, family left out", np.column_stack([_error(later[mine]), _error(first[mine])])),
    ):
        lines.append(
            f"| {name} | {len(mine)} | {np.median(error[:, 0]):.1%} | {error[:, 0].mean():.1%} "
            f"| {np.mean(error[:, 0] < 0.2):.0%} | {np.median(error[:, 1]):.0%} | {error[:, 1].mean():.0%} |"
        )
    return [*before, *lines]


def day_table() -> list[str]:
    """Returns DeepSeek's published day, recomputed from its own figures, and as the fit would size it."""
    day = serving.deepseek_day()
    assert day.cache_ratio is not None
    assert day.training_days_of_fleet is not None
    request = serving.deepseek_request()
    asked = serving.ServingRequest(
        **{**vars(request), "cache_hit": 342 / 608, "price": 2.0, "date": dt.date(2025, 2, 28)}
    )
    guess = serving.fleet(MODEL, asked, serving.DayLoad(608e9, 168e9, usd_input=0.55, usd_cached=0.14, usd_output=2.19))
    assert guess.margin_percent is not None

    def q(value: object) -> str:
        return f"{value.p50:,.1f} ({value.p10:,.1f} to {value.p90:,.1f})"  # type: ignore[attr-defined]

    return [
        "| | reported | from its own rates | sized by the fit (80 %) |",
        "|---|---|---|---|",
        f"| nodes | 226.75 | {day.nodes.p50:.2f} | {q(guess.nodes)} |",
        f"| nodes that read, write | | {day.input_nodes.p50:.2f}, {day.output_nodes.p50:.2f} "
        f"| {guess.input_nodes.p50:.1f}, {guess.output_nodes.p50:.1f} |",
        f"| dollars a day | 87,072 | {day.cost_usd.p50:,.0f} | {q(guess.cost_usd)} |",
        f"| margin, % | 545 | {day.margin_percent.p50 if day.margin_percent else 0:.1f} | {q(guess.margin_percent)} |",
        f"| cache against every head | | {day.cache_ratio:.1f} times smaller | |",
        f"| training in days of the fleet | | {day.training_days_of_fleet:.1f} | |",
    ]


def worth_table() -> list[str]:
    """Returns what each technique is worth at DeepSeek's published decoding."""
    found = serving.compare(MODEL, serving.deepseek_request())
    lines = ["| without | ms a token | at once | cost of an output token (80 %) |", "|---|---|---|---|"]
    for row in found.rows:
        ratio = row.cost_ratio
        lines.append(
            f"| {row.without} | {row.tpot_ms.p50:.1f} | {row.concurrency:,.0f} "
            f"| {ratio.p50:.2f}x ({ratio.p10:.2f} to {ratio.p90:.2f}) |"
        )
    return lines


def timing() -> str:
    """Returns processor time of an estimate, the first price of a day apart."""
    asked = serving.ServingRequest("H200", tp=8, concurrency=64, engine="sglang")
    start = time.process_time()
    serving.estimate(MODEL, asked)
    first = time.process_time() - start
    start = time.process_time()
    for n in range(100):
        serving.estimate(MODEL, serving.ServingRequest("H200", tp=8, concurrency=1 + n, engine="sglang"))
    each = (time.process_time() - start) / 100
    return f"An estimate takes {each * 1e3:.1f} ms of one processor; the first, with the price, {first * 1e3:.0f} ms."


def measured_part(rows: Rows, later: np.ndarray, first: np.ndarray) -> list[str]:
    """Returns the page's part on the rows that the constants are fitted on."""
    constants = fit(rows, np.ones(len(rows), bool))
    gap = np.log(speeds(rows.terms, constants).tpot / rows.tpot)
    table, covered = families_table(rows, later, first)
    waits = rows.ttft > rows.tpot * rows.terms.output_tokens
    steady = _error(later[~waits])
    ratio, pairs = ratio_width(rows, later)
    good = sum(0.75 <= share <= 0.85 for share in covered.values())
    return [
        "## Families left out whole",
        "",
        "Constants are fitted, and widths set, on the other families alone. A family is a shape: R1 and V3 are one.",
        "",
        *table,
        "",
        f"Intervals hold 75 to 85 % of the rows in {good} of {len(covered)} families; the target was every family. Too "
        "narrow where the rows themselves disagree (Llama-3.1-8B: two benchmarks that contradict each other), too wide "
        "where they agree.",
        "",
        f"Without the {waits.sum()} rows whose first token takes longer than all others together (their stated "
        f"concurrency is mostly a queue): median {np.median(steady):.1%}, mean {steady.mean():.1%}.",
        "",
        f"The ratio of two families' times at the same accelerator, engine, precision, layout and load: 80 % within "
        f"x/÷{np.exp(ratio):.2f} ({pairs} pairs). Intervals of `serving compare` are that wide.",
        "",
        "## Measured networks",
        "",
        "Where the network itself was measured on the accelerator, engine, precision and kind of layout that is "
        "asked for, its own offset and width are used. Each layout and pair of lengths is left out of the offset in "
        "turn, and half of them of the width. The constants have seen these rows.",
        "",
        *measured_table(rows, gap),
        "",
    ]


def measure(inputs: Inputs) -> Page:
    """Fits with every family left out in turn."""
    wheel = inputs["wheel"]
    rows, dropped = clean(wheel)
    later, first = left_out(rows)
    text = [
        "# Serving: measured",
        "",
        paragraph(
            f"The fit and its data: `bench/fit_serving.py`, [serving](../serving.md). {len(rows):,} aggregated rows of "
            "InferenceX as `aiconfigurator-core` 0.12.0 ships them; left out: "
            + ", ".join(f"{n} {why}" for why, n in dropped.items()) + "."
        ),
        "",
        *measured_part(rows, later, first),
        *page_of_headline(wheel, rows),
        "## Beside AIConfigurator",
        "",
        *peer_table(rows, later, first, inputs["peer"]),
        "",
        *page_of_published(wheel, rows, inputs["rows"]),
        "## DeepSeek's day of 2025-02-27",
        "",
        "The fit has seen none of the day's figures, but rows of the same network on other accelerators.",
        "",
        *day_table(),
        "",
        "## What each technique is worth",
        "",
        "One removed at a time from 144 H800 at 88 sequences each (FP8, BF16 cache). Without experts: the exchange of "
        "a dense network is not counted.",
        "",
        *worth_table(),
        "",
        "## Time",
        "",
        timing(),
    ]  # fmt: skip
    return Page("\n".join(text))
