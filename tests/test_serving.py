"""Serving: the published day closes, the formula behaves, bad layouts are refused, pictures and words are whole."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hydrometer.cli.serving import app
from hydrometer.costs.served import served
from hydrometer.costs.serving import Chip, Deployment, Load, experts_touched, most_concurrency, stacked, terms
from hydrometer.costs.serving_days import break_even_tokens, inference_share
from hydrometer.costs.serving_time import Constants, speeds
from hydrometer.errors import InputError
from hydrometer.instruments.serving import (
    DayLoad,
    LifeRequest,
    ServingRequest,
    cache_sizes,
    compare,
    deepseek_day,
    deepseek_request,
    estimate,
    fleet,
    frontier,
    life,
)
from hydrometer.instruments.serving.request import find_engine, find_network, find_precision
from hydrometer.plots.files import write_svg
from hydrometer.plots.serving import cache_figures, frontier_figures
from hydrometer.records.estimates import Quantiles
from hydrometer.store.configs import read_config
from hydrometer.store.serving import serving_fit, shipped_network, shipped_networks

ROOT = Path(__file__).parent.parent
V3 = ROOT / "dossiers/deepseek-v3.toml"
DAY = dt.date(2026, 11, 1)
H200 = Chip(1979e12, 989e12, 4.8e12, 151e9, 450e9, 50e9, 8, True)
NET = served(find_network(Path("DeepSeek-V3"))[1])
CONSTANTS = Constants(**serving_fit().constants)


def test_deepseek_day_closes() -> None:
    day = deepseek_day()
    assert day.nodes.p50 == pytest.approx(226.86, abs=0.005)
    assert day.reported_nodes is not None
    assert day.nodes.p50 == pytest.approx(day.reported_nodes, rel=1e-3)
    assert day.cost_usd.p50 == pytest.approx(87_072)
    assert day.margin_percent is not None
    assert day.margin_percent.p50 == pytest.approx(545.6, abs=0.05)
    assert day.cache_bytes_per_token == 70_272
    assert day.cache_ratio == pytest.approx(57, abs=0.5)
    assert day.training_days_of_fleet == pytest.approx(64, abs=0.1)


def test_the_fit_sizes_the_day_within_its_interval() -> None:
    asked = dataclasses.replace(deepseek_request(), cache_hit=342 / 608, price=2.0, date=dt.date(2025, 2, 28))
    found = fleet(Path("DeepSeek-V3"), asked, DayLoad(608e9, 168e9, usd_input=0.55, usd_cached=0.14, usd_output=2.19))
    assert found.nodes.p10 < 226.75 < found.nodes.p90
    assert found.nodes.p50 == pytest.approx(226.75, rel=0.2)
    assert found.cost_usd.p50 == pytest.approx(found.nodes.p50 * 8 * 24 * 2)
    assert found.revenue_usd == pytest.approx(562_100, rel=1e-3)


def test_what_techniques_are_worth() -> None:
    found = compare(V3, deepseek_request())
    whole, *others = found.rows
    assert len(others) == 4
    assert whole.tokens_per_second_per_accelerator.p50 == pytest.approx(1850, rel=0.2)
    assert all(row.cost_ratio.p50 > 1 for row in others)
    latent = next(row for row in others if "latent" in row.without)
    assert latent.cache_bytes_per_token / whole.cache_bytes_per_token == pytest.approx(57, abs=0.5)
    assert latent.maximum_concurrency < whole.maximum_concurrency / 20
    assert (
        compare(V3, ServingRequest("H200", tp=8), against=[Path("Llama-3.1-405B")]).rows[1].without.startswith("Llama")
    )


def test_shipped_shapes_and_dossier_agree() -> None:
    assert len(shipped_networks()) >= 15
    totals = {"DeepSeek-V3": 671e9, "GLM-5": 744e9, "Qwen3.5-397B-A17B": 397e9, "gpt-oss-120b": 117e9}
    for name, total in totals.items():
        found = shipped_network(name.lower())
        assert found is not None
        assert found[1].total_parameters() == pytest.approx(total, rel=0.01)
    assert served(find_network(V3)[1]).key == NET.key
    assert NET.cache_values(1) * 2 == 70_272
    assert NET.cache_split == 1


def test_an_indexer_reads_what_it_picks() -> None:
    sparse = shipped_network("DeepSeek-V3.2")
    assert sparse is not None
    net = served(sparse[1])
    assert net.cache_read(100_000) < NET.cache_read(100_000) / 3
    assert net.core_flop(100_000) < NET.core_flop(100_000)
    assert net.core_flop(1000) > NET.core_flop(1000)


@given(st.floats(1, 1e4), st.floats(1, 1e4), st.sampled_from([1, 2, 8]), st.sampled_from([1, 4, 32]), st.floats(1, 5e4))
def test_more_at_once_is_never_faster_for_one(first: float, second: float, tp: int, dp: int, context: float) -> None:
    few, many = sorted((first, second))
    way = Deployment(tp=tp, dp=dp, ep=tp * dp)
    times = [speeds(terms(NET, H200, way, Load(n, context, 100)), CONSTANTS) for n in (few, many)]
    for name in ("step", "tpot", "ttft"):
        assert 0 < getattr(times[0], name) <= getattr(times[1], name) * (1 + 1e-9)


@given(st.lists(st.tuples(st.floats(1, 1e3), st.floats(1, 1e4), st.floats(1, 1e4)), min_size=1, max_size=5))
def test_arrays_and_numbers_give_the_same(loads: list[tuple[float, float, float]]) -> None:
    rows = [terms(NET, H200, Deployment(tp=8), Load(*load)) for load in loads]
    together = speeds(stacked(rows), CONSTANTS)
    for i, row in enumerate(rows):
        alone = speeds(row, CONSTANTS)
        assert np.isclose(together.tpot[i], alone.tpot)
        assert np.isclose(together.ttft[i], alone.ttft)


def test_counting() -> None:
    assert experts_touched(256, 8, 1) == pytest.approx(8 / 256)
    assert experts_touched(256, 8, 1e6) == pytest.approx(1)
    assert break_even_tokens(14.8e12) == pytest.approx(44.4e12)
    assert inference_share(44.4e12, break_even_tokens(14.8e12)) == pytest.approx(0.5)
    # Leviathan et al., arXiv:2211.17192, figure 2: a = 0.8, 5 drafts give 3.69 tokens a step.
    assert Load(1, 1, 1, 0, 5, 0.8).tokens_per_step == pytest.approx(3.69, abs=0.005)
    # The second half of a prompt attends to three quarters of what the whole attends to.
    whole, half = NET.prompt_core(8192, 8192), NET.prompt_core(4096, 8192)
    assert half / whole == pytest.approx(0.75)
    assert NET.prompt_core(0, 8192) == 0


def test_estimate_has_ordered_intervals_and_names_its_rows() -> None:
    found = estimate(V3, ServingRequest("H200", tp=8, engine="sglang", price=2.0, date=DAY))
    for value in (found.tpot_ms, found.ttft_ms, found.usd_per_million_output, found.usd_per_million_input):
        assert isinstance(value, Quantiles)
        assert value.p10 < value.p50 < value.p90
    assert found.usd_per_hour.p50 == 2.0
    assert found.informed_by[0].how == "same network"
    assert found.informed_by[0].engine == "sglang"
    # 671 billion weights on eight accelerators, one byte each, head and embedding two.
    assert found.weight_gb_per_accelerator == pytest.approx(84.1, abs=0.1)
    share = found.parts
    total = share.matrices_ms + share.attention_ms + share.launches_ms + share.exchange_ms + share.prompts_in_between_ms
    assert total == pytest.approx(found.tpot_ms.p50, rel=1e-6)


def test_a_network_that_was_not_measured_has_wider_intervals() -> None:
    known = estimate(Path("Llama-3.1-70B"), ServingRequest("H200", tp=4, engine="vllm"))
    other = estimate(Path("Llama-3.1-405B"), ServingRequest("H200", tp=8, engine="vllm"))
    elsewhere = estimate(Path("Llama-3.1-70B"), ServingRequest("MI300X", tp=4, engine="vllm"))
    width = [math.log(e.tpot_ms.p90 / e.tpot_ms.p50) for e in (known, other, elsewhere)]
    assert width[0] < width[1] < width[2]
    assert other.informed_by
    assert any("no measured row" in warning for warning in elsewhere.warnings)


def test_a_target_is_met_and_the_next_load_misses_it() -> None:
    asked = ServingRequest("B200", precision="fp4", tp=2, engine="vllm")
    found = estimate(Path("gpt-oss-120b"), asked, target_tpot_ms=10)
    assert found.tpot_ms.p50 <= 10
    more = estimate(Path("gpt-oss-120b"), dataclasses.replace(asked, concurrency=found.concurrency + 1))
    assert more.tpot_ms.p50 > 10
    with pytest.raises(InputError, match="one sequence alone takes"):
        estimate(Path("gpt-oss-120b"), asked, target_tpot_ms=0.1)
    with pytest.raises(InputError, match="not a time"):
        estimate(Path("gpt-oss-120b"), asked, target_ttft_ms=float("nan"))


def test_options_move_what_they_should() -> None:
    base = ServingRequest("H200", tp=8, engine="vllm", concurrency=32, input_tokens=4096, price=2.0, date=DAY)
    at = estimate(V3, base)
    cached = estimate(V3, dataclasses.replace(base, cache_hit=0.8))
    drafted = estimate(V3, dataclasses.replace(base, drafted=1, accepted=0.8))
    apart = estimate(V3, dataclasses.replace(base, disaggregated=True))
    wide = estimate(V3, dataclasses.replace(base, cache_precision="bf16"))
    idle = estimate(V3, dataclasses.replace(base, utilisation=0.5))
    assert cached.tpot_ms.p50 < at.tpot_ms.p50
    assert cached.usd_per_million_cached_input.p50 < cached.usd_per_million_input.p50 / 3
    assert drafted.tpot_ms.p50 < at.tpot_ms.p50
    assert apart.parts.prompts_in_between_ms == 0
    assert wide.maximum_concurrency < at.maximum_concurrency
    assert idle.usd_per_million_output.p50 == pytest.approx(2 * at.usd_per_million_output.p50)
    whole = estimate(V3, dataclasses.replace(base, cache_hit=1.0))
    assert whole.cache_hit == 1 - 1 / 4096
    assert 0 < whole.usd_per_million_cached_input.p50 < cached.usd_per_million_cached_input.p50


def test_more_than_fits_waits_and_says_so() -> None:
    net = served(find_network(Path("Llama-3.1-70B"))[1])
    most = most_concurrency(net, H200, Deployment(tp=1), 9216)
    asked = ServingRequest("H200", tp=1, engine="vllm", concurrency=4 * round(most), input_tokens=8192)
    found = estimate(Path("Llama-3.1-70B"), asked)
    assert any("wait for memory" in warning for warning in found.warnings)
    fits = estimate(Path("Llama-3.1-70B"), dataclasses.replace(asked, concurrency=math.floor(most)))
    assert found.ttft_ms.p50 > 3 * fits.ttft_ms.p50
    assert found.tpot_ms.p50 == pytest.approx(fits.tpot_ms.p50, rel=0.1)


def test_life_of_a_model() -> None:
    found = life(V3, LifeRequest(14.8e12, 283e12, 2.788e6), ServingRequest("H800", tp=16, concurrency=64))
    assert found.training_flop == pytest.approx(3.25e24, rel=0.01)
    assert found.break_even_tokens_flop == pytest.approx(44.4e12)
    assert found.inference_share is not None
    assert found.inference_share.p10 < 0.52 < found.inference_share.p90
    assert found.break_even_tokens_hours is not None
    bare = life(V3, LifeRequest(14.8e12, research_factor=1.0))
    assert bare.break_even_tokens_with_research.p50 == pytest.approx(44.4e12)
    with pytest.raises(InputError, match="less than its final run"):
        life(V3, LifeRequest(14.8e12, research_factor=0.5))


@pytest.mark.parametrize("name", ["FP8_block", "fp8-e4m3", "W8A8", "float8"])
def test_odd_spellings(name: str) -> None:
    assert find_precision(name)[:2] == ("fp8", 1.0)
    assert [find_engine(n) for n in ("TensorRT-LLM", "vLLM", " SGLang ", "")] == ["trtllm", "vllm", "sglang", ""]


def test_an_indexer_is_another_network() -> None:
    asked = ServingRequest("B200", tp=8, engine="sglang", concurrency=16)
    assert estimate(Path("DeepSeek-V3"), asked).informed_by[0].how == "same network"
    assert estimate(Path("DeepSeek-V3.2"), asked).informed_by[0].how == "alike"


def test_loads_beyond_the_measured_ones_are_less_certain() -> None:
    asked = ServingRequest("H200", tp=8, engine="sglang", concurrency=32)
    near, far = (estimate(V3, dataclasses.replace(asked, concurrency=n)) for n in (32, 512))
    assert near.tpot_ms.p90 / near.tpot_ms.p50 < far.tpot_ms.p90 / far.tpot_ms.p50
    assert "beyond" in far.interval_basis


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (ServingRequest("H200", tp=6), "the nearest is --tp 4"),
        (ServingRequest("H200", tp=8, ep=3), "the nearest is --ep 2"),
        (ServingRequest("H200", tp=128, dp=10_000_000), "the nearest is --ep 256"),
        (ServingRequest("H200", tp=8, dp=64, ep=512), "256 experts"),
        (ServingRequest("H200", tp=8, pp=62), "the nearest is --pp 61"),
        (ServingRequest("H100", tp=4), "GB too much; the nearest that fits is --tp 16"),
        (ServingRequest("H200", tp=8, input_tokens=9_000_000), "GB too much an accelerator"),
        (ServingRequest("H200", tp=8, price=2.0), "without a date"),
        (ServingRequest("H2000", tp=8), "unknown accelerator"),
        (ServingRequest("H200", precision="fp7"), "unknown precision"),
        (ServingRequest("H200", tp=8, cache_precision="int4"), "a cache in int4"),
        (ServingRequest("H200", tp=8, cache_precision="x"), "--kv-cache: unknown precision"),
        (ServingRequest("H200", tp=8, date=dt.date(9999, 12, 31)), "give a date from 2010 to 2099"),
        (ServingRequest("H200", tp=8, engine="llama.cpp"), "unknown engine"),
        (ServingRequest("H200", tp=8, concurrency=float("nan")), "out of range"),
        (ServingRequest("H200", tp=0), "out of range"),
        (ServingRequest("H200", tp=8, cache_hit=2), "not a share"),
        (ServingRequest("H200", tp=8, accepted=0.5), "without a draft"),
        (ServingRequest("H200", tp=8, drafted=100), "drafted tokens"),
        (ServingRequest("H200", tp=8, utilisation=0), "not a share"),
        (ServingRequest("TPUv3", tp=8), "not in the table"),
    ],
)
def test_bad_input_is_refused_with_a_cure(asked: ServingRequest, words: str) -> None:
    with pytest.raises(InputError) as error:
        estimate(V3, asked)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (DayLoad(float("inf"), 1e9), "out of range"),
        (DayLoad(1e9, 1e9, node=0), "accelerators in a node"),
        (DayLoad(1e9, 1e9, peak_to_mean=0.5), "out of range"),
        (DayLoad(1e9, 1e9, usd_input=1, usd_output=2), "list prices without a date"),
        (DayLoad(1e9, 1e9, usd_input=-1, usd_output=2), "no price"),
    ],
)
def test_bad_loads_are_refused(load: DayLoad, words: str) -> None:
    with pytest.raises(InputError) as error:
        fleet(V3, ServingRequest("H200", tp=8), load)
    assert words in str(error.value)
    with pytest.raises(InputError, match="missing"):
        fleet(V3, ServingRequest("H200", tp=8, date=DAY), DayLoad(1e9, 1e9, usd_input=1))


def test_unknown_models_are_refused() -> None:
    for name, words in (("no-such-model", "no shipped model"), ("none.json", "no such file")):
        with pytest.raises(InputError, match=words):
            estimate(Path(name), ServingRequest("H200", tp=8))


def test_new_families_of_configurations(tmp_path: Path) -> None:
    shapes = json.loads((ROOT / "src/hydrometer/data/serving_models.json").read_text(encoding="utf-8"))["models"]
    broken = {**shapes["GLM-5"], "index_n_heads": -1}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(InputError, match="index_n_heads"):
        read_config(file)


def test_commands_print_words_and_json(tmp_path: Path) -> None:
    run = CliRunner()
    base = ["--model", "DeepSeek-V3", "--accelerator", "H200"]
    calls = [
        ["estimate", *base, "--plot", str(tmp_path / "a.svg"), "--price", "2", "--date", "2026-11-01"],
        ["fleet"],
        ["fleet", *base, "--day-input", "1e9", "--day-output", "1e8"],
        ["estimate", "--total-params", "70e9", "--tp", "4"],
        ["compare", "--model", "DeepSeek-V3", "--plot", str(tmp_path / "b.svg")],
        ["life", "--model", "DeepSeek-V3", "--training-tokens", "14.8e12", "--served-tokens", "1e14"],
    ]
    for call in calls:
        words = run.invoke(app, call)
        assert words.exit_code == 0, words.output
        assert "80 %" in words.output or "reported" in words.output
    for call in calls[1:3]:
        found = json.loads(run.invoke(app, [*call, "--json"]).output)
        assert set(found["nodes"]) == {"p10", "p50", "p90"}
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").count("<svg") == 1
    assert "every head" in (tmp_path / "b.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("estimate --accelerator H200", "--model: no network is given"),
        ("fleet --model DeepSeek-V3 --total-params 1e9", "--model gives the size already"),
        ("estimate --model DeepSeek-V3 --architecture moe", "--architecture: does nothing without --total-params"),
        ("estimate --total-params nan", "--total-params: nan is not possible"),
        ("fleet --price 3", "--price: does nothing without --model"),
        ("life --model DeepSeek-V3 --training-tokens 1e12 --tp 8", "--tp: does nothing without --training-hours"),
        ("compare --model DeepSeek-V3 --against none", "--against: no file and no shipped model"),
        ("estimate --model DeepSeek-V3 --date yesterday", "--date: 'yesterday' is not a date"),
        ("estimate --model DeepSeek-V3 --accelerator TPUv5p", "--accelerator: memory and links"),
        (
            "estimate --model DeepSeek-V3 --accelerator H200 --target-tpot 50 --target-ttft 1",
            "--target-ttft: one sequence alone",
        ),
    ],
)
def test_an_option_that_cannot_be_used_is_named(call: str, words: str) -> None:
    error = CliRunner().invoke(app, call.split()).exception
    assert isinstance(error, InputError)
    assert str(error).startswith(words)


def test_pictures_say_what_they_show(tmp_path: Path) -> None:
    found = frontier(V3, ServingRequest("H200", tp=8, engine="sglang", concurrency=48, price=2.0, date=DAY))
    speeds_shown = [point.tokens_per_second_per_user.p50 for point in found.points]
    assert speeds_shown == sorted(speeds_shown, reverse=True)
    assert sum(point.asked for point in found.points) == 1
    assert "Speed against cost" in frontier_figures(found)[0]
    sizes = cache_sizes(compare(V3, deepseek_request()))
    assert sizes[-1].kind == "every head"
    figures = cache_figures(sizes)
    assert "70,272" in figures[0]
    write_svg(tmp_path / "c.svg", figures)


def test_the_shipped_fit_says_what_it_rests_on() -> None:
    fit = serving_fit()
    assert len(fit.inputs[0].sha256) == 64
    assert fit.rows == sum(family.rows for family in fit.families)
    assert fit.held_out_median <= 0.14
    assert fit.held_out_mean <= 0.20
    assert all(cell.tpot_width > 0 for family in fit.families for cell in family.cells)
