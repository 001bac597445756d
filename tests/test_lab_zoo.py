"""The zoo built from nothing through the command line, in small, and what bad input does. Skipped without torch."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("torch", reason="the lab needs torch: make lab-ready")
pytest.importorskip("transformers", reason="the lab needs transformers: make lab-ready")

from hydrometer import cli
from hydrometer.lab.recipes import read_recipe
from hydrometer.lab.zoo import ZooRecipe, members
from hydrometer.panel import open_panel

RECIPE = """
name = "smoke"
tokenizer_text = ["a.txt", "b.txt"]
vocab_size = 300
human_text = ["b.txt"]
controls_per_base = 1
same_text_shares = [0.5, 1.0]

[shapes.small]
kind = "llama"
hidden_size = 32
layers = 1
heads = 2
kv_heads = 1
intermediate_size = 48

[pretraining]
tokens = 640
batch = 4
sequence_length = 16
precision = "fp32"

[teaching]
tokens = 320
batch = 4
sequence_length = 16
precision = "fp32"

[probing]
text = "c.txt"
n = 20
prompt_tokens = 4
answer_tokens = 8

[[pretrained]]
name = "t1"
role = "teacher"
shape = "small"
text = ["a.txt"]
seed = 1

[[pretrained]]
name = "b1"
role = "base"
shape = "small"
text = ["b.txt"]
seed = 2

[[pretrained]]
name = "t1-twin"
role = "sibling"
shape = "small"
text = ["a.txt"]
seed = 3
sibling_of = "t1"

[[families]]
teachers = ["t1"]
doses = [0.5]
seeds = [1]

[[families]]
teachers = ["t1-twin"]
doses = [1.0]
seeds = [2]

[[continued]]
name = "later"
start = "s-t1-050-1"
text = ["b.txt"]
seed = 4
"""


def words(seed: int) -> str:
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choice("abcdefgh") for _ in range(rng.randint(2, 6))) for _ in range(60)]
    return " ".join(rng.choice(vocabulary) for _ in range(1500))


@pytest.fixture
def smoke(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for seed, name in enumerate("abc"):
        (tmp_path / "texts" / f"{name}.txt").write_text(words(seed))
    (tmp_path / "zoo.toml").write_text(RECIPE)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def build(capsys: pytest.CaptureFixture[str], folder: Path, *more: str | Path) -> tuple[int, str, str]:
    return run(
        capsys, "lab", "zoo", "build", folder / "zoo.toml", "--texts", folder / "texts", "--out", folder / "zoo", *more
    )  # fmt: skip


def test_a_zoo_is_built_listed_and_shipped_and_built_only_once(smoke: Path, capsys: pytest.CaptureFixture[str]) -> None:
    panel = smoke / "panel"
    options = ("--panel", panel, "--weights", "s-t1-050-1", "--json")
    status, out, err = build(capsys, smoke, *options)
    assert status == 0, err
    names = {
        "t1",
        "b1",
        "t1-twin",
        "control-b1-0",
        "s-t1-050-1",
        "s-t1-twin-100-2",
        "same-text-t1-050-b1",
        "same-text-t1-100-b1",
        "later",
    }
    assert set(json.loads(out)["built"]) == names
    assert json.loads(out)["listed"] == len(names)
    times = {p: p.stat().st_mtime_ns for p in (smoke / "zoo/members").glob("*/model.safetensors")}
    assert build(capsys, smoke, *options)[0] == 0
    assert times == {p: p.stat().st_mtime_ns for p in (smoke / "zoo/members").glob("*/model.safetensors")}
    status, out, _ = run(capsys, "lab", "zoo", "list", "--zoo", panel, "--json")
    listed: dict[str, dict[str, Any]] = {m["name"]: m for m in json.loads(out)}
    assert listed["s-t1-050-1"]["taught_by"] == ["t1"]
    assert listed["s-t1-050-1"]["dose"] == 0.5
    assert listed["s-t1-twin-100-2"]["note"] == ""
    assert listed["t1-twin"]["role"] == listed["same-text-t1-050-b1"]["role"] == "control"
    assert listed["t1-twin"]["same_text_as"] == listed["same-text-t1-050-b1"]["same_text_as"] == "t1"
    rows = {row.model: row for row in open_panel(panel).lineage}
    assert rows["same-text-t1-050-b1"].same_text_as == ("t1",)
    assert rows["control-b1-0"].same_text_as == ()
    answers = pl.concat([pl.read_parquet(panel / f) for f in ("responses.parquet", "cases.parquet")])
    assert answers.group_by("model").len()["len"].to_list() == [20] * len(names)
    about = json.loads((panel / "models/s-t1-050-1/model.json").read_text())
    assert about["trained_sha256"] == listed["s-t1-050-1"]["weights_sha256"]
    assert str(smoke) not in json.dumps(about)
    assert {"config.json", "model.safetensors", "tokenizer.json"} == set(about["sha256"])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("controls_per_base = 1", "controls_per_bass = 1", "unknown key 'controls_per_bass'"),
        ('teachers = ["t1"]', 'teachers = ["t9"]', "no member 't9' to teach"),
        ('shape = "small"', 'shape = "large"', "no shape 'large'"),
        ('role = "base"', 'role = "teacher"', "a zoo without a base"),
        ('start = "s-t1-050-1"', 'start = "b9"', "no member 'b9' to go on from"),
        ('name = "later"', 'name = "b1"', "two members named 'b1'"),
        ("n = 20", "n = 5000", "probes in this text"),
        ('human_text = ["b.txt"]', 'human_text = ["empty.txt"]', "a corpus of 0 bytes"),
        ('tokenizer_text = ["a.txt", "b.txt"]', 'tokenizer_text = ["away.txt"]', "away.txt"),
    ],
)
def test_a_bad_zoo_gets_one_line_and_status_two(
    old: str, new: str, line: str, smoke: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (smoke / "texts/empty.txt").write_bytes(b"")
    text = RECIPE.replace(old, new, 1)
    if "empty" not in new:
        (smoke / "zoo.toml").write_text(text)
        status, out, err = build(capsys, smoke, "--json")
        assert status == 2
        assert line in err
    else:  # A text that only students read: the others are built, and each failure has its line.
        (smoke / "zoo.toml").write_text("families = []\n" + text[: text.index("[[families]]")])
        status, out, err = build(capsys, smoke, "--json")
        assert status == 2
        assert json.loads(out)["built"]
        assert [row for row in err.splitlines() if line in row] == err.splitlines()


def test_weights_of_no_member_are_refused(smoke: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = build(capsys, smoke, "--weights", "t1")
    assert status == 2
    assert "name its folder with --panel" in err


def test_the_shipped_recipe_names_every_member_once() -> None:
    path = Path(__file__).parent.parent / "panels/zoo/recipe.toml"
    found = members(read_recipe(path, ZooRecipe)[0])
    listed = json.loads((path.parent / "members.json").read_text())
    assert [m.name for m in found] == [m["name"] for m in listed]
    assert sum(bool(m.same_text_as) for m in found) == 20


@pytest.mark.parametrize("command", ["train", "distill"])
def test_a_bad_recipe_gets_status_two(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.toml").write_text('name = "x"\nsead = 1\n')
    status, out, err = run(capsys, "lab", command, tmp_path / "r.toml", "--out", tmp_path / "o")
    assert (status, out) == (2, "")
    assert "unknown key 'sead'" in err
    assert not (tmp_path / "o").exists()


def test_a_pickle_as_a_start_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / "config.json").write_text('{"model_type": "llama"}')
    (start / "model.safetensors").write_bytes(b"\x80\x02}q\x00X\x05\x00.")
    (tmp_path / "text.txt").write_text(words(0))
    (tmp_path / "r.toml").write_text(
        'name = "x"\nseed = 1\ntext = ["text.txt"]\ninit = "start"\n[training]\ntokens = 64\nsequence_length = 16\n'
    )
    status, _, err = run(capsys, "lab", "train", tmp_path / "r.toml", "--out", tmp_path / "o")
    assert status == 2
    assert "a pickle" in err
