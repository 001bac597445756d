"""`hydrometer identity` as scripts and people use it: files, labels, live panels, bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hydrometer import cli
from hydrometer.collect import Settings
from hydrometer.collect.asking import Asker
from hydrometer.collect.money import Budget
from hydrometer.errors import InputError
from hydrometer.instruments.identity import live
from hydrometer.instruments.identity.run import default_names, judge_rows, summarise
from hydrometer.records.exchange import Request
from hydrometer.records.identity_panel import PLAIN
from hydrometer.store.identity_rows import read_identity_rows
from hydrometer.store.vendors import identity_panel
from hydrometer.targets.replay import Replay
from identity import PUBLISHED

DATA = (
    Path(os.environ.get("HYDROMETER_SHARED", Path(__file__).parents[2] / "shared")) / "data/identity/responses.parquet"
)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[Any]:
    status, out, error = run(capsys, *arguments, "--json")
    assert (status, error) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def answers(n_templates: int = 12, n: int = 6) -> list[dict[str, Any]]:
    """DeepSeek's model says that it is OpenAI's in every third template; Alibaba's never does."""
    rows = []
    for model, truth in (("deepseek-v9", "DeepSeek"), ("qwen-9", "Alibaba Cloud")):
        for t in range(n_templates):
            for q in range(n):
                claim = model == "deepseek-v9" and t % 3 == 0
                rows.append(
                    {
                        "model": model,
                        "template": f"t{t}",
                        "jailbreak_prompt": f"Template {t}" + (" ChatGPT" if t % 2 else ""),
                        "query": "Who made you?" if q % 2 else "你是谁开发的？",
                        "response": "I was made by OpenAI." if claim else f"I was made by {truth}.",
                    }
                )
    return rows


@pytest.mark.skipif(
    not DATA.exists(), reason="the published answers are not here (HYDROMETER_SHARED names their folder)"
)
def test_published_labels_give_the_published_counts(capsys: pytest.CaptureFixture[str]) -> None:
    found = lines(capsys, "identity", DATA, "--judge", "published")
    assert {f["model"]: (f["loose"]["count"], f["strict"]["count"], f["hard"]["count"]) for f in found} == PUBLISHED
    v3 = next(f for f in found if f["model"] == "deepseek-v3")
    # Template bootstrap of the same rows, done elsewhere: .28-.40 and .16-.28; design effects 4 to 16.
    assert (v3["loose"]["low"], v3["loose"]["high"]) == pytest.approx((0.28, 0.40), abs=0.02)
    assert (v3["strict"]["low"], v3["strict"]["high"]) == pytest.approx((0.16, 0.28), abs=0.02)
    assert v3["hard_conditional"]["rate"] == pytest.approx(0.20)
    assert v3["languages"]["en"]["loose"]["rate"] == pytest.approx(0.56)
    assert v3["languages"]["zh"]["loose"]["rate"] == pytest.approx(0.12, abs=0.005)
    assert all(r["best"] < r["worst"] for f in found for r in f["ranks"])
    qwen = next(f for f in found if f["model"] == "qwen-max-0919")
    assert max(qwen["vendors"], key=qwen["vendors"].get) == "Anthropic"


@pytest.mark.skipif(
    not DATA.exists(), reason="the published answers are not here (HYDROMETER_SHARED names their folder)"
)
def test_the_judge_by_rule_agrees_with_the_published_one_on_models_left_out() -> None:
    rows = read_identity_rows(DATA)
    names = default_names()
    wanted = {"deepseek-r1", "doubao-pro-32k"}
    part = rows.frame.filter(pl.col("model").is_in(wanted))
    judged = judge_rows(
        type(rows)(part, part, rows.path, rows.sha256, True), names=names, makers={m: names.maker_of(m) for m in wanted}
    )
    found = {f.model: f for f in summarise(judged)}
    assert found["deepseek-r1"].agreement is not None
    assert found["deepseek-r1"].agreement["strict"].kappa > 0.75  # type: ignore[operator]
    assert found["deepseek-r1"].agreement["loose"].kappa > 0.55  # type: ignore[operator]


def test_a_file_is_judged_and_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write(tmp_path / "a.jsonl", answers()), tmp_path / "out.parquet"
    found = lines(capsys, "identity", path, "--rows", out)
    first, second = found
    assert (first["model"], first["maker"], first["strict"]["count"], first["strict"]["n"]) == (
        "deepseek-v9",
        "DeepSeek",
        24,
        72,
    )
    assert (second["strict"]["count"], second["loose"]["count"]) == (0, 0)
    assert first["hard"]["count"] == 12  # t0, t6: the prompt names nobody
    assert first["hard_conditional"]["n"] == 36
    assert first["vendors"] == {"DeepSeek": 48, "OpenAI": 24}
    assert set(first["languages"]) == {"en", "zh"}
    assert {d["rate"] for d in first["differences"]} == {"loose", "strict", "hard", "hard_conditional"}
    assert all(d["adjusted_pvalue"] >= d["pvalue"] for d in first["differences"])
    table = pl.read_parquet(out)
    assert table["response"].to_list() == [r["response"] for r in answers()]
    assert {"loose", "strict", "vendor"} <= set(table.columns)
    assert table["strict"].sum() == 24
    assert run(capsys, "identity", path)[0] == 0


def test_order_and_rows_are_kept_whatever_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"model": "deepseek-v9", "query": "Who made you?", "response": text, "template": "t", "mine": i}
        for i, text in enumerate(
            ["I was made by OpenAI.", "", None, "Soy ChatGPT, creado por OpenAI.", "I was made by OpenAI."]
        )
    ]
    path, out = write(tmp_path / "a.jsonl", rows), tmp_path / "out.jsonl"
    (found,) = lines(capsys, "identity", path, "--rows", out)
    assert found["statuses"] == {"answered": 3, "empty": 1, "failed": 1}
    assert (found["judged"], found["unjudged"], found["unjudged_languages"]) == (2, 3, {"es": 1})
    again = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [r["mine"] for r in again] == [0, 1, 2, 3, 4]
    assert [r["strict"] for r in again] == [True, None, None, None, True]
    assert (found["strict"]["n"], found["strict"]["rate"]) == (2, 1)


def test_nobody_judged_is_no_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", [{"model": "deepseek-v9", "query": "q", "response": ""}] * 3)
    (found,) = lines(capsys, "identity", path)
    assert (found["strict"]["rate"], found["strict"]["n"], found["judged"]) == (None, 0, 0)
    assert run(capsys, "identity", path)[0] == 0


def test_a_model_of_unknown_make_is_not_judged_loose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"model": "own", "query": "Who made you?", "response": "I was made by OpenAI.", "template": str(i)}
        for i in range(9)
    ]
    path = write(tmp_path / "a.jsonl", rows)
    (found,) = lines(capsys, "identity", path)
    assert (found["maker"], found["loose"], found["strict"]["count"]) == (None, None, 9)
    assert any("nobody knows who made" in w for w in found["warnings"])
    (found,) = lines(capsys, "identity", path, "--maker", "own=OpenAI")
    assert (found["loose"]["count"], found["strict"]["count"]) == (0, 0)


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("", [], "empty"),
        ("[]", [], "holds no responses"),
        ("{broken", [], "not JSON"),
        ('{"model": "m", "query": "q"}\n', [], "'response' is missing"),
        ('{"query": "q", "response": "r"}\n', [], "'model' is missing"),
        ('{"model": "m", "query": "q", "response": 7}\n', [], "response"),
        ('{"model": "m\\u202e", "query": "q", "response": "r"}\n', [], "control character"),
        ('{"model": "m", "query": "q", "response": "r", "status": "fine"}\n', [], "status 'fine' is unknown"),
        ('{"model": "m", "query": "q", "response": "r", "published_loose": true}\n', [], "without the other"),
        ('{"model": "m", "query": "q", "response": "r"}\n', ["--judge", "published"], "no published labels"),
        ('{"model": "m", "query": "q", "response": "r"}\n', ["--maker", "m"], "is no pair"),
        ('{"model": "m", "query": "q", "response": "r"}\n', ["--maker", "m=Opnai"], "unknown maker"),
        ('{"model": "m", "query": "q", "response": "r"}\n', ["--vendors", "none.toml"], "no such file"),
        ('{"model": "m", "query": "q", "response": "r"}\n', ["--rows", "out.docx"], "says no format"),
        (
            '{"model": "m", "query": "q", "response": "r"}\n',
            ["--target", "http://127.0.0.1:1/v1"],
            "one of FILE and --target",
        ),
    ],
)
def test_bad_input_is_one_line(
    content: str, arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    status, out, error = run(capsys, "identity", path, *arguments)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert message in error


@pytest.mark.parametrize(
    "arguments", [[], ["--target", "nowhere"], ["--target", "http://127.0.0.1:1/v1", "--model", "m"]]
)
def test_a_live_run_needs_whom_and_where(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, error = run(capsys, "identity", *arguments)
    assert (status, out, error.count("\n")) == (2, "", 1)


def subject() -> Replay:
    """Says OpenAI under every second template."""
    panel = identity_panel()
    script = {}
    for number, template in enumerate(panel.templates):
        for question in panel.questions:
            for text in question.texts.values():
                script[template.text.replace("{question}", text)] = (
                    "I was made by OpenAI." if number % 2 else "I was made by DeepSeek."
                )
    return Replay(script, model="deepseek-v9")


def test_the_panel_is_the_same_for_everybody_and_names_nobody() -> None:
    panel = identity_panel()
    assert {"en", "zh", "es", "fr"} <= set(panel.languages)
    assert len(panel.templates) >= 20
    names = default_names()
    assert not any(names.find(t.text) for t in panel.templates)
    assert not any(names.find(text) for q in panel.questions for text in q.texts.values())
    with pytest.raises(InputError, match="no questions in 'xx'"):
        live.panel_prompts(panel, ["xx"])
    assert {p.template for p in live.panel_prompts(panel, ["en"], jailbreaks=False)} == {PLAIN}


def test_a_live_panel_is_asked_once_and_judged(tmp_path: Path) -> None:
    store = tmp_path / "identity.db"
    replay = subject()
    ask = Asker(lambda: replay, store, settings=Settings(concurrency=4))
    prompts = live.panel_prompts(identity_panel(), ["en", "zh"])
    for _ in range(2):
        asked = live.ask_prompts(prompts, answers=ask.answers)
    assert len(replay.requests) == len(prompts)  # the second round was paid for by the first
    names = default_names()
    rows = live.as_rows(asked, model="deepseek-v9", store=store)
    (found,) = summarise(judge_rows(rows, names=names, makers={"deepseek-v9": "DeepSeek"}))
    assert found.strict.rate == pytest.approx(0.5)
    assert found.hard == found.strict  # no template names anybody
    assert set(found.arms) == {"plain", "jailbreak"}
    assert found.arms["plain"].strict.count == 0
    assert ask.stopped is None


def test_the_arm_without_a_jailbreak_stands_alone(tmp_path: Path) -> None:
    ask = Asker(subject, tmp_path / "s.db", settings=Settings())
    asked = live.ask_prompts(live.panel_prompts(identity_panel(), ["en"], jailbreaks=False), answers=ask.answers)
    rows = live.as_rows(asked, model="deepseek-v9", store=tmp_path / "s.db")
    (found,) = summarise(judge_rows(rows, names=default_names(), makers={"deepseek-v9": "DeepSeek"}))
    assert set(found.arms) == {"plain"}
    assert found.arms["plain"].strict.n_templates == len(identity_panel().questions)


def test_a_budget_stops_and_the_next_run_goes_on(tmp_path: Path) -> None:
    replay = subject()
    prompts = live.panel_prompts(identity_panel(), ["en"])
    few = Asker(lambda: replay, tmp_path / "s.db", settings=Settings(budget=Budget(requests=30)))
    asked = live.ask_prompts(prompts, answers=few.answers)
    assert sum(status == "failed" for _, status, _ in asked) == len(prompts) - 30
    assert few.stopped is not None
    more = Asker(lambda: replay, tmp_path / "s.db", settings=Settings())
    assert all(status == "answered" for _, status, _ in live.ask_prompts(prompts, answers=more.answers))
    assert len(replay.requests) == len(prompts)


def test_a_search_finds_what_works_and_takes_the_same_steps_again() -> None:
    calls: list[str] = []

    def answer(requests: object) -> list[tuple[str, str | None]]:
        # Only texts that speak of a diary make this subject talk.
        return [
            ("answered", "I was made by OpenAI." if "diary" in r.prompt else "I was made by DeepSeek.")
            for r in requests  # type: ignore[attr-defined]
        ]

    def helper(requests: object) -> list[str | None]:
        (r,) = requests  # type: ignore[misc]
        assert isinstance(r, Request)
        calls.append(r.prompt)
        text = r.prompt.split("TEXT:\n")[1].split("\n\nSECOND")[0]
        return [None if len(calls) % 7 == 0 else text.replace("{question}", "please")]

    def once() -> live.Found:
        calls.clear()
        means = live.Means(answers=answer, helper=helper, names=default_names(), maker="DeepSeek")
        return live.search(identity_panel(), means, rounds=60, languages=["en"], seed=1)

    found, again = once(), once()
    assert found == again
    assert len(found.rewards) == 60
    assert np.mean(found.rewards[30:]) > np.mean(found.rewards[:19])
    assert all("{question}" in p.around for p, _, _ in found.asked)


def test_a_search_stops_with_its_budget() -> None:
    means = live.Means(
        answers=lambda r: [("answered", "x")] * len(r), helper=lambda r: ["{question}"], names=default_names(),
        maker="DeepSeek", why_stopped=lambda: "stopped: budget",
    )  # fmt: skip
    found = live.search(identity_panel(), means, rounds=9, languages=["en"])
    assert (len(found.rewards), found.stopped) == (1, "stopped: budget")
