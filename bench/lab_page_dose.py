"""The page's section and picture on the estimate of the dose, and how both files print a share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, WARM
from hydrometer.stats.proportions import Proportion
from prose import paragraph, table

Json = Mapping[str, Any]


def share(hits: int, n: int) -> str:
    """Returns a share with its exact interval."""
    low, high = Proportion(hits, n).confidence_interval()
    return f"{hits} of {n} ({low:.0%} to {high:.0%})".replace("%", " %")


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
        paragraph(
            "How large a share of a model's fine-tuning came from a teacher. The statistic is how far the words of all "
            "its answers have gone from the plain controls' (0) to the teacher's (1): the mean log-ratio of a word's "
            "frequency in both. The isotonic curve of log(dose + 1 %) on it gives the estimate, split-conformal "
            "residuals an 80 % interval. **Valid for the lab's models only, and only if the teacher is the right "
            "one**; no command states a dose for other models. Every model is judged by the students of the *other* "
            "three teachers, whose residuals come from curves that left their own teacher out. Students by the teacher "
            "that taught them; plain controls each by one candidate, dealt in turn; hard controls by the candidate "
            "whose text they learnt, true dose 0; medians over models. The statistic was chosen of three tried on "
            "these models (docs/log.md), so that the coverage is not that of a fresh zoo; and its doses are six steps "
            "on which the curve's own steps lie: a dose between them would be further off than the typical error here."
        ),
        table(
            ("models", "true dose", "estimate (80 % interval)", "interval holds", "excludes 0",
             "half the scale or wider", "typical error"),
            rows,
        ),
        paragraph(
            f"Over students by text and plain controls, of which the curve is made, {share(known['held'], known['n'])} "
            f"intervals hold (aim 80 %); {known['wide']} span half the scale or more, and the typical error is "
            f"{_percent(known['error'])}. `lab zoo audit` prints the estimate for whoever is named, or named together "
            f"with its text, hard controls among them: {share(said['held'], said['n'])} of those hold. Rows of other "
            "kinds (by logits, on-policy, second hand, a later fine-tuning, hard controls) show where the estimate "
            "does not hold: it was not made for them."
        ),
        "![Estimated and true dose](../images/lab-estimates.svg)",
    ]  # fmt: skip


def words_section(found: Json) -> list[str]:
    """Returns the section on the words alone."""
    rows = [
        (group, share(*r["own"]), share(*r["other"]) if r["other"][1] else "–") for group, r in found["words"].items()
    ]
    return [
        "## The words alone",
        paragraph(
            "The statistic of the estimated dose as a detector, which does not ship: a teacher is named beforehand, "
            "and a model is called its student if its words are nearer to the teacher's than those of all but 5 % of "
            "the plain controls (exact p-value, the model itself left out). A first form, a mean over answers, was "
            "written on models of other seeds; this one, a mean over words, when the zoo's answers were at hand. It "
            "tells taught from untaught, and not by whom, nor the teacher from its text:"
        ),
        table(("models", "beyond plain controls, own teacher", "another teacher"), rows),
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
