"""How far does the judge by rule agree with published labels, on models left out? And are the published counts met?

Reads 9 models x 1,000 answers with the labels that Lee et al. (ACL 2025) published. The rules were written with the
answers of four of the models in view (TUNED); the other five were scored before they were read. The weights of loose
are fitted again with every model left out. What ships are the judge's error rates.
"""

from __future__ import annotations

import datetime as dt
import json
import time

import numpy as np

import identity_page as page
from frame import Inputs, Page
from hydrometer.instruments.identity.claims import read
from hydrometer.instruments.identity.judge import CUT, START, TIED, VERSION, WEIGHTS, judge_answer, statements
from hydrometer.instruments.identity.names import Names
from hydrometer.instruments.identity.run import default_names, find_makers, judge_rows, summarise
from hydrometer.records.identity import Identity
from hydrometer.stats.agreement import Agreement, agreement
from hydrometer.store.identity_rows import IdentityRows, read_identity_rows

POINTS = "src/hydrometer/data/identity_judge_points.json"
COMMAND = "python bench/run.py identity --ship"
TUNED = ("deepseek-v3", "qwen-max-0919", "llama-3.1-70b-instruct", "qwen2.5-14b-base")
PUBLISHED = {  # loose, strict, hard of 1,000: facts of the published files
    "claude-3.5-sonnet-20241022": (7, 2, 2),
    "doubao-pro-32k": (39, 6, 1),
    "llama-3.1-70b-instruct": (313, 97, 0),
    "deepseek-v3": (339, 219, 70),
    "qwen-max-0919": (342, 248, 102),
    "deepseek-r1": (442, 292, 51),
    "qwen2.5-14b-base": (446, 171, 38),
    "qwen2.5-72b-instruct": (28, 0, 0),
    "qwen2.5-14b-instruct": (79, 0, 0),
}


def features(rows: IdentityRows, names: Names) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Returns, by model, what every answer holds, the rule's strict label, and both published labels."""
    keys = list(WEIGHTS)
    found: dict[str, list[tuple[list[bool], bool, bool, bool]]] = {}
    for row in rows.frame.iter_rows(named=True):
        maker = names.maker_of(row["model"])
        reading = read(row["response"], row["query"], names=names, prompt=row["jailbreak_prompt"])
        held = statements(reading, names=names, maker=maker)
        big = any(c.vendor in {"OpenAI", "Anthropic"} and c.vendor != maker and c.tie in TIED for c in reading.claims)
        strict = big and "own" not in held
        labels = (bool(row["published_loose"]), bool(row["published_strict"]))
        found.setdefault(row["model"], []).append(([k in held for k in keys], strict, *labels))
    return {m: tuple(np.array(list(c)) for c in zip(*v, strict=True)) for m, v in found.items()}  # type: ignore[misc]


def left_out(data: dict[str, tuple[np.ndarray, ...]], model: str) -> np.ndarray:
    """Returns the loose labels of one model's answers from weights that never saw it."""
    from sklearn.linear_model import LogisticRegression

    rest = [m for m in data if m != model]
    x, y = np.vstack([data[m][0] for m in rest]), np.concatenate([data[m][2] for m in rest])
    fitted = LogisticRegression(C=0.5, max_iter=1000).fit(x, y)
    return fitted.decision_function(data[model][0]) > CUT


def refit(data: dict[str, tuple[np.ndarray, ...]]) -> tuple[float, dict[str, float]]:
    """Returns the weights that all models give, rounded as they ship."""
    from sklearn.linear_model import LogisticRegression

    x, y = np.vstack([d[0] for d in data.values()]), np.concatenate([d[2] for d in data.values()])
    fitted = LogisticRegression(C=0.5, max_iter=1000).fit(x, y)
    return float(fitted.intercept_[0]), dict(zip(WEIGHTS, fitted.coef_[0].tolist(), strict=True))


def total(parts: list[Agreement]) -> Agreement:
    """Adds tables up."""
    names = ("both", "first_only", "second_only", "neither")
    return Agreement(*(sum(getattr(p, n) for p in parts) for n in names))


def counts_met(found: list[Identity]) -> list[str]:
    """Returns the models whose published counts are not met exactly; empty if all is well."""
    wrong = []
    for f in found:
        got = (f.loose.count, f.strict.count, f.hard.count)  # type: ignore[union-attr]
        if got != PUBLISHED[f.model]:
            wrong.append(f"{f.model}: {got} instead of {PUBLISHED[f.model]}")
    return wrong


def speed(rows: IdentityRows, names: Names) -> float:
    """Returns CPU seconds for 10,000 answers, all of the file's scaled."""
    makers = {m: names.maker_of(m) for m in rows.frame["model"].unique()}
    wanted = rows.frame.select("model", "response", "query", "jailbreak_prompt")
    started = time.process_time()
    for model, response, query, prompt in wanted.iter_rows():
        judge_answer(response, query, names=names, maker=makers[model], prompt=prompt)
    return (time.process_time() - started) * 10_000 / len(wanted)


def points(tables: dict[str, Agreement], today: str) -> list[dict[str, object]]:
    """Returns the judge's errors in the form that ships."""
    measured_on = "published labels of 5 models whose answers were not read while the rules were written"
    return [
        {
            "rate": rate, "judge": VERSION, "hits": t.both, "n_true": t.both + t.second_only,
            "rejections": t.neither, "n_false": t.neither + t.first_only, "kappa": round(t.kappa, 4),
            "measured_on": measured_on, "created_at": today, "command": COMMAND,
        }
        for rate, t in tables.items()
    ]  # fmt: skip


def measure(inputs: Inputs) -> Page:
    """Judges every answer; returns the page and the judge's error rates, which ship."""
    rows, names = read_identity_rows(inputs["answers"]), default_names()
    makers = find_makers(rows.frame["model"].unique().to_list(), {}, names=names)
    published = summarise(judge_rows(rows, names=names, makers=makers, judge="published"))
    data = features(rows, names)
    loose = {m: agreement(left_out(data, m), data[m][2]) for m in data}
    strict = {m: agreement(data[m][1], data[m][3]) for m in data}
    unseen = [m for m in data if m not in TUNED]
    tables = {"loose": total([loose[m] for m in unseen]), "strict": total([strict[m] for m in unseen])}
    everything = {"loose": total(list(loose.values())), "strict": total(list(strict.values()))}
    start, weights = refit(data)
    drift = max(abs(start - START), *(abs(weights[k] - WEIGHTS[k]) for k in WEIGHTS))
    text = page.write(
        published=published, wrong=counts_met(published), loose=loose, strict=strict, tables=tables,
        everything=everything, tuned=TUNED, seconds=speed(rows, names), drift=drift,
    )  # fmt: skip
    points_now = points(tables, dt.date.today().isoformat())
    return Page(text, ships={POINTS: (json.dumps(points_now, indent=1) + "\n").encode()})
