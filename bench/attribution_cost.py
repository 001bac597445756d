"""Time and memory of attribution beside two other readings of the same answers, and what those say of the controls.

* A profile of over-used words, pairs and triples of every model, as slop-forensics makes: which candidate's profile is
  nearest.
* A two-sample test: MMD with a Hamming kernel on characters, labels swapped within prompts, as model-equality-testing
  does with several answers per prompt; and the prompt-level test that it invites: is a model more alike to its nearest
  candidate than to the mean candidate, signs flipped over prompts?

Every task runs in a process of its own, whose peak memory the system reports.

Axes: P probes, M models, G candidates, C characters, B permutations.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from attribution_rows import ALPHA, CACHE, Array, Bench, Json, open_copy, say

_CHARACTERS = 200
_PERMUTATIONS = 199
_PROFILE = 500
_OUTSIDER = "vicuna-7b-v1.5"
_WORD = re.compile(r"[a-z']+")
_RUN = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": time.perf_counter() - start, "peak_mib": used.ru_maxrss / 1024, "rc": done.returncode,
                  "stdout": done.stdout, "stderr": done.stderr[-2000:]}))
"""
_TASK = "import sys; sys.path.insert(0, {folder!r}); import attribution_cost; attribution_cost.task({name!r})"


def cost(bench: Bench) -> Json:
    """Measures every task in a process of its own."""
    copy = CACHE / "panel-timed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bench.panel.folder, copy, ignore=shutil.ignore_patterns("index"))
    hydrometer = [sys.executable, "-c", "from hydrometer.cli import main; main()"]
    found: Json = {"models": len(bench.models), "probes": len(bench.panel.prompts)}
    say("timing: index")
    found["index"] = _timed([*hydrometer, "panel", "index", str(copy), "--json"])
    say("timing: one outside subject")
    answers = _outsider(bench, CACHE / "outsider.jsonl")
    found["subject"] = _timed([*hydrometer, "attribute", str(answers), "--panel", str(copy), "--json"])
    found["subject"]["says"] = json.loads(found["subject"].pop("stdout"))["attributed"]
    found["index"].pop("stdout")
    found["index_mib"] = sum(p.stat().st_size for p in (copy / "index").rglob("*") if p.is_file()) / 2**20
    shutil.rmtree(copy)
    for name in ("profile", "mmd"):
        say(f"timing: {name}")
        found[name] = _timed([sys.executable, "-c", _TASK.format(folder=str(Path(__file__).parent), name=name)])
        found[name]["says"] = json.loads(found[name].pop("stdout"))
    return found


def _timed(command: Sequence[str]) -> Json:
    printed = subprocess.run([sys.executable, "-c", _RUN, *command], capture_output=True, text=True, check=True).stdout
    found: Json = json.loads(printed)
    if found["rc"]:
        raise RuntimeError(found["stderr"])
    return found


def _outsider(bench: Bench, path: Path) -> Path:
    """Writes a panel model's answers under another name with a word changed in each, so that no row is recognised."""
    column = bench.positions[_OUTSIDER]
    with path.open("w", encoding="utf-8") as file:
        for prompt, row in zip(bench.panel.prompts, bench.answers(), strict=True):
            text = row[column]
            if text:
                first, _, rest = text.partition(" ")
                file.write(
                    json.dumps({"model": "outsider", "prompt": prompt, "response": f"{first} indeed {rest}"}) + "\n"
                )
    return path


def profile(bench: Bench) -> Json:
    """Names for every model the candidate whose over-used words, pairs and triples are most like its own."""
    answers = bench.answers()
    counts = [_frequent(row[m] for row in answers) for m in range(len(bench.models))]
    everybody: Counter[str] = Counter()
    for own in counts:
        everybody.update(own)
    profiles = []
    for own in counts:
        excess = {gram: n / (everybody[gram] - n + 1) for gram, n in own.items() if n >= 5}
        profiles.append(set(sorted(excess, key=lambda gram: -excess[gram])[:_PROFILE]))
    alike = [[len(a & b) / max(len(a | b), 1) for b in profiles] for a in profiles]
    return {"nearest": _nearest(bench, np.array(alike))}


def _frequent(texts: Iterable[str | None]) -> Counter[str]:
    """Counts in how many answers each word, pair and triple occurs; those of one answer are dropped to save memory."""
    found: Counter[str] = Counter()
    for text in texts:
        words = _WORD.findall((text or "").lower())
        grams = {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}
        found.update(grams)
    return Counter({gram: n for gram, n in found.items() if n >= 2})


def _nearest(bench: Bench, alike_MM: Array) -> dict[str, str]:
    """Returns every scored model's nearest candidate, its own developer's and its parent's left out."""
    found = {}
    for row in bench.scored:
        compared = bench.attributor.design.comparison_set(bench.subject(row))
        mine = {
            name: alike_MM[compared.subject, list(compared.members[g])].mean()
            for g, name in enumerate(compared.candidates)
            if compared.judged[compared.subject, g]
        }
        found[row.model] = max(mine, key=lambda name: mine[name])
    return found


def mmd(bench: Bench) -> Json:
    """Tests controls and students against every candidate's snapshots at the level of prompts."""
    answers = bench.answers()
    code_MPC = np.zeros((len(bench.models), len(answers), _CHARACTERS), dtype=np.uint16)
    for m in range(len(bench.models)):
        for p, row in enumerate(answers):
            code = np.frombuffer((row[m] or "")[:_CHARACTERS].encode("utf-16-le"), dtype=np.uint16)[:_CHARACTERS]
            code_MPC[m, p, : len(code)] = code
    rng = np.random.default_rng(0)
    own: dict[int, Array] = {}
    rejected, pairs, accused, pvalues = 0, 0, {}, {}
    for row in bench.scored:
        compared = bench.attributor.design.comparison_set(bench.subject(row))
        groups = [g for g in range(len(compared.candidates)) if compared.judged[compared.subject, g]]
        alike_GP = np.array([_same_prompt(code_MPC, compared.subject, compared.members[g]) for g in groups])
        lead = int(alike_GP.mean(axis=1).argmax())
        pvalues[row.model] = _flipped(alike_GP[lead] - alike_GP.mean(axis=0), rng)
        corrected = min(1.0, pvalues[row.model] * len(groups))
        accused[row.model] = compared.candidates[groups[lead]] if corrected <= ALPHA else None
        if row.role == "control":
            for g in groups:
                pairs += 1
                rejected += _mmd_pvalue(code_MPC, compared.subject, compared.members[g][0], own, rng) <= ALPHA
    return {"pairs": pairs, "rejected": rejected, "named": accused, "pvalues": pvalues}


def _same_prompt(code_MPC: np.ndarray, model: int, members: Sequence[int]) -> Array:
    """Share of equal characters in the answers to one prompt, mean over a candidate's snapshots."""
    found: Array = np.mean([(code_MPC[model] == code_MPC[i]).mean(axis=1) for i in members], axis=0)
    return found


def _flipped(difference_P: Array, rng: np.random.Generator, draws: int = 9_999) -> float:
    """Sign-flip p-value of a mean over prompts, one-sided."""
    total = difference_P.sum()
    larger = 0
    for _ in range(0, draws, 999):
        signs_BP = rng.integers(0, 2, size=(999, len(difference_P))) * 2 - 1
        larger += int((signs_BP @ difference_P >= total).sum())
    return (1 + larger) / (draws // 999 * 999 + 1)


def _hamming(a_PC: np.ndarray, b_PC: np.ndarray) -> Array:
    total_PP = np.zeros((len(a_PC), len(b_PC)), dtype=np.float32)
    for a_P, b_P in zip(a_PC.T, b_PC.T, strict=True):
        total_PP += a_P[:, None] == b_P[None, :]
    return total_PP / a_PC.shape[1]


def _mmd_pvalue(code_MPC: np.ndarray, a: int, b: int, own: dict[int, Array], rng: np.random.Generator) -> float:
    """Squared MMD of two models' answers (biased form); labels are swapped within prompts."""
    for m in (a, b):
        if m not in own:
            own[m] = _hamming(code_MPC[m], code_MPC[m])
    cross_PP = _hamming(code_MPC[a], code_MPC[b])
    n = len(cross_PP)
    sign_PB = np.ones((n, _PERMUTATIONS + 1), dtype=np.float32)
    sign_PB[:, 1:] = rng.integers(0, 2, size=(n, _PERMUTATIONS)) * 2 - 1
    # A swap changes the sign of a prompt's two labels: w' K w with w = (s, -s).
    form_PP = own[a] + own[b] - cross_PP - cross_PP.T
    value_B = (sign_PB * (form_PP @ sign_PB)).sum(axis=0)
    return float((1 + (value_B[1:] >= value_B[0]).sum()) / (_PERMUTATIONS + 1))


def task(name: str) -> None:
    """Runs one task on the working copy and prints what it says; runs in a process of its own."""
    start = time.perf_counter()
    bench = open_copy()
    result = {"profile": profile, "mmd": mmd}[name](bench)
    say(f"{time.perf_counter() - start:.0f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    print(json.dumps(result))
