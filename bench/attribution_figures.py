"""The figures of the attribution benchmark."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from scipy.stats import kstwo

from attribution_rows import ALPHA, Json

_INK, _BLUE, _RED, _GREY = "#222222", "#1f5fa8", "#b3361b", "#8a8a8a"


def plot_probes(result: Json, path: Path, n_controls: int) -> None:
    """Draws power and false accusations against the number of probes."""
    rows = result["by_size"]
    n = [r["n_probes"] for r in rows]
    figure, axes = _axes()
    bounds = zip(*(r["power_interval"] for r in rows), strict=True)
    axes.fill_between(n, *bounds, color=_BLUE, alpha=0.13, linewidth=0)
    power = [r["power"] for r in rows]
    accused = [r["accused_mean"] / n_controls for r in rows]
    draws = [(p["n_probes"], p["power"], len(p["accused"]) / n_controls) for p in result["points"]]
    for column, colour, line in ((1, _BLUE, power), (2, _RED, accused)):
        axes.plot([d[0] for d in draws], [d[column] for d in draws], "o", color=colour, alpha=0.45, markersize=4, mew=0)
        axes.plot(n, line, color=colour, linewidth=2.2)
    axes.axhline(ALPHA, color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xscale("log")
    axes.set_xticks(n, [str(x) for x in n])
    axes.minorticks_off()
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlim(n[0] * 0.9, n[-1] * 2.1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.text(n[-1] * 1.07, power[-1], "documented\nteacher named", color=_BLUE, va="center", fontsize=11)
    axes.text(
        n[-1] * 1.07, max(accused[-1], ALPHA) + 0.085, "untaught model\naccused", color=_RED, va="center", fontsize=11
    )
    axes.text(n[-1] * 1.62, ALPHA - 0.035, "level 5 %", color=_GREY, va="center", fontsize=10)
    axes.set_xlabel("prompts that the subject answered", color=_INK)
    title = "Teachers named and untaught models accused, by number of prompts"
    axes.set_title(title, loc="left", fontsize=13, color=_INK)
    note = f"dots: random draws of prompts; band: 95 % bootstrap over data sources; {n_controls} controls"
    figure.text(0.012, 0.012, note, fontsize=9, color=_GREY)
    _save(figure, path)


def plot_pvalues(result: Json, path: Path) -> None:
    """Draws the cumulative distribution of the controls' p-values with a 95 % Kolmogorov band."""
    values = np.sort(list(result["pvalues"].values()))
    n = len(values)
    band = float(kstwo.ppf(0.95, n))
    figure, axes = _axes(width=6.4)
    grid = np.linspace(0, 1, 201)
    axes.fill_between(grid, np.clip(grid - band, 0, 1), np.clip(grid + band, 0, 1), color=_GREY, alpha=0.2, linewidth=0)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1)
    axes.step([0, *values, 1], [0, *(np.arange(1, n + 1) / n), 1], where="post", color=_BLUE, linewidth=2.2)
    axes.axvline(ALPHA, color=_RED, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(ALPHA + 0.015, 0.97, "level 5 %", color=_RED, fontsize=10, va="top")
    axes.text(0.19, 0.545, "uniform, with the band\nfor 95 % of samples", color="#6a6a6a", fontsize=10, va="top")
    axes.text(0.985, 0.05, f"Kolmogorov-Smirnov p = {result['ks_pvalue']:.2f}", color=_INK, fontsize=10, ha="right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("p-value of a control's leading candidate, corrected for the number of candidates", color=_INK)
    axes.set_ylabel("share of controls", color=_INK)
    axes.set_title(f"P-values of {n} models documented as untaught", loc="left", fontsize=13, color=_INK)
    _save(figure, path)


def _axes(width: float = 8.0) -> tuple[plt.Figure, plt.Axes]:
    figure, axes = plt.subplots(figsize=(width, 4.6), facecolor="white")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_GREY)
    axes.tick_params(colors=_INK, labelsize=10)
    return figure, axes


def _save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(path, dpi=160, metadata={"Software": None})
    plt.close(figure)
