"""Claim checking and the ladder on the shipped dossiers."""

from __future__ import annotations

import math
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import claims as bench_claims
from hydrometer.instruments.instrument import Case
from hydrometer.instruments.training_cost.evidence import check_cost, measure
from hydrometer.records.claim_checking import Check, ClaimChecking, CostCheck
from hydrometer.records.cost_ladder import CostLadder
from hydrometer.records.dossier import Dossier
from hydrometer.records.evidence import Evidence, Verdict
from hydrometer.records.quantities import QUANTITIES
from hydrometer.store.dossiers import read_dossier, read_siblings

ROOT = Path(__file__).parent.parent
DOSSIERS = ROOT / "dossiers"


def checked(name: str) -> CostCheck:
    file = read_dossier(DOSSIERS / f"{name}.toml")
    return check_cost(file.dossier, [s.dossier for s in read_siblings(file)])


def evidence(name: str) -> dict[str, Evidence]:
    file = read_dossier(DOSSIERS / f"{name}.toml")
    siblings = [s.dossier for s in read_siblings(file)]
    return {e.id: e for e in measure(Case(file.dossier, tuple(siblings)))}


def named(result: CostCheck, name: str, phase: str | None = None) -> list[Check]:
    return [c for c in result.checks if c.name == name and phase in {None, c.phase}]


def left(check: Check) -> float:
    assert check.left is not None
    return check.left.value


def test_the_seven_checks_of_deepseek_v3() -> None:
    result = checked("deepseek-v3")
    assert result.verdict is Verdict.SUPPORTS
    assert not [c for c in result.checks if c.verdict is Verdict.OPPOSES]
    total = next(c for c in named(result, "hours_times_price") if c.phase is None)
    assert left(total) == pytest.approx(5.576e6)
    assert left(named(result, "phases_add_up")[0]) == pytest.approx(2.788e6)
    assert left(named(result, "days_per_trillion")[0]) == pytest.approx(3.66, abs=0.005)
    assert left(named(result, "clock_times_cluster")[0]) == pytest.approx(54.2, abs=0.05)
    assert left(named(result, "tokens_per_day_from_steps")[0]) == pytest.approx(272.80e9, rel=1e-5)
    assert left(named(result, "tokens_per_day_from_hours")[0]) == pytest.approx(273.07e9, rel=1e-4)
    assert left(named(result, "plausible_utilisation", "pretraining")[0]) == pytest.approx(0.407, abs=0.0005)
    assert left(named(result, "plausible_utilisation", "context-extension")[0]) == pytest.approx(0.25, abs=0.005)
    assert "6.6 %" in named(result, "plausible_utilisation", "context-extension")[0].explanation
    assert left(named(result, "sibling_efficiency")[0]) == pytest.approx(1.55, abs=0.005)


def test_utilisation_is_given_by_every_convention() -> None:
    details = evidence("deepseek-v3")["published-figures"].details
    assert isinstance(details, ClaimChecking)
    found = {(u.attention, u.includes_mtp, u.peak): u.mfu for u in details.utilisation_by_convention}
    assert len(found) == 8
    assert found["causal", False, "bf16"] == pytest.approx(0.391, abs=0.0005)
    assert found["full", False, "bf16"] == pytest.approx(0.439, abs=0.0005)
    assert found["causal", True, "bf16"] == pytest.approx(0.407, abs=0.0005)
    assert found["causal", False, "fp8"] == pytest.approx(0.195, abs=0.0005)


@pytest.mark.parametrize("name", sorted(p.stem for p in DOSSIERS.glob("*.toml")))
def test_no_shipped_dossiers_own_figures_are_opposed(name: str) -> None:
    result = checked(name)
    assert result.verdict is Verdict.SUPPORTS
    for check in result.checks:
        assert check.explanation
        assert check.sources
        if check.verdict is not Verdict.NOT_MEASURED:
            assert check.left
            assert check.right
            assert check.tolerance_reason


@pytest.mark.parametrize(
    ("dossier", "claim", "verdict"),
    [
        ("deepseek-r1", "press-cluster", Verdict.OPPOSES),
        ("s1-32b", "viral-cost", Verdict.OPPOSES),
        ("s1-32b", "press-cost", Verdict.SUPPORTS),
        ("deepseek-v2", "database-hours", Verdict.OPPOSES),
        ("kimi-k2-thinking", "press-cost", Verdict.NOT_MEASURED),
    ],
)
def test_what_others_told_is_judged_apart(dossier: str, claim: str, verdict: Verdict) -> None:
    found = {p.id: p.verdict for p in checked(dossier).propositions}
    assert found[f"reported-{claim}"] is verdict


def test_a_cost_without_hours_is_not_checkable() -> None:
    found = evidence("kimi-k2-thinking")
    assert "Not checkable" in found["headline"].answer
    assert found["headline"].verdict is Verdict.NOT_MEASURED


def test_s1_took_seven_hours() -> None:
    result = checked("s1-32b")
    check = named(result, "clock_times_cluster")[0]
    assert left(check) * 16 * 24 == pytest.approx(7.0)
    assert check.right is not None
    assert check.right.value * 16 * 24 == pytest.approx(6.93, abs=0.01)
    assert left(named(result, "plausible_utilisation")[0]) == pytest.approx(0.19, abs=0.005)


def test_the_ladder_of_deepseek_v3() -> None:
    found = evidence("deepseek-v3")
    ladder = found["headline-whole"].details
    assert isinstance(ladder, CostLadder)
    levels = {r.id: r.usd for r in ladder.levels}
    assert list(levels) == [
        "final_run",
        "final_run_owned",
        "programme",
        "staff",
        "cluster",
        "company",
        "company_operation",
    ]
    # Worked by hand from the same sources: 3.8-9.5, 6-28, 10-55 and 83-124 million dollars.
    assert levels["final_run"].low == pytest.approx(3.8e6, rel=0.03)
    assert levels["final_run"].high == pytest.approx(9.5e6, rel=0.03)
    assert levels["programme"].middle == pytest.approx(13e6, rel=0.1)
    assert levels["staff"].middle == pytest.approx(22e6, rel=0.1)
    assert levels["cluster"].low == pytest.approx(83e6, rel=0.01)
    assert (levels["company"].low, levels["company"].high) == (0.5e9, 1.6e9)
    assert found["headline-final-run"].verdict is Verdict.SUPPORTS
    assert found["headline-whole"].verdict is Verdict.OPPOSES
    assert len(ladder.readings) == 7


def test_published_programme_hours_replace_the_prior() -> None:
    details = evidence("smollm3-3b")["headline"].details
    assert isinstance(details, CostLadder)
    levels = {r.id: r for r in details.levels}
    assert "1.58 times" in levels["programme"].sources[0]
    assert levels["programme"].usd.middle == pytest.approx(1.583 * levels["final_run"].usd.middle, rel=0.01)
    assert "development_multiplier" not in {p.name for p in details.priors}


CASES: list[dict[str, Any]] = tomllib.loads(bench_claims.CASES.read_text(encoding="utf-8"), parse_float=Decimal)[
    "cases"
]


def test_nine_of_ten_corrupted_claims_are_opposed() -> None:
    caught = [
        bench_claims.check(bench_claims.corrupted(case), case["dossier"]).verdict is Verdict.OPPOSES for case in CASES
    ]
    assert len(caught) >= 20
    assert sum(caught) / len(caught) >= 0.9


@pytest.mark.parametrize("name", ["deepseek-v3", "deepseek-r1", "llama-3.1-405b", "bench/nemotron-4-15b"])
def test_no_true_figure_is_opposed(name: str) -> None:
    assert not [claim for claim, verdict in bench_claims.true_claims(name) if verdict is Verdict.OPPOSES]


RUNS = ROOT.parent / "shared/data/costs/training_runs.csv"


@pytest.mark.skipif(not RUNS.exists(), reason="the table of published runs is not beside this checkout")
def test_at_most_one_true_run_in_twenty_is_opposed() -> None:
    true, _ = bench_claims.run_headlines(RUNS)
    assert len(true) >= 40
    assert sum(verdict is Verdict.OPPOSES for _, verdict in true) / len(true) <= 0.05


def headline(**values: object) -> Dossier:
    claims = [
        {"id": q, "quantity": q, "value": v, "unit": u, "source": "s", "place": "p"}
        for q, (v, u) in values.items()  # type: ignore[misc]
    ]
    table = tomllib.loads(
        'schema_version = 1\nmodel = { name = "X", developer = "Y", released = 2024-01-01, summary = "z" }\n'
        'sources = [{ id = "s", title = "t", url = "https://example.org", date = 2024-01-01 }]\n'
        'phases = [{ id = "p", kind = "pretraining", accelerator = "H100", source = "s", place = "p" }]\n'
    )
    return Dossier.model_validate({**table, "claims": claims})


def test_impossible_hours_are_opposed_without_a_shape() -> None:
    dossier = headline(
        total_parameters=(70, "billion parameters"),
        tokens=(15, "trillion tokens"),
        accelerator_hours=(640_000, "accelerator-hours"),
    )
    assert check_cost(dossier, []).verdict is Verdict.OPPOSES


def test_nothing_to_check_is_not_measured() -> None:
    assert check_cost(headline(), []).verdict is Verdict.NOT_MEASURED


@pytest.mark.parametrize(("hours", "cost", "expected"), [(32, 100, "supports"), (32, 130, "opposes")])
def test_a_round_cost_is_given_more_room(hours: int, cost: int, expected: str) -> None:
    dossier = headline(
        accelerator_hours=(hours, "accelerator-hours"),
        price_per_hour=(3, "USD per accelerator-hour"),
        cost=(cost, "USD"),
    )
    check = named(check_cost(dossier, []), "hours_times_price")[0]
    assert check.verdict == expected


def bounded(hours: int, **relations: str) -> Check:
    dossier = headline(
        total_parameters=(70, "billion parameters"),
        tokens=(15, "trillion tokens"),
        accelerator_hours=(hours, "accelerator-hours"),
    )
    table = dossier.model_dump()
    for claim in table["claims"]:
        claim["relation"] = relations.get(claim["quantity"], "equals")
    return named(check_cost(Dossier.model_validate(table), []), "plausible_utilisation")[0]


@pytest.mark.parametrize(
    ("hours", "relations", "expected"),
    [
        (6_400_000, {"tokens": "at_least"}, Verdict.SUPPORTS),
        (640_000, {"tokens": "at_least"}, Verdict.OPPOSES),
        (64_000_000, {"tokens": "at_least"}, Verdict.INCONCLUSIVE),
        (64_000_000, {"tokens": "equals"}, Verdict.OPPOSES),
        (640_000, {"accelerator_hours": "at_most"}, Verdict.OPPOSES),
        (640_000, {"accelerator_hours": "at_least"}, Verdict.SUPPORTS),
    ],
)
def test_a_bound_opposes_only_on_its_closed_side(hours: int, relations: dict[str, str], expected: Verdict) -> None:
    assert bounded(hours, **relations).verdict is expected


@st.composite
def claim_tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Any figures at all that the schema admits, however little they fit each other."""
    found = []
    for i, name in enumerate(draw(st.lists(st.sampled_from(sorted(QUANTITIES)), max_size=12))):
        quantity = QUANTITIES[name]
        exponent = draw(st.floats(math.log10(quantity.lower), math.log10(quantity.upper)))
        value = Decimal(f"{10**exponent:.{draw(st.integers(1, 6))}g}")
        value = min(max(value, Decimal(repr(quantity.lower))), Decimal(repr(quantity.upper)))
        found.append(
            {
                "id": f"c{i}",
                "quantity": name,
                "value": value,
                "unit": quantity.unit,
                "relation": draw(st.sampled_from(["equals", "about", "at_most", "at_least"])),
                "source": draw(st.sampled_from(["v3-report", "semianalysis"])),
                "place": "p",
                "phase": draw(st.sampled_from([None, "pretraining", "context-extension", "post-training"])),
            }
        )
    return found


@given(claims=claim_tables(), shape=st.booleans())
@settings(max_examples=60)
def test_any_figures_get_a_verdict_and_never_a_crash(claims: list[dict[str, Any]], shape: bool) -> None:
    table = bench_claims.load("deepseek-v3")
    table["claims"] = claims
    if not shape:
        del table["architecture"]
    dossier = Dossier.model_validate(table)
    sibling = read_dossier(DOSSIERS / "deepseek-v2.toml").dossier
    for found in measure(Case(dossier, (sibling,))):
        assert found.verdict in set(Verdict)
        assert found.answer
        assert found.model_dump_json()
