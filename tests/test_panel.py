"""Panels: what is in one, what in it misleads, and how models come into it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from hydrometer import cli
from hydrometer.errors import InputError, OutputError
from hydrometer.panel import open_panel
from hydrometer.panel.check import check_panel
from hydrometer.panel.lineage_table import lineage_csv, read_lineage
from hydrometer.panel.write import add_models
from hydrometer.records.lineage import Lineage
from hydrometer.records.panel import Finding, PanelCheck
from hydrometer.store.responses import read_responses

ALPACA_EVAL = Path(__file__).parent.parent.parent / "shared/data/alpaca_eval"
HEADER = "model,developer,base_family,relation,teacher_group,own_group,data_source,role,parent,confidence,evidence"
N = 20


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def words(model: str, i: int) -> str:
    return " ".join(f"{model} says word {(i * 7 + j * 3) % 101} about case {i}." for j in range(12))


def make_panel(
    folder: Path, answers: dict[str, list[str | None]] | None = None, lineage: str | None = None, n: int = N
) -> Path:
    folder.mkdir(exist_ok=True)
    answers = answers or {model: [words(model, i) for i in range(n)] for model in ("alpha", "beta", "gamma")}
    rows = [(m, i, text) for m, texts in answers.items() for i, text in enumerate(texts) if text is not None]
    schema = {"model": pl.Categorical, "probe": pl.UInt16, "response": pl.String}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "responses.parquet")
    probes = pl.DataFrame({"probe": range(n), "prompt": [f"Question {i}?\r\n" for i in range(n)]})
    probes.with_columns(pl.col("probe").cast(pl.UInt16)).write_parquet(folder / "probes.parquet")
    text = lineage or HEADER + "\n" + "".join(f"{m},{m} labs,,,,,,,,,\n" for m in answers)
    (folder / "lineage.csv").write_text(text, encoding="utf-8")
    return folder


def checked(folder: Path) -> PanelCheck:
    return check_panel(open_panel(folder))


def of_kind(result: PanelCheck, kind: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.kind == kind]


def test_a_panel_is_joined_on_the_prompt(tmp_path: Path) -> None:
    panel = open_panel(make_panel(tmp_path))
    assert panel.prompts[0] == "Question 0?"
    assert panel.responses().frame.filter(pl.col("model") == "beta", pl.col("prompt") == "Question 3?").row(0) == (
        "beta",
        "Question 3?",
        words("beta", 3),
        "answered",
    )
    assert panel.warnings == ()
    assert set(panel.sha256) == {"responses.parquet", "probes.parquet", "lineage.csv"}
    assert panel.lineage_of("beta").developer == "beta labs"
    assert panel.lineage_of("nobody").role == "unscored"


def test_lineage_and_responses_need_not_name_the_same_models(tmp_path: Path) -> None:
    panel = open_panel(make_panel(tmp_path, lineage="model,split\nalpha,dev\nomega,dev\n"))
    assert "2 models without a row in lineage.csv, so of unknown lineage: beta, gamma" in panel.warnings
    assert "1 model of lineage.csv without responses: omega" in panel.warnings


def test_a_lineage_table_keeps_its_meaning_through_disk(tmp_path: Path) -> None:
    row = Lineage(model="m, the first", teacher_group=("a", "b"), role="mixed", confidence="high", evidence='says "so"')
    (tmp_path / "l.csv").write_text(lineage_csv([row]), encoding="utf-8")
    assert read_lineage(tmp_path / "l.csv") == (row,)
    assert row.developer is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'model'"),
        ("model;role\n", "separate cells with commas"),
        ("model,role,role\n", "column 'role' is there twice"),
        ("model,role\na,control\nb,teacher\n", "lineage.csv:3 role: input should be 'positive'"),
        ("model,role\na\n", "lineage.csv:2: 1 cells, but the header has 2"),
        ("model\n=1+1\n", "lineage.csv:2 model: '=1+1' starts like a formula"),
        ("model\n@SUM(A1)\n", "formula"),
        ("model,evidence\na,b\x1b[31m\n", "control character U+001B"),
        ("model,evidence\na,b\x00\n", "lineage.csv:2"),
        ('model,evidence\na,"two\nlines"\n', "line break"),
        ("model,teacher_group\na,x|+y\n", "formula"),
        ("model\nAlpha\nalpha\n", "model 'alpha' is there twice (first on line 2)"),
        ('model\n"a\n', "not CSV"),
        ("model\n" + "a" * 300 + "\n", "lineage.csv:2 model"),
        ("model\n" + "a" * 200_000 + "\n", "lineage.csv:"),
    ],
)
def test_a_bad_lineage_table_gets_its_line(text: str, said: str, tmp_path: Path) -> None:
    make_panel(tmp_path, lineage=text or "x\n")
    with pytest.raises(InputError) as error:
        open_panel(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def spoil(folder: Path, how: str) -> None:
    responses, probes = folder / "responses.parquet", folder / "probes.parquet"
    if how == "missing":
        probes.unlink()
    elif how == "not parquet":
        probes.write_text("[]", encoding="utf-8")
    elif how == "same prompt":
        pl.read_parquet(probes).with_columns(prompt=pl.lit("Same?")).write_parquet(probes)
    elif how == "same id":
        pl.read_parquet(probes).with_columns(probe=pl.lit(1)).write_parquet(probes)
    elif how == "unknown probe":
        pl.read_parquet(probes).head(5).write_parquet(probes)
    elif how == "case":
        table = pl.read_parquet(responses).cast({"model": pl.String})
        table.with_columns(pl.col("model").replace("beta", "ALPHA")).write_parquet(responses)
    elif how == "empty":
        pl.read_parquet(responses).clear().write_parquet(responses)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "probes.parquet missing; a panel folder holds"),
        ("not parquet", "probes.parquet: not Parquet"),
        ("same prompt", "probes.parquet row 2: the same prompt as in row 1"),
        ("same id", "probe '1' is there twice"),
        ("unknown probe", "15 probes are not in probes.parquet, as '10'"),
        ("case", "models 'ALPHA' and 'alpha' differ only in case"),
        ("empty", "holds no responses"),
    ],
)
def test_a_broken_panel_gets_one_line(how: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(make_panel(tmp_path), how)
    status, out, error = run(capsys, "panel", "check", str(tmp_path))
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert said in error


def test_a_clean_panel_has_no_findings(tmp_path: Path) -> None:
    result = checked(make_panel(tmp_path))
    assert result.findings == ()
    assert (result.n_models, result.n_probes, result.n_responses) == (3, N, 3 * N)


def test_every_trap_is_found(tmp_path: Path) -> None:
    clean = {name: [words(name, i) for i in range(N)] for name in ("m1", "m2", "m3", "m4", "m5", "m6")}
    answers: dict[str, list[str | None]] = {
        **clean,
        "short": [words("short", i) if i > 4 else None for i in range(N)],
        "silent": ["" if i < 3 else words("silent", i) for i in range(N)],
        "copycat": [clean["m1"][i] if i < 10 else words("copycat", i) for i in range(N)],
        "constant": ["I win."] * N,
        "looper": [words("l", i) + " and again and again, as it goes on and on here;" * 30 for i in range(N)],
        "cut": [words("cut", i) + " and then it goes on with a sentence that never comes to its" for i in range(N)],
        "joined": [words("joined", i).replace(" ", "").replace(".", "").lower() + "abcdefghij" * 5 for i in range(N)],
        "spaced": [" " + words("spaced", i) + "\n" for i in range(N)],
    }
    learned = "This is the answer that stood on a page which everybody took into the data for training. " * 3
    for name in ("m2", "m3", "m4"):
        answers[name] = [learned + name, *answers[name][1:]]
    result = checked(make_panel(tmp_path, answers))
    found = {(f.kind, f.models): f for f in result.findings}
    assert found["short", ("short",)].n_prompts == 5
    assert found["empty", ("silent",)].n_prompts == 3
    assert found["copied", ("copycat", "m1")].level == "exclude"
    assert found["copied", ("copycat", "m1")].n_prompts == 10
    for kind, name in (("constant", "constant"), ("loops", "looper"), ("cut_off", "cut"), ("broken_decoder", "joined")):
        assert (kind, (name,)) in found, (kind, result.findings)
    assert of_kind(result, "memorised")[0].n_prompts == 1
    assert set(of_kind(result, "memorised")[0].models) == {"m2", "m3", "m4"}
    assert found["leading_space", ("spaced",)].level == found["trailing_space", ("spaced",)].level == "note"
    levels = [f.level for f in result.findings]
    assert levels == sorted(levels, key=["exclude", "caution", "note"].index)


def test_kin_are_told_from_copies(tmp_path: Path) -> None:
    answers: dict[str, list[str | None]] = {m: [words(m, i) for i in range(N)] for m in ("a", "b", "c", "d", "e")}
    answers["kin"] = [*answers["a"][:3], *(words("kin", i) for i in range(3, N))]
    text = HEADER + "\n" + "".join(f"{m},{m} labs,,,,,,,{'a' if m == 'kin' else ''},,\n" for m in answers)
    result = checked(make_panel(tmp_path, answers, text))
    assert [f.models for f in of_kind(result, "near_duplicate")] == [("a", "kin")]
    assert of_kind(result, "copied") == []


def test_lineage_that_contradicts_itself_is_named_and_candidates_counted(tmp_path: Path) -> None:
    text = (
        "model,teacher_group,own_group,data_source,role\n"
        "alpha,,group-a,,control\nbeta,group-a|nowhere,,,positive\ngamma,group-a,,set-1,control\n"
    )
    result = checked(make_panel(tmp_path, lineage=text))
    said = [f"{f.models[0]}: {f.text}" for f in of_kind(result, "lineage")]
    assert "beta: teacher 'nowhere' has no model in the panel, so it cannot be found" in said
    assert any(s.startswith("beta: role 'positive' without data_source") for s in said)
    assert "gamma: role 'control', but taught by 'group-a'" in said
    group = result.candidates[0]
    assert (group.name, group.models, group.n_students, group.n_data_sources) == ("group-a", ("alpha",), 1, 1)
    assert result.roles == {"positive": 1, "control": 2, "mixed": 0, "unscored": 0}


def test_check_prints_words_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_panel(tmp_path, {"alpha": ["[red]x\x1b[31m"] * N, "beta": [words("b", i) for i in range(N)]})
    status, out, error = run(capsys, "panel", "check", str(tmp_path))
    assert (status, error) == (0, "")
    assert "constant" in out
    assert "alpha: one answer to 20 of 20 prompts" in out
    assert "\x1b" not in out
    status, out, error = run(capsys, "panel", "check", str(tmp_path), "--json")
    assert out.count("\n") == 1
    found = json.loads(out)
    assert set(found) == set(PanelCheck.model_fields)
    assert set(found["findings"][0]) == set(Finding.model_fields)


def answers_file(folder: Path, models: tuple[str, ...] = ("delta",), n: int = N, extra: int = 2) -> Path:
    rows = [{"model": m, "prompt": f"Question {i}?", "response": words(m, i)} for m in models for i in range(n + extra)]
    path = folder / "new.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_add_joins_by_prompt_and_reports_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_panel(tmp_path / "panel", lineage="model,split\nalpha,dev\nbeta,dev\ngamma,dev\n")
    (folder / "index.json").write_text("{}", encoding="utf-8")
    before = open_panel(folder).responses().frame
    options = ["--panel", str(folder), "--developer", "Acme", "--role", "positive", "--teacher", "g", "--json"]
    status, out, error = run(capsys, "panel", "add", str(answers_file(tmp_path)), *options)
    assert (status, error) == (0, "")
    added = json.loads(out)
    assert (added["models"], added["n_responses"], added["n_prompts_left_out"]) == (["delta"], N, 2)
    assert added["index_is_stale"] is True
    panel = open_panel(folder)
    assert panel.responses().frame.filter(pl.col("model") != "delta").equals(before)
    assert panel.lineage_of("delta") == Lineage(model="delta", developer="Acme", role="positive", teacher_group=("g",))
    assert (folder / "lineage.csv").read_text(encoding="utf-8").splitlines()[1] == "alpha,dev,,,"
    assert pl.read_parquet_schema(folder / "responses.parquet")["probe"] == pl.UInt16
    assert sorted(p.name for p in folder.iterdir()) == [
        "index.json",
        "lineage.csv",
        "probes.parquet",
        "responses.parquet",
    ]


def test_add_refuses_what_would_spoil_the_panel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_panel(tmp_path / "panel")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    lineage = tmp_path / "l.csv"
    lineage.write_text("model\nalpha\n", encoding="utf-8")
    for model, more, said in (
        ("alpha", [], "model 'alpha' is in the panel already"),
        ("ALPHA", [], "is in the panel already, as 'alpha'"),
        ("new", ["--developer", "=1"], "formula"),
        ("new", ["--developer", "x", "--lineage", str(lineage)], "given twice"),
    ):
        file = answers_file(tmp_path, (model,))
        status, out, error = run(capsys, "panel", "add", str(file), "--panel", str(folder), *more)
        assert (status, out, error.count("\n")) == (2, "", 1)
        assert said in error
    file.write_text('{"model": "new", "prompt": "Other?", "response": "x"}', encoding="utf-8")
    status, _, error = run(capsys, "panel", "add", str(file), "--panel", str(folder))
    assert "answers no prompt of the panel: new" in error
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_add_leaves_the_panel(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_panel(tmp_path / "panel")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    panel, responses = open_panel(folder), read_responses(answers_file(tmp_path))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        replace = Path.replace
        monkeypatch.setattr(
            Path, "replace", lambda self, to: fail() if to.name == "responses.parquet" else replace(self, to)
        )
    with pytest.raises(OutputError, match="No space left"):
        add_models(panel, responses, ())
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.skipif(not ALPACA_EVAL.is_dir(), reason="the research panel ../shared/data/alpaca_eval is not here")
def test_the_known_traps_of_alpaca_eval_are_found() -> None:
    result = checked(ALPACA_EVAL)
    found = {(f.kind, f.models): f for f in result.findings}
    assert result.n_models == 184
    assert found["broken_decoder", ("baichuan-13b-chat",)].level == "exclude"
    assert found["copied", ("claude", "claude-2")].n_prompts == 281
    assert found["copied", ("Samba-CoE-v0.1", "Samba-CoE-v0.2")].level == "exclude"
    assert ("copied", ("chatglm2-6b", "vicuna-13b")) in found
    assert ("near_duplicate", ("blendaxai-gm-l3-v35", "blendaxai-gm-l6-vo31")) in found
    short = {f.models[0]: f.n_prompts for f in of_kind(result, "short")}
    assert short == {
        "alpaca-7b_verbose": 3,
        "phi-2": 2,
        "text_davinci_001": 2,
        "alpaca-7b_concise": 1,
        "gpt35_turbo_instruct": 1,
        "llama-2-70b-chat-hf": 1,
    }
    assert found["empty", ("gemma-2b-it",)].n_prompts == 22
    assert {"ghost-7b-alpha", "Qwen1.5-1.8B-Chat", "phi-2"} <= {f.models[0] for f in of_kind(result, "loops")}
    assert {"Nanbeige2-8B-Chat", "evo-7b", "SelfMoA_gemma-2-9b-it-WPO-HB"} <= {
        f.models[0] for f in of_kind(result, "cut_off")
    }
    assert {"vicuna-13b", "chatglm2-6b"} <= set(of_kind(result, "memorised")[0].models[:4])
    assert "phi-2-sft" in of_kind(result, "leading_space")[0].models
    gpt = next(g for g in result.candidates if g.name == "gpt-3.5")
    assert (gpt.n_students, gpt.n_data_sources) == (12, 3)
