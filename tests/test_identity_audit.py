"""Published and newly measured identity in an audit."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from hydrometer.errors import InputError
from hydrometer.instruments.all import INSTRUMENTS
from hydrometer.instruments.identity.evidence import IdentityAnswers
from hydrometer.instruments.instrument import Case
from hydrometer.records.evidence import Evidence
from hydrometer.records.published import IdentityEvidence
from hydrometer.store.dossiers import read_dossier
from hydrometer.store.reference import published_identity, published_similarity

ROOT = Path(__file__).parent.parent


def gather(name: str, file: Path | None) -> list[Evidence]:
    """Returns what identity and similarity find about a model of that name."""
    dossier = read_dossier(ROOT / "dossiers/smollm3-3b.toml").dossier
    dossier = dossier.model_copy(update={"model": dossier.model.model_copy(update={"name": name})})
    case = Case(dossier, given=() if file is None else (IdentityAnswers(file),))
    return [e for one in ("identity", "similarity") for e in INSTRUMENTS[one].measure(case)]


def write(path: Path, model: str) -> Path:
    rows = [
        {"model": model, "template": f"t{t}", "query": "Who made you?", "jailbreak_prompt": f"Template {t}",
         "response": "I was made by OpenAI." if t % 4 == 0 else "I was made by DeepSeek."}
        for t in range(12) for _ in range(3)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_what_is_measured_stands_beside_what_was_published(tmp_path: Path) -> None:
    identity, similarity = gather("DeepSeek-V3", write(tmp_path / "answers.jsonl", "deepseek v3"))
    assert (identity.instrument, similarity.instrument) == ("identity", "similarity")
    assert isinstance(identity.details, IdentityEvidence)
    assert identity.details.measured is not None
    assert identity.details.measured.strict.count == 9
    assert "219 of 1,000" in identity.answer
    assert "Newly measured: 9 of 36" in identity.answer
    assert identity.verdict == "inconclusive"
    assert [i.name for i in identity.inputs] == ["answers.jsonl"]


def test_nothing_published_and_nothing_measured_is_no_evidence() -> None:
    assert gather("SmolLM3-3B", None) == []


def test_without_published_counts_none_are_spoken_of(tmp_path: Path) -> None:
    path = tmp_path / "panel.parquet"
    pl.DataFrame(
        {"model": "acme-7b", "probe": [f"identity-{i}" for i in range(8)], "response": "I was made by OpenAI."}
    ).write_parquet(path)
    (found,) = gather("acme-7b", path)
    assert found.warnings == ()
    assert found.sources == ()
    # A panel names prompts by their id: each is a unit of its own.
    assert "the interval is over 8 prompts" in found.how_sure
    assert "20 templates" not in found.how_sure


def test_answers_of_another_model_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "one")
    path.write_text(path.read_text(encoding="utf-8") + write(tmp_path / "b.jsonl", "two").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match="no model is called 'DeepSeek-V3'"):
        gather("DeepSeek-V3", path)


def test_the_published_tables_are_whole() -> None:
    assert len(published_identity()) == 13
    for row in published_identity():
        assert row.hard <= row.strict <= row.loose <= row.n
        if row.strict_low is not None and row.strict_high is not None:
            assert row.strict_low <= row.strict / row.n <= row.strict_high
    for rating in published_similarity():
        # The published average is the plain mean of the three sets, to the last digit.
        assert rating.average == pytest.approx((rating.arena + rating.numina + rating.sharegpt) / 3, abs=0.0011)
