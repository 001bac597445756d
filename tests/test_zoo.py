"""The zoo that ships: its list, its audit, its demonstration. Needs no torch; what asks live weights skips without."""

from __future__ import annotations

import dataclasses
import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hydrometer import cli
from hydrometer.instruments.attribution.calibration import _member
from hydrometer.instruments.attribution.run import Attributor
from hydrometer.known_cases import live
from hydrometer.panel import open_panel
from hydrometer.panel.index import build_index, find_index
from hydrometer.records.lineage import Lineage

ZOO = Path(__file__).parent.parent / "panels/zoo"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped zoo, indexed without its operating point, which takes longer."""
    folder = tmp_path_factory.mktemp("zoo") / "panel"
    shutil.copytree(ZOO, folder, ignore=shutil.ignore_patterns("index"))
    build_index(open_panel(folder))
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_the_list_names_role_teachers_and_dose(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "lab", "zoo", "list", "--zoo", ZOO, "--json")
    assert status == 0
    models: list[dict[str, Any]] = json.loads(out)
    by_role: dict[str, list[dict[str, Any]]] = {}
    for m in models:
        by_role.setdefault(m["role"], []).append(m)
    assert set(by_role) == {"teacher", "student", "control"}
    assert len(by_role["teacher"]) >= 4
    assert len(by_role["student"]) >= 24
    assert len(by_role["control"]) >= 20
    assert {m["dose"] for m in by_role["student"]} == {0.01, 0.03, 0.1, 0.3, 1.0}
    assert all(m["taught_by"] for m in by_role["student"])
    assert not any(m["taught_by"] for role in ("teacher", "control") for m in by_role[role])
    hard = {m["same_text_as"] for m in by_role["control"]} - {None}
    assert hard == {m["name"] for m in by_role["teacher"]}
    status, out, _ = run(capsys, "lab", "zoo", "list", "--zoo", ZOO)
    assert "s-t3-100-1" in out
    assert len(out.splitlines()) == len(models)


def test_the_audit_says_who_taught_whom_as_far_as_answers_tell(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("s-t3-100-1", "s-t4-100-2", "control-b2-1", "same-text-t4-100-b1", "t1-other-seed")
    models = [part for name in names for part in ("--model", name)]
    status, out, err = run(capsys, "lab", "zoo", "audit", "--zoo", zoo, *models, "--json")
    assert status == 0, err
    found = {row["subject"]: row for row in map(json.loads, out.splitlines())}
    assert tuple(found) == names
    # Where answers do not tell a student from models of its teacher's human text, the finding says no more.
    assert {n: (r["attributed"], r["or_its_text"]) for n, r in found.items()} == {
        "s-t3-100-1": (["t3"], []), "s-t4-100-2": ([], ["t4"]), "control-b2-1": ([], []),
        "same-text-t4-100-b1": ([], ["t4"]), "t1-other-seed": ([], ["t1"]),
    }  # fmt: skip
    assert all(row["right"] for row in found.values())
    withheld = {n for n, r in found.items() if r["withheld"] == "shared_text"}
    assert withheld == set(names) - {"control-b2-1", "s-t3-100-1"}
    assert found["s-t3-100-1"]["verdict"] == "supports"
    assert all(r["verdict"] in ("inconclusive", "opposes") for n, r in found.items() if n != "s-t3-100-1")
    doses = {n: {e["teacher"]: e for e in r["dose_estimates"]} for n, r in found.items()}
    assert all(set(d) == {"t1", "t2", "t3", "t4"} for d in doses.values())
    assert doses["s-t3-100-1"]["t3"]["low"] > 0.3
    assert doses["s-t3-100-1"]["t3"]["high"] == 1.0
    assert all(e["high"] < 0.1 for e in doses["control-b2-1"].values())
    status, out, _ = run(capsys, "lab", "zoo", "audit", "--zoo", zoo, "--model", "control-b2-1")
    assert "nobody named" in out
    assert "right" in out
    assert "dose" not in out
    _, out, _ = run(capsys, "lab", "zoo", "audit", "--zoo", zoo, "--model", "s-t3-100-1")
    assert "dose of t3 " in out
    assert "valid for the lab's models only" in out


def judged(zoo: Path, name: str, change: Any = lambda row: row) -> Any:
    panel = open_panel(zoo)
    index = find_index(panel)
    assert index is not None
    panel = dataclasses.replace(panel, lineage=tuple(change(row) for row in panel.lineage))
    return Attributor(panel, index, alpha=0.05).judge(_member(panel, index, panel.lineage_of(name)))


def test_hard_controls_are_a_second_null_population(zoo: Path) -> None:
    cleared = judged(zoo, "same-text-t4-100-b1")
    candidate = next(c for c in cleared.candidates if c.name == "t4")
    assert cleared.also_resembles[0] == "t4"
    assert candidate.n_same_text == 4  # itself left out
    assert candidate.pvalue == candidate.shared_text_pvalue > 0.05
    assert "What the subject was trained on" in " ".join(cleared.needs)

    def undocumented(row: Lineage) -> Lineage:
        return row.model_copy(update={"role": "unscored", "same_text_as": ()}) if row.same_text_as else row

    for name, teacher in (("same-text-t4-100-b1", "t4"), ("s-t4-100-2", "t4"), ("s-t3-100-1", "t3")):
        accused = judged(zoo, name, undocumented)
        assert accused.attributed == (teacher,)
    assert all(c.shared_text_pvalue is None and c.n_same_text == 0 for c in accused.candidates)
    assert "no model of the panel is documented to have learnt t3's own human text" in " ".join(accused.cannot_rule_out)


def test_few_hard_controls_give_no_pvalue_but_must_be_passed(zoo: Path) -> None:
    def few(row: Lineage) -> Lineage:
        drop = row.same_text_as and row.same_text_as != ("t4",)
        return row.model_copy(update={"role": "unscored", "same_text_as": ()}) if drop else row

    found = judged(zoo, "same-text-t4-100-b1", few)
    assert all(c.shared_text_pvalue is None for c in found.candidates)
    assert [c.n_same_text for c in found.candidates if c.name == "t4"] == [4]
    assert found.attributed == ()
    assert found.withheld == "shared_text"


def test_without_torch_the_demonstration_replays_and_says_so(
    zoo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "find_spec", lambda name: None)
    status, out, err = run(capsys, "lab", "zoo", "demo", "--zoo", zoo)
    assert status == 0, err
    assert "200 recorded answers" in out
    assert "PyTorch is not installed: recorded answers were judged" in out
    assert "wrong" not in out
    assert "named t3" in out
    assert "named t4, or its text" in out
    status, out, _ = run(capsys, "lab", "zoo", "demo", "--zoo", zoo, "--json")
    rows = {row["subject"]: row for row in map(json.loads, out.splitlines())}
    assert "t3" in [*rows["s-t3-100-1"]["attributed"], *rows["s-t3-100-1"]["or_its_text"]]
    assert rows["control-b2-1"]["attributed"] == rows["control-b2-1"]["or_its_text"] == []
    assert not any(row["live"] for row in rows.values())
    assert len(rows) == 3


@pytest.mark.skipif(not all(map(find_spec, ("torch", "transformers"))), reason="asking weights needs torch")
def test_the_shipped_weights_are_asked_and_judged(zoo: Path) -> None:
    rows = {row.subject: row for row in live.audit_live(zoo, n_probes=40, live=True)}
    assert {*rows["s-t3-100-1"].attributed, *rows["s-t3-100-1"].or_its_text} == {"t3"}
    assert rows["control-b2-1"].attributed == ()  # the weaker statement is wrong of about 5 % of controls
    assert all(row.live and row.n_probes > 35 for row in rows.values())


def test_changed_weights_are_refused(zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "zoo"
    shutil.copytree(zoo, copy)
    weights = copy / "models/control-b2-1/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    status, out, err = run(capsys, "lab", "zoo", "demo", "--zoo", copy)
    assert (status, out) == (2, "")
    assert "model.safetensors" in err
    assert "has changed since it was written" in err
    shutil.rmtree(copy / "models")
    status, _, err = run(capsys, "lab", "zoo", "demo", "--zoo", copy)
    assert status == 2
    assert "no weights ship with this zoo" in err


def test_bad_zoos_get_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, line in (
        (("list", "--zoo", tmp_path), "members.json"),
        (("audit", "--zoo", ZOO, "--model", "nobody"), "no model 'nobody' in the zoo"),
    ):
        status, out, err = run(capsys, "lab", "zoo", *arguments)
        assert (status, out) == (2, "")
        assert line in err
        assert len(err.splitlines()) == 1
    (tmp_path / "members.json").write_text("[1]")
    status, _, err = run(capsys, "lab", "zoo", "list", "--zoo", tmp_path)
    assert status == 2
    assert "no list of members" in err
