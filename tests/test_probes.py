"""Probe sets: what ships, what a user brings, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_commands import run
from test_panel_pull import Repository, repository  # noqa: F401

from hydrometer.errors import InputError, OutputError
from hydrometer.records.probes import Probe, ProbeKind
from hydrometer.store.probe_check import check_probes
from hydrometer.store.probe_files import probes_from
from hydrometer.store.probe_sets import pull, read_probes, shipped_sets


def test_the_sets_that_ship_are_large_enough_and_clean() -> None:
    sets = {one.name: one for one in shipped_sets()}
    assert list(sets) == ["general", "identity", "reasoning", "format", "style"]
    general = sets["general"].probes
    assert len(general) >= 200
    assert {p.language for p in general} == {"en", "zh"}
    assert min(sum(p.language == code for p in general) for code in ("en", "zh")) >= 80
    assert all(p.answer is not None for p in sets["reasoning"].probes)
    assert len({p.language for p in sets["identity"].probes}) >= 8
    every = read_probes("all").probes
    assert len({p.id for p in every}) == len(every) == sum(len(one.probes) for one in sets.values())
    assert check_probes(every) == ()


def test_answers_to_the_problems_that_arithmetic_settles() -> None:
    answers = {p.id: p.answer for p in read_probes("reasoning").probes}
    prompts = {p.prompt.split("?")[0]: p.answer for p in read_probes("reasoning").probes}
    assert len(answers) == len(prompts)
    by_start = {prompt[:24]: answer for prompt, answer in prompts.items()}
    assert by_start["How many trailing zeros "] == str(60 // 5 + 60 // 25)
    assert by_start["What is the remainder wh"] == str(7**100 % 5)
    assert by_start["Convert the binary numbe"] == str(int("1011011", 2))


def test_commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "probes", "list", "--json")
    assert (status, [one["name"] for one in json.loads(out)["shipped"]][:2]) == (0, ["general", "identity"])
    status, out, _ = run(capsys, "probes", "show", "identity", "--language", "zh", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert {row["language"] for row in rows} == {"zh"}
    # What is shown as JSON can be handed in as a file.
    (tmp_path / "mine.jsonl").write_text(out, encoding="utf-8")
    assert read_probes(str(tmp_path / "mine.jsonl")).probes == tuple(
        Probe.model_validate_json(json.dumps(r)) for r in rows
    )
    assert run(capsys, "probes", "check", "general")[0] == 0
    status, _, error = run(capsys, "probes", "show", "no-such-set")
    assert (status, error.count("\n")) == (2, 1)
    assert "general, identity" in error


def findings(*rows: dict[str, Any]) -> str:
    return "\n".join(check_probes([Probe(**({"id": f"p{i}"} | row)) for i, row in enumerate(rows)]))


def test_findings() -> None:
    assert "the same prompt as p0" in findings({"prompt": "Why  is it so?"}, {"prompt": "Why is it so?"})
    long = "Please explain in detail why the old lighthouse keeper never left the island"
    assert "nearly the same as p0" in findings({"prompt": long}, {"prompt": long + " again"})
    assert "declared as 'zh' but written mostly in latin" in findings({"prompt": "Hello there", "language": "zh"})
    assert "declared as 'en' but written mostly in cjk" in findings({"prompt": "你好吗", "language": "en"})
    assert "U+200B" in findings({"prompt": "Hello\u200bthere"})
    assert "white space at an end" in findings({"prompt": "Hello "})
    assert "without an answer" in findings({"prompt": "1 + 1?", "kind": ProbeKind.REASONING})
    assert findings({"prompt": "¿Qué hora es?", "language": "es"}, {"prompt": "12345?"}) == ""


def test_a_check_with_findings_exits_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "twice.jsonl"
    file.write_text('{"id": "a", "prompt": "x y"}\n{"id": "b", "prompt": "x y"}\n', encoding="utf-8")
    status, out, _ = run(capsys, "probes", "check", str(file))
    assert status == 1
    assert "b: the same prompt as a" in out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("alpaca.json", [{"instruction": "Hi", "output": "x", "dataset": "y"}], ("row-1", "Hi")),
        ("old-arena.jsonl", {"question_id": "ab12", "turns": [{"content": "Hi"}]}, ("ab12", "Hi")),
        ("new-arena.jsonl", {"uid": "cd34", "category": "c", "prompt": "Hi"}, ("cd34", "Hi")),
    ],
)
def test_public_files_are_read_as_they_are(name: str, content: Any, expected: tuple[str, str]) -> None:
    (probe,) = probes_from(json.dumps(content).encode(), path=Path(name))
    assert (probe.id, probe.prompt) == expected


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda t: json.dumps({"prompt": t}).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        assert all(probe.prompt for probe in probes_from(content, path=Path("x.jsonl")))
    except InputError as error:
        assert "\n" not in str(error)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_prompts_survive_byte_for_byte(prompts: list[str]) -> None:
    lines = "\n".join(json.dumps({"id": f"p{i}", "prompt": prompt}) for i, prompt in enumerate(prompts))
    assert [p.prompt for p in probes_from(lines.encode(), path=Path("x.jsonl"))] == prompts


def test_pull_writes_once_and_whole(repository: str, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "set.jsonl"
    found = pull("alpaca-eval", out, url=f"{repository}/results/one/model_outputs.json")
    assert len(found.probes) == len(read_probes(str(out)).probes) == 20
    with pytest.raises(OutputError, match="exists already"):
        pull("alpaca-eval", out)
    Repository.broken = {"two"}
    with pytest.raises(InputError, match="could not be fetched"):
        pull("arena-hard", tmp_path / "other.jsonl", url=f"{repository}/results/two/model_outputs.json")
    assert not (tmp_path / "other.jsonl").exists()
    with pytest.raises(InputError, match="no public set"):
        pull("mmlu", tmp_path / "other.jsonl")


def test_the_own_panel_is_sound_and_small(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1] / "panels/own"
    status, out, _ = run(capsys, "panel", "check", str(folder), "--json")
    assert status == 0
    assert "SmolLM2-135M-Instruct" in pl.read_csv(folder / "lineage.csv")["model"]
    assert json.loads(out)["n_models"] == len(pl.read_csv(folder / "lineage.csv"))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000


def test_the_own_panels_model_is_asked_who_it_is_and_compared_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[1] / "panels/own"
    status, out, _ = run(capsys, "identity", str(folder / "identity.parquet"), "--json")
    found = {row["model"]: row for row in map(json.loads, out.splitlines())}["SmolLM2-135M-Instruct"]
    assert status == 0
    assert found["strict"]["n_templates"] > 20
    responses = str(folder / "responses.parquet")
    name = "SmolLM2-135M-Instruct"
    status, out, _ = run(
        capsys, "similarity", responses, responses, "--panel", str(folder), "--subject", name, "--reference", name,
        "--again", str(folder / "again.parquet"), "--json",
    )  # fmt: skip
    assert (status, json.loads(out)["verdict"]) == (0, "not_measured")
