"""From a network, tokens and hardware to FLOP, accelerator-hours and dollars, each with an interval."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.flop import (
    FLOP_PER_PARAMETER_AND_TOKEN,
    FORWARD_PASSES_OF_TRAINING,
    forward_flop_per_token,
    training_flop_per_token,
)
from hydrometer.costs.utilisation import Array, Prediction, RunShape
from hydrometer.errors import InputError, printable
from hydrometer.instruments.training_cost.compute import build_architecture
from hydrometer.instruments.training_cost.pricing import contract_type, usd_for
from hydrometer.records.estimates import CostEstimate, FlopOfToken, ParameterQuantiles, Quantiles
from hydrometer.records.prices import Contract, PriceQuote, Tier
from hydrometer.records.reference import Accelerator
from hydrometer.store.configs import read_config
from hydrometer.store.dossiers import read_dossier
from hydrometer.store.prices import find_contract, read_price_file
from hydrometer.store.reference import find_accelerator
from hydrometer.store.utilisation import ShippedUtilisation, hours_operating_point, shipped_utilisation

PhaseKind = Literal["pretraining", "context_extension", "sft", "rl"]
PHASES: tuple[PhaseKind, ...] = ("pretraining", "context_extension", "sft", "rl")
FITTED_LENGTH = 4096
"""Published runs' utilisation is 6·N·D over hours at about this length; attention beyond it is counted on top."""
GENERATION_UTILISATION = (0.010, 0.8)
"""Median and log-spread of utilisation while reinforcement learning generates; from one run (DeepSeek-R1-Zero)."""
_RL_TRAINING_PASSES = 4.0
"""One forward pass of the reference model beside the three of training."""
_MOST_TOKENS, _MOST_PARAMETERS, _MOST_ACCELERATORS = 1e16, 1e15, 10**7
_DRAWS = 20_000
_SECONDS_PER_HOUR = 3600.0
_HARDWARE = {"A100/A800": "ampere", "H100/H800/H200": "hopper", "H100 PCIe": "hopper", "H20": "hopper"}


def generation_of(chip: Accelerator) -> str:
    """Returns the generation of hardware, as the utilisation model knows it."""
    if chip.hardware in _HARDWARE:
        return _HARDWARE[chip.hardware]
    if chip.hardware.startswith(("B200", "GB200", "B300", "GB300")):
        return "blackwell"
    return "tpu" if chip.hardware.startswith("TPU") else chip.hardware


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network to train: its shape, or only its headline figures.

    Attributes:
        name: for people.
        total_parameters: stored weights.
        active_parameters: weights that a token passes through.
        mixture: a mixture of experts.
        architecture: the shape, where it is known.
    """

    name: str
    total_parameters: float
    active_parameters: float
    mixture: bool
    architecture: Architecture | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a network is to be trained.

    Attributes:
        tokens: of the phase; of reinforcement learning: tokens that are generated.
        accelerator: a name of the table.
        n_accelerators: how many work at once.
        precision: of the matrix multiplications, as `bf16` or `fp8`.
        sequence_length: tokens in a training sequence.
        document_length: where packed documents do not see each other: ΣL²/ΣL of their lengths.
        phase: kind of training.
        contract: how hours are paid.
        tier: kind of seller.
        date: when the hours are paid.
        own_quotes: prices that override the table's.
    """

    tokens: float
    accelerator: str
    n_accelerators: int | None = None
    precision: str | None = None
    sequence_length: int = FITTED_LENGTH
    document_length: int | None = None
    phase: PhaseKind = "pretraining"
    contract: Contract = "1_year"
    tier: Tier = "neocloud"
    date: dt.date = field(default_factory=dt.date.today)
    own_quotes: Sequence[PriceQuote] = ()


def network_from_file(path: Path) -> Network:
    """Returns the network of a `config.json`, of a checkpoint's folder, or of a dossier (`.toml`).

    Raises:
        InputError: if the file cannot be used, or the dossier states neither shape nor size.
    """
    if path.suffix != ".toml":
        architecture = read_config(path)
        name = path.resolve().parent.name if path.name == "config.json" else path.stem
        return network_of(architecture, name=name)
    dossier = read_dossier(path).dossier
    if dossier.architecture is None:
        raise InputError(
            "the dossier states no architecture",
            cure="add [architecture], or give --total-params, --active-params and --architecture",
            where=str(path),
        )
    return network_of(build_architecture(dossier.architecture), name=dossier.model.name)


def network_from_options(path: Path | None, *, total: float | None, active: float | None, architecture: str) -> Network:
    """Returns the network of a file, or of headline figures where there is no file.

    Raises:
        InputError: if there is neither, or both.
    """
    if path is not None:
        if total is not None or active is not None:
            raise InputError("--model gives the size already", cure="leave --total-params and --active-params out")
        return network_from_file(path)
    if total is None:
        raise InputError("no network is given", cure="give --model CONFIG_OR_DOSSIER or --total-params N")
    return network_from_headline(total_parameters=total, active_parameters=active, architecture=architecture)


def plan_from_options(
    *, phase: str, contract: str, tier: str, date: dt.date | None, prices: Path | None, **numbers: Any
) -> Plan:
    """Returns a plan with checked names.

    Args:
        phase: one of `PHASES`.
        contract: spelling is forgiven.
        tier: kind of seller.
        date: today where absent.
        prices: a file of own prices.
        **numbers: the rest of `Plan`.

    Raises:
        InputError: naming the option.
    """
    kind = next((known for known in PHASES if known == re.sub(r"[^a-z]+", "_", phase.lower())), None)
    seller = next((known for known in get_args(Tier) if known == tier.lower()), None)
    if kind is None:
        raise InputError(f"no phase is called '{printable(phase, limit=40)}'", cure=f"give {', '.join(PHASES)}")
    if seller is None:
        raise InputError(f"no tier is called '{printable(tier, limit=40)}'", cure=f"give {', '.join(get_args(Tier))}")
    return Plan(
        phase=kind,
        contract=contract_type(find_contract(contract, where="--contract")),
        tier=seller,
        date=date or dt.date.today(),
        own_quotes=() if prices is None else read_price_file(prices),
        **numbers,
    )


def network_of(architecture: Architecture, *, name: str) -> Network:
    """Returns the network of a known shape."""
    return Network(
        name=name,
        total_parameters=architecture.total_parameters(),
        active_parameters=architecture.active_parameters()["with_both_embeddings"],
        mixture=architecture.is_mixture,
        architecture=architecture,
    )


def network_from_headline(
    *, total_parameters: float, active_parameters: float | None = None, architecture: str = "dense", name: str = ""
) -> Network:
    """Returns the network of which only headline figures are known.

    Args:
        total_parameters: stored weights.
        active_parameters: weights that a token passes through; all where absent.
        architecture: kind, as `dense`, `dense_gqa`, `moe` or `moe_mla`; spelling is forgiven.
        name: for people.

    Raises:
        InputError: for impossible figures or an unknown kind.
    """
    key = re.sub(r"[^a-z]+", "_", architecture.lower()).strip("_")
    mixture = bool({"moe", "mixture", "sparse"} & set(key.split("_"))) or "mixture_of_experts" in key
    if not mixture and not key.startswith(("dense", "transformer", "gqa", "mha", "mla", "hybrid", "mamba", "linear")):
        raise InputError(
            f"no kind of architecture is called '{printable(architecture, limit=40)}'",
            cure="give dense, dense_gqa, moe, moe_mla or moe_linear",
            where="--architecture",
        )
    total = _checked("--total-params", total_parameters, most=_MOST_PARAMETERS)
    active = total if active_parameters is None else _checked("--active-params", active_parameters, most=total)
    if not mixture and active < 0.5 * total:
        raise InputError(
            "a dense network uses all of its weights for every token",
            cure="give --architecture moe, or leave --active-params out",
            where="--active-params",
        )
    label = name or f"{total / 1e9:.3g}B {'mixture' if mixture else 'dense'}"
    return Network(name=label, total_parameters=total, active_parameters=active, mixture=mixture)


def _checked(where: str, value: float, *, most: float, least: float = 1.0) -> float:
    if not math.isfinite(value) or not least <= value <= most:
        raise InputError(f"{value:g} is not possible", cure=f"give a number from {least:g} to {most:g}", where=where)
    return float(value)


def _bits(precision: str | None) -> tuple[str, bool]:
    """Returns the precision as understood, and whether it has fewer than 16 bits."""
    key = re.sub(r"[^a-z0-9]", "", (precision or "bf16").lower())
    if any(mark in key for mark in ("fp8", "float8", "e4m3", "fp4", "float4")):
        return key, True
    if any(mark in key for mark in ("bf16", "fp16", "float16", "half", "tf32", "fp32", "float32", "mixed", "amp")):
        return key, False
    raise InputError(
        f"no precision is called '{printable(precision, limit=40)}'",
        cure="give bf16, fp16, fp8 or fp4",
        where="--precision",
    )


def estimate(network: Network, plan: Plan, *, rng: np.random.Generator) -> CostEstimate:
    """Returns what a training takes.

    Args:
        network: what is trained.
        plan: how.
        rng: source of the draws.

    Raises:
        InputError: for impossible figures, or names that no table knows.
    """
    _checked("--tokens", plan.tokens, most=_MOST_TOKENS)
    _checked("--sequence-length", plan.sequence_length, most=10**8)
    if plan.n_accelerators is not None:
        _checked("--n-accelerators", plan.n_accelerators, most=_MOST_ACCELERATORS)
    chip = find_accelerator(plan.accelerator, where="--accelerator")
    precision, low_precision = _bits(plan.precision)
    shape = RunShape(
        active_parameters=network.active_parameters,
        mixture=network.mixture,
        generation=generation_of(chip),
        low_precision=low_precision,
        a100_40gb=chip.name == "A100-SXM-40GB",
    )
    model = shipped_utilisation()
    prediction, steady = model.predict(shape)
    hours_D = _hours(network, plan, chip, prediction, rng=rng)
    hours = _quantiles(hours_D)
    priced = usd_for(
        hours_D, plan.accelerator, plan.date, plan.contract, tier=plan.tier, own_quotes=plan.own_quotes, rng=rng
    )
    per_day = 24.0 * plan.n_accelerators if plan.n_accelerators is not None else None
    mfu = prediction.quantile([0.1, 0.5, 0.9])
    return CostEstimate(
        subject=network.name,
        phase=plan.phase,
        tokens=float(plan.tokens),
        accelerator=chip.name,
        n_accelerators=plan.n_accelerators,
        precision=precision,
        parameters=_parameters(network),
        flop_per_token=_flop_of_token(network, plan),
        kv_bytes_per_token=network.architecture.cache_bytes_per_token() if network.architecture else None,
        training_flop=_training_flop(network, plan, model),
        utilisation=Quantiles(p10=float(mfu[0]), p50=float(mfu[1]), p90=float(mfu[2])),
        steady_utilisation=steady,
        accelerator_hours=hours,
        days=None if per_day is None else _quantiles(hours_D / per_day),
        usd=Quantiles(p10=priced.p10, p50=priced.p50, p90=priced.p90),
        contract=plan.contract,
        tier=plan.tier,
        price_date=plan.date,
        price=priced.price,
        informed_by=model.informing(prediction),
        operating_point=hours_operating_point(),
        method=f"utilisation of {len(model.labels)} whole runs over steady benchmarks, fitted {model.date}",
        warnings=(*_warnings(network, plan, shape, model, low_precision), *priced.price.warnings),
    )


def _quantiles(draws: Array) -> Quantiles:
    low, middle, high = (float(v) for v in np.quantile(draws, (0.1, 0.5, 0.9)))
    return Quantiles(p10=low, p50=middle, p90=high)


def _core_length(plan: Plan) -> float:
    return float(min(plan.document_length or plan.sequence_length, plan.sequence_length))


def _charged_flop(network: Network, plan: Plan) -> float:
    """Returns the FLOP to which the fitted utilisation applies: 6·N·D, and attention beyond the fitted length."""
    flop = FLOP_PER_PARAMETER_AND_TOKEN * network.active_parameters
    length = _core_length(plan)
    if network.architecture is not None and length > FITTED_LENGTH:
        far, near = (
            forward_flop_per_token(network.architecture, sequence_length=s) for s in (length, float(FITTED_LENGTH))
        )
        flop += FORWARD_PASSES_OF_TRAINING * (far - near)
    return flop * plan.tokens


def _hours(
    network: Network, plan: Plan, chip: Accelerator, prediction: Prediction, *, rng: np.random.Generator
) -> Array:
    """Returns draws of accelerator-hours."""
    peak = chip.bf16_flop_per_second * _SECONDS_PER_HOUR
    training: Array = _charged_flop(network, plan) / (peak * prediction.draws(_DRAWS, rng=rng))
    if plan.phase != "rl":
        return training
    # Each token is generated one by one, at a low utilisation, before it is trained on.
    median, spread = GENERATION_UTILISATION
    generation = 2.0 * network.active_parameters * plan.tokens / (peak * median)
    generated: Array = generation * np.exp(spread * rng.standard_normal(_DRAWS))
    return training * (_RL_TRAINING_PASSES / FORWARD_PASSES_OF_TRAINING) + generated


def _parameters(network: Network) -> ParameterQuantiles:
    if network.architecture is None:
        active = {"as_given": Quantiles.exact(network.active_parameters)}
    else:
        active = {name: Quantiles.exact(n) for name, n in network.architecture.active_parameters().items()}
    return ParameterQuantiles(total=Quantiles.exact(network.total_parameters), active=active)


def _flop_of_token(network: Network, plan: Plan) -> FlopOfToken | None:
    if network.architecture is None:
        return None
    length, shape = _core_length(plan), network.architecture
    return FlopOfToken(
        sequence_length=plan.sequence_length,
        forward=forward_flop_per_token(shape, sequence_length=length),
        training_causal=training_flop_per_token(shape, sequence_length=length),
        training_full=training_flop_per_token(shape, sequence_length=length, causal=False),
        training_causal_with_recompute=training_flop_per_token(shape, sequence_length=length, recompute=True),
    )


def _training_flop(network: Network, plan: Plan, model: ShippedUtilisation) -> Quantiles:
    if network.architecture is not None:
        each = training_flop_per_token(network.architecture, sequence_length=_core_length(plan))
        return Quantiles.exact(each * plan.tokens)
    short = FLOP_PER_PARAMETER_AND_TOKEN * network.active_parameters * plan.tokens
    low, middle, high = (short * ratio for ratio in model.flop_over_short_form)
    return Quantiles(p10=low, p50=middle, p90=high)


def _warnings(
    network: Network, plan: Plan, shape: RunShape, model: ShippedUtilisation, low_precision: bool
) -> list[str]:
    """Returns where the estimate goes beyond what was seen."""
    chips = [find_accelerator(label["accelerator"]) for label in model.labels]
    same = sum(generation_of(chip) == shape.generation for chip in chips)
    found = []
    if same == 0:
        found.append(f"extrapolates: no run on {shape.generation} hardware informs it; taken as average hardware")
    elif same < 3:
        found.append(f"extrapolates: only {same} published run{'s' if same > 1 else ''} on {shape.generation} hardware")
    if low_precision and shape.generation not in {"hopper", "blackwell"}:
        found.append(f"extrapolates: no run or benchmark below 16 bits on {shape.generation} hardware")
    if not 7e7 <= network.active_parameters <= 6e11:
        found.append("extrapolates: no run of such a size informs it (0.07B to 540B active parameters)")
    if plan.n_accelerators is not None and plan.n_accelerators > 16_384:
        found.append("extrapolates: no run on more than 16,384 accelerators informs it")
    if network.architecture is None and plan.sequence_length > 2 * FITTED_LENGTH:
        found.append("attention at this length is not counted: give --model CONFIG; hours are underestimated")
    if plan.phase == "rl":
        found.append("reinforcement learning: the cost of generating is known from one run only (DeepSeek-R1-Zero)")
    elif plan.phase == "sft":
        found.append("fine-tuning: short runs lose more to start-up, checkpoints and padding; none was used to fit")
    if plan.precision is None:
        found.append("no precision was given: taken as bf16")
    return found
