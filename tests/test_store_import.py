"""Answers that labs have already, brought into a store; and second samples, kept in every one of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_commands import run

from hydrometer.collect import Settings, plan_questions
from hydrometer.collect.plan import ROUNDS
from hydrometer.collect.run import collect
from hydrometer.records.probes import Probe
from hydrometer.store.evidence import read_answers
from hydrometer.store.evidence.check import check_store
from hydrometer.targets import Request
from hydrometer.targets.replay import Replay


def chosen(text: str) -> dict[str, Any]:
    return {"model": "m", "choices": [{"message": {"content": text}, "finish_reason": "stop"}]}


FILES = {
    "alpaca_eval": json.dumps([{"instruction": "Why?", "output": "Because.", "generator": "m"}]),
    "lm_eval": json.dumps(
        {"doc_id": 0, "doc": {}, "target": "", "arguments": {"gen_args_0": {"arg_0": "Why?"}}, "resps": [["Because."]],
         "filtered_resps": ["Because."]}
    ),
    "openai_batch": json.dumps({"custom_id": "w", "response": {"body": chosen("Because.")}, "error": None}),
    "jsonl": json.dumps({"model": "m", "prompt": "Why?", "response": "Because."}),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_what_labs_have_already_is_brought_in_once(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, probes, store = tmp_path / "answers.jsonl", tmp_path / "probes.jsonl", tmp_path / "s.db"
    file.write_text(FILES[kind] + "\n")
    probes.write_text('{"id": "w", "prompt": "Why?"}\n')
    name = ("--model", "m") if kind == "lm_eval" else ()
    command = ("store", "import", str(file), "--store", str(store), "--probes", str(probes), *name, "--json")
    for new in (1, 0):
        status, out, _ = run(capsys, *command)
        assert (status, json.loads(out)["answers"], json.loads(out)["known"]) == (0, new, 1 - new)
    (answer,) = read_answers(store)
    assert (answer.model, answer.probe, answer.request.prompt, answer.text) == ("m", "w", "Why?", "Because.")
    report = check_store(store)
    assert (report.findings, report.targets) == ((), (("m", 0, 0, 0),))


def test_second_samples_are_kept_without_being_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probes = [Probe(id=f"p{i}", prompt=f"Why {i}?") for i in range(40)]
    plan = plan_questions(probes, base=Request(prompt=""))
    assert len(plan.canaries) == 4
    store, out = tmp_path / "s.db", tmp_path / "all.parquet"
    collect(Replay({p.prompt: p.id for p in probes}), plan, store, settings=Settings())
    assert run(capsys, "store", "export", str(store), "--out", str(out), "--all-samples")[0] == 0
    samples = pl.read_parquet(out).group_by("probe").len()
    repeated = samples.filter(pl.col("len") > 1)
    assert sorted(repeated["probe"]) == sorted(plan.canaries)
    assert set(repeated["len"]) == {ROUNDS}
    assert samples.height == 40
