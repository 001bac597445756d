"""Who taught it, in an audit: from the answers and a panel to the record, the page and the terminal."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from synthetic import make_world, write_answers

from hydrometer import cli
from hydrometer.audit import audit_json, parse_audit, read_audit, run_audit
from hydrometer.instruments.attribution.evidence import PanelAnswers
from hydrometer.records.attribution import Attribution
from hydrometer.records.audit import Audit
from hydrometer.records.evidence import Evidence
from hydrometer.records.numbers import fraction
from hydrometer.report.page import render_html
from hydrometer.report.passages import absent, harmless, marked

ROOT = Path(__file__).parent.parent
R1 = ROOT / "dossiers/deepseek-r1.toml"
CHROMIUM = shutil.which("chromium")
N_CONTROLS = 16
N_PROBES = 30
FILLER = "so " * 25
HOSTILE = '<script>alert(1)</script> & "said" \x1b[31m red \u202e reversed'

World = tuple[Path, Path, dict[str, list[str]]]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A panel whose prompts, and whose candidate `sun`, hold hostile text; answers of three models outside it."""
    folder = tmp_path_factory.mktemp("teacher")
    outside = make_world(folder / "panel", n_controls=N_CONTROLS, n_probes=N_PROBES)
    answers = pl.read_parquet(folder / "panel/responses.parquet")
    # Everybody is as long as the subject: a longer one is named no teacher.
    first = pl.when(pl.col("model") == "sun-1").then(pl.lit(HOSTILE)).otherwise(pl.lit(FILLER))
    answers.with_columns(response=first + pl.col("response")).write_parquet(folder / "panel/responses.parquet")
    prompts = pl.read_parquet(folder / "panel/probes.parquet").with_columns(prompt=pl.col("prompt") + " " + HOSTILE)
    prompts.write_parquet(folder / "panel/probes.parquet")
    outside["pupil-of-sun"] = [HOSTILE + text for text in outside["pupil-of-sun"]]
    file = write_answers(folder / "answers.jsonl", outside, prompts=prompts["prompt"].to_list())
    return folder / "panel", file, outside


@pytest.fixture(scope="module")
def audit(world: World) -> Audit:
    """The panel is indexed on the way."""
    panel, file, _ = world
    return run_audit(R1, PanelAnswers(file, panel, model="Pupil_of Sun"), command=f"hydrometer {HOSTILE}")


@pytest.fixture(scope="module")
def page(audit: Audit) -> str:
    return render_html(audit)


def teacher_of(audit: Audit) -> tuple[Evidence, Attribution]:
    evidence = next(e for e in audit.evidence if e.question == "teacher")
    assert isinstance(evidence.details, Attribution)
    return evidence, evidence.details


def section(page: str) -> str:
    return page[page.index('<h2 id="teacher"') : page.index('<h2 id="compute"')]


def test_the_evidence_names_the_teacher_and_its_doubts(audit: Audit) -> None:
    evidence, found = teacher_of(audit)
    assert (evidence.id, evidence.instrument, evidence.verdict.value) == ("teacher", "attribution", "supports")
    assert evidence.proposition == "One of 3 candidates taught DeepSeek-R1."
    assert evidence.answer == (
        "Its answers resemble those of sun and of models that it taught. "
        f"None of {found.n_null} models documented as untaught resemble any candidate as much "
        f"(p = 1/{found.n_null + 1})."
    )
    assert found.attributed == ("sun",)
    assert evidence.answer == found.answer
    assert evidence.how_sure == found.how_sure
    assert evidence.statistic == found.interval
    assert evidence.statistic_name == "resemblance to sun and the models that it taught"
    assert evidence.cannot_rule_out == found.cannot_rule_out != ()
    assert (
        evidence.warnings[0]
        == "the answers are those of “pupil-of-sun” in the file; the dossier is about “DeepSeek-R1”"
    )
    assert found.operating_point is not None
    question = next(q for q in audit.questions if q.name == "teacher")
    assert (question.evidence, question.answer, question.how_sure) == (
        ("teacher", "identity"),
        evidence.answer,
        evidence.how_sure,
    )


def test_the_makers_own_models_are_no_foreign_teachers(world: World, audit: Audit, tmp_path: Path) -> None:
    panel, file, _ = world
    assert teacher_of(audit)[0].warnings[1].startswith("lineage.csv knows no developer “DeepSeek”")
    path = tmp_path / "sky.toml"
    path.write_text(R1.read_text(encoding="utf-8").replace('developer = "DeepSeek"', 'developer = "SKY "'), "utf-8")
    evidence, found = teacher_of(run_audit(path, PanelAnswers(file, panel, model="pupil-of-sun")))
    assert evidence.proposition == "star taught DeepSeek-R1."
    assert [c.name for c in found.candidates if c.note] == ["moon", "sun"]
    assert not any("knows no developer" in warning for warning in evidence.warnings)


def test_every_file_is_named_with_its_hash(audit: Audit, world: World) -> None:
    _, file, _ = world
    sizes = {f.name: f.bytes for f in audit.inputs}
    hashes = {f.name: f.sha256 for f in audit.inputs}
    names = ["responses.parquet", "probes.parquet", "lineage.csv"]
    assert list(sizes)[-4:] == ["answers.jsonl", *(f"panel/{name}" for name in names)]
    assert sizes["answers.jsonl"] == file.stat().st_size
    assert {name: hashes[f"panel/{name}"] for name in names} == dict(teacher_of(audit)[1].sha256)
    assert "polars" in audit.provenance.packages


def test_the_record_survives_the_disk(audit: Audit) -> None:
    assert parse_audit(audit_json(audit)) == audit


def test_two_runs_give_the_same_record_and_page(audit: Audit, page: str, world: World) -> None:
    panel, file, _ = world
    again = run_audit(R1, PanelAnswers(file, panel, model="Pupil_of Sun"))
    again = again.model_copy(update={"provenance": audit.provenance})
    assert again == audit
    assert render_html(again) == page


def test_the_page_shows_question_answer_doubts_and_how_to_repeat(audit: Audit, page: str) -> None:
    _, found = teacher_of(audit)
    shown = section(page)
    for text in (
        "Who taught it?",
        "sun-1, sun-2",
        f"1/{found.n_null + 1}",
        "What this cannot rule out",
        "Its place among models of known lineage",
        "How often this procedure is right",
        "How to repeat it",
        "Said in public, with the source; not judged here",
    ):
        assert text in shown, text
    for model in found.reference:
        assert f"{model.statistic:.2f}" in shown
    for channel in found.channels:
        assert channel.meaning in shown
    for candidate in found.candidates:
        assert candidate.pvalue is not None
        assert fraction(candidate.pvalue, found.n_null) in shown
    assert shown.count('class="passage"') == len(found.passages) > 0
    assert shown.count('<svg class="figure') == 4
    assert f"{len([m for m in found.reference if m.kind == 'student'])} documented students lie between" in shown
    assert not re.search(r"\b(stolen|proved|proven|stole|suspect)\b", shown, re.IGNORECASE)
    assert "0.000" not in shown


def test_hostile_answers_and_prompts_do_nothing(page: str) -> None:
    shown = section(page)
    assert "<script" not in page
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    assert "&lt;<mark>script&gt;alert(1)&lt;/script</mark>&gt; &amp; &#34;<mark>said&#34; �[31m red �" in shown
    assert "�" in shown
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_shared_words_are_marked_whatever_their_case_and_spaces() -> None:
    text = "Yes: Dr.  Who isn't <b>here</b>, said dr. who. A whole dr. whoever."
    assert marked(text, ["dr . who isn't <"]) == (
        "Yes: <mark>Dr.  Who isn&#39;t</mark> &lt;b&gt;here&lt;/b&gt;, said dr. who. A whole dr. whoever."
    )
    assert str(marked(text, [". who"])).count("<mark>") == 2
    assert "<mark>Yes: Dr.  Who</mark>" in marked(text, ["yes : dr", "dr . who"])
    assert marked("<i>", []) == "&lt;i&gt;"
    assert marked("? !", ["? !"]) == "<mark>? !</mark>"
    assert marked("a\x1b[b", ["a \x1b [ b"]) == "<mark>a�[b</mark>"
    assert absent(["one two", "ONE\ntwo"], ["one two", "two three", " "]) == ["two three", " "]
    assert harmless("a\r\nb\x00\u202e\u2066c\t\u200d") == "a\nb���c\t\u200d"


def test_a_name_is_matched_forgivingly_or_the_models_are_listed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, file, outside = world
    options = ["--responses", file, "--panel", panel, "--out", tmp_path / "a"]
    status, out, error = run(capsys, "audit", R1, *options)
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert (
        "no model is called 'DeepSeek-R1'; name the subject with --model: pupil-of-moon, pupil-of-sun, stranger"
        in error
    )
    assert not (tmp_path / "a").exists()
    for model, said in (("nobody", "no model is called 'nobody'"), ("\x1b[31m", "control character U+001B")):
        status, out, error = run(capsys, "audit", R1, *options, "--model", model)
        assert (status, out, error.count("\n")) == (2, "", 1)
        assert said in error
        assert "\x1b" not in error
    prompts = pl.read_parquet(panel / "probes.parquet")["prompt"].to_list()
    twice = {"deep seek r1": outside["stranger"], "other": outside["pupil-of-moon"]}
    named = write_answers(tmp_path / "named.jsonl", twice, prompts=prompts)
    found = run_audit(R1, PanelAnswers(named, panel, candidate=("sun",)))
    evidence, _ = teacher_of(found)
    assert evidence.proposition == "sun taught DeepSeek-R1."
    assert not any("dossier" in warning for warning in evidence.warnings)
    both = write_answers(tmp_path / "both.jsonl", {**twice, "DEEPSEEK R1": outside["stranger"]}, prompts=prompts)
    status, _, error = run(capsys, "audit", R1, "--responses", both, "--panel", panel, "--out", tmp_path / "a")
    assert status == 2
    assert "more than one model is called 'DeepSeek-R1'" in error


def test_options_that_need_each_other(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    panel, file, _ = world
    for options, said in (
        (["--responses", file], "--responses: without --panel nobody can say who taught the model"),
        (["--panel", panel], "--panel: without --responses"),
        (["--candidate", "sun"], "--candidate: this needs the model's answers and a panel"),
        (["--model", "x"], "--model: this needs"),
        (["--responses", tmp_path / "no.jsonl", "--panel", panel], "no.jsonl: no such file"),
        (["--responses", file, "--panel", tmp_path / "no"], "no: no such folder"),
        (["--responses", file, "--panel", panel, "--candidate", "nobody"], "'nobody' is no candidate of this panel"),
        (["--responses", file, "--panel", panel, "--alpha", "0.001"], "the smallest possible p-value"),
    ):
        status, out, error = run(capsys, "audit", R1, *options, "--out", tmp_path / "a")
        assert (status, out, error.count("\n")) == (2, "", 1), error
        assert said in error
        assert not (tmp_path / "a").exists()


def test_the_command_writes_prints_and_remembers(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, file, _ = world
    options = [
        "--responses",
        file,
        "--panel",
        panel,
        "--model",
        "stranger",
        "--candidate",
        "sun",
        "--candidate",
        "star",
    ]
    status, out, error = run(capsys, "audit", R1, *options, "--out", tmp_path / "a")
    assert (status, error) == (0, "")
    evidence, _ = teacher_of(read_audit(tmp_path / "a"))
    assert evidence.verdict.value in ("inconclusive", "opposes")
    flat = " ".join(out.split())
    assert " ".join(evidence.answer.split()) in flat
    assert "Cannot be ruled out:" in flat
    assert "\x1b" not in out
    command = read_audit(tmp_path / "a").provenance.command
    assert (
        f"--responses {file} --panel {panel} --candidate sun --candidate star --alpha 0.05 --model stranger" in command
    )
    assert command in (tmp_path / "a/report.html").read_text(encoding="utf-8")
    status, out, _ = run(capsys, "audit", R1, *options, "--out", tmp_path / "a", "--json")
    summary = json.loads(out)
    assert next(v for v in summary["verdicts"] if v["id"] == "teacher") == {
        "id": "teacher",
        "question": "teacher",
        "proposition": "One of 2 candidates taught DeepSeek-R1.",
        "verdict": evidence.verdict.value,
    }
    assert summary["not_measured"] == ["compute"]


def test_too_few_answers_are_not_measured_with_their_reason(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel, _, outside = world
    prompts = pl.read_parquet(panel / "probes.parquet")["prompt"].to_list()
    few = write_answers(tmp_path / "few.jsonl", {"<b>R1</b>": outside["stranger"][:5]}, prompts=prompts)
    options = ["--responses", few, "--panel", panel, "--out", tmp_path / "a"]
    status, out, error = run(capsys, "audit", R1, *options, "--json")
    assert (status, error) == (0, "")
    assert json.loads(out)["not_measured"] == ["compute"]
    evidence, _ = teacher_of(read_audit(tmp_path / "a"))
    assert evidence.verdict.value == "not_measured"
    assert "only 5 of its answers are to prompts of the panel" in evidence.answer
    page = (tmp_path / "a/report.html").read_text(encoding="utf-8")
    assert "only 5 of its answers" in section(page)
    assert "<b>R1" not in page


def test_a_subject_with_a_hostile_name_and_strange_letters_is_drawn(audit: Audit) -> None:
    evidence, found = teacher_of(audit)
    name = '<script>x</script> "模型🧪' + "n" * 60
    changed = found.model_copy(update={"subject": name, "operating_point": None})
    evidence = evidence.model_copy(update={"details": changed})
    others = tuple(e for e in audit.evidence if e.id != "teacher")
    page = render_html(audit.model_copy(update={"evidence": (*others, evidence)}))
    assert "<script" not in page
    assert "模型" in page
    assert "Not measured at alpha 0.05 on this panel" in page


def test_an_audit_without_answers_says_how_to_measure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    question = next(q for q in run_audit(R1).questions if q.name == "teacher")
    assert question.evidence == ("identity",)  # published counts only
    assert "--responses FILE --panel DIR" in " ".join(question.missing)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_in_a_browser(browser: Any, page: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(page, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        tab = context.new_page()
        requested: list[str] = []
        tab.on("request", lambda request: requested.append(request.url))
        tab.goto(path.as_uri())
        assert requested == [path.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        figure = tab.locator('section[aria-labelledby="teacher"] svg.figure:visible')
        assert figure.count() == 2
        assert "untaught models lie between" in figure.first.get_attribute("aria-label")
        assert tab.locator(".passage mark").count() > 0
        for summary in tab.locator('section[aria-labelledby="teacher"] summary').all():
            summary.click()
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}
        violations = axe.Axe().run(tab, options=rules).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in violations] == []
        context.close()
