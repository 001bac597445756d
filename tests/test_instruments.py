"""Every instrument has one shape, is listed once, and can be asked from Python."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import hydrometer
from hydrometer.audit import audit_json, inputs_from_options, parse_audit, run_audit
from hydrometer.audit.questions import TOPICS, answer_question
from hydrometer.cli.audit import audit as audit_command
from hydrometer.errors import InputError
from hydrometer.instruments.all import INSTRUMENTS
from hydrometer.instruments.attribution.evidence import PanelAnswers
from hydrometer.instruments.demand.evidence import StatedGain
from hydrometer.instruments.identity.evidence import IdentityAnswers
from hydrometer.instruments.instrument import Case, kind_of
from hydrometer.records.evidence import Evidence, Verdict
from hydrometer.report.sections import SECTIONS
from hydrometer.store.dossiers import read_compared, read_dossier, read_siblings

ROOT = Path(__file__).parent.parent
DOSSIERS = sorted((ROOT / "dossiers").glob("*.toml"))
NOTHING = {
    "responses": None, "panel": None, "candidate": (), "alpha": 0.05, "model": None, "identity": None, "gain": None,
}  # fmt: skip


def case_of(path: Path) -> Case:
    file = read_dossier(path)
    compared = read_compared(file)
    siblings = tuple(s.dossier for s in read_siblings(file))
    return Case(file.dossier, siblings, compared.dossier if compared is not None else None)


def test_instruments_and_sections_of_the_page_have_the_same_names_in_the_same_order() -> None:
    assert list(SECTIONS) == list(INSTRUMENTS)
    assert all(name == one.name for name, one in INSTRUMENTS.items())
    for section in SECTIONS.values():
        assert (ROOT / "src/hydrometer/report" / section.template).is_file()


def test_every_kind_of_details_belongs_to_one_instrument() -> None:
    kinds = [kind_of(details) for one in INSTRUMENTS.values() for details in one.details]
    assert len(kinds) == len(set(kinds))


def test_every_question_can_be_decided_by_some_instrument() -> None:
    for topic in TOPICS:
        assert any(one.decides and one.question == topic.name for one in INSTRUMENTS.values())


def test_every_input_of_an_instrument_is_an_option_of_the_audit() -> None:
    options = set(inspect.signature(audit_command).parameters)
    for one in INSTRUMENTS.values():
        if one.inputs is not None:
            assert {field.name for field in dataclasses.fields(one.inputs)} <= options


@pytest.mark.parametrize("path", DOSSIERS, ids=lambda path: path.stem)
def test_what_an_instrument_finds_is_its_own(path: Path) -> None:
    case = case_of(path)
    ids = []
    for one in INSTRUMENTS.values():
        for found in one.measure(case):
            assert (found.instrument, found.question) == (one.name, one.question)
            assert found.details is None or type(found.details) in one.details
            ids.append(found.id)
    assert len(ids) == len(set(ids))


def test_options_become_inputs_and_inputs_the_words_of_a_command() -> None:
    assert inputs_from_options(NOTHING) == []
    given = {"responses": Path("a.jsonl"), "panel": Path("p"), "candidate": ("x", "y"), "alpha": 0.1, "gain": 3.0}
    teacher, gain = inputs_from_options(NOTHING | given)
    assert teacher == PanelAnswers(Path("a.jsonl"), Path("p"), ("x", "y"), 0.1)
    assert gain == StatedGain(3.0)
    assert " ".join(teacher.words()) == "--responses a.jsonl --panel p --candidate x --candidate y --alpha 0.1"
    assert gain.words() == ["--gain", "3"]
    (identity,) = inputs_from_options(NOTHING | {"identity": Path("i.jsonl")})
    assert identity == IdentityAnswers(Path("i.jsonl"))
    with pytest.raises(InputError, match="without --panel"):
        inputs_from_options(NOTHING | {"responses": Path("a.jsonl")})
    for idle in ({"alpha": 0.2}, {"model": "m"}, {"candidate": ("x",)}):
        with pytest.raises(InputError, match=f"--{next(iter(idle))}: this needs the model's answers"):
            inputs_from_options(NOTHING | idle)


def test_a_case_finds_what_was_given_by_its_kind() -> None:
    case = dataclasses.replace(case_of(DOSSIERS[0]), given=(StatedGain(2.0), IdentityAnswers(Path("x"))))
    assert case.find(StatedGain) == StatedGain(2.0)
    assert case.find(PanelAnswers) is None


def evidence(instrument: str, verdict: Verdict, answer: str, **more: object) -> Evidence:
    question = INSTRUMENTS[instrument].question
    return Evidence(
        id=answer, instrument=instrument, question=question, proposition="p", alternative="a", verdict=verdict,
        answer=answer, how_sure=f"sure of {answer}", **more,
    )  # type: ignore[arg-type]  # fmt: skip


def test_the_instrument_that_decides_speaks_for_its_question() -> None:
    _, teacher, _ = TOPICS
    published = evidence("identity", Verdict.INCONCLUSIVE, "published")
    alone = answer_question(teacher, [published], INSTRUMENTS)
    assert alone.answer == "published"
    assert alone.missing == INSTRUMENTS["attribution"].needs
    measured = evidence("attribution", Verdict.SUPPORTS, "measured", missing=("more probes",))
    both = answer_question(teacher, [published, measured], INSTRUMENTS)
    assert (both.answer, both.how_sure, both.missing) == ("measured", "sure of published", ("more probes",))
    assert both.evidence == ("published", "measured")
    # Where it could not measure, what others found is said beside that.
    failed = evidence("attribution", Verdict.NOT_MEASURED, "not measured")
    said = answer_question(teacher, [failed, published], INSTRUMENTS)
    assert (said.answer, said.how_sure, said.missing) == ("not measured published", "sure of published", ())


def test_what_others_reported_is_left_out_of_the_answer() -> None:
    cost, _, compute = TOPICS
    own = evidence("training_cost", Verdict.SUPPORTS, "own")
    reported = evidence("training_cost", Verdict.OPPOSES, "reported", in_answer=False)
    assert answer_question(cost, [own, reported], INSTRUMENTS).answer == "own"
    nothing = answer_question(compute, [own], INSTRUMENTS)
    assert nothing.evidence == ()
    assert nothing.answer.startswith("Not measured.")
    assert nothing.missing == INSTRUMENTS["demand"].needs


def test_a_stored_audit_is_read_with_the_details_of_every_instrument() -> None:
    audit = run_audit(ROOT / "dossiers/deepseek-v3.toml")
    again = parse_audit(audit_json(audit))
    assert again == audit
    assert {e.instrument for e in again.evidence} == {"training_cost", "demand", "serving", "identity", "similarity"}
    stranger = json.loads(audit_json(audit))
    stranger["evidence"][0]["details"]["kind"] = "horoscope"
    with pytest.raises(ValidationError, match="details of an unknown kind"):
        parse_audit(json.dumps(stranger))
    broken = json.loads(audit_json(audit))
    broken["evidence"][0]["details"]["checks"] = "none"
    with pytest.raises(ValidationError, match="checks"):
        parse_audit(json.dumps(broken))


def test_every_instrument_can_be_asked_from_python() -> None:
    case = hydrometer.Case(hydrometer.read_dossier(ROOT / "dossiers/deepseek-v3.toml").dossier)
    (checked, *_) = hydrometer.INSTRUMENTS["training_cost"].measure(case)
    assert checked.verdict is hydrometer.Verdict.SUPPORTS
    assert hydrometer.check_cost(case.dossier).verdict is hydrometer.Verdict.SUPPORTS
    assert hydrometer.judge_gain(10, draws=2000).answer == "undetermined"
