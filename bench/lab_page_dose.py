"""The page's section and picture on the estimate of the dose, and the words and tables that both files share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, WARM
from hydrometer.stats.proportions import Proportion

Json = Mapping[str, Any]


def share(hits: int, n: int) -> str:
    """Returns a share with its exact interval."""
    low, high = Proportion(hits, n).confidence_interval()
    return f"{hits} of {n} ({low:.0%} to {high:.0%})".replace("%", " %")


def wrap(text: str) -> str:
    """Returns a paragraph in lines."""
    return textwrap.fill(text, 120)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(r)} |" for r in rows)]
    return "\n".join(lines)


def _percent(x: float) -> str:
    return f"{x:.1%}".replace("%", " %") if 0 < x < 0.095 else f"{x:.0%}".replace("%", " %")


def dose_section(found: Json) -> list[str]:
    """Returns the section."""
    rows = []
    for t in found["doses"]:
        low, middle, high = (_percent(t[k]) for k in ("low", "middle", "high"))
        rows.append(
            (
                t["group"], _percent(t["dose"]), f"{middle} ({low} to {high})",
                share(t["held"], t["n"]), str(t["above_zero"]), str(t["wide"]), _percent(t["error"]),
            )
        )  # fmt: skip
    known, said = found["doses_all"]["own"], found["doses_all"]["said"]
    return [
        "## Estimated dose",
        wrap(
            "How large a share of a model's fine-tuning came from a teacher: the isotonic curve of log(dose + 1 %) on "
            "attribution's statistic, and an 80 % split-conformal interval. **Valid for the lab's models only, and "
            "only if the teacher is the right one**; no command states a dose for other models. Every model is judged "
            "by the students of the *other* three teachers, whose residuals come from curves that left their own "
            "teacher out. Students by the teacher that taught them; plain controls each by one candidate, dealt in "
            "turn; hard controls by the candidate whose text they learnt, true dose 0; medians over models."
        ),
        table(
            ("models", "true dose", "estimate (80 % interval)", "interval holds", "excludes 0",
             "half the scale or wider", "typical error"),
            rows,
        ),
        wrap(
            f"Over students by text and plain controls, of which the curve is made, {share(known['held'], known['n'])} "
            f"intervals hold (aim 80 %); {known['wide']} span half the scale or more, and the typical error is "
            f"{_percent(known['error'])}. `lab zoo audit` prints the estimate for whoever is named, or named together "
            f"with its text, hard controls among them: {share(said['held'], said['n'])} of those hold. Rows of other "
            "kinds (by logits, on-policy, second hand, a later fine-tuning, hard controls) show where the estimate "
            "does not hold: it was not made for them."
        ),
        "![Estimated and true dose](../images/lab-estimates.svg)",
    ]  # fmt: skip


def plot_estimates(axes: Any, found: Json) -> None:
    """Draws estimate and interval of every student by text and control beside the truth."""
    doses = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0]
    here = [r for r in found["estimates"] if r["how"] == "own" and (r["group"].startswith("by text") or r["dose"] == 0)]
    groups: dict[float, list[Json]] = {}
    for r in here:
        untaught = r["group"].startswith(("sibling", "base,"))
        groups.setdefault(float(len(doses)) if untaught else float(doses.index(r["dose"])), []).append(r)
    for x, rows in groups.items():
        for i, r in enumerate(sorted(rows, key=lambda r: r["middle"])):
            at = x - 0.35 + 0.7 * (i + 0.5) / len(rows)
            colour = WARM if x == len(doses) else ACCENT
            y = [100 * max(r[k], 0.003) for k in ("low", "middle", "high")]
            axes.plot([at, at], [y[0], y[2]], color=colour, linewidth=1.2, alpha=0.45)
            axes.plot([at], [y[1]], "o", color=colour, markersize=3)
        if x < len(doses):
            axes.plot([x - 0.4, x + 0.4], [100 * max(doses[int(x)], 0.003)] * 2, color=INK, linewidth=1.2)
    axes.set_yscale("log")
    axes.set_yticks([0.3, 1, 3, 10, 30, 100], ["0 %", "1 %", "3 %", "10 %", "30 %", "100 %"])
    axes.minorticks_off()
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_xticks(range(len(doses) + 1), [*(f"{d:.0%}".replace("%", " %") for d in doses), "hard control"])
    axes.set_xlabel("true dose (black); hard controls: 0")
    axes.set_title("Estimated dose with 80 % interval, by the students of other teachers", loc="left", fontsize=10)
