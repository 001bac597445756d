"""Serving in an audit: what a written token takes, beside a model of like quality."""

from __future__ import annotations

from pathlib import Path

import pytest

from hydrometer.instruments.instrument import Case
from hydrometer.instruments.serving.evidence import measure
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Evidence, Verdict
from hydrometer.records.serving import ServingEvidence
from hydrometer.store.dossiers import read_dossier
from hydrometer.store.prices import last_price_date, price_quotes

ROOT = Path(__file__).parent.parent


def dossier(name: str) -> Dossier:
    return read_dossier(ROOT / f"dossiers/{name}.toml").dossier


def found(subject: str, compared: str | None = None) -> tuple[Evidence, ServingEvidence]:
    (evidence,) = measure(Case(dossier(subject), compared=dossier(compared) if compared else None))
    assert isinstance(evidence.details, ServingEvidence)
    return evidence, evidence.details


def test_a_small_model_takes_less_than_a_large_one_at_every_load() -> None:
    small, details = found("smollm3-3b", "llama-3.1-405b")
    assert small.verdict is Verdict.SUPPORTS
    large, turned = found("llama-3.1-405b", "smollm3-3b")
    assert large.verdict is Verdict.OPPOSES
    for one, other in zip(details.ratios, turned.ratios, strict=True):
        assert one.concurrency == other.concurrency
        # The same two networks in the same layout: one ratio is the other's inverse, and so are its ends.
        assert one.ratio.p50 * other.ratio.p50 == pytest.approx(1, rel=1e-9)
        assert one.ratio.p10 * other.ratio.p90 == pytest.approx(1, rel=1e-9)
        assert one.ratio.p10 < one.ratio.p50 < one.ratio.p90 < 1


def test_where_the_order_turns_with_the_load_nothing_is_decided() -> None:
    evidence, details = found("deepseek-v3", "llama-3.1-405b")
    middles = [at.ratio.p50 for at in details.ratios]
    assert [at.concurrency for at in details.ratios] == [1, 4, 16, 64, 256]
    # One request reads 37 of 671 billion weights, against all 405: a tenth of the bytes, several times the kernels.
    assert middles[0] < 0.6
    assert max(middles) > 1
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert evidence.statistic is not None
    assert evidence.statistic.middle == max(middles)
    assert (evidence.statistic.low, evidence.statistic.level) == (details.ratios[3].ratio.p10, 0.80)
    assert "64 requests at once" in evidence.answer
    assert "one request at once" in evidence.answer
    assert evidence.missing == ()


def test_alone_it_says_what_serving_takes_and_judges_nothing() -> None:
    evidence, details = found("llama-3.1-405b")
    assert evidence.verdict is Verdict.NOT_MEASURED
    assert (evidence.statistic, evidence.statistic_name, details.ratios, details.compared) == (None, None, (), None)
    assert "No model of like quality is named" in evidence.answer
    assert "[comparison]" in evidence.missing[0]
    # 405.9 billion weights of one byte over eight accelerators; embeddings stay in two bytes.
    assert details.estimate.weight_gb_per_accelerator == pytest.approx(405.9 / 8, rel=0.02)
    assert details.estimate.accelerators == 8


def test_a_network_too_large_for_eight_takes_more_accelerators() -> None:
    subject = dossier("deepseek-v3")
    assert subject.architecture is not None
    # 640 in the place of 256 experts: 1.6 terabytes, where eight H200 hold 1.1.
    experts = subject.architecture.feed_forward.model_copy(update={"experts": 640})
    wide = subject.architecture.model_copy(update={"feed_forward": experts})
    (evidence,) = measure(Case(subject.model_copy(update={"architecture": wide})))
    assert isinstance(evidence.details, ServingEvidence)
    assert evidence.details.estimate.accelerators == 16
    assert "On 16 H200" in evidence.answer
    # And one that no layout holds is no evidence.
    vast = wide.model_copy(update={"feed_forward": experts.model_copy(update={"experts": 64000})})
    assert measure(Case(subject.model_copy(update={"architecture": vast}))) == []


def test_prices_are_of_the_newest_quote_so_that_a_run_can_be_repeated() -> None:
    _, details = found("smollm3-3b")
    assert details.estimate.price_date == last_price_date() == max(q.date for q in price_quotes())


def test_without_a_shape_there_is_no_evidence() -> None:
    bare = dossier("smollm3-3b").model_copy(update={"architecture": None})
    assert measure(Case(bare)) == []
    (evidence,) = measure(Case(dossier("smollm3-3b"), compared=bare))
    assert evidence.verdict is Verdict.NOT_MEASURED
