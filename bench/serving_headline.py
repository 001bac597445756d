"""Serving from headline figures alone: configurations of the measured rows hidden, whole developers left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fit_serving import cluster_quantile, fit
from hydrometer.costs.architecture import Architecture
from hydrometer.costs.served import Served, served
from hydrometer.costs.serving import stacked, terms
from hydrometer.costs.serving_time import speeds
from hydrometer.instruments.serving.headline import Headline, guess
from hydrometer.store.serving import shipped_network, shipped_networks
from serving_rows import Rows, read_network


def developer(model: str) -> str:
    """Returns what a model's name begins with: all of one developer are left out together."""
    return re.split(r"[-.\d]", model.rsplit("/", 1)[-1].removeprefix("Meta-"))[0]


def hidden(model: str, architecture: Architecture) -> Served:
    """Returns what the headline figures of a network suggest to one who knows no network of its developer."""
    known: dict[str, Served] = {}
    for name in shipped_networks():
        found = shipped_network(name)
        if found is not None and developer(name) != developer(model):
            net = served(found[1])
            known[net.key] = net
    active = architecture.active_parameters()["with_both_embeddings"]
    kind = ("moe" if architecture.is_mixture else "dense_gqa") + ("_mla" if architecture.is_latent else "")
    return guess(Headline(architecture.total_parameters(), active, kind), list(known.values()))[1]


def residuals(wheel: Path, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Returns log residuals of time per token and to the first; constants have not seen the family either."""
    later, first = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    guessed = {path: hidden(path, read_network(wheel, path)[0]) for path in {row["model_path"] for row in rows.raw}}
    for name in np.unique(rows.family):
        out = np.flatnonzero(rows.family == name)
        at = stacked([terms(guessed[rows.raw[i]["model_path"]], *rows.asked[i]) for i in out])
        found = speeds(at, fit(rows, rows.family != name))
        later[out], first[out] = np.log(found.tpot / rows.tpot[out]), np.log(found.ttft / rows.ttft[out])
    return later, first


def cache_ratios() -> dict[str, float]:
    """Returns of every shipped shape the bytes of cache of a token over those guessed."""
    found = {}
    for name in shipped_networks():
        one = shipped_network(name)
        if one is not None:
            net = served(one[1])
            found[net.key] = net.cache_per_token / hidden(name, one[1]).cache_per_token
    return found


def page_of_headline(wheel: Path, rows: Rows) -> list[str]:
    """Returns the page's part on networks of which only headline figures are known."""
    later, first = residuals(wheel, rows)
    error, early = np.abs(np.expm1(later)), np.abs(np.expm1(first))
    width, width_first = (cluster_quantile(np.abs(v), rows.family) for v in (later, first))
    ratio = np.array(list(cache_ratios().values()))
    lines = [
        "## Only headline figures",
        "",
        "Total and active parameters and the kind (`moe_mla`, `moe`, `dense_gqa`) are given, the configuration is "
        "hidden: the shape is guessed from networks of other developers, the constants have not seen the family.",
        "",
        "| configuration hidden | rows | TPOT median | TPOT mean | within 20 % | bias | TTFT median |",
        "|---|---|---|---|---|---|---|",
    ]
    every = np.ones(len(rows), bool)
    for name, of in [(str(f), rows.family == f) for f in np.unique(rows.family)] + [("", every)]:
        label = " and ".join(sorted({str(m) for m in rows.model[of]})[:2]) if name else "**all**"
        lines.append(
            f"| {label} | {of.sum()} | {np.median(error[of]):.1%} | {error[of].mean():.1%} "
            f"| {np.mean(error[of] < 0.2):.0%} | {np.expm1(np.median(later[of])):+.0%} | {np.median(early[of]):.0%} |"
        )
    inside = []
    for name in np.unique(rows.family):
        others = rows.family != name
        at = cluster_quantile(np.abs(later[others]), rows.family[others])
        inside.append(np.mean(np.abs(later[~others]) <= at))
    low, middle, high = np.quantile(ratio, [0.1, 0.5, 0.9])
    lines += [
        "",
        f"80 % of the rows, each family weighing the same, lie within x/÷{np.exp(width):.2f} of time per token (half "
        f"width {width:.3f} in logs) and x/÷{np.exp(width_first):.2f} of time to the first ({width_first:.3f}); "
        f"as wide as the other families ask for, the interval holds {min(inside):.0%} to {max(inside):.0%} of a "
        f"family's rows, {np.mean(inside):.0%} on the mean. The form of the guess was chosen knowing these networks.",
        "",
        f"The cache of a token over the guess, {len(ratio)} shipped shapes: 10, 50 and 90 % points {low:.2f}, "
        f"{middle:.2f}, {high:.2f}. Below a third: recurrences, and windows in every second layer.",
        "",
    ]
    return lines
