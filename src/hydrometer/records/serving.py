"""What serving a model takes, with intervals, and what they rest on."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from hydrometer.records.base import Record
from hydrometer.records.estimates import Quantiles
from hydrometer.records.evidence import Details


class FitInput(Record):
    """A file that a fit rests on."""

    name: str
    sha256: str
    source: str


class MeasuredCell(Record):
    """Measured rows of one network on one accelerator with one engine, precision and kind of layout."""

    accelerator: str
    engine: str
    precision: str
    kind: str
    rows: int
    concurrency: tuple[float, float]
    tpot_shift: float
    """Log of predicted over measured time of an output token, drawn towards 0."""
    ttft_shift: float
    tpot_width: float
    """Half width of an 80 % interval in logs, where this cell's offset is used."""
    ttft_width: float


class MeasuredFamily(Record):
    """Networks of one shape, and where they were measured."""

    key: str
    models: tuple[str, ...]
    rows: int
    cells: tuple[MeasuredCell, ...]


class ServingFit(Record):
    """The fitted constants of serving, and how good they are."""

    date: dt.date
    command: str
    inputs: tuple[FitInput, ...]
    rows: int
    dropped: dict[str, int]
    constants: dict[str, float]
    held_out_median: float
    held_out_mean: float
    tpot_width: float
    """Half width of an 80 % interval in logs for a network that was not measured: families left out whole."""
    ttft_width: float
    ratio_width: float
    """The same of the ratio of two networks' times at the same accelerator, engine, precision, layout and load."""
    families: tuple[MeasuredFamily, ...]


class InformingRows(Record):
    """Measured rows that an estimate rests on."""

    models: tuple[str, ...]
    accelerator: str
    engine: str
    precision: str
    layout: str
    rows: int
    concurrency: tuple[float, float]
    how: str
    """`same network`: they also move the estimate; `same network elsewhere`, `alike`: they informed the constants."""


class StepParts(Record):
    """Where the milliseconds of an output token go."""

    matrices_ms: float
    attention_ms: float
    launches_ms: float
    exchange_ms: float
    prompts_in_between_ms: float


class GuessedShape(Record):
    """What headline figures suggest of a network: an input that is not known exactly."""

    layers: int
    hidden_size: int
    n_experts: int
    per_token: int
    cache_bytes_per_token: Quantiles
    maximum_concurrency: Quantiles


class ServingEstimate(Record):
    """What `hydrometer serving estimate --json` prints."""

    model: str
    accelerator: str
    precision: str
    engine: str
    tp: int
    dp: int
    ep: int
    pp: int
    disaggregated: bool
    accelerators: int
    concurrency: float
    input_tokens: float
    output_tokens: float
    cache_hit: float
    tokens_per_step: float
    tpot_ms: Quantiles
    ttft_ms: Quantiles
    tokens_per_second_per_user: Quantiles
    output_tokens_per_second_per_accelerator: Quantiles
    input_tokens_per_second_per_accelerator: Quantiles
    """Of an accelerator that only reads prompts; tokens found in a cache are not counted."""
    cache_bytes_per_token: float
    cache_gb: float
    weight_gb_per_accelerator: float
    memory_gb_per_accelerator: float
    maximum_concurrency: int
    usd_per_hour: Quantiles
    price_date: dt.date
    price_basis: str
    usd_per_million_input: Quantiles
    usd_per_million_cached_input: Quantiles
    usd_per_million_output: Quantiles
    usd_per_million_blended: Quantiles
    """All paid hours over all tokens, read and written, of these requests."""
    joules_per_output_token: Quantiles | None
    parts: StepParts
    informed_by: tuple[InformingRows, ...]
    interval_basis: str
    guessed: GuessedShape | None
    """Where only headline figures were given."""
    warnings: tuple[str, ...]


class Fleet(Record):
    """What `hydrometer serving fleet --json` prints: the machines for a day's tokens, their cost and what they earn."""

    case: str
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    input_rate: Quantiles
    """Tokens a second and node, those found in a cache counted."""
    output_rate: Quantiles
    accelerators_per_node: int
    input_nodes: Quantiles
    output_nodes: Quantiles
    nodes: Quantiles
    accelerators: Quantiles
    usd_per_hour: Quantiles
    price_basis: str
    cost_usd: Quantiles
    """Of a day."""
    revenue_usd: float | None
    margin_percent: Quantiles | None
    """Revenue over cost, minus 1."""
    usd_per_million_input: Quantiles
    usd_per_million_output: Quantiles
    usd_per_million_blended: Quantiles
    reported_nodes: float | None
    reported_cost_usd: float | None
    reported_margin_percent: float | None
    cache_bytes_per_token: float | None
    multi_head_cache_bytes_per_token: float | None
    cache_ratio: float | None
    training_days_of_fleet: float | None
    sources: tuple[str, ...]
    warnings: tuple[str, ...]


class Removal(Record):
    """The same deployment with one technique taken away, or another network."""

    without: str
    tpot_ms: Quantiles
    tokens_per_second_per_accelerator: Quantiles
    cost_ratio: Quantiles
    """Accelerator-seconds of an output token over those of the whole; what both share cancels."""
    concurrency: float
    """Sequences at once: fewer than asked for where no more fit."""
    maximum_concurrency: int
    cache_bytes_per_token: float
    weight_gb_per_accelerator: float
    fits: bool


class Comparison(Record):
    """What `hydrometer serving compare --json` prints."""

    model: str
    accelerator: str
    rows: tuple[Removal, ...]
    warnings: tuple[str, ...]


class Life(Record):
    """What `hydrometer serving life --json` prints: training against inference compute."""

    model: str
    active_parameters: float
    training_tokens: float
    served_tokens: float | None
    training_flop: float
    research_factor: Quantiles
    development_flop: Quantiles
    """Training with all research beside it."""
    inference_flop: float | None
    inference_share: Quantiles | None
    break_even_tokens_flop: float
    break_even_tokens_with_research: Quantiles
    break_even_tokens_hours: Quantiles | None
    """Served tokens whose accelerator-hours equal the final run's."""
    sources: tuple[str, ...]
    warnings: tuple[str, ...]


class SpeedAndCost(Record):
    """A point of the frontier: one concurrency of a deployment."""

    concurrency: float
    tokens_per_second_per_user: Quantiles
    usd_per_million_output: Quantiles
    joules_per_output_token: float | None
    asked: bool
    """Is it the concurrency that was asked for?"""


class Frontier(Record):
    """Speed against cost of a deployment, over its concurrency."""

    model: str
    deployment: str
    points: tuple[SpeedAndCost, ...]


class CacheSize(Record):
    """Bytes of cache of one token."""

    name: str
    bytes_per_token: float
    kind: str


class RatioAtLoad(Record):
    """Accelerator-seconds of a written token, the subject's over the compared model's, at one load."""

    concurrency: float
    ratio: Quantiles


class ServingEvidence(Details):
    """What stands under the audit's question about compute: serving the subject, and a model of like quality."""

    kind: Literal["serving"] = "serving"
    estimate: ServingEstimate
    compared: str | None
    """The model of like quality; absent where none is named or its shape is not known."""
    ratios: tuple[RatioAtLoad, ...]
    """From one request at once to as many as fit both."""
    frontier: Frontier
    cache: tuple[CacheSize, ...]
