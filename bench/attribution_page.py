"""Writes the benchmark's figures as text: every number comes from a stored result."""

from __future__ import annotations

from collections.abc import Sequence

from attribution_rows import ALPHA, Bench, Json, package_hash
from hydrometer.stats.proportions import Proportion
from prose import paragraph, table

NAMES = {
    "TF-IDF": "TF-IDF, words and pairs, per prompt",
    "length": "length alone",
    "LSA": "LSA embeddings, 256 dimensions",
    "n-gram classifier": "n-gram classifier, logistic regression",
}
MODES = {
    "first": "first always",
    "centred": "first always, centred",
    "controls": "centred, above every control",
    "null": "centred, Hydrometer's null",
    "raw-null": "Hydrometer's null",
}
SCORE_COLUMNS = (
    "teacher named (95 %)",
    "wrong teacher",
    "controls accused (95 %)",
    "right one first",
    "AUC",
    "davinci-003",
    "gpt-3.5",
    "gpt-4",
)


def reflow(text: str) -> str:
    """Returns text with its paragraphs filled to 120 columns; tables, headings, lists and pictures stay as they are."""
    found = []
    for block in text.split("\n\n"):
        fixed = block.lstrip().startswith(("|", "#", "-", "!"))
        found.append(block.strip("\n") if fixed else paragraph(block))
    return "\n\n".join(block for block in found if block) + "\n"


def percent(value: float | None) -> str:
    """Returns a share in percent."""
    return "–" if value is None else f"{100 * value:.0f} %"


def interval(value: float | None, bounds: Sequence[float] | None) -> str:
    """Returns a share with its interval; none where all data sources agree, to which a bootstrap is blind."""
    if value is None or bounds is None:
        return "–"
    if bounds[0] == bounds[1]:
        return f"{100 * value:.0f} % (no spread)"
    return f"{100 * value:.0f} % ({100 * bounds[0]:.0f} to {100 * bounds[1]:.0f})"


def of(n: int, total: int) -> str:
    """Returns a count with the exact interval of the rate."""
    low, high = Proportion(n, total).confidence_interval()
    return f"{n} of {total} ({100 * low:.0f} to {100 * high:.0f} %)"


def number(value: float | None) -> str:
    """Returns an AUC."""
    return "–" if value is None else f"{value:.2f}"


def score_cells(score: Json) -> list[str]:
    """Returns what every score table shows."""
    auc = score["auc_by_teacher"]
    if not score["models"]:
        return ["–"] * len(SCORE_COLUMNS)
    return [
        interval(score["power"], score["power_interval"]),
        percent(score["wrong_teacher_named"]),
        of(score["n_accused"], score["controls"]),
        percent(score["top1"]),
        number(score["auc_macro"]),
        *(number(auc.get(g)) for g in ("davinci-003", "gpt-3.5", "gpt-4")),
    ]


def names(values: Sequence[str]) -> str:
    """Returns names, or a dash for none."""
    return ", ".join(values) or "–"


def head(bench: Bench) -> str:
    """Returns what is measured, on what."""
    sources = sorted({row.data_source or row.model for row in bench.students})
    n_developers = len({row.developer for row in bench.controls})
    hashes = "\n".join(f"- `{name}`: `{digest}`" for name, digest in sorted(bench.panel.sha256.items()))
    return f"""# Benchmark: who taught it, and how often is an untaught model accused?

The panel: {len(bench.models)} models, {len(bench.panel.prompts)} prompts (AlpacaEval), lineage from documents
only. Scored: {len(bench.students)} students whose teacher is documented, from {len(sources)} data sources
({", ".join(sources)}), and {len(bench.controls)} controls that are documented as untaught by anybody else's
model. Source of the package that was measured: `{package_hash()}`. The panel's files (SHA-256):

{hashes}

How it is judged. Every model is judged as if its own lineage were unknown, and without its kin: no model of the
same developer, of the same training set or of the same ancestor serves as null or as documented
student. Students of one training set are one sample: every share over students is the mean over data sources,
with a bootstrap over sources; the share of controls accused has an exact (Clopper-Pearson) interval. A control
is accused if a group of another developer is named. *Wrong teacher*: a group that is not documented is named,
perhaps beside the right one. *Right one first*: the documented teacher has the largest statistic, whether or
not it is named. *AUC*: for one teacher, its students against all other rows, mean over the three teachers.
Level: {ALPHA:g}. The scorer is a script of its own that knows nothing of the package.

What to keep in mind. **The constants of the statistic were set on these models** (with data sources and
developers left out, but on these), so that the figures are those of a method that has seen its test: models
that were withheld are the only fair test. {len(sources)} data sources and
{n_developers} developers of controls are few, all documented teachers are OpenAI's,
and labels are part of the difficulty: ShareGPT mixes GPT-3.5 and GPT-4.
"""


def headline(shipped: Json, baselines: Json) -> str:
    """Returns the main table."""
    rows = [["**Hydrometer**", "p <= 0.05", *score_cells(shipped["score"])]]
    for score in baselines["scores"]:
        if "measure" in score:
            rows.append([NAMES[score["measure"]], MODES[score["mode"]], *score_cells(score)])
        else:
            rows.append(["always the commonest, gpt-3.5", "always", *score_cells(score)])
    return f"""## Hydrometer and the baselines

{table(("method", "names it", *SCORE_COLUMNS), rows)}

Each baseline names one candidate at most. *First always*: its first candidate, whatever the score. *Centred*:
scores minus the means of model and candidate over the panel. *Above every control*: named only if the score exceeds
the largest of every control that is no kin, so at a rate of about one in ten. *Hydrometer's null*: ranked among the
very null population that Hydrometer uses, at the same level: this differs from Hydrometer by the statistic alone.
The classifier learns from the candidates' own answers to other prompts (3 folds), without the candidates of the
subject's developer. LSA stands for an embedding similarity: no trained embedder is downloaded. A method that names
its first candidate always accuses every control, whatever its accuracy on students.
"""


def by_model(bench: Bench, shipped: Json) -> str:
    """Returns Hydrometer's answer about every scored model and about models with several teachers."""
    rows = []
    for me in bench.scored:
        row = shipped["rows"][me.model]
        truth = names(me.teacher_group) if me.role == "positive" else "none"
        rows.append(
            [me.model, me.data_source or me.developer, truth, _named(row), names(row["also"]),
             row["leading"], f"{row['statistic']:.2f}", f"{row['pvalue']:.3f}", row["n_null"]]
        )  # fmt: skip
    columns = (
        "model",
        "data source or developer",
        "documented",
        "named",
        "also resembles",
        "first",
        "statistic",
        "p",
        "null",
    )
    n_null = _span([row["n_null"] for row in shipped["rows"].values()])
    mixed = shipped["mixed"]
    documented = sum(bool(set(m["attributed"]) & set(m["teachers"])) for m in mixed)
    strange = sum(bool(set(m["attributed"]) - set(m["teachers"])) for m in mixed)
    found = [[m["model"], names(m["teachers"]), _named(m), names(m["also"])] for m in mixed]
    return f"""### Model by model

{table(columns, rows)}

With {n_null} null models a p-value of {ALPHA:g} is reached only by exceeding all of them where they are fewer than
{round(2 / ALPHA) - 1}. *Withheld*: the statistic passes, but no untaught model answers at such length, or
the subject is itself a candidate and nobody knows who came first.

### Models with several documented teachers

They set nothing and are not scored. Of {len(mixed)}, {documented} get a documented teacher named and {strange}
get a name that is not documented.

{table(("model", "documented", "named", "also resembles"), found)}
"""


def _named(row: Json) -> str:
    return "withheld" if row["withheld"] else names(row["attributed"])


def variants(prompts: Json, hidden: Json, removed: Json, one: Json) -> str:
    """Returns the tables of part 3."""
    scored = [[s["variant"], *score_cells(s)] for s in prompts["scores"]]
    scored += [[f"hidden: {s['variant']}", *score_cells(s)] for s in hidden["scores"]]
    removals = {name: r for name, r in removed.items() if isinstance(r, dict)}
    outcome_names = ("empty", "sibling", "stranger", "not measured")
    gone = [
        [name, *(r["counts"].get(o, 0) for o in outcome_names), interval(r["stranger_macro"], r["stranger_interval"])]
        for name, r in removals.items()
    ]
    asked = [
        [s["asked"], f"{s['alpha']:g}", s["n_students"], s["refused"], _span(s["n_null"]), *score_cells(s)[:4],
         number(s["auc_by_teacher"].get(s["asked"], s["auc_macro"]))]
        for s in one["scores"]
    ]  # fmt: skip
    strangers = sorted({f"{o['model']}: {names(o['attributed'])}" for r in removals.values() for o in r["outcomes"]
                        if o["outcome"] == "stranger"})  # fmt: skip
    return f"""## Variants

{table(("variant", *SCORE_COLUMNS), scored)}

*Without memorised prompts*: AlpacaEval's koala split overlaps ShareGPT but is not labelled in the data; left out
instead are the {prompts["n_memorised"]} prompts on which three or more models of unrelated origin share the first
120 characters (the rule of `hydrometer panel check`). *Length-matched*: each model on the half of its prompts where
its answer's length is nearest to the panel's median; the null models answer the same prompts, where their own
lengths are as they are, so that subject and null are no longer exchangeable and the level is not promised. *Half
where lengths differ least*: chosen by the spread over the panel, alike for everybody, so that it is. *Hidden*: the
models stay in the panel and in the null, but do not count as documented students: what to expect of a teacher none of
whose students is documented.

### The teacher removed

The right answer is then nobody, or a sibling (a group of the same developer). A stranger is an error.

{table(("removed", *outcome_names, "stranger, by data source (95 %)"), gone)}

Strangers named: {"; ".join(strangers) or "none"}. *Unknown*: the panel does not know the group as a candidate;
what its students were taught is then unknown to the panel too, and they leave the null population.

### One candidate asked about

{table(("asked", "level", "students", "refused", "null", *SCORE_COLUMNS[:4], "AUC"), asked)}

The candidate's own students and all controls; *refused*: the null population cannot support the level. Models that are
documented as untaught by this very candidate are the null where they are enough; else it is that of all candidates,
which asks more of the evidence.

"""


def _span(values: Sequence[int]) -> str:
    return f"{min(values)} to {max(values)}" if values else "–"


def snapshots(result: Json) -> str:
    """Returns what is said of the candidates' own snapshots."""
    rows = [
        [
            r["model"],
            r["developer"],
            names(r["attributed"]),
            names(r["would"]),
            r["withheld"] or "–",
            f"{r['leading']}, {r['pvalue']:.2f}",
        ]
        for r in result["rows"]
    ]
    return f"""### The other direction: the candidates themselves as subjects

Likeness has no direction: a teacher resembles its students, and whoever else learnt from it or its siblings. The
candidates' snapshots that are no controls are {len(result["rows"])}; no document says who taught them. By the p-value
alone {result["n_passing"]} would get a name, and of the {result["n_teachers"]} snapshots of
{names(result["developers"])}, the developer of every documented teacher here,
{of(result["n_teachers_passing"], result["n_teachers"])} would be said to have learnt from another developer's model.
So the name is withheld where the subject is itself a candidate and no release dates say who came first:
{result["n_named"]} are named. A subject of unknown lineage has no such protection. Controls are counted as accused
throughout this page even where the name would be withheld for this reason.

{table(("model", "developer", "named", "would be named", "withheld for", "first, p"), rows)}
"""


def twins(result: Json) -> str:
    """Returns the table of models that were asked to be concise or verbose."""
    rows = [
        [r["twin"], r["verdict"], names(r["attributed"]), f"{r['leading']}, {r['pvalue']:.2f}", r["parent_verdict"],
         names(r["parent_attributed"]), f"{r['parent_leading']}, {r['parent_pvalue']:.2f}"]
        for r in result["rows"]
    ]  # fmt: skip
    n = len(rows)
    return f"""### Concise and verbose twins

The same model asked to answer briefly or at length; judged under its parent's row of the lineage table. The
verdict agrees for {result["same_verdict"]} of {n}, the named set for {result["same_set"]} of {n}.

{table(("twin", "verdict", "named", "first, p", "parent's verdict", "named", "first, p"), rows)}
"""


def curves(probes: Json, uniform: Json, n_controls: int) -> str:
    """Returns the table over numbers of prompts and the test of the p-values."""
    rows = [
        [r["n_probes"], r["draws"], interval(r["power"], r["power_interval"]),
         f"{percent(r['power_range'][0])} to {percent(r['power_range'][1])}", percent(r["top1"]), percent(r["wrong"]),
         f"{r['accused_mean']:.1f} of {n_controls}", f"{r['accused_range'][0]} to {r['accused_range'][1]}"]
        for r in probes["by_size"]
    ]  # fmt: skip
    columns = ("prompts", "draws", "teacher named (95 %)", "over draws", "right one first", "wrong teacher",
               "controls accused", "over draws")  # fmt: skip
    fewer = [p for p in probes["points"] if p["n_probes"] < max(r["n_probes"] for r in probes["by_size"])]
    n_accused, n_judged = sum(len(p["accused"]) for p in fewer), n_controls * len(fewer)
    values = ", ".join(f"{m} {p:.2f}" for m, p in uniform["pvalues"].items())
    kinds = uniform["kinds_median"]
    n_null = uniform["n_null"]
    return f"""## How many prompts

Random subsets, the same for every model, seed {probes["seed"]}. Over all draws of fewer prompts than the panel's,
{n_accused} of {n_judged} judgements of a control name somebody ({percent(n_accused / n_judged)}); the constants were
set with all prompts, so that these draws are a fairer reading of the level than the last row, though they share
the same {n_controls} controls.

![Power and false accusations by number of prompts](../images/attribution-probes.png)

{table(columns, rows)}

## P-values of the controls

![P-values of the controls against the uniform distribution](../images/attribution-pvalues.png)

The p-value of each control's leading candidate, corrected for the number of candidates: {values}.
Kolmogorov-Smirnov against uniform: D = {uniform["ks_statistic"]:.2f}, p = {uniform["ks_pvalue"]:.2f}. The
p-values are discrete (steps of 1/{n_null[-1] + 1} to 1/{n_null[0] + 1}) and not independent (each control is in
the others' null), so that the test is a check, no proof.

The null population has two kinds of models: controls, judged for every foreign candidate, and other teachers'
students, judged for strangers only. Median of their largest statistic: controls {kinds["control"]:.2f},
students {kinds["other_teacher"]:.2f} (Mann-Whitney p = {uniform["kinds_pvalue"]:.2g}). Were students much
lower, p-values of untaught models would be too small. Against the other controls alone, which is too few for
the level, the controls' p-values have Kolmogorov-Smirnov p = {uniform["controls_only"]["ks_pvalue"]:.2f}.
"""


def channels(result: Json) -> str:
    """Returns the table of channels."""
    rows = [[s["variant"], *score_cells(s)] for s in result["scores"]]
    return f"""## Channels

The statistic patched by the benchmark; none of these is an option of the package. Style is a profile of a whole
model: alone it makes both parts of the statistic, while the shipped statistic uses it in the lineage part only.

{table(("channels", *SCORE_COLUMNS), rows)}
"""


def cost(bench: Bench, result: Json) -> str:
    """Returns time and memory, and what other readings say of the controls."""

    def line(name: str, found: Json, answers: str) -> list[str]:
        return [name, f"{found['seconds']:.0f} s", f"{found['peak_mib'] / 1024:.1f} GiB", answers]

    controls = [row.model for row in bench.controls]
    nearest, mmd = result["profile"]["says"]["nearest"], result["mmd"]["says"]
    n_named = sum(mmd["named"][m] is not None for m in controls)
    right = sum(nearest[row.model] in row.teacher_group for row in bench.students)
    right_mmd = sum(mmd["named"][row.model] in row.teacher_group for row in bench.students)
    n = len(bench.students)
    rows = [
        line("`hydrometer panel index`, operating point included", result["index"],
             f"{result['index_mib']:.0f} MiB on disk"),
        line("`hydrometer attribute`, one outside model", result["subject"],
             f"names {names(result['subject']['says'])}"),
        line("profile of over-used words, pairs, triples", result["profile"],
             f"names somebody for every model; right for {right} of {n} students"),
        line("MMD, Hamming kernel, and sign flips over prompts", result["mmd"],
             f"equality rejected for {mmd['rejected']} of {mmd['pairs']} pairs of control and candidate"),
    ]  # fmt: skip
    named = "; ".join(f"{m}: {mmd['named'][m]}" for m in controls if mmd["named"][m])
    profile = "; ".join(f"{m}: {nearest[m]}" for m in controls)
    return f"""## Time and memory

{result["models"]} models x {result["probes"]} prompts, one process each, peak resident memory as the system
reports it. The outside model is a panel model's answers under another name with a word changed in each.

{table(("task", "time", "peak", "what it says"), rows)}

What they would say of the {len(controls)} controls. A test of equality says that models differ, which is true
of every pair, and so nothing about who taught whom. Read at the level of prompts - is the control more alike to
its nearest candidate than to the mean candidate, signs flipped over prompts, Bonferroni over candidates - it
**accuses {n_named} of {len(controls)} controls** at {ALPHA:g}, and names the right teacher of {right_mmd} of
{n} students. {named}. The profile has no error rate and always names somebody: {profile}.
"""
