"""The time of a step and of a prompt: one cause at a time, from a replica in which all others cost nothing."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from hydrometer.costs.serving import Terms
from hydrometer.costs.serving_time import Constants, Speeds, speeds

# Nothing to move, nothing to compute, nothing to launch; every rate is 1.
IDLE = Terms(
    **{
        **dict.fromkeys((f.name for f in fields(Terms)), 0.0),
        **dict.fromkeys(("batch", "verified", "yielded", "tp", "dp", "layers", "output_tokens", "concurrency"), 1.0),
        **dict.fromkeys(("peak", "peak_bf16", "bandwidth", "link", "network", "trtllm"), 1.0),
        "domain": 8.0,
    }
)
# Sharpness 3 joins memory and arithmetic as the sides of a right triangle.
IDEAL = Constants(
    **{
        **dict.fromkeys((f.name for f in fields(Constants) if not f.name.startswith("first_")), 1.0),
        **dict.fromkeys(("collective", "collective_growth", "host"), 0.0),
        "sharpness": 3.0,
    }
)


def found(constants: dict[str, float] | None = None, **changes: float) -> Speeds:
    return speeds(replace(IDLE, **changes), replace(IDEAL, **(constants or {})))  # type: ignore[arg-type]


def test_an_idle_replica_takes_no_time() -> None:
    assert all(float(getattr(found(), f.name)) == 0.0 for f in fields(Speeds))


# --- matrices


def test_weights_stream_from_memory() -> None:
    read = found({"weights": 0.5}, common_bytes=7.0, head_bytes=4.0, bandwidth=11.0)
    assert read.linear == pytest.approx(2.0)  # 11 bytes at half of 11 a second
    assert read.step == pytest.approx(2.0)


def test_experts_stream_as_far_as_they_are_touched() -> None:
    read = found({"experts": 0.25, "weights": 0.5}, routed_bytes=30.0, touched=0.7, bandwidth=3.0)
    assert read.linear == pytest.approx(30 * 0.7 / (3 * 0.5 * 0.25))


@pytest.mark.parametrize(
    ("switches", "factor"),
    [
        ({}, 1.0),
        ({"hopper": 1.0}, 1.0),
        ({"four_bit": 1.0, "hopper": 1.0}, 3.0),
        ({"four_bit": 1.0}, 5.0),
        ({"weight_only": 1.0}, 7.0),
        ({"weight_only": 1.0, "hopper": 1.0, "four_bit": 1.0}, 21.0),
    ],
)
def test_narrow_weights_change_the_reach(switches: dict[str, float], factor: float) -> None:
    constants = {"four_bit_hopper": 3.0, "four_bit_native": 5.0, "weight_only": 7.0}
    assert found(constants, common_bytes=210.0, **switches).linear == pytest.approx(210 / factor)
    assert found(constants, routed_bytes=210.0, touched=1.0, **switches).linear == pytest.approx(210 / factor)


def test_matrices_work_two_flop_a_weight_and_token() -> None:
    worked = found({"matrix": 0.5}, batch=3.0, active=70.0, peak=7.0, tp=2.0, dp=5.0)
    assert worked.linear == pytest.approx(2 * 3 * 70 / (10 * 7 * 0.5))
    assert found(batch=3.0, verified=4.0, active=5.0).linear == pytest.approx(2 * 12 * 5)


@pytest.mark.parametrize(("sharpness", "joined"), [(3.0, 5.0), (0.0, 7.0), (6.0, (27 + 64) ** (1 / 3)), (300.0, 4.0)])
def test_memory_and_arithmetic_overlap_as_far_as_the_sharpness_says(sharpness: float, joined: float) -> None:
    # 3 seconds of memory and 4 of arithmetic: a sum at 0, nearly a maximum at 300.
    assert found({"sharpness": sharpness}, common_bytes=3.0, active=2.0).linear == pytest.approx(joined)
    assert found({"sharpness": sharpness}, cache_read=3.0, core_flop=4.0).attention == pytest.approx(joined)


# --- attention


def test_the_cache_is_read_for_every_sequence_of_a_replica_of_attention() -> None:
    read = found(
        {"cache": 0.5, "cache_bytes": 1.25}, batch=12.0, dp=3.0, cache_read=8.0, state_bytes=5.0, bandwidth=3.0
    )
    assert read.attention == pytest.approx(4 * (10 + 5) / (3 * 0.5))
    wide = found({"cache": 0.5, "cache_bytes": 1.25}, batch=4.0, cache_read=8.0, state_bytes=5.0, wide_cache=1.0)
    assert wide.attention == pytest.approx(4 * (16 + 5) / 0.5)


def test_attention_works_at_the_bf16_peak() -> None:
    worked = found({"attention": 0.5}, batch=3.0, verified=4.0, core_flop=70.0, peak_bf16=7.0, tp=2.0, dp=5.0)
    assert worked.attention == pytest.approx(12 * 70 / (10 * 7 * 0.5))


# --- launches and host


@pytest.mark.parametrize(
    ("engine", "factor"),
    [
        ({"trtllm": 1.0}, 1.0),
        ({"trtllm": 0.0, "sglang": 1.0}, 3.0),
        ({"trtllm": 0.0, "vllm": 1.0}, 5.0),
        ({"trtllm": 1 / 3, "sglang": 1 / 3, "vllm": 1 / 3}, 3.0),
        ({"hopper": 1.0}, 7.0),
        ({"trtllm": 0.0, "sglang": 1.0, "hopper": 1.0}, 21.0),
    ],
)
def test_launches_cost_by_engine_and_generation(engine: dict[str, float], factor: float) -> None:
    constants = {"launch": 0.5, "launch_sglang": 3.0, "launch_vllm": 5.0, "launch_hopper": 7.0, "launch_expert": 11.0}
    launched = found(constants, kernels=13.0, expert_kernels=2.0, **engine)
    assert launched.launch == pytest.approx(0.5 * factor * (13 + 11 * 2))
    assert launched.step == pytest.approx(launched.launch)


def test_the_host_attends_to_each_sequence_of_its_replica() -> None:
    constants = {"host": 0.5, "host_sglang": 3.0}
    assert found(constants, batch=12.0, dp=3.0).launch == pytest.approx(2.0)
    assert found(constants, batch=12.0, dp=3.0, trtllm=0.0, sglang=1.0).launch == pytest.approx(6.0)


# --- between accelerators


def test_alone_there_is_nobody_to_exchange_with() -> None:
    assert found({"collective": 1.0}, layers=5.0, hidden_size=7.0, batch=3.0).exchange == 0.0


@pytest.mark.parametrize(("tp", "dp", "doublings"), [(2, 1, 1), (8, 1, 3), (2, 4, 3), (1, 2, 1), (1, 8, 3)])
def test_two_all_reduces_a_layer_grow_with_each_doubling(tp: int, dp: int, doublings: int) -> None:
    reduced = found({"collective": 0.5, "collective_growth": 0.25}, tp=float(tp), dp=float(dp), layers=5.0)
    assert reduced.exchange == pytest.approx(2 * 5 * 0.5 * (1 + 0.25 * doublings))
    assert reduced.step == pytest.approx(reduced.exchange)


def test_a_ring_moves_all_but_its_own_share_over_the_link() -> None:
    # Two all-reduces a layer, BF16 there and back, 3/4 of each over four accelerators.
    ring = found({"link": 0.5}, tp=4.0, layers=5.0, batch=3.0, verified=2.0, hidden_size=7.0, link=11.0)
    assert ring.exchange == pytest.approx(2 * 5 * 6 * 7 * 4 * 0.75 / (11 * 0.5))
    # Each replica of attention reduces its own tokens only.
    parted = found({"link": 0.5}, tp=4.0, dp=2.0, layers=5.0, batch=6.0, hidden_size=7.0, link=11.0)
    assert parted.exchange == pytest.approx(2 * 5 * 3 * 7 * 4 * 0.75 / (11 * 0.5))


def test_an_all_reduce_that_leaves_the_domain_crosses_the_network_and_takes_55_microseconds() -> None:
    narrow = found({"link": 0.5}, tp=8.0, layers=5.0, hidden_size=7.0, link=11.0, network=13.0)
    assert narrow.exchange == pytest.approx(2 * 5 * 7 * 4 * 7 / 8 / (11 * 0.5))
    wide = found({"link": 0.5}, tp=16.0, layers=5.0, hidden_size=7.0, link=11.0, network=13.0)
    assert wide.exchange == pytest.approx(2 * 5 * (55e-6 + 7 * 4 * 15 / 16 / 13), rel=1e-9)
    assert found(tp=16.0, layers=5.0).exchange == pytest.approx(550e-6)


def test_experts_exchange_three_bytes_a_value_over_the_link_within_a_domain() -> None:
    # FP8 there, BF16 back; tokens are spread over eight.
    routed = found(
        {"link": 0.5}, dp=8.0, mixture_layers=5.0, batch=24.0, verified=2.0, per_token=3.0, hidden_size=7.0, link=11.0
    )
    assert routed.exchange == pytest.approx(3 * 5 * 6 * 3 * 7 / (11 * 0.5))


def test_experts_exchange_over_the_network_beyond_it() -> None:
    routed = found(dp=8.0, tp=2.0, mixture_layers=5.0, batch=48.0, per_token=3.0, hidden_size=7.0, network=13.0)
    ring = found(dp=8.0, tp=2.0, batch=48.0, hidden_size=7.0, network=13.0)
    assert routed.exchange - ring.exchange == pytest.approx(3 * 5 * 3 * 3 * 7 / 13)


def test_without_replicas_of_attention_experts_exchange_nothing() -> None:
    assert found(tp=4.0, mixture_layers=5.0, batch=3.0, per_token=3.0).exchange == 0.0
    with_experts = found(tp=16.0, mixture_layers=5.0, batch=3.0, per_token=3.0, hidden_size=7.0)
    assert with_experts.exchange == found(tp=16.0, batch=3.0, hidden_size=7.0).exchange


def test_an_exchange_among_more_than_eight_takes_50_microseconds_a_layer_at_least() -> None:
    assert found(dp=8.0, mixture_layers=5.0).exchange == 0.0
    assert found(dp=9.0, mixture_layers=5.0).exchange == pytest.approx(250e-6)
    assert found(dp=9.0, mixture_layers=5.0, domain=72.0).exchange == pytest.approx(250e-6)
    assert found(dp=2.0, tp=8.0, mixture_layers=5.0).exchange - found(dp=2.0, tp=8.0).exchange == pytest.approx(250e-6)
    # What takes longer hides it.
    slow = found(dp=9.0, mixture_layers=5.0, batch=9.0, per_token=1.0, hidden_size=1.0)
    assert slow.exchange == pytest.approx(15.0)


# --- the step


def test_a_step_is_the_sum_of_its_parts() -> None:
    constants = {"host": 0.5, "collective": 0.25}
    step = found(constants, common_bytes=7.0, cache_read=11.0, kernels=13.0, tp=2.0)
    assert (step.linear, step.attention, step.launch, step.exchange) == pytest.approx((7.0, 11.0, 13.5, 0.5))
    assert step.step == pytest.approx(32.0)


def test_each_draft_runs_one_layer_more() -> None:
    # Three drafts over five layers: 3/5 of a step more.
    assert found(common_bytes=7.0, verified=4.0, layers=5.0).step == pytest.approx(7 * 1.6)
    assert found(common_bytes=7.0, verified=4.0, layers=5.0).linear == pytest.approx(7.0)


def test_a_step_that_yields_several_tokens_is_shared_among_them() -> None:
    assert found(common_bytes=7.0, yielded=2.0).tpot == pytest.approx(3.5)


# --- prompts


@pytest.mark.parametrize(
    ("switches", "factor"),
    [({}, 1.0), ({"hopper": 1.0}, 1.0), ({"four_bit": 1.0}, 1.5), ({"four_bit": 1.0, "hopper": 1.0}, 1.0)],
)
def test_a_prompt_works_two_flop_a_weight_and_token_and_its_attention(
    switches: dict[str, float], factor: float
) -> None:
    constants = {"prompt": 0.5, "prompt_four_bit": 1.5}
    layout = {"tp": 2.0, "dp": 5.0}
    work = found(constants, **layout, fresh_tokens=11.0, inner=70.0, peak=7.0, **switches)
    assert work.prompt == pytest.approx(2 * 11 * 70 / (7 * 10 * 0.5 * factor))
    core = found(constants, **layout, prompt_core=70.0, peak_bf16=7.0, **switches)
    assert core.prompt == pytest.approx(70 / (7 * 10 * 0.5 * factor))
    both = found(constants, fresh_tokens=11.0, inner=3.0, prompt_core=70.0)
    assert both.prompt == pytest.approx((66 + 70) / 0.5)


def test_a_prompts_all_reduces_move_its_fresh_tokens() -> None:
    near = found({"link": 0.5}, tp=8.0, layers=5.0, fresh_tokens=6.0, hidden_size=7.0, link=11.0, network=13.0)
    assert near.prompt == pytest.approx(2 * 5 * 6 * 7 * 4 * 7 / 8 / (11 * 0.5))
    far = found({"link": 0.5}, tp=16.0, layers=5.0, fresh_tokens=6.0, hidden_size=7.0, link=11.0, network=13.0)
    assert far.prompt == pytest.approx(2 * 5 * 6 * 7 * 4 * 15 / 16 / 13)


def test_a_prompts_tokens_go_to_a_node_once() -> None:
    # Four nodes; two experts a token meet 4·(1 - (3/4)²) = 1.75 of them.
    sent = found(dp=32.0, mixture_layers=5.0, fresh_tokens=64.0, hidden_size=7.0, per_token=2.0, network=13.0)
    assert sent.prompt == pytest.approx(3 * 5 * 2 * 7 * 1.75 / 13)
    # A domain and a quarter counts as 1.25 nodes: 1.25·(1 - (1/5)²) = 1.2 of them.
    sent = found(dp=10.0, mixture_layers=5.0, fresh_tokens=20.0, hidden_size=7.0, per_token=2.0, network=13.0)
    assert sent.prompt == pytest.approx(3 * 5 * 2 * 7 * 1.2 / 13)


def test_a_prompt_within_one_domain_or_without_replicas_sends_nothing_to_experts() -> None:
    inside = {"mixture_layers": 5.0, "fresh_tokens": 64.0, "hidden_size": 7.0, "per_token": 2.0}
    assert found(dp=8.0, **inside).prompt == 0.0
    assert found(dp=2.0, **inside).prompt == 0.0
    assert found(tp=16.0, **inside).prompt == found(tp=16.0, **{**inside, "mixture_layers": 0.0}).prompt


def test_alone_a_prompt_pays_its_launches() -> None:
    alone = found({"prompt_launch": 3.0}, kernels=5.0, fresh_tokens=7.0, inner=1.0)
    assert alone.prompt_in_batch == pytest.approx(14.0)
    assert alone.prompt == pytest.approx(14.0 + 15.0)


# --- what a user sees

PROMPT: dict[str, Any] = {"fresh_tokens": 7.0, "inner": 1.0}
"""14 seconds."""


def test_prompts_of_the_others_interfere_where_phases_share_a_replica() -> None:
    # Eleven others begin while this one writes its 4 tokens: 2.75 prompts a token.
    mixed = found(**PROMPT, common_bytes=3.0, aggregated=1.0, concurrency=12.0, output_tokens=4.0)
    assert mixed.interference == pytest.approx(11 / 4 * 14)
    assert mixed.tpot == pytest.approx(3.0 + 11 / 4 * 14)
    apart = found(**PROMPT, common_bytes=3.0, concurrency=12.0, output_tokens=4.0)
    assert (apart.interference, apart.tpot) == pytest.approx((0.0, 3.0))
    assert found(**PROMPT, aggregated=1.0, concurrency=0.5, output_tokens=4.0).interference == 0.0


def test_the_first_token_takes_a_prompt_and_a_step() -> None:
    assert found(**PROMPT, common_bytes=3.0).ttft == pytest.approx(17.0)
    # Constants that no row showed cost nothing: no queue, no fixed time, no engine's.
    assert found(**PROMPT, common_bytes=3.0, concurrency=12.0, trtllm=0.0, sglang=1.0).ttft == pytest.approx(17.0)


def test_the_first_token_by_each_constant() -> None:
    rest = {**PROMPT, "common_bytes": 3.0, "concurrency": 9.0}
    assert found({"first_prompt": 2.0}, **rest).ttft == pytest.approx(2 * 14 + 3)
    assert found({"first_steps": 5.0}, **rest).ttft == pytest.approx(14 + 5 * 3)
    assert found({"first_fixed": 0.7}, **rest).ttft == pytest.approx(17.7)
    # 14 · (1 + 0.1·9), and with the power of a half 14 · (1 + 0.1·3).
    assert found({"first_queue": 0.1}, **rest).ttft == pytest.approx(14 * 1.9 + 3)
    assert found({"first_queue": 0.1, "first_power": 0.5}, **rest).ttft == pytest.approx(14 * 1.3 + 3)
    assert found({"first_sglang": 3.0}, **rest, trtllm=0.0, sglang=1.0).ttft == pytest.approx(51.0)
    assert found({"first_sglang": 3.0}, **rest).ttft == pytest.approx(17.0)


def test_whoever_finds_no_memory_waits_for_whole_answers() -> None:
    waited = found({"first_sglang": 2.0}, **PROMPT, common_bytes=3.0, waiting=0.5, output_tokens=11.0, yielded=1.5)
    # 17 seconds, and half of 11 tokens of 2 seconds each.
    assert waited.ttft == pytest.approx(17.0 + 11.0)


def test_constants_and_speeds_stay_as_they_are() -> None:
    with pytest.raises(FrozenInstanceError):
        IDEAL.weights = 0.5  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        found().step = 0.5  # type: ignore[misc]
