"""What is asked of serving, checked: a network, an accelerator, a layout and a load."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from pathlib import Path

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.served import Served
from hydrometer.costs.serving import (
    USABLE_MEMORY,
    Chip,
    Deployment,
    Load,
    cache_bytes_per_sequence,
    most_concurrency,
    weight_bytes_per_accelerator,
)
from hydrometer.errors import InputError, printable
from hydrometer.instruments.training_cost.estimating.planning import machine_of, read_model
from hydrometer.records.prices import Contract
from hydrometer.records.reference import Accelerator
from hydrometer.store.serving import shipped_network, shipped_networks

ENGINES = ("trtllm", "sglang", "vllm")
_ENGINE_NAMES = {"tensorrtllm": "trtllm", "tensorrt": "trtllm", "trt": "trtllm"}
# Bounds what loops and powers must cope with; by hand, 2026-11-26.
_MOST = 10_000_000
_SCALES = {"fp4": 0.5 + 1 / 16, "int4": 0.5 + 1 / 32}
"""Bytes of a four-bit weight with its scales: one byte for 16 weights (NVFP4), two for 64 (common INT4)."""
# Generations whose launches the fit tells apart from Blackwell's; older ones are taken as Hopper.
_HOPPER = ("H100", "H200", "H800", "H20", "GH200", "A100", "V100")


@dataclass(frozen=True)
class ServingRequest:
    """What is asked. Tokens are of one request; `concurrency` is of one replica; `price` is USD of an hour.

    Attributes:
        accelerator: a name of the table.
        precision: of the weights, however it is spelt.
        tp: tensor parallel.
        dp: data-parallel attention.
        ep: expert-parallel groups; None is all tp·dp where attention is data-parallel, else 1.
        pp: pipeline stages.
        disaggregated: prompts are read by other accelerators.
        engine: `trtllm`, `sglang` or `vllm`; empty where it is not known.
        concurrency: sequences at once on one replica.
        input_tokens: of a prompt.
        output_tokens: of an answer.
        cache_hit: share of the prompt found in a cache.
        drafted: tokens that a draft proposes for each step.
        accepted: share of those that hold.
        cache_precision: of the KV cache; `auto` is FP8 with FP8 and FP4 weights, else BF16.
        price: USD of an accelerator-hour; the dated table's where absent.
        date: when it is paid.
        contract: how.
        utilisation: share of paid hours in which the load is there.
    """

    accelerator: str
    precision: str = "fp8"
    tp: int = 1
    dp: int = 1
    ep: int | None = None
    pp: int = 1
    disaggregated: bool = False
    engine: str = ""
    concurrency: float = 16
    input_tokens: float = 1024
    output_tokens: float = 1024
    cache_hit: float = 0.0
    drafted: int = 0
    accepted: float = 0.0
    cache_precision: str = "auto"
    price: float | None = None
    date: dt.date | None = None
    contract: Contract = "1_year"
    utilisation: float = 1.0


@dataclass(frozen=True)
class Asked:
    """A question that can be answered."""

    name: str
    net: Served
    accelerator: Accelerator
    chip: Chip
    way: Deployment
    load: Load
    most: float
    """Sequences that fit into one replica."""
    guessed: bool = False
    """Is the network guessed from headline figures?"""


def find_engine(name: str) -> str:
    """Returns `trtllm`, `sglang` or `vllm`, however it is spelt; empty for an empty name.

    Raises:
        InputError: for one that is not known.
    """
    key = "".join(c for c in name.lower() if c.isalnum())
    found = _ENGINE_NAMES.get(key, key)
    if found and found not in ENGINES:
        raise InputError(f"unknown engine '{name[:40]}'", cure=f"give one of {', '.join(ENGINES)}", where="--engine")
    return found


def find_precision(name: str, *, where: str = "--precision") -> tuple[str, float, float]:
    """Returns `bf16`, `fp8`, `fp4` or `int4`, bytes of a weight and of a cached number (`NVFP4` is known).

    Raises:
        InputError: for one that is not known.
    """
    key = "".join(c for c in name.lower() if c.isalnum())
    if any(word in key for word in ("w4a16", "int4", "awq", "gptq", "w4afp8")):
        return "int4", _SCALES["int4"], 2.0
    if any(word in key for word in ("fp4", "e2m1")):
        return "fp4", _SCALES["fp4"], 1.0
    if any(word in key for word in ("fp8", "float8", "e4m3", "w8a8", "int8")):
        return "fp8", 1.0, 1.0
    if any(word in key for word in ("bf16", "fp16", "bfloat16", "float16", "half")):
        return "bf16", 2.0, 2.0
    raise InputError(f"unknown precision '{name[:40]}'", cure="give bf16, fp8, fp4 or int4", where=where)


def chip_of(accelerator: Accelerator, precision: str) -> Chip:
    """Returns an accelerator as the formula takes it.

    Raises:
        InputError: for one whose memory and links are not in the table.
    """
    machine, memory = machine_of(accelerator)
    # A chip without units for a format computes in BF16 and still gains from narrow weights.
    peaks = {"fp8": accelerator.fp8_flop_per_second, "fp4": accelerator.fp4_flop_per_second}
    return Chip(
        peak=peaks.get(precision) or accelerator.bf16_flop_per_second,
        peak_bf16=accelerator.bf16_flop_per_second,
        bandwidth=machine.memory_bandwidth,
        # Vendors' GB of memory are GiB: a B200 of "180 GB" holds 193e9 bytes.
        # As CUDA reports it for such boards; an H100 of "80 GB" holds 85.9e9.
        memory=memory / 1e9 * 2**30,
        link=machine.link_bandwidth,
        network=machine.network_bandwidth,
        domain=machine.domain,
        hopper=accelerator.name.startswith(_HOPPER),
    )


def find_network(model: Path, *, where: str = "--model") -> tuple[str, Architecture]:
    """Returns name and network of a dossier, a config.json, a checkpoint's folder, or a shipped model's name.

    Args:
        model: path or name.
        where: the option that gives it.

    Raises:
        InputError: if it is none of them.
    """
    found = None if model.exists() or model.suffix in {".toml", ".json"} else shipped_network(str(model))
    if found is not None:
        return found
    if not model.exists() and model.suffix not in {".toml", ".json"}:
        known = ", ".join(shipped_networks())
        raise InputError(
            f"no file and no shipped model is called '{printable(model, limit=60)}'",
            cure=f"give a config.json, a dossier, or one of: {known}",
            where=where,
        )
    return read_model(model)


def check(request: ServingRequest) -> None:
    """Refuses numbers out of range, and a price without a date.

    Raises:
        InputError: naming the option.
    """
    for name, option in (("tp", "--tp"), ("dp", "--dp"), ("pp", "--pp"), ("concurrency", "--concurrency"),
                         ("input_tokens", "--input"), ("output_tokens", "--output")):  # fmt: skip
        value = getattr(request, name)
        if not (math.isfinite(value) and 1 <= value <= _MOST):
            raise InputError(f"{value:g} is out of range", cure=f"give 1 to {_MOST:,}", where=option)
    for name, option in (("cache_hit", "--cache-hit"), ("accepted", "--accepted")):
        value = getattr(request, name)
        if not 0 <= value <= 1:
            raise InputError(f"{value:g} is not a share", cure="give 0 to 1", where=option)
    if not 0 <= request.drafted <= 64:
        raise InputError(f"{request.drafted} drafted tokens", cure="give 0 to 64", where="--draft-tokens")
    if request.accepted and not request.drafted:
        raise InputError("--accepted without a draft", cure="add --draft-tokens N", where="--accepted")
    if not 0 < request.utilisation <= 1:
        raise InputError(f"{request.utilisation:g} is not a share", cure="give more than 0, up to 1",
                         where="--utilisation")  # fmt: skip
    if request.price is not None and not (math.isfinite(request.price) and 0 < request.price < _MOST):
        raise InputError(f"{request.price} is not a price", cure="give US dollars of an hour", where="--price")
    if request.price is not None and request.date is None:
        raise InputError("a price without a date", cure="add --date YYYY-MM-DD", where="--price")


def deployment(net: Served, request: ServingRequest) -> Deployment:
    """Returns the layout that is asked for, checked against the network.

    Raises:
        InputError: for a layout that cannot be, naming the nearest that can.
    """
    precision, weight_bytes, cache_bytes = find_precision(request.precision)
    if request.cache_precision != "auto":
        kept = find_precision(request.cache_precision, where="--kv-cache")[0]
        if kept not in {"bf16", "fp8"}:
            raise InputError(f"a cache in {kept}", cure="give bf16, fp8 or auto", where="--kv-cache")
        cache_bytes = 2.0 if kept == "bf16" else 1.0
    if net.heads % request.tp:
        near = _nearest_divisor(net.heads, request.tp)
        raise InputError(
            f"{net.heads} heads do not divide by tp {request.tp}", cure=f"the nearest is --tp {near}", where="--tp"
        )
    across = request.tp * request.dp
    ep = request.ep if request.ep is not None else (across if net.routed and request.dp > 1 else 1)
    if ep < 1 or across % ep or ep > net.n_experts:
        possible = [n for n in range(1, min(across, net.n_experts) + 1) if across % n == 0]
        near = min(possible, key=lambda n: (abs(n - ep), n))
        divides = ep >= 1 and across % ep == 0
        why = f"{net.n_experts} experts do not make" if divides else f"tp x dp = {across} does not divide into"
        raise InputError(f"{why} {ep} groups", cure=f"the nearest is --ep {near}", where="--ep")
    if request.pp > net.layers:
        raise InputError(
            f"{net.layers} layers do not make {request.pp} stages", cure=f"the nearest is --pp {net.layers}",
            where="--pp",
        )  # fmt: skip
    return Deployment(request.tp, request.dp, ep, request.pp, request.disaggregated, weight_bytes, cache_bytes,
                      precision, find_engine(request.engine))  # fmt: skip


def _nearest_divisor(whole: int, asked: int) -> int:
    return min((n for n in range(1, whole + 1) if whole % n == 0), key=lambda n: (abs(n - asked), n))


def check_memory(net: Served, chip: Chip, way: Deployment, load: Load) -> float:
    """Returns how many sequences fit into one replica.

    Raises:
        InputError: where weights, or not even one sequence, do not fit, saying by how much.
    """
    need, have = weight_bytes_per_accelerator(net, way), chip.memory * USABLE_MEMORY
    if need > have:
        raise InputError(
            f"weights of {need / 1e9:.1f} GB an accelerator do not fit into {have / 1e9:.1f} GB: "
            f"{(need - have) / 1e9:.1f} GB too much",
            cure=_larger(net, way, have),
            where="--tp",
        )
    most = most_concurrency(net, chip, way, load.input_tokens + load.output_tokens)
    if most < 1:
        over = cache_bytes_per_sequence(net, way, load.input_tokens + load.output_tokens) - (have - need)
        raise InputError(
            f"the cache of one sequence of {load.input_tokens + load.output_tokens:,.0f} tokens does not fit "
            f"beside the weights: {over / 1e9:.1f} GB too much an accelerator",
            cure="use shorter requests, more or larger accelerators, or fewer bits",
            where="--concurrency",
        )
    return most


def _larger(net: Served, way: Deployment, have: float) -> str:
    # The nearest layout: more tensor parallelism first, then more data parallelism where only experts are in the way.
    # 64 and 512 times: by hand, 2026-11-26, where a search for the nearest layout gives up.
    for tp in (n for n in range(way.tp, net.heads + 1) if net.heads % n == 0 and n <= 64):
        if weight_bytes_per_accelerator(net, replace(way, tp=tp)) <= have:
            return f"the nearest that fits is --tp {tp}"
    for dp in (way.dp * 2**i for i in range(1, 10)):
        if weight_bytes_per_accelerator(net, replace(way, dp=dp)) <= have:
            return f"the nearest that fits is --dp {dp}"
    return "use larger accelerators, fewer bits, or --pp"
