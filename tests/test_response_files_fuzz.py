"""Response files that nobody wrote by hand: any rows, any bytes, any damage."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_response_files import ROWS, SAMPLES, archive, is_one_plain_line, lines, parquet, written

from hydrometer.errors import InputError
from hydrometer.store.responses import prompt_key, read_responses

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcXYZ-_.0", min_size=1, max_size=6).map(lambda s: f"m{s}")
good_rows = st.lists(
    st.fixed_dictionaries({"model": names, "prompt": texts.map(lambda s: f"p{s}"), "response": texts}),
    min_size=1,
    max_size=12,
    unique_by=lambda r: (r["model"], prompt_key(r["prompt"])),
)


@given(rows=good_rows, data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_round_trip_in_any_order(tmp_path: Path, rows: list[dict[str, str]], data: st.DataObject) -> None:
    found = read_responses(written(tmp_path, lines(rows)))
    assert sorted((r["model"], prompt_key(r["prompt"]), r["response"]) for r in rows) == sorted(
        found.frame.select("model", "prompt", "response").iter_rows()
    )
    shuffled = data.draw(st.permutations(rows))
    for content in (lines(shuffled), json.dumps(shuffled), parquet(shuffled)):
        again = read_responses(written(tmp_path, content))
        assert again.frame.equals(found.frame)
        assert again.warnings == found.warnings
    stored = read_responses(written(tmp_path, parquet(found.frame)))
    assert stored.frame.equals(found.frame)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["model", "probe", "prompt", "response", "status", "instruction", "output", "generator", "resps", "arguments"]
) | st.sampled_from(["custom_id", "error", "eval", "samples"])


@given(st.lists(st.dictionaries(keys, values | st.just("m"), max_size=7) | values, max_size=5), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=300)
def test_any_rows_are_read_completely_or_refused(tmp_path: Path, rows: list[Any], as_lines: bool) -> None:
    file = written(tmp_path, lines(rows) if as_lines else json.dumps(rows))
    try:
        found = read_responses(file)
    except InputError as error:
        assert is_one_plain_line(str(error))
        return
    set_aside = sum(int(w.split()[0]) for w in found.warnings if "word for word" in w)
    set_aside += sum(int(w.split()[-3]) for w in found.warnings if w.endswith("set aside"))
    assert len(found.frame) + set_aside == len(rows)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PAR1", b"PK\x03\x04", b"[", b"{"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
def test_any_bytes_are_refused(tmp_path: Path, content: bytes, start: bytes) -> None:
    with pytest.raises(InputError):
        read_responses(written(tmp_path, start + content))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([parquet(ROWS), archive(SAMPLES)])))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_responses(written(tmp_path, bytes(content)))
    except InputError as error:
        assert is_one_plain_line(str(error))


def test_a_reader_that_panics_says_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = parquet({"model": ["a", "b"] * 50, "prompt": [f"p{i}" for i in range(100)], "response": ["x"] * 100})
    for seed in range(300):
        damage = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(3):
            damaged[damage.randrange(4, len(content))] = damage.randrange(256)
        with contextlib.suppress(InputError):
            read_responses(written(tmp_path, bytes(damaged)))
    assert capfd.readouterr().err == ""
