"""Response files: every format is read by content, every row is kept or named, every bad file gets one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from hydrometer.errors import InputError
from hydrometer.records.responses import STATUSES
from hydrometer.store.responses import inspect_logs, prompt_key, read_responses
from hydrometer.store.responses.common import COLUMNS

ROWS = [
    {"model": "a", "probe": "p1", "prompt": "One?", "response": "1"},
    {"model": "a", "probe": "p2", "prompt": "Two?", "response": "2"},
    {"model": "b", "probe": "p1", "prompt": "One?", "response": "uno"},
    {"model": "b", "probe": "p2", "prompt": "Two?", "response": " "},
]
EXPECTED = [
    ("a", "One?", "1", "answered"),
    ("a", "Two?", "2", "answered"),
    ("b", "One?", "uno", "answered"),
    ("b", "Two?", " ", "empty"),
]


def is_one_plain_line(text: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text)


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(path: Path, content: str | bytes, name: str = "file.bin") -> Path:
    file = path / name
    file.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return file


def parquet(rows: list[dict[str, Any]] | dict[str, Any] | pl.DataFrame) -> bytes:
    out = io.BytesIO()
    (rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)).write_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (lines(ROWS), "json lines"),
        ("\n\n" + lines(ROWS).replace("\n", "\r\n\n"), "json lines"),
        ("\ufeff" + lines(ROWS), "json lines"),
        (json.dumps(ROWS), "json"),
        (json.dumps(ROWS, indent=2), "json"),
        (parquet(ROWS), "parquet"),
    ],
)
def test_our_own_table_is_read_by_content(content: str | bytes, kind: str, tmp_path: Path) -> None:
    found = read_responses(written(tmp_path, content, "answers.xyz"))
    assert found.format == kind
    assert tuple(found.frame.columns) == COLUMNS
    assert found.frame.rows() == EXPECTED
    assert found.warnings == ("1 empty answer",)
    assert len(found.sha256) == 64


def test_probe_ids_are_looked_up_and_others_are_prompts(tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "prompt"} for row in ROWS]
    ids = {"p1": "One?", "p2": "Two?"}
    assert read_responses(written(tmp_path, lines(rows)), probes=ids).frame.rows() == EXPECTED
    itself = read_responses(written(tmp_path, lines(rows)))
    assert set(itself.frame["prompt"]) == {"p1", "p2"}
    mixed = read_responses(written(tmp_path, lines(rows)), probes={"p1": "One?"})
    assert mixed.warnings[0] == "1 of 2 probes are no ids of the panel: taken as prompts themselves"


def test_numbers_as_probes_need_a_panel(tmp_path: Path) -> None:
    frame = pl.DataFrame({"model": ["a", "a"], "probe": pl.Series([0, 1], dtype=pl.UInt16), "response": ["x", "y"]})
    with pytest.raises(InputError, match="probes are numbers"):
        read_responses(written(tmp_path, parquet(frame)))
    found = read_responses(
        written(tmp_path, parquet(frame.cast({"model": pl.Categorical}))), probes={"0": "A", "1": "B"}
    )
    assert found.frame["prompt"].to_list() == ["A", "B"]
    assert read_responses(written(tmp_path, lines(frame.to_dicts())), probes={"0": "A", "1": "B"}).frame.rows() == (
        found.frame.rows()
    )


def test_prompts_join_across_line_ends_blanks_and_unicode_forms(tmp_path: Path) -> None:
    rows = [
        {"model": "a", "prompt": "caf\u00e9\nau lait", "response": "1"},
        {"model": "b", "prompt": "  cafe\u0301\r\nau lait \n", "response": "2"},
    ]
    assert read_responses(written(tmp_path, lines(rows))).frame["prompt"].n_unique() == 1
    assert prompt_key("a\rb ") == "a\nb"


def test_repeats_are_counted_and_the_first_answer_is_kept(tmp_path: Path) -> None:
    rows = [
        {"model": "x", "prompt": "p", "response": "first"},
        {"model": "x", "prompt": "p", "response": "second"},
        {"model": "x", "prompt": "q", "response": "same"},
        {"model": "x", "prompt": "q", "response": "same"},
        {"model": "x", "prompt": "r", "response": None},
        {"model": "x", "prompt": "r", "response": "after a failure"},
    ]
    found = read_responses(written(tmp_path, lines(rows)))
    assert dict(found.frame.select("prompt", "response").iter_rows()) == {
        "p": "first",
        "q": "same",
        "r": "after a failure",
    }
    assert "1 row repeated word for word: one of each is kept" in found.warnings
    assert "model x answered 2 prompts more than once: the first answer is kept, 2 set aside" in found.warnings


def test_every_status_survives_and_missing_is_not_empty(tmp_path: Path) -> None:
    rows = [
        {"model": "m", "prompt": s, "response": None if s == "failed" else "" if s == "empty" else "text", "status": s}
        for s in STATUSES
    ]
    rows.append({"model": "m", "prompt": "lost", "response": None})
    for content in (lines(rows), parquet(pl.DataFrame(rows))):
        found = read_responses(written(tmp_path, content))
        assert dict(found.frame.select("prompt", "status").iter_rows()) == {s: s for s in STATUSES} | {"lost": "failed"}
        assert found.frame.filter(pl.col("response").is_null())["status"].unique().to_list() == ["failed"]
        assert "1 row without an answer: recorded as failed" in found.warnings


def test_alpaca_eval(tmp_path: Path) -> None:
    rows = [{"instruction": "Hi", "output": "Hello", "generator": "m", "dataset": "koala"}]
    assert read_responses(written(tmp_path, json.dumps(rows))).frame.rows() == [("m", "Hi", "Hello", "answered")]
    del rows[0]["generator"]
    with pytest.raises(InputError, match="'generator' is missing"):
        read_responses(written(tmp_path, json.dumps(rows)))
    assert read_responses(written(tmp_path, json.dumps(rows)), model="n").frame["model"].to_list() == ["n"]


def sample(prompt: Any, content: Any, **more: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content}, "stop_reason": more.pop("stop", "stop")}
    return {"id": 1, "epoch": 1, "input": prompt, "output": {"model": "m", "choices": [choice]}, **more}


SAMPLES = [
    sample("Plain?", "yes"),
    sample(
        [{"role": "system", "content": "s"}, {"role": "user", "content": "Chat?"}], [{"type": "text", "text": "ok"}]
    ),
    sample("Long?", "and so", stop="max_tokens"),
    sample("Bad?", "", stop="content_filter"),
    sample("attachment://abc", "kept apart", attachments={"abc": "A very long prompt"}),
    {"id": 9, "epoch": 1, "input": "Broken?", "output": {"choices": []}, "error": {"message": "boom"}},
]
INSPECTED = {
    "Plain?": ("yes", "answered"),
    "Chat?": ("ok", "answered"),
    "Long?": ("and so", "truncated"),
    "Bad?": ("", "refused"),
    "A very long prompt": ("kept apart", "answered"),
    "Broken?": (None, "failed"),
}
HEADER = {"version": 2, "eval": {"model": "openai/m", "task": "t"}}


def archive(samples: list[Any], header: Any = HEADER, name: str = "samples/{}_epoch_1.json") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("header.json", json.dumps(header))
        for i, one in enumerate(samples):
            z.writestr(name.format(i), one if isinstance(one, bytes) else json.dumps(one))
    return out.getvalue()


def zstandard_archive(members: dict[str, bytes]) -> bytes:
    """Writes by hand what `zipfile` of Python 3.11 cannot: members packed with Zstandard (method 93)."""
    body, directory = b"", b""
    for name, data in members.items():
        packed = zstandard.compress(data)
        fields = struct.pack("<HHHHHIIIHH", 63, 0, 93, 0, 33, zipfile.crc32(data), len(packed), len(data), len(name), 0)
        directory += b"PK\x01\x02\x3f\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode()
        body += b"PK\x03\x04" + fields + name.encode() + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


@pytest.mark.parametrize(
    "content",
    [
        archive(SAMPLES),
        zstandard_archive(
            {f"samples/{i}_epoch_1.json": json.dumps(s).encode() for i, s in enumerate(SAMPLES)}
            | {"header.json": json.dumps(HEADER).encode()}
        ),
        json.dumps({**HEADER, "samples": SAMPLES}),
        json.dumps({**HEADER, "samples": SAMPLES}, indent=2),
    ],
)
def test_inspect_logs(content: str | bytes, tmp_path: Path) -> None:
    found = read_responses(written(tmp_path, content))
    assert {p: (r, s) for _, p, r, s in found.frame.iter_rows()} == INSPECTED
    assert set(found.frame["model"]) == {"openai/m"}


def lm_eval_row(prompt: Any, answer: Any) -> dict[str, Any]:
    return {"doc_id": 0, "doc": {}, "arguments": {"gen_args_0": {"arg_0": prompt}}, "resps": [[answer]]}


def test_lm_eval_samples_take_the_model_from_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "meta__Llama-9"
    folder.mkdir()
    chat = json.dumps([{"role": "user", "content": "Chat?"}])
    file = written(folder, lines([lm_eval_row("Plain?", "1"), lm_eval_row([chat], "2")]), "samples_t_2026.jsonl")
    found = read_responses(file)
    assert found.frame.rows() == [
        ("meta/Llama-9", "Chat?", "2", "answered"),
        ("meta/Llama-9", "Plain?", "1", "answered"),
    ]
    assert "'meta/Llama-9' is taken from the name of the folder" in found.warnings[0]
    assert read_responses(file, model="mine").warnings == ()
    with pytest.raises(InputError, match="not text"):
        read_responses(written(folder, lines([lm_eval_row("p", [-1.5, False])])))


def batch_row(name: str, content: str | None, reason: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": reason}
    return {
        "custom_id": name,
        "response": {"status_code": 200, "body": {"model": "g", "choices": [choice]}},
        "error": None,
    }


def test_openai_batch_finds_its_prompts_beside_it(tmp_path: Path) -> None:
    rows = [
        batch_row("1", "one"),
        batch_row("2", "tw", "length"),
        batch_row("3", None, refusal="No."),
        {"custom_id": "4", "response": None, "error": {"code": "batch_expired"}},
    ]
    file = written(tmp_path, lines(rows), "out.jsonl")
    with pytest.raises(InputError, match=r"no prompt for custom_id '1'.*out_input\.jsonl"):
        read_responses(file)
    ids = {str(i): f"Prompt {i}" for i in range(1, 5)}
    expected = {"1": ("one", "answered"), "2": ("tw", "truncated"), "3": ("No.", "refused"), "4": (None, "failed")}
    assert {p[-1]: (r, s) for _, p, r, s in read_responses(file, probes=ids).frame.iter_rows()} == expected
    requests = [{"custom_id": i, "body": {"messages": [{"role": "user", "content": p}]}} for i, p in ids.items()]
    written(tmp_path, lines(requests), "requests.jsonl")
    found = read_responses(file)
    assert {p[-1]: (r, s) for _, p, r, s in found.frame.iter_rows()} == expected
    assert set(found.frame["model"]) == {"g"}


GOOD = {"model": "m", "prompt": "p", "response": "r"}
BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b" \n ", "empty"),
    "words": ("once upon a time", "neither Parquet, JSON nor an Inspect log"),
    "latin": (b'{"model": "\xe9"}', "not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00", "packed with gzip; unpack it first"),
    "pickle": (pickle.dumps(ROWS), "not UTF-8"),
    "no rows": ("[]", "holds no responses"),
    "not JSON": ('{"model": "m",\n', "not JSON"),
    "bad line": (lines([GOOD]) + '{"model": "m", oops}\n', "file.bin:2: not JSON"),
    "deep": ("[" * 200_000, "nested too deeply"),
    "deep line": (lines([GOOD]) + '{"a":' * 200_000, "nested too deeply"),
    "digits": ('{"model": "m", "prompt": "p", "response": ' + "9" * 5000 + "}", "not a usable number"),
    "row is a list": ("[[1]]", "a row must be an object, this is a list"),
    "no model": (
        lines([GOOD, {"prompt": "p", "response": "r"}]),
        "file.bin:2: 'model' is missing; add it; this row has",
    ),
    "no prompt": (lines([{"model": "m", "response": "r"}]), "'prompt' is missing"),
    "no response": (lines([{"model": "m", "prompt": "p"}]), "'response' is missing"),
    "response number": (lines([{**GOOD, "response": 3}]), "'response' is a number"),
    "response NaN": ('{"model": "m", "prompt": "p", "response": NaN}', "'response' is a number"),
    "response list": (lines([{**GOOD, "response": ["r"]}]), "'response' is a list"),
    "model null": (lines([{**GOOD, "model": None}]), "file.bin:1: 'model' is missing"),
    "model blank": (lines([{**GOOD, "model": " "}]), "the name of the model is empty"),
    "model escape": (lines([{**GOOD, "model": "m\x1b[31m"}]), "control character U+001B in the name of a model"),
    "model newline": (lines([{**GOOD, "model": "m\nn"}]), "control character U+000A"),
    "model NUL": (lines([{**GOOD, "model": "m\0"}]), "control character U+0000"),
    "model turned": (lines([{**GOOD, "model": "m\u202en"}]), "control character U+202E"),
    "model long": (lines([{**GOOD, "model": "m" * 201}]), "201 characters"),
    "prompt blank": (lines([{**GOOD, "prompt": " \n"}]), "the prompt is empty"),
    "status": (lines([{**GOOD, "status": "great"}]), "known: answered, empty, truncated, refused, invalid, failed"),
    "status empty": (lines([{**GOOD, "status": "empty"}]), "but there is an answer"),
    "parquet cut": (parquet(ROWS)[:-20], "broken Parquet"),
    "parquet noise": (b"PAR1" + os.urandom(200) + b"PAR1", "broken Parquet"),
    "parquet columns": (parquet([{"x": 1}]), "column 'model' is missing"),
    "parquet type": (parquet([{**GOOD, "response": 1.5}]), "column 'response' has type Float64"),
    "parquet bytes": (parquet([{**GOOD, "response": b"r"}]), "column 'response' has type Binary"),
    "parquet null": (parquet([GOOD, {**GOOD, "model": None}]), "row 2: 'model' is missing"),
    "zip noise": (b"PK\x03\x04" + bytes(100), "broken archive"),
    "zip of others": (archive([], header=[]).replace(b"header.json", b"reader.json"), "no header.json"),
    "no model in log": (archive(SAMPLES, {"eval": {}}), "does not name its model"),
    "sample list": (archive([[1]]), "a sample is a list"),
    "sample deep": (archive([b"[" * 100_000]), "nested too deeply"),
    "sample image": (archive([sample([{"role": "user", "content": [{"type": "image"}]}], "x")]), "no question"),
    "batch of numbers": (lines([{"custom_id": 1, "response": None}]), "'custom_id' is a number"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_line(case: str, tmp_path: Path) -> None:
    content, words = BAD[case]
    with pytest.raises(InputError) as error:
        read_responses(written(tmp_path, content))
    assert words in str(error.value)
    assert "file.bin" in str(error.value)
    assert is_one_plain_line(str(error.value))
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def make_pipe(path: Path) -> Path:
    os.mkfifo(path / "pipe")
    return path / "pipe"


@pytest.mark.parametrize("make", [lambda p: p, lambda p: p / "none", make_pipe, lambda p: Path("/dev/zero")])
def test_what_is_no_file(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_responses(make(tmp_path))


def test_nothing_is_unpacked_beyond_its_limit_or_onto_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = json.dumps(sample("p", "x" * 100_000)).encode()
    monkeypatch.setattr(inspect_logs, "LARGEST_MEMBER", 50_000)
    for content in (
        archive([bomb]),
        zstandard_archive({"header.json": json.dumps(HEADER).encode(), "samples/1.json": bomb}),
    ):
        with pytest.raises(InputError, match="unpacks to more than 50,000 bytes"):
            read_responses(written(tmp_path, content))
    tricky = archive([sample("p", "x")], name="samples/../../../{}.json")
    assert len(read_responses(written(tmp_path, tricky)).frame) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


def test_odd_characters_in_answers_are_kept_or_named(tmp_path: Path) -> None:
    rows = [{**GOOD, "response": "a\0b\x1b[31m\u2028c"}, {**GOOD, "prompt": "q", "response": "half \ud800"}]
    found = read_responses(written(tmp_path, lines(rows)))
    assert found.frame["response"].to_list() == ["a\0b\x1b[31m\u2028c", "half \ufffd"]
    assert "1 texts with halves of characters" in found.warnings[0]


def test_thousands_of_models_do_not_flood_the_warnings(tmp_path: Path) -> None:
    rows = [{"model": f"m{i}", "prompt": "p", "response": str(j)} for i in range(3000) for j in range(2)]
    found = read_responses(written(tmp_path, lines(rows)))
    assert len(found.frame) == 3000
    assert len(found.warnings) < 10
    assert "2,995 more models" in found.warnings[-1]
