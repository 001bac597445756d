"""The commands as scripts and people use them, and the audit folder they write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from hydrometer import cli
from hydrometer.audit import read_audit
from hydrometer.errors import InputError, OutputError
from hydrometer.store import audits
from hydrometer.store.dossiers import read_dossier

ROOT = Path(__file__).parent.parent
V3 = str(ROOT / "dossiers/deepseek-v3.toml")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def json_line(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    status, out, error = run(capsys, *arguments, "--json")
    assert (status, error) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out)


def test_the_commands_and_their_options_are_these() -> None:
    """A new option is a promise to other people's scripts: add it here on purpose."""
    root = typer.main.get_command(cli.app)
    found = {}
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        for sub, leaf in getattr(command, "commands", {"": command}).items():
            options = sorted(o for p in leaf.params for o in p.opts if o.startswith("--") and o != "--help")
            found[f"{name} {sub}".strip()] = options
    assert found == {
        "audit": [
            "--alpha",
            "--candidate",
            "--gain",
            "--identity",
            "--json",
            "--model",
            "--out",
            "--panel",
            "--responses",
            "--seed",
        ],
        "ask": [
            "--attempts",
            "--canaries",
            "--completions",
            "--concurrency",
            "--header",
            "--json",
            "--key-env",
            "--keyring",
            "--logprobs",
            "--max-requests",
            "--max-tokens",
            "--max-tokens-total",
            "--max-usd",
            "--model",
            "--plan",
            "--probes",
            "--ray",
            "--retry-failed",
            "--samples",
            "--seed",
            "--store",
            "--system",
            "--temperature",
            "--timeout",
            "--top-p",
            "--usd-per-million-in",
            "--usd-per-million-out",
            "--yes",
        ],
        "attribute": ["--alpha", "--candidate", "--developer", "--json", "--model", "--panel", "--released"],
        "identity": [
            "--concurrency",
            "--helper",
            "--helper-model",
            "--json",
            "--judge",
            "--judge-model",
            "--key-env",
            "--language",
            "--maker",
            "--max-requests",
            "--max-usd",
            "--model",
            "--plain-only",
            "--rows",
            "--search",
            "--seed",
            "--store",
            "--target",
            "--usd-per-million-in",
            "--usd-per-million-out",
            "--vendors",
            "--yes",
        ],
        "similarity": [
            "--again",
            "--alpha",
            "--concurrency",
            "--json",
            "--judge",
            "--judge-model",
            "--key-env",
            "--max-requests",
            "--max-usd",
            "--most-null",
            "--most-probes",
            "--panel",
            "--reference",
            "--seed",
            "--store",
            "--subject",
            "--usd-per-million-in",
            "--usd-per-million-out",
            "--yes",
        ],
        "dossier new": ["--json"],
        "dossier check": ["--json"],
        "cost check": ["--json"],
        "cost estimate": [
            "--accelerator",
            "--active-params",
            "--architecture",
            "--contract",
            "--date",
            "--document-length",
            "--json",
            "--model",
            "--n-accelerators",
            "--phase",
            "--precision",
            "--prices",
            "--seed",
            "--sequence-length",
            "--steady-mfu",
            "--teacher-params",
            "--tier",
            "--tokens",
            "--total-params",
        ],
        "cost ladder": ["--draws", "--json", "--plot", "--prices", "--prior", "--seed"],
        "cost plan": [
            "--accelerator",
            "--batch",
            "--budget",
            "--contract",
            "--count",
            "--date",
            "--deadline",
            "--json",
            "--model",
            "--plot",
            "--precision",
            "--prices",
            "--sequence-length",
            "--tokens",
        ],
        "cost invert": [
            "--accelerator",
            "--contract",
            "--date",
            "--json",
            "--moe",
            "--precision",
            "--price",
            "--prices",
            "--usd",
        ],
        "cost energy": ["--accelerator", "--date", "--hours", "--json", "--owner", "--pue", "--region"],
        "cost prices": [
            "--accelerator",
            "--at",
            "--contract",
            "--json",
            "--prices",
            "--region",
            "--since",
            "--tier",
            "--until",
        ],
        "cost audit-table": ["--all", "--json"],
        "serving estimate": [
            "--accelerator",
            "--accepted",
            "--active-params",
            "--architecture",
            "--cache-hit",
            "--concurrency",
            "--contract",
            "--date",
            "--disaggregated",
            "--dp",
            "--draft-tokens",
            "--engine",
            "--ep",
            "--input",
            "--json",
            "--kv-cache",
            "--model",
            "--output",
            "--plot",
            "--pp",
            "--precision",
            "--price",
            "--target-tpot",
            "--target-ttft",
            "--total-params",
            "--tp",
            "--utilisation",
        ],
        "serving fleet": [
            "--accelerator",
            "--accepted",
            "--active-params",
            "--architecture",
            "--cache-hit",
            "--concurrency",
            "--contract",
            "--date",
            "--day-input",
            "--day-output",
            "--disaggregated",
            "--dp",
            "--draft-tokens",
            "--engine",
            "--ep",
            "--input",
            "--json",
            "--kv-cache",
            "--list-cached",
            "--list-input",
            "--list-output",
            "--model",
            "--node",
            "--output",
            "--peak-to-mean",
            "--pp",
            "--precision",
            "--price",
            "--total-params",
            "--tp",
            "--utilisation",
        ],
        "serving compare": [
            "--accelerator",
            "--against",
            "--aggregated",
            "--concurrency",
            "--dp",
            "--engine",
            "--ep",
            "--input",
            "--json",
            "--kv-cache",
            "--model",
            "--output",
            "--plot",
            "--precision",
            "--tp",
        ],
        "serving life": [
            "--accelerator",
            "--concurrency",
            "--dp",
            "--input",
            "--json",
            "--model",
            "--output",
            "--precision",
            "--research-factor",
            "--served-tokens",
            "--tp",
            "--training-hours",
            "--training-tokens",
        ],
        "demand verdict": [
            "--data",
            "--draws",
            "--estimate",
            "--gain",
            "--json",
            "--plot",
            "--prior",
            "--priors",
            "--seed",
            "--tornado",
        ],
        "demand elasticity": ["--json", "--seed"],
        "demand index": ["--after", "--before", "--decline", "--growth", "--json", "--months", "--plot"],
        "demand prices": [
            "--at-least",
            "--benchmark",
            "--cache",
            "--json",
            "--output",
            "--peak",
            "--plot",
            "--prices",
            "--until",
        ],
        "lab s1": ["--json", "--out", "--picture", "--workers"],
        "lab train": ["--json", "--out"],
        "lab distill": ["--json", "--out"],
        "lab zoo": [],
        "panel check": ["--all", "--json"],
        "panel index": ["--alpha", "--json", "--seed"],
        "panel add": [
            "--base-family",
            "--developer",
            "--json",
            "--lineage",
            "--model",
            "--panel",
            "--role",
            "--teacher",
        ],
        "panel pull": ["--from", "--json", "--lineage", "--out"],
        "probes list": ["--json"],
        "probes show": ["--json", "--language"],
        "probes check": ["--json"],
        "probes pull": ["--json", "--out"],
        "store check": ["--json"],
        "store export": ["--all-samples", "--json", "--model", "--out"],
        "store import": ["--json", "--model", "--probes", "--store"],
        "store compact": ["--json"],
    }


@pytest.mark.parametrize(
    "command",
    [
        ["audit"],
        ["dossier", "new"],
        ["dossier", "check"],
        ["cost", "ladder"],
        ["cost", "plan"],
        ["cost", "invert"],
        ["cost", "energy"],
        ["cost", "prices"],
        ["cost", "audit-table"],
        ["cost", "check"],
        ["serving", "estimate"],
        ["serving", "fleet"],
        ["serving", "compare"],
        ["cost", "estimate"],
        ["panel", "check"],
        ["panel", "add"],
        ["panel", "pull"],
        ["panel", "index"],
        ["attribute"],
        ["identity"],
        ["similarity"],
    ],
)
def test_help_teaches_by_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *command, "--help")
    assert status == 0
    assert f"hydrometer {' '.join(command)} " in out.split("Example", 1)[1]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[1].startswith("hydrometer 0.")


def test_audit_writes_a_whole_folder_and_replaces_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "audit"
    for _ in range(2):
        summary = json_line(capsys, "audit", V3, "--out", str(out))
    assert sorted(p.name for p in out.iterdir()) == ["audit.json", "report.html"]
    assert [p.name for p in out.parent.iterdir()] == ["audit"]
    assert summary["not_measured"] == []
    assert {v["id"]: v["verdict"] for v in summary["verdicts"]} == {
        "published-figures": "supports",
        "headline-final-run": "supports",
        "headline-whole": "opposes",
        "compute-demand": "inconclusive",
        "serving": "inconclusive",
        "identity": "inconclusive",
        "similarity": "inconclusive",
    }
    assert read_audit(out).subject == "DeepSeek-V3"


def test_the_terminal_says_question_answer_and_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "audit", V3, "--out", str(tmp_path / "a"))
    assert status == 0
    for words in ("What did it cost to train?", "Who taught it?", "inconclusive", "supports", "report.html"):
        assert words in out


def test_cost_check_prints_both_sides_tolerance_verdict_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    found = json_line(capsys, "cost", "check", V3)
    assert found["verdict"] == "supports"
    for check in found["checks"]:
        assert {"title", "left", "right", "tolerance", "tolerance_reason", "verdict", "sources"} <= set(check)
    assert "2,788,000 h" in run(capsys, "cost", "check", V3)[1]


def test_a_false_claim_is_a_finding_not_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = Path(V3).read_text(encoding="utf-8").replace('siblings = ["deepseek-v2"]\n', "")
    path = tmp_path / "false.toml"
    path.write_text(text.replace("value = 2788e3", "value = 278.8e3"), encoding="utf-8")
    assert json_line(capsys, "cost", "check", str(path))["verdict"] == "opposes"


def test_every_shipped_dossier_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    paths = sorted(str(p) for p in (ROOT / "dossiers").glob("*.toml"))
    status, out, _ = run(capsys, "dossier", "check", *paths, "--json")
    assert status == 0
    assert all(json.loads(line)["valid"] for line in out.splitlines())
    assert len(paths) == 8


def test_the_template_is_valid_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.toml"
    assert run(capsys, "dossier", "new", str(path))[0] == 0
    assert read_dossier(path).dossier.model.name == "Example-7B"
    assert run(capsys, "cost", "check", str(path))[0] == 0
    path.write_text("mine", encoding="utf-8")
    status, _, error = run(capsys, "dossier", "new", str(path))
    assert status == 2
    assert "exists already" in error
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    status, _, error = run(capsys, "audit", V3, "--out", str(tmp_path))
    assert status == 2
    assert "choose another --out" in error
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("broken", ["fsync", "rename"])
def test_a_failed_write_leaves_the_earlier_audit(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "audit"
    audits.write_audit(folder, {audits.RECORD: "{}", audits.REPORT: "first"})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if broken == "fsync":
        monkeypatch.setattr("os.fsync", fail)
    else:
        rename = Path.rename
        monkeypatch.setattr(
            Path,
            "rename",
            lambda self, target: fail() if target == folder and "old" not in self.name else rename(self, target),
        )
    with pytest.raises(OutputError, match="No space left"):
        audits.write_audit(folder, {audits.RECORD: "{}", audits.REPORT: "second"})
    assert (folder / audits.REPORT).read_text(encoding="utf-8") == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["audit"]


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 3}', "not json"])
def test_a_record_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"audit\.json"):
        read_audit(tmp_path)


def test_the_installed_command_runs() -> None:
    command = Path(sys.executable).with_name("hydrometer")
    done = subprocess.run([str(command), "cost", "check", "none.toml"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
