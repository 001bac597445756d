"""`hydrometer similarity`: what is compared, the null, the ceiling, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import make_world, write_answers

from hydrometer import cli
from hydrometer.instruments.instrument import Case
from hydrometer.instruments.similarity.evidence import find_published, measure
from hydrometer.instruments.similarity.features import likenesses
from hydrometer.store.dossiers import read_dossier

ROOT = Path(__file__).parent.parent


def case_of(dossier: str, name: str | None = None) -> Case:
    """Returns a shipped dossier as a case, perhaps under another name."""
    found = read_dossier(ROOT / f"dossiers/{dossier}.toml").dossier
    model = found.model.model_copy(update={"name": name or found.model.name})
    return Case(found.model_copy(update={"model": model}))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("similarity")
    outside = make_world(folder / "panel")
    files = {name: write_answers(folder / f"{name}.jsonl", {name: texts}) for name, texts in outside.items()}
    return {"panel": folder / "panel", "all": write_answers(folder / "all.jsonl", outside), **files}


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    status, out, error = run(capsys, "similarity", *arguments, "--json")
    assert (status, error, out.count("\n")) == (0, "", 1)
    return json.loads(out)


def test_a_pupil_is_more_like_its_teacher_than_untaught_models_are(
    world: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pupil = found(capsys, world["pupil-of-sun"], "sun-1", "--panel", world["panel"])
    content = next(a for a in pupil["aspects"] if a["aspect"] == "content")
    # 22 controls and the students of the other candidate: nobody that the sun taught.
    assert {n["model"] for n in content["null"]} == {f"control{k:02d}" for k in range(22)} | {
        f"star-{s}-student{k}" for s in "ab" for k in (1, 2)
    }
    assert pupil["n_null"] == 26
    assert content["pvalue"] == content["centred_pvalue"] == pytest.approx(1 / 27)
    assert content["centred"]["low"] > 0
    stranger = found(capsys, world["stranger"], "sun-1", "--panel", world["panel"])
    assert stranger["verdict"] == "inconclusive"
    assert run(capsys, "similarity", world["stranger"], "sun-1", "--panel", world["panel"])[0] == 0


def test_without_a_panel_nothing_is_claimed(world: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    plain = found(capsys, world["all"], world["stranger"], "--subject", "pupil-of-sun")
    assert (plain["verdict"], plain["n_null"], plain["n_probes"]) == ("not_measured", 0, 60)
    assert any("no panel" in w for w in plain["warnings"])
    assert all(0 <= a["similarity"]["low"] <= a["similarity"]["middle"] <= 1 for a in plain["aspects"])


def test_the_ceiling_is_a_second_sample(world: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    same = found(capsys, world["pupil-of-sun"], world["stranger"], "--again", world["stranger"])
    assert all(a["ceiling"]["middle"] == pytest.approx(1, abs=1e-6) for a in same["aspects"])
    assert all(a["similarity"]["middle"] < 1 for a in same["aspects"])


def test_the_same_seed_gives_the_same_numbers(world: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (world["stranger"], "moon-1", "--panel", world["panel"], "--most-probes", 20)
    assert found(capsys, *arguments) == found(capsys, *arguments)
    assert found(capsys, *arguments)["n_probes"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["all", "stranger"], "3 models are in the file"),
        (["stranger", "none.jsonl"], "no such file"),
        (["stranger", "empty"], "empty"),
        (["stranger", "other"], "share 0 answered prompts"),
        (["stranger", "all", "--reference", "nobody"], "no model is called 'nobody'"),
        (["stranger", "pupil-of-sun", "--judge", "http://127.0.0.1:1/v1"], "--store"),
        (["stranger", "moon", "--judge", "a", "--judge-model", "b", "--judge-model", "c"], "2 names for 1 judges"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    arguments: list[str], message: str, world: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_text("", encoding="utf-8")
    write_answers(tmp_path / "other", {"m": ["x"] * 9}, prompts=[f"other {i}" for i in range(9)])
    known = {**world, "moon": world["pupil-of-moon"], "empty": tmp_path / "empty", "other": tmp_path / "other"}
    status, out, error = run(capsys, "similarity", *[known.get(a, a) for a in arguments])
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert message in error


@settings(max_examples=40)
@given(st.lists(st.one_of(st.none(), st.text(max_size=200)), min_size=2, max_size=4))
def test_likeness_of_any_texts_is_symmetric_and_between_0_and_1(texts: list[str | None]) -> None:
    for values in likenesses(texts).values():
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1 + 1e-9)).all()
        assert np.allclose(values, values.T, equal_nan=True)
        for i, text in enumerate(texts):
            assert np.isnan(values[i]).all() == (not text)


def test_each_aspect_sees_its_own() -> None:
    prose = "The river runs to the sea. It carries sand and stones, and it never stops."
    layout = "# The river\n\n- runs to the sea\n- carries sand and stones\n- never stops"
    other = "A clock counts the hours of a day. It moves two hands, and it always rings."
    values = likenesses([prose, layout, other])
    assert values["content"][0, 1] > values["content"][0, 2]
    assert values["structure"][0, 2] > values["structure"][0, 1]
    assert values["style"][0, 2] > values["style"][0, 1]


def test_published_ratings_are_put_in_their_place() -> None:
    row = find_published("DeepSeek V3")
    assert row is not None
    assert (row.average, row.arena, row.numina, row.sharegpt) == (4.102, 3.926, 4.130, 4.251)
    (said,) = measure(case_of("deepseek-v3"))
    assert said is not None
    assert said.verdict == "inconclusive"
    for words in ("4.102", "4.240", "It does not mean", "-0.14 (-0.28 to +0.01)"):
        assert words in said.answer
    assert measure(case_of("smollm3-3b")) == []
    assert measure(case_of("smollm3-3b", "gpt-4o-0513")) == []
