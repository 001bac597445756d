"""Teacher attribution at its public face: who is named, who is not, and what a hostile or thin input does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from synthetic import N_PROBES, make_world, write_answers

from hydrometer import cli
from hydrometer.instruments.attribution.open import open_attributor
from hydrometer.panel import open_panel
from hydrometer.panel.index import build_index, find_index

CONTRACT = [
    "subject",
    "candidates",
    "attributed",
    "verdict",
    "false_positive_rate",
    "n_probes",
    "warnings",
]


# Pinned across refactors; the synthetic world is made from one seed.
GOLDEN = {
    "pupil-of-sun": {"moon": -2.2375, "star": -3.1775, "sun": 4.3795},
    "stranger": {"moon": 0.0026, "star": -1.1207, "sun": -1.3776},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """An indexed panel and the answers of three models that are not in it."""
    folder = tmp_path_factory.mktemp("world") / "panel"
    outside = make_world(folder)
    build_index(open_panel(folder))
    return folder, outside


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def attributed(
    capsys: pytest.CaptureFixture[str], responses: Path, panel: Path, *options: str
) -> dict[str, dict[str, Any]]:
    status, out, err = run(capsys, "attribute", responses, "--panel", panel, "--json", *options)
    assert status == 0, err
    return {line["subject"]: line for line in map(json.loads, out.splitlines())}


def strongest(line: dict[str, Any]) -> dict[str, Any]:
    return max((c for c in line["candidates"] if c["statistic"] is not None), key=lambda c: c["statistic"])


def test_teachers_are_named_and_strangers_are_not(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    lines = attributed(capsys, write_answers(tmp_path / "r.jsonl", outside), panel)
    assert lines["pupil-of-sun"]["attributed"] == ["sun"]
    # Nobody in the panel was taught by moon: its own answers must do.
    assert lines["pupil-of-moon"]["attributed"] == ["moon"]
    assert "no documented student of moon helps to recognise it" in " ".join(lines["pupil-of-moon"]["warnings"])
    assert lines["stranger"]["attributed"] == []
    assert lines["stranger"]["verdict"] == "inconclusive"
    assert lines["stranger"]["needs"]


def test_the_json_keeps_its_contract(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    line = attributed(capsys, write_answers(tmp_path / "r.jsonl", outside), panel)["pupil-of-sun"]
    assert [key for key in line if key in CONTRACT] == CONTRACT
    assert {"name", "statistic", "pvalue"} <= set(line["candidates"][0])
    assert line["n_probes"] == N_PROBES
    assert line["n_null"] == 30
    assert line["smallest_pvalue"] == pytest.approx(1 / 31)
    # 5 % of 31 places is one place.
    assert line["false_positive_rate"] == pytest.approx(1 / 31)
    assert all(c["pvalue"] >= 1 / 31 for c in line["candidates"])


def test_numbers_do_not_drift(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    lines = attributed(capsys, write_answers(tmp_path / "r.jsonl", outside), panel)
    found = {name: {c["name"]: c["statistic"] for c in line["candidates"]} for name, line in lines.items()}
    assert found["pupil-of-sun"] == pytest.approx(GOLDEN["pupil-of-sun"], abs=2e-3)
    assert found["stranger"] == pytest.approx(GOLDEN["stranger"], abs=2e-3)


def test_the_order_of_rows_and_the_name_do_not_matter(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    path = write_answers(tmp_path / "r.jsonl", {"pupil-of-sun": outside["pupil-of-sun"]})
    shuffled = tmp_path / "s.jsonl"
    frame = pl.read_ndjson(path).with_columns(model=pl.lit("anonymous")).sample(fraction=1, shuffle=True, seed=1)
    frame.write_ndjson(shuffled)
    one = attributed(capsys, path, panel)["pupil-of-sun"]
    other = attributed(capsys, shuffled, panel)["anonymous"]
    assert one["candidates"] == other["candidates"]


def test_half_the_probes_still_name_the_teacher_and_too_few_are_not_measured(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    answers = {"half": outside["pupil-of-sun"][:30], "few": outside["pupil-of-moon"][:19]}
    lines = attributed(capsys, write_answers(tmp_path / "r.jsonl", answers), panel)
    assert lines["half"]["attributed"] == ["sun"]
    assert lines["half"]["n_probes"] == 30
    assert lines["few"]["verdict"] == "not_measured"
    assert lines["few"]["false_positive_rate"] is None
    assert "only 19 of its answers are to prompts of the panel" in lines["few"]["warnings"][-1]


def test_missing_answers_are_reported_and_not_taken_for_unlike(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    path = write_answers(tmp_path / "r.jsonl", {"pupil-of-sun": outside["pupil-of-sun"]})
    frame = pl.read_ndjson(path).with_row_index()
    failed = pl.col("index") < 20
    frame.select(
        "model",
        "prompt",
        response=pl.when(failed).then(None).otherwise("response"),
        status=pl.when(failed).then(pl.lit("failed")).otherwise(pl.lit("answered")),
    ).write_ndjson(path)
    line = attributed(capsys, path, panel)["pupil-of-sun"]
    assert line["attributed"] == ["sun"]
    assert line["n_probes"] == N_PROBES - 20
    assert any("20 answers are 'failed': counted as missing" in w for w in line["warnings"])


def test_a_named_candidate_is_asked_about_alone(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    path = write_answers(tmp_path / "r.jsonl", outside)
    lines = attributed(capsys, path, panel, "--candidate", "sun-1")
    assert [c["name"] for c in lines["pupil-of-sun"]["candidates"]] == ["sun"]
    assert lines["pupil-of-sun"]["attributed"] == ["sun"]
    assert lines["pupil-of-moon"]["attributed"] == []
    status, _, err = run(capsys, "attribute", path, "--panel", panel, "--candidate", "pluto")
    assert status == 2
    assert "'pluto' is no candidate of this panel; candidates are moon, star, sun" in err


def test_a_model_of_the_panel_is_judged_without_its_kin(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, _ = world
    responses = pl.read_parquet(panel / "responses.parquet")
    path = tmp_path / "known.parquet"
    wanted = responses.filter(pl.col("model").is_in(["star-a-student1", "moon-1", "control03"]))
    wanted.write_parquet(path)
    lines = attributed(capsys, path, panel)
    assert lines["star-a-student1"]["attributed"] == ["star"]
    # Two of its four fellow students learnt from its own data source.
    assert next(c for c in lines["star-a-student1"]["candidates"] if c["name"] == "star")["n_students"] == 2
    assert lines["control03"]["attributed"] == []
    judged = {c["name"]: c["note"] for c in lines["moon-1"]["candidates"]}
    assert judged["star"] is None
    assert judged["moon"] == judged["sun"] == "its maker's own, or its parent's: not a foreign teacher"
    renamed = tmp_path / "renamed.parquet"
    wanted.filter(pl.col("model") == "star-a-student1").with_columns(model=pl.lit("x")).write_parquet(renamed)
    other = attributed(capsys, renamed, panel)["x"]
    assert other["candidates"] == lines["star-a-student1"]["candidates"]
    assert "these are the answers of star-a-student1 in the panel" in other["warnings"][0]


def test_the_makers_own_models_are_no_foreign_teachers(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    path = write_answers(tmp_path / "r.jsonl", {"pupil-of-sun": outside["pupil-of-sun"]})
    line = attributed(capsys, path, panel, "--developer", "SKY")["pupil-of-sun"]
    assert line["attributed"] == []
    assert {c["name"] for c in line["candidates"] if c["statistic"] is not None} == {"star"}


def test_nobody_is_named_where_the_null_population_is_not_matched(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    long = [f"{text} {text.split('.')[1]}" for text in outside["pupil-of-sun"]]
    line = attributed(capsys, write_answers(tmp_path / "r.jsonl", {"wordy": long}), panel)["wordy"]
    assert strongest(line)["name"] == "sun"
    assert strongest(line)["pvalue"] == pytest.approx(1 / 31)
    assert (line["attributed"], line["verdict"]) == ([], "inconclusive")
    assert (line["withheld"], line["also_resembles"]) == ("length", ["sun"])
    assert any("longer than those of every untaught model" in w for w in line["warnings"])
    assert "as long as the subject's" in line["needs"][0]


def test_of_two_candidates_nobody_is_named_until_it_is_known_who_came_first(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, _ = world
    copy = tmp_path / "copy"
    shutil.copytree(panel, copy, ignore=shutil.ignore_patterns("index"))
    student = tmp_path / "s.parquet"
    pl.read_parquet(copy / "responses.parquet").filter(pl.col("model") == "sun-a-student1").write_parquet(student)
    table = pl.read_csv(copy / "lineage.csv", infer_schema=False)
    me = pl.col("model") == "sun-a-student1"
    table = table.with_columns(
        own_group=pl.when(me).then(pl.lit("comet")).otherwise("own_group"),
        role=pl.when(me).then(pl.lit("unscored")).otherwise("role"),
        teacher_group=pl.when(me).then(None).otherwise("teacher_group"),
        released=pl.when(pl.col("own_group") == "sun").then(pl.lit("2023-03-01")),
    )
    table.write_csv(copy / "lineage.csv")
    line = attributed(capsys, student, copy)["sun-a-student1"]
    assert (line["attributed"], line["verdict"], line["withheld"]) == ([], "inconclusive", "direction")
    assert line["also_resembles"] == ["sun"]
    assert "which of the two came first" in " ".join(line["warnings"])
    line = attributed(capsys, student, copy, "--released", "2023-06-01")["sun-a-student1"]
    assert (line["attributed"], line["withheld"]) == (["sun"], None)
    line = attributed(capsys, student, copy, "--released", "2022-06-01")["sun-a-student1"]
    judged = {c["name"]: c["note"] for c in line["candidates"]}
    assert judged["sun"] == "released after the subject: it cannot have taught it"
    assert line["attributed"] == []
    (copy / "lineage.csv").write_text((copy / "lineage.csv").read_text().replace("2023-03-01", "1.3.2023", 1))
    status, _, err = run(capsys, "attribute", student, "--panel", copy)
    assert status == 2
    assert "lineage.csv:2 released: '1.3.2023' is no date; write it as 2024-05-13" in err


def test_copies_of_the_subject_are_left_out(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    responses = pl.read_parquet(panel / "responses.parquet")
    control = responses.filter(pl.col("model") == "control05")["response"].to_list()
    path = write_answers(tmp_path / "r.jsonl", {"mongrel": control[:30] + outside["stranger"][30:]})
    line = attributed(capsys, path, panel)["mongrel"]
    assert "30 of 60 answers are those of control05, which was left out of the panel" in line["warnings"][0]
    assert line["n_null"] == 29


def test_without_the_teacher_nobody_else_is_named(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    without = tmp_path / "without"
    shutil.copytree(panel, without, ignore=shutil.ignore_patterns("index"))
    sun = pl.col("model").str.starts_with("sun")
    pl.read_parquet(panel / "responses.parquet").filter(~sun).write_parquet(without / "responses.parquet")
    rows = (panel / "lineage.csv").read_text().splitlines()
    (without / "lineage.csv").write_text("\n".join(row for row in rows if not row.startswith("sun")) + "\n")
    line = attributed(capsys, write_answers(tmp_path / "r.jsonl", outside), without)["pupil-of-sun"]
    assert line["attributed"] == []


def test_an_index_is_made_where_it_is_missing_and_again_when_the_panel_changes(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    copy = tmp_path / "copy"
    shutil.copytree(panel, copy, ignore=shutil.ignore_patterns("index"))
    path = write_answers(tmp_path / "r.jsonl", {"pupil-of-sun": outside["pupil-of-sun"]})
    assert find_index(open_panel(copy)) is None
    line = attributed(capsys, path, copy)["pupil-of-sun"]
    assert line["operating_point"]["n_controls"] == 22
    assert find_index(open_panel(copy)) is not None
    text = (copy / "lineage.csv").read_text()
    (copy / "lineage.csv").write_text(
        text.replace("control21,control lab 21,base0,human,,,,control", "control21,,,,,,,")
    )
    assert find_index(open_panel(copy)) is None
    assert attributed(capsys, path, copy)["pupil-of-sun"]["n_null"] == 29


def test_a_panel_that_cannot_be_written_gets_its_index_in_the_cache(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    panel, _ = world
    copy = tmp_path / "copy"
    shutil.copytree(panel, copy, ignore=shutil.ignore_patterns("index"))
    real = tempfile.TemporaryDirectory

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if Path(kwargs["dir"]) == copy:
            raise PermissionError(13, "Read-only file system")
        return real(*args, **kwargs)

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    attributor = open_attributor(copy, cache=tmp_path / "cache")
    assert attributor.index.folder.parent == tmp_path / "cache"
    assert not (copy / "index").exists()
    assert find_index(open_panel(copy), cache=tmp_path / "cache") is not None


def test_a_damaged_index_is_an_error_with_its_cure(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    copy = tmp_path / "copy"
    shutil.copytree(panel, copy)
    array = copy / "index/lengths_PM.npy"
    array.write_bytes(array.read_bytes()[:40])
    path = write_answers(tmp_path / "r.jsonl", outside)
    status, _, err = run(capsys, "attribute", path, "--panel", copy)
    assert status == 2
    assert "the index is damaged; run `hydrometer panel index" in err
    assert err.count("\n") == 1
    # An object array would have to be unpickled to be read.
    np.save(array, np.array([{}], dtype=object), allow_pickle=True)
    status, _, err = run(capsys, "attribute", path, "--panel", copy)
    assert (status, "the index is damaged" in err) == (2, True)


def test_too_few_untaught_models_are_refused_with_the_smallest_possible_p(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = make_world(tmp_path / "panel", n_controls=0, n_probes=24)
    rows = [r for r in (tmp_path / "panel/lineage.csv").read_text().splitlines() if "star-b" not in r]
    (tmp_path / "panel/lineage.csv").write_text("\n".join(rows) + "\n")
    path = write_answers(tmp_path / "r.jsonl", outside)
    status, _, err = run(capsys, "attribute", path, "--panel", tmp_path / "panel")
    assert status == 2
    assert "refused: the smallest possible p-value is 0.14, with 6 models documented as untaught" in err
    assert "add documented models until there are 19" in err
    assert not (tmp_path / "panel/index").exists()


def test_a_panel_without_candidates_and_a_file_without_shared_prompts_are_errors(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    path = write_answers(tmp_path / "r.jsonl", outside, prompts=[f"Something else {p}?" for p in range(N_PROBES)])
    status, out, err = run(capsys, "attribute", path, "--panel", panel)
    assert (status, out) == (2, "")
    assert "none of its 60 prompts is in the panel" in err
    nameless = tmp_path / "nameless"
    shutil.copytree(panel, nameless, ignore=shutil.ignore_patterns("index"))
    frame = pl.read_csv(nameless / "lineage.csv").with_columns(own_group=pl.lit(None, dtype=pl.String))
    frame.write_csv(nameless / "lineage.csv")
    status, _, err = run(capsys, "attribute", path, "--panel", nameless)
    assert status == 2
    assert "no model of this panel belongs to a candidate" in err


def test_what_a_model_wrote_cannot_reach_the_terminal(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, outside = world
    hostile = [f"\x1b[2J\x9b31m\u202e{text}" for text in outside["pupil-of-sun"]]
    path = write_answers(tmp_path / "r.jsonl", {"pupil-of-sun": hostile})
    for options in ((), ("--json",)):
        status, out, err = run(capsys, "attribute", path, "--panel", panel, *options)
        assert status == 0
        assert not set("\x1b\x9b\u202e") & set(out + err)


def test_the_operating_point_is_measured_and_stored(
    world: tuple[Path, dict[str, list[str]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, _ = world
    copy = tmp_path / "copy"
    shutil.copytree(panel, copy)
    status, out, _ = run(capsys, "panel", "index", copy, "--json")
    assert status == 0
    point = json.loads(out)
    assert point["n_controls"] == len(point["control_pvalues"]) == 22
    assert point["power"]["middle"] == 1.0
    assert point["wrong_teacher"] == 0.0
    # Of 30 exchangeable models one at most ranks first.
    assert point["false_accusation"]["middle"] <= 1 / 22
    assert point["sha256"] == dict(open_panel(copy).sha256)
    status, out, _ = run(capsys, "panel", "index", copy)
    assert status == 0
    assert "Documented teacher named: 100.0 %" in out
