"""Hostile dossiers: one clear line with the file and a cure, exit status 2, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrometer import cli
from hydrometer.audit import read_audit
from hydrometer.errors import InputError
from hydrometer.store.dossiers import parse_dossier, read_dossier

ROOT = Path(__file__).parent.parent
GOOD = (ROOT / "dossiers/s1-32b.toml").read_text(encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.out, captured.err


def edited(old: str, new: str) -> str:
    assert old in GOOD, old
    return GOOD.replace(old, new, 1)


def deep_inline_tables() -> str:
    return "\n".join(f"k{i} = {{ {'.'.join(['a'] * 1900)} = 1 }}" for i in range(100))


CASES: dict[str, tuple[str, str]] = {
    "negative": (edited("value = 16\n", "value = -16\n"), "check the sign"),
    "unit unknown": (edited('"minutes"', '"bananas"'), "known: days, hours, minutes, weeks"),
    "unit misspelt": (edited('"minutes"', '"minuts"'), "did you mean 'minutes'?"),
    "accelerator": (edited('accelerator = "H100"', 'accelerator = "H10O"'), "did you mean 'H100-SXM-80GB'?"),
    "text for a number": (edited("value = 16\n", 'value = "16"\n'), "without quotes"),
    "truth for a number": (edited("value = 16\n", "value = true\n"), "without quotes"),
    "not a number": (edited("value = 16\n", "value = nan\n"), "not a finite number"),
    "infinite": (edited("value = 16\n", "value = inf\n"), "not a finite number"),
    "exponent": (edited("value = 16\n", "value = 1e99999999999\n"), "beyond all quantities"),
    "5,000 digits": (edited("value = 16\n", f"value = {'9' * 3900}\n"), "3900 digits"),
    "many decimals": (edited("value = 16\n", f"value = 1.{'0' * 900}\n"), "characters long"),
    "unknown key": (edited('quantity = "n_acc', 'quantty = "n_acc'), "did you mean 'quantity'?"),
    "unknown quantity": (edited('"n_accelerators"', '"n_accelerator"'), "did you mean 'n_accelerators'?"),
    "unknown source": (edited('source = "s1-paper"', 'source = "s1-papr"'), "did you mean 's1-paper'?"),
    "no source": (edited('source = "kellogg"\n', ""), "add source"),
    "no claim id twice": (edited('id = "duration"', 'id = "cluster"'), "give each its own id"),
    "script address": (edited("https://github.com/simplescaling/s1", "javascript:alert(1)"), "correct the value"),
    "right-to-left": (edited('name = "s1-32B"', 'name = "s1\\u202E32B"'), "remove it"),
    "escape sequence": (edited('name = "s1-32B"', 'name = "s1\\u001b[31m"'), "remove it"),
    "no heads": (edited("heads = 40", "heads = 0"), "greater than or equal to 1"),
    "layers as text": (edited("layers = 64", 'layers = "64"'), "valid integer"),
    "attention unknown": (edited('kind = "gqa"', 'kind = "xyz"'), "known: 'gqa', 'mla'"),
    "date": (edited("released = 2025-01-31", 'released = "soon"'), "valid date"),
    "version": (edited("schema_version = 1", "schema_version = 2"), "should be 1"),
    "sibling outside": (edited("summary =", 'siblings = ["../x"]\nsummary ='), "correct the value"),
    "sibling missing": (edited("summary =", 'siblings = ["nope"]\nsummary ='), "add nope.toml"),
    "empty": ("", "add schema_version"),
    "not TOML": ("this is not toml", "hydrometer dossier new"),
    "array bomb": ("a=" + "[" * 3900, "nested too deeply"),
    "array bomb over lines": ("a=" + "[\n" * 60_000, "nested too deeply"),
    "inline table bomb": (deep_inline_tables(), "nested too deeply"),
    "key bomb": (".".join(["a"] * 1900) + "=1", "nested too deeply"),
    "key of quoted dots": (".".join(['"a.b"'] * 600) + "=1", "nested too deeply"),
    "address with escape": (
        edited("https://github.com/simplescaling/s1", "https://github.com/\\u001b[31m"),
        "bad.toml",
    ),
    "address turned around": (edited("https://github.com/simplescaling/s1", "https://github.com/\\u202E"), "bad.toml"),
    "one long line": ("# " + "x" * 200_000, "keep lines below"),
    "10 MB": ("x" * 10_000_000, "is this another file?"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_dossier_gets_one_line_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, cure = CASES[case]
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    status, out, error = run(capsys, "audit", str(path), "--out", str(tmp_path / "out"))
    assert status == 2
    assert out == ""
    assert error.startswith("hydrometer: ")
    assert error.count("\n") == 1
    assert "bad.toml" in error
    assert cure in error
    assert [p.name for p in tmp_path.iterdir()] == ["bad.toml"]


def test_the_line_of_the_mistake_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.toml"
    text, _ = CASES["text for a number"]
    path.write_text(text, encoding="utf-8")
    line = text.splitlines().index('value = "16"') + 1
    assert f"bad.toml:{line} claims[1].value" in run(capsys, "dossier", "check", str(path))[2]


def folder(path: Path) -> Path:
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path / "pipe")
    return path / "pipe"


def latin_1(path: Path) -> Path:
    (path / "latin.toml").write_bytes(b"# ok\na = '\xe9'\n")
    return path / "latin.toml"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (folder, "this is a folder"),
        (pipe, "not a regular file"),
        (latin_1, "latin.toml:2: byte 0xe9 is not UTF-8"),
        (lambda path: Path("/dev/zero"), "not a regular file"),
        (lambda path: path / "none.toml", "no such file"),
        (lambda path: path / ("x" * 300), "cannot be read"),
    ],
)
def test_what_is_no_dossier_file(
    make: Callable[[Path], Path], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, error = run(capsys, "cost", "check", str(make(tmp_path)))
    assert status == 2
    assert words in error
    assert error.count("\n") == 1


def test_a_byte_order_mark_and_windows_lines_are_no_error(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_dossier(path).dossier.model.name == "s1-32B"


def test_a_key_with_a_dot_inside_quotes_is_one_key() -> None:
    """Dots inside quotes do not nest: the unknown key is named, not called too deep."""
    with pytest.raises(InputError, match=r"unknown key 'a\.b"):
        parse_dossier(GOOD.replace("[model]\n", f'[model]\n"a{".b" * 40}" = 1\n', 1), where="x.toml")


def test_a_note_beside_an_audit_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dossier, out = str(ROOT / "dossiers/s1-32b.toml"), tmp_path / "audit"
    assert run(capsys, "audit", dossier, "--out", str(out))[0] == 0
    (out / "note.txt").write_text("years of work", encoding="utf-8")
    status, _, error = run(capsys, "audit", dossier, "--out", str(out))
    assert status == 2
    assert error.count("\n") == 1
    assert "note.txt" in error
    assert "choose another --out" in error
    assert (out / "note.txt").read_text(encoding="utf-8") == "years of work"


@pytest.mark.parametrize("bad", ["9" * 6000, '"1.2.3"', '"NaN"', '"1e"'])
def test_a_stored_audit_with_an_unusable_number_is_refused(
    bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "audit", str(ROOT / "dossiers/s1-32b.toml"), "--out", str(tmp_path / "audit"))[0] == 0
    record = json.loads((tmp_path / "audit/audit.json").read_text(encoding="utf-8"))
    claims = record["dossier"]["claims"]
    claims[0]["value"] = "BAD"
    text = json.dumps(record).replace('"BAD"', bad, 1)
    (tmp_path / "audit/audit.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_audit(tmp_path / "audit")
    assert "\n" not in str(error.value)
    assert "audit.json" in str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frob"],
        ["audit"],
        ["audit", "x.toml"],
        ["cost", "check"],
        ["audit", "x.toml", "--out", "o", "--seed", "many"],
        ["cost", "check", "x.toml", "--bogus"],
    ],
)
def test_a_wrong_command_line_gets_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = run(capsys, *arguments)
    assert status == 2
    assert error.count("\n") == 1
    assert error.startswith("hydrometer: ")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "any.toml"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_dossier(path)


@given(st.data())
@settings(max_examples=150)
def test_a_dossier_with_a_changed_line_is_read_or_refused(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    key = lines[index].partition("=")[0]
    value = data.draw(st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(repr), st.just("[[]]")))
    lines[index] = f"{key}= {value}"
    try:
        parse_dossier("\n".join(lines), where="mutated.toml")
    except InputError as error:
        assert "\n" not in str(error)
        assert "mutated.toml" in str(error)


def test_help_needs_no_heavy_library() -> None:
    program = (
        "import sys\nfrom hydrometer import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = ('numpy', 'scipy', 'matplotlib', 'pydantic', 'polars', 'sklearn', 'jinja2', 'torch')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
