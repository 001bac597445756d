"""Plans of a training, and what a budget could train."""

from __future__ import annotations

import datetime as dt

from hydrometer.records.base import Record
from hydrometer.records.estimates import Quantiles


class PlannedLayout(Record):
    """How a training is spread over accelerators, and what that needs."""

    tensor: int
    pipeline: int
    data: int
    context: int
    expert: int
    zero_stage: int
    recompute: str
    micro_batches: int
    memory_gb: float
    """On the fullest accelerator, billions of bytes."""
    memory_share: float
    """Of what the accelerator has."""
    step_seconds: float
    """Without overlap of communication and compute."""


class PlanOption(Record):
    """One accelerator in one number."""

    accelerator: str
    n_accelerators: int
    fits: bool
    layout: PlannedLayout | None
    """Absent where nothing fits in memory."""
    hours: Quantiles | None
    days: Quantiles | None
    usd: Quantiles | None
    chance_in_budget: float | None = None
    chance_in_time: float | None = None
    on_the_frontier: bool = False
    """No other option is both cheaper and sooner, at the middle."""
    warnings: tuple[str, ...] = ()


class Plan(Record):
    """What `hydrometer cost plan --json` prints."""

    model: str
    tokens: float
    sequence_length: int
    sequences_per_step: int
    precision: str
    total_parameters: float
    training_flop: float
    date: dt.date
    contract: str
    budget_usd: float | None
    deadline_days: float | None
    options: tuple[PlanOption, ...]
    basis: tuple[str, ...]
    """What the hours and the prices rest on."""


class Trainable(Record):
    """One point of the frontier: this many parameters, with so many tokens."""

    active_parameters: float
    tokens: Quantiles
    tokens_per_parameter: float
    """At the middle."""
    note: str = ""


class Inversion(Record):
    """What `hydrometer cost invert --json` prints."""

    usd: float
    accelerator: str
    date: dt.date
    contract: str
    architecture: str
    precision: str
    price_per_hour: Quantiles
    accelerator_hours: Quantiles
    utilisation: Quantiles
    training_flop: Quantiles
    frontier: tuple[Trainable, ...]
    basis: tuple[str, ...]
    warnings: tuple[str, ...] = ()
