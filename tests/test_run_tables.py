"""Audits of tables of training runs: published errors found, true rows left in peace, hostile files refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_commands import json_line, run

from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.checking.table_audit import audit_table

SHARED = Path(__file__).parent.parent.parent / "shared/data/costs/training_runs.csv"
HEADER = (
    "model,total_params,active_params,tokens,architecture,accelerator,n_accelerators,accelerator_hours,phase,"
    "precision,reported_cost_usd,price_per_hour_claimed,wall_clock_days"
)
V3 = "DeepSeek-V3,671030000000,37550000000,14.8e12,moe_mla,H800-SXM,2048,2664000,pretrain,fp8,5328000,2,54.2"
PUBLISHED_ERRORS = {
    "DeepSeek-V2": "235740000000,21370000000,8.1e12,moe_mla,H800-SXM,,172800,pretrain,bf16,,,",
    "Falcon-180B": "180e9,180e9,3.5e12,dense,A100-40GB,4096,17694720,pretrain,bf16,,,180",
    "Nemotron-4-15B": "15.6e9,15.6e9,8e12,dense_gqa,H100-SXM,3072,958464,pretrain,bf16,,,13",
    "A.X-K1": "519e9,33e9,10e12,moe_mla,H200,1536,1843200,all,bf16,,,75",
}


def found(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "runs.csv"
    file.write_text(text, encoding="utf-8")
    return audit_table(file)


@pytest.mark.parametrize("model", PUBLISHED_ERRORS)
def test_published_errors_are_found(tmp_path: Path, model: str) -> None:
    audit = found(tmp_path, f"{HEADER}\n{V3}\n{model},{PUBLISHED_ERRORS[model]}\n")
    assert [row.verdict for row in audit.rows] == ["consistent", "inconsistent"]
    failed = audit.rows[1].checks[0]
    assert failed.left
    assert failed.right
    assert failed.ratio is not None
    assert not 0.87 < failed.ratio < 1.15


def test_a_cost_without_hours_is_not_checkable(tmp_path: Path) -> None:
    audit = found(tmp_path, f"{HEADER}\nKimi-K2-Thinking,1.026e12,32.9e9,15.5e12,moe_mla,H800,,,all,,4600000,,\n")
    assert audit.rows[0].verdict == "not checkable"
    assert any("hours" in check.explanation for check in audit.rows[0].checks)


def test_a_public_record_that_disagrees_with_itself_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = "A.X-K1,519e9,33e9,10e12,moe_mla,H200,1024,1843200,all,bf16,,,75"
    audit = found(tmp_path, f"{HEADER}\n{row}\n")
    assert audit.rows[0].verdict == "not checkable"
    assert "1,024 or 1,536" in run(capsys, "cost", "audit-table", str(tmp_path / "runs.csv"))[1]


def test_rows_of_one_model_are_held_against_each_other(tmp_path: Path) -> None:
    audit = found(tmp_path, "model,gpu_hours,gpus\nX 1,1000,8\nx-1,3000,8\nY,5,1\n")
    assert [row.verdict for row in audit.rows] == ["inconsistent", "inconsistent", "not checkable"]
    assert audit.rows[0].checks[0].ratio == pytest.approx(1 / 3)


def test_epochs_column_names_are_understood(tmp_path: Path) -> None:
    header = "Model,Organization,Publication date,Parameters,Training compute (FLOP),Training time (hours),"
    header += "Training hardware,Hardware quantity,Training chip-hours,Base model,Notes"
    rows = [
        'DeepSeek-V2 (MoE-236B),DeepSeek,2024-05-07,2.36e11,1.02e24,,NVIDIA H800 SXM5,,172800,,"a, b"',
        "Tuned,Lab,2024-05-07,7e9,1e24,,NVIDIA H100 SXM5 80GB,8,80,Llama 2,",
        "Slow,Lab,2024-05-07,7e9,1e23,10,NVIDIA A100 SXM4 80 GB,100,9000,,",
    ]
    audit = found(tmp_path, "\n".join([header, *rows]))
    assert [row.verdict for row in audit.rows] == ["inconsistent", "not checkable", "inconsistent"]
    assert audit.rows[2].checks[0].name in {"clock_times_cluster", "flop_over_hours"}


def test_published_runs_raise_no_alarm() -> None:
    if not SHARED.exists():
        pytest.skip("the table of published runs is not part of the project")
    audit = audit_table(SHARED)
    assert audit.n_inconsistent == 0
    assert audit.n_consistent > 50


def test_ten_times_too_few_hours_are_seen(tmp_path: Path) -> None:
    wrong = V3.replace("2664000", "266400")
    assert found(tmp_path, f"{HEADER}\n{wrong}\n").rows[0].verdict == "inconsistent"
    board = "GPT-2,1.5e9,1.5e9,,dense,TPUv3,32,5376,pretrain,,43000,8,"
    assert found(tmp_path, f"{HEADER}\n{board}\n").rows[0].verdict != "inconsistent"


def test_json_is_one_line_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "runs.csv"
    file.write_text(f"{HEADER}\n{V3}\n", encoding="utf-8")
    audit = json_line(capsys, "cost", "audit-table", str(file))
    assert (audit["n_rows"], audit["n_consistent"]) == (1, 1)
    assert "1 rows: 0 inconsistent" in run(capsys, "cost", "audit-table", str(file), "--all")[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "no column 'model'"),
        ("model\nA\n", "no column with hours"),
        ("model,tokens\n", "no rows"),
        ("model,tokens\nA,-5\n", "not positive"),
        ("model,tokens\nA,abc\n", "not a number"),
        ("model,tokens\nA,1e400\n", "not a number"),
        ("model,tokens\nA,1,2\n", "3 fields"),
        ("model,tokens\n,1\n", "names no model"),
        ("model,tokens,tokens\nA,1,2\n", "two columns"),
        ('model,tokens\n"A,1\n', "not CSV"),
        ("model,tokens\nA\x00,1\n", "zero bytes"),
        ("model,tokens,accelerator,hours\nA,1e30,H100,5\n", "out of range"),
        ("model,date,hours\nA,soon,5\n", "not a date"),
    ],
)
def test_hostile_tables_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, encoding="utf-8")
    status, out, error = run(capsys, "cost", "audit-table", str(file))
    assert (status, out) == (2, "")
    assert words in error
    assert "bad.csv" in error
    assert error.count("\n") == 1


def test_escape_codes_do_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "runs.csv"
    file.write_text("model,gpu_hours,gpus,days\n\x1b[31mred\x1b[0m [bold],1000,1,1\n", encoding="utf-8")
    out = run(capsys, "cost", "audit-table", str(file))[1]
    assert "\x1b" not in out
    assert "[bold]" in out


@settings(max_examples=80)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_audited_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "x.csv"
    file.write_bytes(b"model,tokens,accelerator,hours\n" + content)
    try:
        audit_table(file)
    except InputError as error:
        assert error.cure


@settings(max_examples=60)
@given(st.floats(1e-3, 1e11), st.floats(1, 1e16), st.floats(1, 1e15), st.sampled_from(["H100", "V100", "TPUv4", "?"]))
def test_any_numbers_get_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, hours: float, tokens: float, size: float, chip: str
) -> None:
    file = tmp_path_factory.mktemp("rows") / "x.csv"
    file.write_text(f"model,tokens,accelerator,hours,params\nA,{tokens},{chip},{hours},{size}\n", encoding="utf-8")
    assert audit_table(file).rows[0].verdict in {"consistent", "inconsistent", "not checkable"}
