"""Wrong input at `ask` and `store`: one line, exit status 2, and nothing changed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_collection import asked, plan
from test_commands import run

from hydrometer.store.evidence import schema
from hydrometer.targets.replay import Replay

ASK = ("http://127.0.0.1:1/v1", "--model", "m", "--probes", "general")


def test_other_files_are_no_stores_and_stay_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, other, hostile = tmp_path / "a.txt", tmp_path / "other.db", tmp_path / "hostile.db"
    text.write_text("hello" * 400)
    with contextlib.closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE t (x)")
        db.commit()
    asked(Replay({"a": "b"}), plan("a"), hostile)
    with contextlib.closing(sqlite3.connect(hostile)) as db:
        db.execute("CREATE TRIGGER evil AFTER INSERT ON attempt BEGIN DELETE FROM attempt; END")
        db.commit()
    for path in (text, other, hostile):
        before = path.read_bytes()
        for command in (("check", str(path)), ("export", str(path), "--out", str(tmp_path / "x.jsonl"))):
            status, _, error = run(capsys, "store", *command)
            assert (status, error.count("\n")) == (2, 1)
            assert "no evidence store" in error
        assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"x", b"a short note\n", b"SQLite format 2\0" * 9])
def test_a_small_file_is_never_taken_for_an_empty_store(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, answers = tmp_path / "note.txt", tmp_path / "r.jsonl"
    file.write_bytes(content)
    answers.write_text('{"model": "m", "prompt": "Why?", "response": "Because."}\n')
    for command in (
        ("store", "check", str(file)),
        ("store", "compact", str(file)),
        ("store", "import", str(answers), "--store", str(file)),
        ("ask", f"replay:{answers}", "--probes", "identity", "--store", str(file), "--yes"),
    ):
        status, _, error = run(capsys, *command)
        assert status == 2
        assert "no evidence store" in error.splitlines()[-1]
        assert file.read_bytes() == content


def test_an_empty_file_is_a_store_in_which_nothing_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "s.db"
    store.touch()
    for command in (("check", str(store)), ("export", str(store), "--out", str(tmp_path / "x.jsonl"))):
        status, _, error = run(capsys, "store", *command)
        assert (status, error.count("\n")) == (2, 1)
        assert "the file is empty" in error
    assert store.read_bytes() == b""
    assert asked(Replay({"a": "b"}), plan("a"), store).counts.statuses == {"answered": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--probes", "general"), "nobody to ask"),
        (("replay:none.jsonl", "--probes", "general"), "no such file"),
        (("nonsense", "--probes", "general"), "this is no target"),
        (("http://127.0.0.1:1/v1", "--probes", "general"), "name one with --model"),
        (("http://127.0.0.1:1/v1", "--model", "m", "--probes", "none"), "neither a file nor a probe set"),
        (("http://127.0.0.1:1/v1", "--model", "m", "--probes", "general", "--max-usd", "1"), "without a price"),
        (("http://127.0.0.1:1/v1", "--model", "m", "--probes", "general", "--key-env", "UNSET_X"), "empty or not set"),
        (("", "--probes", "general"), "nobody to ask"),
        (("http://127.0.0.1:1/v1", "--model", "", "--probes", "general"), "the name of the model is empty"),
        (("http://127.0.0.1:1/v1", "--model", "a\x07", "--probes", "general"), "control character U+0007"),
        (("replay:none.jsonl", "--probes", "general", "--completions"), "--completions: only endpoints take it"),
        (("http://127.0.0.1:1/v1", "--model", "m", "--probes", "x" * 4000), "no file has so long a name"),
        ((*ASK, "--usd-per-million-in", "1"), "one of the two prices is missing"),
        ((*ASK, "--usd-per-million-in", "inf", "--usd-per-million-out", "1"), "no usable price"),
        ((*ASK, "--usd-per-million-in", "1", "--usd-per-million-out", "1", "--max-usd", "inf"), "no usable limit"),
    ],
)
def test_bad_orders_get_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    status, _, error = run(capsys, "ask", *options, "--store", str(tmp_path / "s.db"), "--yes")
    assert status == 2
    assert message in error.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("temperature = nan", "'temperature' has no usable value; give float, 0 to 2"),
        ("samples = 0", "give int, 1 to 1000"),
        ("max_requests = -1", "'max_requests' has no usable value"),
        ("usd_per_million_in = inf\nusd_per_million_out = 1", "no usable price"),
        ("colour = 'red'", "unknown key 'colour'"),
    ],
)
def test_a_bad_plan_gets_one_line(line: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        f'probes = "general"\nstore = "{tmp_path}/s.db"\n{line}\n[[target]]\naddress = "{ASK[0]}"\nmodel = "m"\n'
    )
    status, _, error = run(capsys, "ask", "--plan", str(path), "--yes")
    assert (status, error.count("\n")) == (2, 1)
    assert message in error
    assert not (tmp_path / "s.db").exists()


def test_a_pipe_and_an_empty_file_do_not_become_stores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe, empty = tmp_path / "pipe", tmp_path / "empty"
    os.mkfifo(pipe)
    empty.touch()
    for command in (
        ("import", str(pipe), "--store", str(tmp_path / "s.db")),
        ("import", str(empty), "--store", str(tmp_path / "s.db")),
        ("compact", str(empty)),
    ):
        status, _, error = run(capsys, "store", *command)
        assert (status, error.count("\n")) == (2, 1)
    assert empty.read_bytes() == b""


def test_a_store_is_read_where_nobody_can_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, out = tmp_path / "a.db", tmp_path / "a.jsonl"
    asked(Replay({"a": "b"}), plan("a"), store)
    monkeypatch.setattr(schema, "os", SimpleNamespace(access=lambda path, mode: False, W_OK=os.W_OK))
    assert run(capsys, "store", "export", str(store), "--out", str(out))[0] == 0
    assert json.loads(out.read_text())["response"] == "b"
    # What is in the log only would be missed.
    Path(f"{store}-wal").write_bytes(b"x")
    assert not schema._is_frozen(store)
