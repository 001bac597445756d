"""Plans a training: accelerators and counts, memory, hours, days and dollars."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hydrometer.costs.architecture import Architecture
from hydrometer.costs.flop import training_flop_per_token
from hydrometer.costs.layouts import Choice, best_layout
from hydrometer.costs.step_time import Machine
from hydrometer.errors import InputError
from hydrometer.instruments.training_cost.estimating.estimate import estimate
from hydrometer.instruments.training_cost.estimating.pricing import Z90
from hydrometer.instruments.training_cost.estimating.request import TrainingPlan, network_of
from hydrometer.instruments.training_cost.networks import build_architecture
from hydrometer.records.estimates import CostEstimate, Quantiles
from hydrometer.records.plan import Plan, PlannedLayout, PlanOption
from hydrometer.records.prices import Contract, PriceQuote
from hydrometer.records.reference import Accelerator
from hydrometer.store.configs import read_config
from hydrometer.store.dossiers import read_dossier
from hydrometer.store.reference import find_accelerator, machines

DEFAULT_ACCELERATORS = ("A100-SXM-80GB", "H100-SXM-80GB", "H200-SXM", "B200-SXM", "GB200", "MI300X")
# Powers of two up to the largest cluster of the fitted runs.
DEFAULT_COUNTS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
# By hand, 2026-11-25: each option is a search over layouts.
_MOST_OPTIONS = 400
# By hand, 2026-11-25. Tried: published utilisation for every size alike; dollars then did not depend on the count, and
# the frontier was the largest cluster. See docs/log.md.
_USUAL_COUNT = 1024
"""The size of cluster that published utilisations are taken to be of, or the next that the model fits on."""
_MOST_TOKENS = 1e16
# DeepSeek-V3: 63 million (15,360 sequences of 4,096); Llama 3.1 405B: 4 to 16 million. The middle by hand.
_BATCH_TOKENS = 16e6
"""Tokens in a step where none are given: what large pre-trainings of 2024 to 2026 published (4 to 63 million)."""
_HOURS_PER_DAY = 24.0


Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Goal:
    """What is to be trained, and within what.

    Attributes:
        tokens: to train on.
        sequence_length: tokens in a sequence.
        sequences_per_step: the batch.
        precision: `bf16` or `fp8`.
        date: when it will be paid.
        contract: how.
        budget_usd: at most this, or None.
        deadline_days: at most this, or None.
    """

    tokens: float
    sequence_length: int
    sequences_per_step: int
    precision: str
    date: dt.date
    contract: Contract
    budget_usd: float | None
    deadline_days: float | None


def read_model(path: Path) -> tuple[str, Architecture]:
    """Returns the name and the shape of a network: from a dossier (.toml), a config.json, or a checkpoint's folder.

    Raises:
        InputError: if it cannot be read, or a dossier states no architecture.
    """
    if path.suffix.lower() != ".toml":
        return path.name if path.is_dir() else path.parent.resolve().name, read_config(path)
    dossier = read_dossier(path).dossier
    if dossier.architecture is None:
        raise InputError("the dossier states no [architecture]", cure="add it, or give a config.json", where=str(path))
    return dossier.model.name, build_architecture(dossier.architecture)


def machine_of(chip: Accelerator) -> tuple[Machine, float]:
    """Returns the speeds of the accelerator that `--accelerator` names, and its bytes of memory.

    Raises:
        InputError: for one whose memory and links are not in the table.
    """
    row = machines().get(chip.name)
    if row is None:
        known = ", ".join(machines())
        raise InputError(
            f"memory and links of {chip.name} are not in the table", cure=f"give one of {known}", where="--accelerator"
        )
    machine = Machine(
        peak=chip.bf16_flop_per_second,
        memory_bandwidth=row.memory_tb_s * 1e12,
        link_bandwidth=row.link_gb_s * 1e9,
        network_bandwidth=row.network_gbit_s / 8 * 1e9,
        domain=row.domain,
        matrix=row.matrix,
        grouped=row.grouped,
        attention=row.attention,
    )
    return machine, row.memory_gb * 1e9


def make_plan(
    name: str,
    architecture: Architecture,
    goal: Goal,
    *,
    accelerators: Sequence[str],
    counts: Sequence[int],
    own_quotes: Sequence[PriceQuote] = (),
    progress: Progress | None = None,
) -> Plan:
    """Returns every option, with those on the frontier of days and dollars marked.

    Args:
        name: of the model.
        architecture: its shape.
        goal: what is to be trained, and within what.
        accelerators: names of the table.
        counts: how many of each to try.
        own_quotes: a user's prices.
        progress: called with what is tried, how many are done, and of how many.

    Raises:
        InputError: for a goal that cannot be, or an accelerator that cannot be planned with.
    """
    _check(goal, accelerators, counts)
    flop = goal.tokens * training_flop_per_token(architecture, sequence_length=goal.sequence_length)
    options: list[PlanOption] = []
    basis: list[str] = []
    chips = list(dict.fromkeys(find_accelerator(a).name for a in accelerators))
    for done, chip in enumerate(chips):
        if progress is not None:
            progress("Trying accelerators", done, len(chips))
        found, words = _options(architecture, goal, find_accelerator(chip), counts, own_quotes)
        options += found
        basis += words
    return Plan(
        model=name,
        tokens=goal.tokens,
        sequence_length=goal.sequence_length,
        sequences_per_step=goal.sequences_per_step,
        precision=goal.precision,
        total_parameters=float(architecture.total_parameters()),
        training_flop=flop,
        date=goal.date,
        contract=goal.contract,
        budget_usd=goal.budget_usd,
        deadline_days=goal.deadline_days,
        options=_with_frontier(options),
        basis=tuple(dict.fromkeys(basis)),
    )


def _check(goal: Goal, accelerators: Sequence[str], counts: Sequence[int]) -> None:
    for value, option, most in (
        (goal.tokens, "--tokens", _MOST_TOKENS),
        (goal.sequence_length, "--sequence-length", 1e8),
        (goal.sequences_per_step, "--batch", 1e8),
        (goal.budget_usd, "--budget", 1e13),
        (goal.deadline_days, "--deadline", 1e5),
    ):
        if value is not None and not (math.isfinite(value) and 0 < value <= most):
            raise InputError(f"{option} {value:g} is out of range", cure=f"give more than 0 and at most {most:g}")
    if goal.budget_usd is None and goal.deadline_days is None:
        raise InputError("neither a budget nor a deadline is given", cure="add --budget USD or --deadline DAYS")
    if len(accelerators) * len(counts) > _MOST_OPTIONS:
        raise InputError("too many options", cure=f"name at most {_MOST_OPTIONS} accelerators times counts")
    for n in counts:
        if not 1 <= n <= 10_000_000:
            raise InputError(f"--count {n}", cure="give 1 to 10,000,000 accelerators")


def default_batch(sequence_length: int) -> int:
    """Returns the sequences of a step where none are given: about 16 million tokens, a power of two."""
    return int(2 ** max(round(math.log2(_BATCH_TOKENS / sequence_length)), 0)) if sequence_length > 0 else 1


def _options(
    architecture: Architecture,
    goal: Goal,
    chip: Accelerator,
    counts: Sequence[int],
    own_quotes: Sequence[PriceQuote],
) -> tuple[list[PlanOption], list[str]]:
    machine, memory = machine_of(chip)
    if goal.precision == "fp8" and chip.fp8_flop_per_second is None:
        none = [PlanOption(accelerator=chip.name, n_accelerators=n, fits=False, layout=None, hours=None, days=None,
                           usd=None, warnings=("it has no FP8",)) for n in counts]  # fmt: skip
        return none, []
    if goal.precision == "fp8" and chip.fp8_flop_per_second is not None:
        # Matrices run at the FP8 peak; attention stays in BF16.
        gain = chip.fp8_flop_per_second / chip.bf16_flop_per_second
        # 0.75: FP8 matrices reach a smaller share of their peak than BF16 ones; by hand, 2026-11-25, not measured.
        # 0.95 bounds the share of the FP8 peak.
        machine = replace(
            machine, matrix=min(machine.matrix * gain * 0.75, 0.95 * gain), grouped=machine.grouped * gain * 0.75
        )
    estimated = estimate(
        network_of(architecture, name="plan"),
        TrainingPlan(
            tokens=goal.tokens,
            accelerator=chip.name,
            precision=goal.precision,
            sequence_length=goal.sequence_length,
            contract=goal.contract,
            date=goal.date,
            own_quotes=own_quotes,
        ),
        rng=np.random.default_rng(0),
    )

    def choose(n: int) -> Choice | None:
        return best_layout(
            architecture,
            machine=machine,
            memory_bytes=memory,
            accelerators=n,
            sequence_length=goal.sequence_length,
            sequences_per_step=goal.sequences_per_step,
        )

    # Published runs say what a middling cluster reached; the step model says how another size compares with it.
    sizes = (_USUAL_COUNT * 2**i for i in range(6))
    usual = next((choice for n in sizes if (choice := choose(n)) is not None), None)
    found = []
    for n in sorted(set(counts)):
        choice = choose(n)
        scale = 1.0
        if choice is not None and usual is not None:
            scale = (n * choice.step.total) / (usual.layout.accelerators * usual.step.total)
        found.append(_option(goal, n, memory, choice, estimated, scale=scale))
    scaling = "its loss at other cluster sizes: the step model against 1,024 accelerators"
    words = (estimated.method, scaling, estimated.price.method)
    return found, list(words)


def _option(
    goal: Goal, n: int, memory: float, choice: Choice | None, estimated: CostEstimate, *, scale: float
) -> PlanOption:
    name = estimated.accelerator
    if choice is None:
        return PlanOption(accelerator=name, n_accelerators=n, fits=False, layout=None, hours=None, days=None, usd=None,
                          warnings=("fits in no layout",))  # fmt: skip
    layout = choice.layout
    hours, usd = estimated.accelerator_hours.scaled(scale), estimated.usd.scaled(scale)
    days = hours.scaled(1 / n / _HOURS_PER_DAY)
    return PlanOption(
        accelerator=name,
        n_accelerators=n,
        fits=True,
        layout=PlannedLayout(
            tensor=layout.tensor,
            pipeline=layout.pipeline,
            data=layout.data,
            context=layout.context,
            expert=layout.expert,
            zero_stage=layout.zero_stage,
            recompute=layout.recompute,
            micro_batches=layout.micro_batches,
            memory_gb=choice.memory.total / 1e9,
            memory_share=choice.memory.total / memory,
            step_seconds=choice.step.total,
        ),
        hours=hours,
        days=days,
        usd=usd,
        chance_in_budget=None if goal.budget_usd is None else _chance(goal.budget_usd, usd),
        chance_in_time=None if goal.deadline_days is None else _chance(goal.deadline_days, days),
        warnings=estimated.warnings,
    )


def _chance(limit: float, found: Quantiles) -> float:
    """Returns the probability of staying under a limit, by the lognormal of these points."""
    sigma = math.log(found.p90 / found.p10) / (2 * Z90)
    return 0.5 * (1 + math.erf(math.log(limit / found.p50) / sigma / math.sqrt(2)))


def _with_frontier(options: Sequence[PlanOption]) -> tuple[PlanOption, ...]:
    """Marks the options that no other beats in both days and dollars; among equals the first."""
    points = [(o.days.p50, o.usd.p50) if o.days and o.usd else None for o in options]
    marked = []
    for i, (option, point) in enumerate(zip(options, points, strict=True)):
        beaten = point is None or any(
            other is not None
            and other[0] <= point[0] * (1 + 1e-9)
            and other[1] <= point[1] * (1 + 1e-9)
            and (other[0] < point[0] * (1 - 1e-9) or other[1] < point[1] * (1 - 1e-9) or j < i)
            for j, other in enumerate(points)
            if j != i
        )
        marked.append(option.model_copy(update={"on_the_frontier": not beaten}))
    return tuple(marked)
