"""Does attribution name the documented teacher, and how often does it accuse a model that nobody taught?

    python bench/attribution.py [--quick] [--write] [--fresh] [--data DIR] [--scorer SCRIPT]

Judges every model of known lineage of a panel without its kin, scores the verdicts with a script that knows nothing of
the package, and does the same with baselines, variants, fewer prompts and single channels. A part that is stored in
`.cache/attribution` is measured again when the data, the package or its script changed. `--write` writes
docs/benchmarks/attribution.md and its figures; `--quick` measures Hydrometer and the baselines only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import attribution_baselines
import attribution_cost
import attribution_curves
import attribution_figures
import attribution_page as page
import attribution_variants
from attribution_rows import DATA, ROOT, SCORER, Bench, open_bench, stored

PAGE = ROOT / "docs/benchmarks/attribution.md"
IMAGES = ROOT / "docs/images"
COMMAND = "python bench/attribution.py --write"


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


def main() -> None:
    """Measures, prints, and writes the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="panel folder; a copy of it is indexed")
    parser.add_argument("--scorer", type=Path, default=SCORER, help="script that scores verdicts")
    parser.add_argument("--quick", action="store_true", help="Hydrometer and the baselines only")
    parser.add_argument("--write", action="store_true", help="write the page and its figures")
    parser.add_argument("--fresh", action="store_true", help="measure again what is stored")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("--write needs every part: leave --quick out")
    for path in (options.data, options.scorer):
        if not path.exists():
            print(f"not measured: {path.name} is not here (name it with --data or --scorer)")
            sys.exit(0)
    bench = open_bench(options.data, options.scorer, fresh=options.fresh)
    parts = [page.head(bench, COMMAND), *quick(bench)]
    if not options.quick:
        parts += everything_else(bench)
    text = page.reflow("\n\n".join(parts))
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
        IMAGES.mkdir(parents=True, exist_ok=True)
        probes = stored(bench, "probes", attribution_curves.probes)
        uniform = stored(bench, "uniformity", attribution_curves.uniformity)
        attribution_figures.plot_probes(probes, IMAGES / "attribution-probes.png", len(bench.controls))
        attribution_figures.plot_pvalues(uniform, IMAGES / "attribution-pvalues.png")


if __name__ == "__main__":
    main()
