"""Does attribution name the documented teacher, and how often does it accuse a model that nobody taught?

Judges every model of known lineage of a panel without its kin, scores the verdicts with a script that knows nothing of
the package, and does the same with baselines, variants, fewer prompts and single channels. A part that is stored in
`.cache/attribution` is measured again when the data, the package or its script changed. `--quick` measures Hydrometer
and the baselines only.
"""

from __future__ import annotations

from pathlib import Path

import attribution_baselines
import attribution_cost
import attribution_curves
import attribution_figures
import attribution_page as page
import attribution_variants
from attribution_rows import Bench, open_bench, stored
from frame import Inputs, Page


def quick(bench: Bench) -> list[str]:
    """Returns Hydrometer beside the baselines."""
    shipped = stored(bench, "shipped", attribution_baselines.shipped)
    baselines = stored(bench, "baselines", attribution_baselines.baselines)
    return [page.headline(shipped, baselines), page.by_model(bench, shipped)]


def everything_else(bench: Bench) -> list[str]:
    """Returns variants, curves, channels and cost."""
    variants = [
        stored(bench, name, getattr(attribution_variants, name))
        for name in ("prompts", "hidden", "removed", "one_candidate")
    ]
    twins = stored(bench, "twins", attribution_variants.twins)
    snapshots = stored(bench, "snapshots", attribution_variants.snapshots)
    uniform = stored(bench, "uniformity", attribution_curves.uniformity)
    channels = stored(bench, "channels", attribution_variants.channels)
    cost = stored(bench, "cost", attribution_cost.cost)
    probes = stored(bench, "probes", attribution_curves.probes)
    return [
        page.variants(*variants),
        page.snapshots(snapshots),
        page.twins(twins),
        page.curves(probes, uniform, len(bench.controls)),
        page.channels(channels),
        page.cost(bench, cost),
    ]


def measure(inputs: Inputs) -> Page:
    """Measures every part that is not stored."""
    bench = open_bench(inputs["panel"], inputs["scorer"], fresh=bool(inputs["fresh"]))
    parts = [page.head(bench), *quick(bench)]
    if not inputs.quick:
        parts += everything_else(bench)

    def draw(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        probes = stored(bench, "probes", attribution_curves.probes)
        uniform = stored(bench, "uniformity", attribution_curves.uniformity)
        attribution_figures.plot_probes(probes, folder / "attribution-probes.png", len(bench.controls))
        attribution_figures.plot_pvalues(uniform, folder / "attribution-pvalues.png")

    return Page(page.reflow("\n\n".join(parts)), draw=draw)
