"""The time of a decoding step and of a prompt, from the terms of `costs.serving` and the fitted constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hydrometer.costs.serving import CROSSING_SECONDS, EXCHANGE_SECONDS, ROUTED_BYTES, Terms


@dataclass(frozen=True)
class Constants:
    """What bench/fit_serving.py fits: shares of what the hardware could do, seconds, and ratios. All are positive.

    Attributes:
        weights: share of the memory bandwidth that weights reach.
        four_bit_hopper: what four-bit weights do to that on Hopper, which has no units for them.
        four_bit_native: what they do to it where there are units.
        weight_only: what narrow weights under BF16 arithmetic do to it.
        experts: what weights of experts reach, over the others.
        cache: share of the memory bandwidth that the cache reaches.
        matrix: share of the peak of matrices in a step.
        attention: share of the BF16 peak of attention in a step.
        launch: seconds of a kernel on Blackwell with TensorRT-LLM.
        launch_sglang: SGLang's over that.
        launch_vllm: vLLM's over that.
        launch_hopper: Hopper's over Blackwell's.
        launch_expert: a kernel of experts over another.
        collective: seconds of an all-reduce of nothing.
        collective_growth: what each doubling of accelerators adds to that.
        link: share of the link's bandwidth that an all-reduce reaches.
        prompt: share of the peak that reading a prompt reaches.
        prompt_four_bit: what four-bit arithmetic does to that.
        prompt_launch: launches of a prompt over those of a step.
        sharpness: exponent of the norm that joins memory and arithmetic; large is a plain maximum.
        cache_bytes: bytes of a number in a cache that is not BF16.
        host: seconds of the host for one sequence in a step.
        host_sglang: SGLang's over that.
        first_prompt: time to the first token in prompts of a replica that is otherwise idle.
        first_queue: what concurrency adds to that, times its power below.
        first_power: that power.
        first_steps: time to the first token in steps.
        first_fixed: fixed seconds of it.
        first_sglang: SGLang's over the others'.
    """

    weights: float
    four_bit_hopper: float
    four_bit_native: float
    weight_only: float
    experts: float
    cache: float
    matrix: float
    attention: float
    launch: float
    launch_sglang: float
    launch_vllm: float
    launch_hopper: float
    launch_expert: float
    collective: float
    collective_growth: float
    link: float
    prompt: float
    prompt_four_bit: float
    prompt_launch: float
    sharpness: float
    cache_bytes: float
    host: float
    host_sglang: float
    first_prompt: float = 1.0
    first_queue: float = 0.0
    first_power: float = 1.0
    first_steps: float = 1.0
    first_fixed: float = 0.0
    first_sglang: float = 1.0


@dataclass(frozen=True)
class Speeds:
    """Seconds of one replica: numbers, or arrays of shape (R,).

    Attributes:
        step: a decoding step without prompts in between.
        tpot: time of an output token as a user sees it.
        ttft: time to the first token.
        prompt: one prompt with the replica to itself.
        prompt_in_batch: one prompt among so many that launches do not count.
        linear: of the step: matrices.
        attention: of the step: attention and recurrences.
        launch: of the step: launches and host.
        exchange: of the step: all-reduce and all-to-all.
        interference: of `tpot`: prompts read in between.
    """

    step: Any
    tpot: Any
    ttft: Any
    prompt: Any
    prompt_in_batch: Any
    linear: Any
    attention: Any
    launch: Any
    exchange: Any
    interference: Any


def _joined(memory: Any, arithmetic: Any, sharpness: float) -> Any:
    # Exponent 2 at the prior's 3, above 1 for any positive constant: a form by hand, 2026-11-26, so that it cannot fall
    # below a plain sum.
    n = 1.0 + sharpness / 3.0
    return (memory**n + arithmetic**n) ** (1.0 / n)


def _exchange(t: Terms, c: Constants, tokens: Any) -> Any:
    """All-reduces of tensor parallelism, and all-to-alls of experts where attention is data-parallel."""
    across = t.tp * t.dp
    many = across > 1
    wide = t.tp > t.domain
    each = c.collective * (1.0 + c.collective_growth * np.log2(np.maximum(across, 2.0))) + CROSSING_SECONDS * wide
    # 4: two bytes of BF16, which a ring sends twice (reduce, then gather).
    moved = 2.0 * t.layers * (tokens / t.dp) * t.hidden_size * 4.0 * (t.tp - 1.0) / t.tp
    reduced = moved / np.where(wide, t.network, t.link * c.link)
    routed = ROUTED_BYTES * t.mixture_layers * tokens / across * t.per_token * t.hidden_size * (t.dp > 1)
    sent = routed / np.where(across > t.domain, t.network, t.link * c.link)
    # Eight accelerators are one HGX server; the bound was set by eye together with the floor.
    floor = EXCHANGE_SECONDS * t.mixture_layers * (across > 8.0) * (t.dp > 1)
    return many * (2.0 * t.layers * each + reduced) + np.maximum(sent, floor)


def _prompt(t: Terms, c: Constants) -> Any:
    """One prompt with a stage to itself, launches left out."""
    across = t.tp * t.dp
    # Tried: a factor on all of Blackwell; fits, but costs accuracy (11.4 instead of 10.9 %). On four-bit arithmetic
    # alone it costs none. See docs/log.md.
    share = across * c.prompt * c.prompt_four_bit ** (t.four_bit * (1.0 - t.hopper))
    work = 2.0 * t.fresh_tokens * t.inner / (t.peak * share) + t.prompt_core / (t.peak_bf16 * share)
    # As in `_exchange`: two bytes, sent twice.
    moved = 2.0 * t.layers * t.fresh_tokens * t.hidden_size * 4.0 * (t.tp - 1.0) / t.tp
    reduced = moved / np.where(t.tp > t.domain, t.network, t.link * c.link)
    # A token goes to a node once, whatever the number of its experts there.
    nodes = np.maximum(across / t.domain, 1.0)
    reached = nodes * (1.0 - (1.0 - 1.0 / nodes) ** t.per_token)
    routed = ROUTED_BYTES * t.mixture_layers * t.fresh_tokens / across * t.hidden_size * reached
    sent = np.where((across > t.domain) & (t.dp > 1), routed / t.network, 0.0)
    return work + reduced + sent


def speeds(t: Terms, c: Constants) -> Speeds:
    """Returns the times of one replica.

    Args:
        t: numbers, or arrays of shape (R,).
        c: the fitted constants.
    """
    across = t.tp * t.dp
    tokens = t.batch * t.verified
    share = (
        c.weights * c.four_bit_hopper ** (t.four_bit * t.hopper) * c.four_bit_native ** (t.four_bit * (1.0 - t.hopper))
    )
    reach = t.bandwidth * share * c.weight_only**t.weight_only
    moved = (t.common_bytes + t.head_bytes) / reach + t.routed_bytes * t.touched / (reach * c.experts)
    # Tried: one roofline for the whole step; wide expert parallelism is then 21 to 31 % off instead of 6 to 18. See
    # docs/log.md.
    linear = _joined(moved, 2.0 * tokens * t.active / (across * t.peak * c.matrix), c.sharpness)
    # Published rows do not say whether their cache is BF16 or FP8: the fitted width is a mixture of both.
    width = np.where(t.wide_cache > 0, 2.0, c.cache_bytes)
    read = t.batch / t.dp * (t.cache_read * width + t.state_bytes) / (t.bandwidth * c.cache)
    attention = _joined(read, tokens * t.core_flop / (across * t.peak_bf16 * c.attention), c.sharpness)
    # Tried: engine factors on cache, prompts and arithmetic, a trend in time, one for expert parallelism; no gain alone
    # (11.2 to 12.0 %, 11.2 without), worse together (13.1 %). See docs/log.md.
    engine = t.trtllm + c.launch_sglang * t.sglang + c.launch_vllm * t.vllm
    launches = c.launch * engine * c.launch_hopper**t.hopper * (t.kernels + c.launch_expert * t.expert_kernels)
    # Tried without: 11.2 instead of 10.9 %. See docs/log.md.
    host = t.batch / t.dp * c.host * c.host_sglang**t.sglang
    exchange = _exchange(t, c, tokens)
    # A draft module is a layer of its own, run once for each token that it proposes.
    draft = (t.verified - 1.0) / t.layers
    step = (linear + attention + launches + host + exchange) * (1.0 + draft)
    in_batch = _prompt(t, c)
    prompt = in_batch + launches * c.prompt_launch
    between = t.aggregated * np.maximum(t.concurrency - 1.0, 0.0) / t.output_tokens * prompt
    # Tried: utilisation (46 %), a queue (43 %); this form with SGLang apart has 34 % median error. See docs/log.md.
    queue = 1.0 + c.first_queue * t.concurrency**c.first_power
    tpot = step / t.yielded + between
    # Whoever finds no memory waits until those before it have their whole answers.
    served = c.first_prompt * prompt * queue + c.first_steps * step + c.first_fixed
    first = served * c.first_sglang**t.sglang + t.waiting * t.output_tokens * tpot
    return Speeds(step, tpot, first, prompt, in_batch, linear, attention, launches + host, exchange, between)
