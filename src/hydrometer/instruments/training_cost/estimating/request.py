"""What an estimate is asked for: a network and a plan, from files, options and headline figures, checked."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from hydrometer.costs.architecture import Architecture
from hydrometer.errors import InputError, printable
from hydrometer.instruments.training_cost.estimating.pricing import contract_type
from hydrometer.instruments.training_cost.networks import build_architecture
from hydrometer.records.prices import Contract, PriceQuote, Tier
from hydrometer.store.configs import read_config
from hydrometer.store.dossiers import read_dossier
from hydrometer.store.prices import find_contract, read_price_file

PhaseKind = Literal["pretraining", "context_extension", "sft", "rl", "distillation"]
PHASES: tuple[PhaseKind, ...] = get_args(PhaseKind)
GENERATING: tuple[PhaseKind, ...] = ("rl", "distillation")
"""Phases whose tokens the network writes itself."""
# Most of the 40 fitted runs trained at 2,048 to 8,192 tokens; one length stands for them, by hand, 2026-11-25.
FITTED_LENGTH = 4096
"""Published runs' utilisation is 6·N·D over hours at about this length; attention beyond it is counted on top."""
# By hand, 2026-11-25: fifty to five hundred times the largest runs known.
_MOST_TOKENS, _MOST_PARAMETERS, _MOST_ACCELERATORS = 1e16, 1e15, 10**7
_KINDS = ("dense", "transformer", "decoder", "gqa", "mha", "mqa", "mla", "hybrid", "mamba", "ssm", "linear", "rwkv")
# By hand, 2026-11-25: embeddings are the only weights that a dense network leaves out, and seldom half of it.
_WHOLE = 0.5
"""Share of its weights below which a network does not use all of them."""
_UNSTATED = {"", "na", "none", "unknown", "unspecified", "notstated"}


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
class TrainingPlan:
    """How a network is to be trained.

    Attributes:
        tokens: of the phase; of a generating phase: tokens that are generated, a published run's where absent.
        accelerator: a name of the table.
        n_accelerators: how many work at once.
        precision: of the matrix multiplications, as `bf16` or `fp8`.
        sequence_length: tokens in a training sequence.
        document_length: where packed documents do not see each other: ΣL²/ΣL of their lengths.
        phase: kind of training.
        steady_mfu: utilisation while it runs, measured or reported; the model's where absent.
        teacher_parameters: of distillation: active weights of the teacher that reads what is generated.
        contract: how hours are paid.
        tier: kind of seller.
        date: when the hours are paid.
        own_quotes: prices that override the table's.
    """

    tokens: float | None
    accelerator: str
    n_accelerators: int | None = None
    precision: str | None = None
    sequence_length: int = FITTED_LENGTH
    document_length: int | None = None
    phase: PhaseKind = "pretraining"
    steady_mfu: float | None = None
    teacher_parameters: float | None = None
    contract: Contract = "1_year"
    tier: Tier = "neocloud"
    date: dt.date = field(default_factory=dt.date.today)
    own_quotes: Sequence[PriceQuote] = ()

    @property
    def core_length(self) -> float:
        """Tokens that attention sees: of a document where packed documents do not see each other."""
        return float(min(self.document_length or self.sequence_length, self.sequence_length))


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
) -> TrainingPlan:
    """Returns a plan with checked names.

    Args:
        phase: one of `PHASES`.
        contract: spelling is forgiven.
        tier: kind of seller.
        date: today where absent.
        prices: a file of own prices.
        **numbers: the rest of `TrainingPlan`.

    Raises:
        InputError: naming the option.
    """
    kind = next((known for known in PHASES if known == re.sub(r"[^a-z]+", "_", phase.lower())), None)
    seller = next((known for known in get_args(Tier) if known == tier.lower()), None)
    if kind is None:
        raise InputError(f"no phase is called '{printable(phase, limit=40)}'", cure=f"give {', '.join(PHASES)}")
    if seller is None:
        raise InputError(f"no tier is called '{printable(tier, limit=40)}'", cure=f"give {', '.join(get_args(Tier))}")
    return TrainingPlan(
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
    mixture = any(word in key for word in ("moe", "mixture", "sparse"))
    if not mixture and not any(word in key for word in _KINDS):
        raise InputError(
            f"no kind of architecture is called '{printable(architecture, limit=40)}'",
            cure="give dense, dense_gqa, moe, moe_mla or moe_linear",
            where="--architecture",
        )
    total = checked("--total-params", total_parameters, most=_MOST_PARAMETERS)
    active = total if active_parameters is None else checked("--active-params", active_parameters, most=total)
    if "hybrid" in key and active < _WHOLE * total:
        mixture = True  # Hybrids of attention and recurrences come with and without experts; the figures tell.
    if not mixture and active < _WHOLE * total:
        raise InputError(
            "a dense network uses all of its weights for every token",
            cure="give --architecture moe, or leave --active-params out",
            where="--active-params",
        )
    label = name or f"{total / 1e9:.3g}B {'mixture' if mixture else 'dense'}"
    return Network(name=label, total_parameters=total, active_parameters=active, mixture=mixture)


def checked(where: str, value: float, *, most: float, least: float = 1.0) -> float:
    """Returns a number that lies within its bounds.

    Raises:
        InputError: naming the option, if it does not.
    """
    if not math.isfinite(value) or not least <= value <= most:
        raise InputError(f"{value:g} is not possible", cure=f"give a number from {least:g} to {most:g}", where=where)
    return float(value)


def precision_of(precision: str | None) -> tuple[str, bool]:
    """Returns the precision as understood, and whether it has fewer than 16 bits."""
    key = re.sub(r"[^a-z0-9]", "", (precision or "").lower())
    if key in _UNSTATED:
        return "bf16", False
    if any(mark in key for mark in ("fp8", "float8", "e4m3", "fp4", "float4")):
        return key, True
    if any(mark in key for mark in ("bf16", "fp16", "float16", "half", "tf32", "fp32", "float32", "mixed", "amp")):
        return key, False
    raise InputError(
        f"no precision is called '{printable(precision, limit=40)}'",
        cure="give bf16, fp16, fp8 or fp4",
        where="--precision",
    )


def check_plan(plan: TrainingPlan) -> None:
    """Checks the numbers of a plan.

    Raises:
        InputError: naming the option.
    """
    if plan.tokens is not None:
        checked("--tokens", plan.tokens, most=_MOST_TOKENS)
    elif plan.phase not in GENERATING:
        raise InputError("the tokens are not given", cure="add --tokens, as --tokens 15e12", where="--tokens")
    checked("--sequence-length", plan.sequence_length, most=10**8)
    if plan.document_length is not None:
        checked("--document-length", plan.document_length, most=10**8)
    if plan.n_accelerators is not None:
        checked("--n-accelerators", plan.n_accelerators, most=_MOST_ACCELERATORS)
    if plan.steady_mfu is not None:
        checked("--steady-mfu", plan.steady_mfu, least=0.001, most=1.0)
    if plan.teacher_parameters is not None:
        checked("--teacher-params", plan.teacher_parameters, most=_MOST_PARAMETERS)
        if plan.phase != "distillation":
            raise InputError(
                "only distillation has a teacher", cure="add --phase distillation", where="--teacher-params"
            )
