"""Serving from headline figures: a guess that says so, as wide as it was measured to be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrometer.errors import InputError
from hydrometer.instruments.serving import Headline, ServingRequest, estimate
from hydrometer.instruments.serving.headline import CACHE, TPOT_WIDTH, TTFT_WIDTH, guess, shipped_shapes

ROOT = Path(__file__).parent.parent


def test_headline_figures_stand_in_for_a_configuration() -> None:
    asked = ServingRequest("H200", tp=8, engine="sglang", concurrency=64, price=2.0, date=dt.date(2026, 11, 1))
    known = estimate(Path("DeepSeek-V3"), asked)
    found = estimate(Headline(671e9, 37e9, "moe_mla"), asked)
    assert found.tpot_ms.p10 < known.tpot_ms.p50 < found.tpot_ms.p90
    assert found.tpot_ms.p90 / found.tpot_ms.p50 > known.tpot_ms.p90 / known.tpot_ms.p50
    assert all(row.how == "alike" for row in found.informed_by)
    assert known.guessed is None
    assert found.guessed is not None
    cache = found.guessed.cache_bytes_per_token
    assert cache.p10 < found.cache_bytes_per_token < cache.p90
    assert cache.p10 < known.cache_bytes_per_token < cache.p90
    # Without latent attention the cache would be several times as large.
    grouped = estimate(Headline(671e9, 37e9, "moe"), asked)
    assert grouped.cache_bytes_per_token > 2 * found.cache_bytes_per_token
    with pytest.raises(InputError, match="--active-params: a dense network uses all"):
        estimate(Headline(671e9, 37e9, "dense"), asked)
    assert any("5 to 70 billion" in w for w in estimate(Headline(405e9, None, "dense_gqa"), asked).warnings)


@given(st.floats(1e8, 2e12), st.floats(0.02, 0.4), st.sampled_from(["moe", "moe_mla"]))
def test_a_guess_holds_the_weights_that_are_given(total: float, share: float, kind: str) -> None:
    for headline, active in ((Headline(total, share * total, kind), share * total), (Headline(total), total)):
        net = guess(headline, shipped_shapes())[1]
        assert net.common + net.routed + 2 * net.head == pytest.approx(total)
        assert net.active + net.head == pytest.approx(active, rel=0.1)
        assert net.cache_per_token > 0


def test_the_page_states_the_widths_of_guesses() -> None:
    page = (ROOT / "docs/benchmarks/serving.md").read_text(encoding="utf-8")
    assert f"half width {TPOT_WIDTH} in logs" in page
    assert f"to the first ({TTFT_WIDTH})" in page
    assert f"90 % points {CACHE.p10:.2f}" in page
