"""The page on calibration against known lineage, its figures and its operating points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydrometer.plots.svg import ACCENT, INK, LINE, MUTED, WARM
from hydrometer.plots.svg import draw as draw_svg
from hydrometer.stats.proportions import Proportion
from lab_page_dose import dose_section, plot_estimates, share, words_section
from prose import paragraph, table

ALPHA = 0.05
_ORDER = (
    "plain control", "base", "sibling of a teacher", "base, 10 % the teacher's own text",
    "base, 100 % the teacher's own text", "by text, 1 %",
    "by text, 3 %", "by text, 10 %", "by text, 30 %", "by text, 100 %", "by logits, 30 %", "on-policy, 30 %",
    "two teachers at 30 % each", "second hand, 30 %",
    "100 %, then as much human text",
)  # fmt: skip
_UNTAUGHT = _ORDER[:5]
_RULES = ("plain", "siblings", "same text 10 %", "same text", "10 %", "30 %", "100 %")

Json = Mapping[str, Any]


def text(found: Json) -> str:
    """Returns the page."""
    parts = [
        "# Calibration on models whose teachers are known",
        paragraph(
            f"Measured on {found['date']}: {found['n_models']} models of the zoo (docs/lab.md), answers "
            f"to {max(r['n_probes'] for r in found['probes'])} probes, alpha 5 %. Intervals are exact "
            "(Clopper-Pearson) 95 % intervals over models. Every model is judged without what the panel documents of "
            "it; what was chosen while looking at these models is said where it is told. The panel's files (SHA-256):"
        ),
        "\n".join(f"- `{name}`: `{digest}`" for name, digest in sorted(found["sha256"].items())),
        *_shipped(found), *_hard(found), *_probes(found), *_single(found), *_missing(found), *_trends(found),
        *words_section(found), *dose_section(found), *_weights(found), *_rest(found),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _shipped(found: Json) -> list[str]:
    rows = []
    for group in (g for g in _ORDER if g in found["groups"]):
        right, wrong, n = found["groups"][group]
        either, false, _ = found["either"][group]
        rows.append((group, share(right, n), share(wrong, n), share(either, n), share(false, n)))
    held = sum(b[0] for g, b in found["either"].items() if g in _UNTAUGHT[2:])
    n_hard = sum(b[2] for g, b in found["either"].items() if g in _UNTAUGHT[2:])
    return [
        "## Who is named",
        paragraph(
            "Two statements. *The candidate taught it* is made only if hard controls, which learnt the candidate's own "
            "human text and nothing from it, are ruled out as well as plain ones; right is a true teacher and nobody "
            "else, or nobody for untaught models. Where they are not ruled out, the name is withheld and the weaker "
            "statement stands: *the candidate, or its human text*; right is a true teacher, or of a hard control the "
            "teacher whose text it learnt."
        ),
        table(("models", "right", "false", "right, or its text", "false, or its text"), rows),
        paragraph(
            f"Of the {n_hard} hard controls {held} get the weaker statement about their own text, which is true of "
            "them."
        ),
        "![Power and false accusations by dose](../images/lab-dose.svg)",
    ]


def _hard(found: Json) -> list[str]:
    rows = [(rule, *(share(*r[k]) for k in _RULES if k in r and r[k][1])) for rule, r in found["rules"].items()]
    width = max(len(r) for r in rows)
    rows = [r if len(r) == width else (r[0], "–", *r[1:]) for r in rows]
    return [
        "## Hard controls: who learnt the teacher's own human text",
        paragraph(
            "A hard control learnt the human text that a teacher learnt, and nothing from any teacher: siblings of the "
            "teachers, and bases that went on with human text of which 10 or 100 % is that text. Accused, and of "
            "students named, by what is done about them:"
        ),
        table(
            ("", "plain accused", "siblings", "10 % same text", "all same text", *(f"{d} named" for d in _RULES[-3:])),
            rows,
        ),
        paragraph(
            "What ships asks two questions: is the subject more like the candidate than untaught models are, and does "
            "it stand nearer to the candidate's documented students than the hard controls of the panel do, each on "
            "its own candidate's line and without itself? **Answers tell few students from such models here**: the "
            "rate of false accusations holds, and most of the power is gone. **Without documented hard controls those "
            "that learnt nothing but the teacher's text are accused**, and where the panel has none for the teacher in "
            "question, the last row, nothing protects them: the answer then says so under “cannot be ruled out”."
        ),
    ]


def _probes(found: Json) -> list[str]:
    rows = []
    keys = ("plain", "hard", "10%", "30%", "100%")
    for size in sorted({r["n_probes"] for r in found["probes"]}):
        here = [r for r in found["probes"] if r["n_probes"] == size]
        cells = []
        for key in keys:
            each = [r[key][0] / r[key][1] for r in here]
            spread = f" ({min(each):.0%} to {max(each):.0%})" if len(here) > 1 else ""
            cells.append(f"{sum(each) / len(each):.0%}{spread}".replace("%", " %"))
        rows.append((str(size), str(len(here)), *cells))
    n = [found["probes"][0][k][1] for k in keys]
    head = ("probes", "draws", *(f"{a} ({b})" for a, b in zip(
        ("plain controls accused", "hard controls accused", "10 % named", "30 % named", "100 % named"), n, strict=True
    )))  # fmt: skip
    return [
        "## Number of probes",
        paragraph("Random subsets of the probes, the same for every model; mean over draws and the draws' range."),
        table(head, rows),
        "![Power and false accusations by number of probes](../images/lab-probes.svg)",
    ]


def _single(found: Json) -> list[str]:
    rows = [
        (
            f"{r['dose']:.0%}".replace("%", " %"), share(*r["shipped"]),
            share(*r["shipped_other"]) if r["shipped_other"][1] else "–", share(*r["dose0"]),
            share(*r["dose0_other"]) if r["dose0_other"][1] else "–",
        )
        for r in found["single"]
    ]  # fmt: skip
    margin = found["margins"]
    told = "; ".join(f"{g} {a} of {n}" for g, (a, n) in margin.items())
    return [
        "## One teacher, named beforehand",
        paragraph(
            "`--candidate NAME` asks about one teacher. *Shipped*: against all models that it did not teach. *Dose 0 "
            "alone*: against the plain controls and bases only, which tells whether a model was taught, and not by "
            "whom: students of others are accused. Row 0 % is controls, each asked about every teacher."
        ),
        table(
            ("dose", "named, shipped", "another's student accused", "named, dose 0 alone", "another's student accused"),
            rows,
        ),
        paragraph(
            "A third rule, the lead over the next candidate in units of the plain controls' spread, does not ship. It "
            f"names somebody, of students the right one, for: {told}."
        ),
    ]


def _missing(found: Json) -> list[str]:
    rows = [(g, share(a, n), share(b, n)) for g, (a, b, n) in sorted(found["missing"].items())]
    return [
        "## The teacher is missing from the panel",
        paragraph("Each teacher taken out, with its students and hard controls, and its students judged."),
        table(("students", "nobody named", "another teacher named"), rows),
    ]


def _trends(found: Json) -> list[str]:
    rows = [
        (k, f"{t['tau']:.2f}", f"{t['low']:.2f} to {t['high']:.2f}", f"{t['pvalue']:.3f}", str(t["n_models"]))
        for k, t in found["trends"].items()
    ]
    return [
        "## Does it rise with dose?",
        paragraph(
            "Kendall's tau-b between dose (0, 1, 3, 10, 30, 100 %, by text) and the measure for the model's own "
            "teacher, mean over the four teachers; jackknife over models. The p-value permutes doses within teachers "
            "500 times, which with tied doses is Jonckheere's test."
        ),
        table(("measure", "tau", "95 %", "p", "models"), rows),
    ]


def _weights(found: Json) -> list[str]:
    controls = [p["gain"] for p in found["points"] if p["group"] == "plain control"]
    twin = [p["twin"] for p in found["points"] if p["group"] in _UNTAUGHT[2:]]
    rows = []
    for group in _ORDER:
        here = [p for p in found["points"] if p["group"] == group]
        if not here or group in _UNTAUGHT[:2]:
            continue
        gains, twins = [p["gain"] for p in here], [p["twin"] for p in here]
        beyond = sum((1 + sum(c >= g for c in controls)) / (1 + len(controls)) <= ALPHA for g in gains)
        apart = sum((1 + sum(t >= x for t in twin)) / (1 + len(twin)) <= ALPHA for x in twins)
        own = "–" if group in _UNTAUGHT else share(apart, len(here))
        rows.append((group, f"{_mean(gains):+.3f}", share(beyond, len(here)), f"{_mean(twins):+.3f}", own))
    return [
        "## With the weights at hand",
        paragraph(
            "How many nats per token better than dose-0 controls of its base a model predicts text that the teacher "
            "wrote, minus the mean of the same for the other teachers (reference-normalised likelihood; plain "
            f"controls: {_mean(controls):+.3f}, largest {max(controls):+.3f}); and how much better it predicts the "
            f"teacher's text than that of the teacher's twin of another seed (hard controls' largest "
            f"{max(twin):+.3f}). Values by model and author: bench/lab_whitebox.csv, made by bench/lab_whitebox.py. "
            "For comparison only: no command ships."
        ),
        table(
            ("models", "likelihood of the teacher's text", "beyond plain controls at 5 %", "against the twin's text",
             "beyond hard controls at 5 %"),
            rows,
        ),
        "![Likelihood of the teacher's text by dose](../images/lab-weights.svg)",
    ]  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rest(found: Json) -> list[str]:
    return [
        "## What is not here",
        paragraph(
            "Identity cannot be measured: these models complete text and do not say who they are. The models are tiny, "
            "their texts few, all of one recipe: rates measured here are no rates of the world's models. "
            f"Measuring took {found['cpu_seconds']:.0f} processor-seconds."
        ),
    ]


def operating_points(found: Json) -> list[dict[str, Any]]:
    """Returns true and false positive rates of what ships, with the hashes of what they were measured on."""
    base = {"alpha": ALPHA, "date": found["date"], "sha256": found["sha256"], "instrument": "attribution"}
    points = []
    for dose in ("10 %", "30 %", "100 %"):
        right, _, n = found["groups"][f"by text, {dose}"]
        weak, _, _ = found["either"][f"by text, {dose}"]
        plain = [found["groups"][g] for g in _UNTAUGHT[:2]]
        hard = [found["groups"][g] for g in _UNTAUGHT[2:]]
        points.append(
            base
            | {
                "dose": dose,
                "true_positive": _rate(right, n),
                "true_positive_or_its_text": _rate(weak, n),
                "false_positive_plain_or_its_text": _rate(
                    sum(found["either"][g][1] for g in _UNTAUGHT[:2]), sum(n for *_, n in plain)
                ),
                "false_positive_plain": _rate(sum(b for _, b, _ in plain), sum(n for *_, n in plain)),
                "false_positive_hard": _rate(sum(b for _, b, _ in hard), sum(n for *_, n in hard)),
                "threshold": "p <= alpha against untaught models, and against hard controls",
            }
        )
    return points


def _rate(hits: int, n: int) -> dict[str, float]:
    low, high = Proportion(hits, n).confidence_interval()
    return {"hits": hits, "n": n, "rate": hits / n, "low": round(low, 4), "high": round(high, 4)}


def draw(found: Json, folder: Path) -> None:
    """Writes the figures."""
    figures = {
        "lab-dose.svg": (_plot_dose, "Share of models for which somebody is named, by dose"),
        "lab-probes.svg": (_plot_probes, "Share of models for which somebody is named, by number of probes"),
        "lab-estimates.svg": (plot_estimates, "Estimated dose beside the true dose, with intervals"),
        "lab-weights.svg": (_plot_weights, "Likelihood of the teacher's text by dose"),
    }
    from hydrometer.plots.files import write_svg

    for name, (plot, told) in figures.items():

        def drawn(axes: Any, width: float, plot: Any = plot) -> None:
            plot(axes, found)

        figure = draw_svg(drawn, name=name[:-4], width=7.2, height=3.4, description=told, css_class="figure")
        (folder / name).unlink(missing_ok=True)
        write_svg(folder / name, [figure])


def _plot_dose(axes: Any, found: Json) -> None:
    groups = [g for g in _ORDER if g in found["groups"]]
    for row, group in enumerate(reversed(groups)):
        right, wrong, n = found["either"][group]
        untaught = group in _UNTAUGHT
        # Of hard controls the weaker statement is true; that they are accused outright is what counts against them.
        hits = found["groups"][group][1] if group in _UNTAUGHT[2:] else wrong if untaught else right
        low, high = Proportion(hits, n).confidence_interval()
        colour = WARM if untaught else ACCENT
        axes.plot([100 * low, 100 * high], [row, row], color=colour, linewidth=1.6, alpha=0.6)
        axes.plot([100 * hits / n], [row], "o", color=colour, markersize=6)
        axes.text(104, row, f"{hits} of {n}", va="center", fontsize=8, color=MUTED)
    axes.set_yticks(range(len(groups)), list(reversed(groups)), fontsize=8)
    axes.tick_params(length=0)
    axes.axvline(5, color=LINE, linewidth=1)
    axes.set_xlim(-2, 116)
    axes.set_xticks([0, 25, 50, 75, 100], [f"{x} %" for x in (0, 25, 50, 75, 100)])
    axes.set_title("The teacher, or its text, rightly named; above, untaught models accused", loc="left", fontsize=10)


def _plot_probes(axes: Any, found: Json) -> None:
    sizes = sorted({r["n_probes"] for r in found["probes"]})
    ends = []
    for key, label, colour in (
        ("100%", "100 % named", ACCENT), ("30%", "30 % named", ACCENT), ("10%", "10 % named", ACCENT),
        ("hard", "hard controls accused", WARM), ("plain", "plain controls accused", WARM),
    ):  # fmt: skip
        each = [(r["n_probes"], 100 * r[key][0] / r[key][1]) for r in found["probes"]]
        mean = [sum(y for x, y in each if x == s) / sum(x == s for x, _ in each) for s in sizes]
        dashed = key in ("30%", "hard")
        axes.plot(sizes, mean, color=colour, linewidth=2, linestyle="--" if dashed else ":" if key == "10%" else "-")
        axes.plot([x for x, _ in each], [y for _, y in each], "o", color=colour, markersize=3, alpha=0.4)
        ends.append([mean[-1], label, colour])
    ends.sort(key=lambda e: e[0])
    place = -100.0
    for y, label, colour in ends:
        place = max(y, place + 7)
        axes.text(sizes[-1] * 1.06, place, label, color=colour, va="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(s) for s in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] * 0.92, sizes[-1] * 2.1)
    axes.set_yticks([0, 25, 50, 75, 100], [f"{x} %" for x in (0, 25, 50, 75, 100)])
    axes.axhline(5, color=LINE, linewidth=1)
    axes.set_xlabel("probes")
    axes.set_title(
        "Teachers named and untaught models accused, by number of probes", loc="left", fontsize=10, color=INK
    )


def _plot_weights(axes: Any, found: Json) -> None:
    doses = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0]
    for p in found["points"]:
        if p["group"] == "plain control" or p["group"].startswith("by text"):
            x = float(doses.index(p["dose"]))
            axes.plot(
                [x + 0.04 * (hash_of(p["model"] + p["teacher"]) - 2)],
                [p["gain"]],
                "o",
                color=ACCENT,
                markersize=4,
                alpha=0.6,
            )
        elif p["group"] in _UNTAUGHT[2:]:
            axes.plot([len(doses)], [p["gain"]], "o", color=WARM, markersize=4, alpha=0.6)
    axes.set_xticks(range(len(doses) + 1), [*(f"{d:.0%}".replace("%", " %") for d in doses), "hard control"])
    axes.axhline(0, color=LINE, linewidth=1)
    axes.set_xlabel("dose")
    axes.set_ylabel("nats per token", fontsize=8)
    axes.set_title(
        "Likelihood of the teacher's text, from the weights: hard controls look like students",
        loc="left",
        fontsize=10,
        color=INK,
    )


def hash_of(name: str) -> int:
    """Returns a number from 0 to 4, the same every time, so that dots do not lie on each other."""
    return sum(map(ord, name)) % 5
