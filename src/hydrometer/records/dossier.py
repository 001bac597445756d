"""A dossier: what is publicly claimed about one model, every claim with its source.

The reader of dossier files is `hydrometer.store.dossiers`; `docs/dossier.md` describes the format for people.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from hydrometer.records.base import Record, Slug, Text, refusal, without_control_characters
from hydrometer.records.quantities import QUANTITIES, Quantity, half_width

Precision = Literal["bf16", "fp16", "fp8", "fp4"]
PhaseKind = Literal["pretraining", "context_extension", "fine_tuning", "reinforcement_learning", "other"]
Topic = Literal["cost", "teacher", "compute"]
PriorName = Literal[
    "price_per_hour", "development_multiplier", "full_time_share", "pay_per_year", "project_years", "chip_price"
]

# By hand, 2026-11-24: above any FLOP count, below what Python takes long to print.
_LARGEST_WHOLE = 10**40

# Bounds of this file are by hand, 2026-11-24: far above any network or dossier, so that products stay finite.
Count = Annotated[int, Field(ge=1, le=10**9)]
CountOrZero = Annotated[int, Field(ge=0, le=10**9)]
Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s<>\"']+$", max_length=500),
    AfterValidator(without_control_characters),
]


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns a cure that names the known word nearest to `name`, or lists the known words."""
    words = list(known)
    # 0.6: difflib's own default.
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(words)}"


class Source(Record):
    """Where claims were read."""

    id: Slug
    title: Text
    url: Url | None = None
    arxiv: Annotated[str, StringConstraints(pattern=r"^\d{4}\.\d{4,5}(v\d+)?$")] | None = None
    date: dt.date
    """When the source was published, or read where it is undated."""
    grade: Literal["primary", "quoted", "secondary", "recalled"] = "primary"
    """primary: read in the source; quoted: the source as quoted elsewhere; secondary: the press; recalled."""
    party: Literal["developer", "third_party"] = "developer"
    """Whose word it is: the makers' own, or somebody else's about them."""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if (self.url is None) == (self.arxiv is None):
            raise refusal(
                f"source '{self.id}' has {'no address' if self.url is None else 'two addresses'}",
                "give either url = 'https://...' or arxiv = '2412.19437'",
            )
        return self

    @property
    def address(self) -> str:
        """The address a reader can open."""
        return self.url if self.url is not None else f"https://arxiv.org/abs/{self.arxiv}"


class GroupedQueryAttention(Record):
    """Multi-head, multi-query or grouped-query attention (Ainslie et al., arXiv:2305.13245)."""

    kind: Literal["gqa"]
    heads: Count
    kv_heads: Count
    head_dim: Count
    qkv_bias: bool = False
    qk_norm: bool = False


class LatentAttention(Record):
    """Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1)."""

    kind: Literal["mla"]
    heads: Count
    query_rank: Count | None = None
    """Rank of the compressed query; absent where queries are projected directly."""
    kv_rank: Count
    nope_dim: Count
    rope_dim: Count
    value_dim: Count


class DenseFeedForward(Record):
    """One feed-forward network in every layer."""

    kind: Literal["dense"]
    size: Count
    gated: bool = True


class MixtureOfExperts(Record):
    """Routed and shared experts; the first layers may stay dense (DeepSeekMoE, arXiv:2401.06066)."""

    kind: Literal["moe"]
    expert_size: Count
    experts: Count
    experts_per_token: Count
    shared_experts: CountOrZero = 0
    dense_layers: CountOrZero = 0
    dense_size: Count | None = None
    """Feed-forward size of the dense layers; needed where `dense_layers` is above 0."""
    gated: bool = True

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.experts_per_token > self.experts:
            raise refusal(
                f"experts_per_token = {self.experts_per_token} exceeds experts = {self.experts}",
                "give the routed experts that exist in `experts` and those one token uses in the other",
            )
        if self.dense_layers and self.dense_size is None:
            raise refusal("dense_layers is given without dense_size", "add dense_size = the dense FFN's width")
        return self


class ArchitectureSpec(Record):
    """The shape of the network, from which parameters and FLOP are computed exactly."""

    source: Slug
    place: Text
    layers: Annotated[int, Field(ge=1, le=10_000)]
    hidden_size: Annotated[int, Field(ge=1, le=10**6)]
    vocab_size: Annotated[int, Field(ge=1, le=10**8)]
    tied_embeddings: bool = False
    mtp_layers: Annotated[int, Field(ge=0, le=16)] = 0
    """Multi-token-prediction modules (DeepSeek-V3, arXiv:2412.19437, section 2.2)."""
    attention: Annotated[GroupedQueryAttention | LatentAttention, Field(discriminator="kind")]
    feed_forward: Annotated[DenseFeedForward | MixtureOfExperts, Field(discriminator="kind")]


class Leg(Record):
    """One stretch of a phase with its own cluster size or sequence length.

    Give `n_accelerators` and `days` where a run grew or shrank, `steps`, `sequences_per_step` and
    `sequence_length` where the data did.
    """

    n_accelerators: Count | None = None
    days: Annotated[int | Decimal, Field(gt=0, le=3650)] | None = None
    steps: Count | None = None
    sequences_per_step: Count | None = None
    sequence_length: Annotated[int, Field(ge=1, le=10**8)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        cluster = (self.n_accelerators, self.days)
        data = (self.steps, self.sequences_per_step, self.sequence_length)
        if any(x is None for x in cluster) and any(x is None for x in data):
            raise refusal(
                "a leg is incomplete",
                "give n_accelerators and days, or steps, sequences_per_step and sequence_length",
            )
        return self


class Phase(Record):
    """One part of the training that was run and paid for by itself."""

    id: Slug
    kind: PhaseKind
    accelerator: Text
    precision: Precision = "bf16"
    sequence_length: Annotated[int, Field(ge=1, le=10**8)] | None = None
    source: Slug
    place: Text
    legs: Annotated[tuple[Leg, ...], Field(max_length=200, strict=False)] = ()


class Claim(Record):
    """One number that somebody published."""

    id: Slug
    quantity: str
    phase: Slug | None = None
    """The phase it is about; absent for the whole training."""
    value: int | Decimal
    unit: str
    relation: Literal["equals", "about", "at_most", "at_least"] = "equals"
    source: Slug
    place: Text
    as_of: dt.date | None = None
    """The date the number holds for, where it is not the source's date."""
    attention: Literal["causal", "full"] | None = None
    """For `mfu` and FLOP figures: is masked attention counted as half, or as full?"""
    peak: Precision | None = None
    """For `mfu`: the precision whose peak the figure is divided by."""
    includes_mtp: bool | None = None
    """For `mfu` and FLOP figures: are the multi-token-prediction modules counted?"""
    note: Text | None = None

    @field_validator("quantity")
    @classmethod
    def _quantity_is_known(cls, value: str) -> str:
        if value not in QUANTITIES:
            raise refusal(f"unknown quantity '{value[:60]}'", nearest(value, QUANTITIES))
        return value

    @field_validator("value", mode="before")
    @classmethod
    def _value_is_a_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str) and info.mode == "json":
            try:
                return Decimal(value)
            except InvalidOperation:
                raise refusal(f"'{value[:60]}' is no number", "write digits") from None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            kind = {str: "text", bool: "true/false", list: "a list", dict: "a table"}.get(type(value), "no number")
            raise refusal(f"a number is needed, this is {kind}", "write digits without quotes, as 14.8 or 2664e3")
        if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
            raise refusal(f"a number of {len(str(value))} digits", "write the figure that the source prints")
        if isinstance(value, Decimal) and not value.is_finite():
            raise refusal(f"{value} is not a finite number", "write the figure that the source prints")
        return value

    @model_validator(mode="after")
    def _value_is_credible(self) -> Self:
        quantity = self.kind
        if self.unit not in quantity.units:
            raise refusal(f"unit '{self.unit[:60]}' does not fit {self.quantity}", nearest(self.unit, quantity.units))
        if not quantity.lower <= self.amount <= quantity.upper:
            raise refusal(
                f"{self.quantity} = {self.value} {self.unit} is outside "
                f"{quantity.lower:g} to {quantity.upper:g} {quantity.unit}",
                "check the sign, the digits and the unit",
            )
        rate = self.quantity in {"mfu", "achieved_flop_per_second", "flop_per_token"}
        if not rate and (self.attention, self.peak, self.includes_mtp) != (None, None, None):
            raise refusal(
                f"attention, peak and includes_mtp do not fit {self.quantity}",
                "keep them for mfu, achieved_flop_per_second and flop_per_token",
            )
        return self

    @property
    def kind(self) -> Quantity:
        """The quantity's units and bounds."""
        return QUANTITIES[self.quantity]

    @property
    def amount(self) -> float:
        """The value in the quantity's canonical unit."""
        return float(self.value) * self.kind.units[self.unit]

    @property
    def half_width(self) -> float:
        """Half of the last printed digit's place, in the canonical unit."""
        return half_width(self.value, stipulated=self.kind.stipulated) * self.kind.units[self.unit]


class Statement(Record):
    """Something that was said in words about the model: shown with its source, not judged."""

    topic: Topic
    text: Text
    source: Slug
    place: Text


class Prior(Record):
    """A stated belief about an unpublished number: its 5 %, 50 % and 95 % points."""

    name: PriorName
    p5: int | Decimal
    p50: int | Decimal
    p95: int | Decimal
    source: Slug
    place: Text

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not 0 < self.p5 <= self.p50 <= self.p95 < Decimal("1e12"):
            raise refusal(f"prior '{self.name}' needs 0 < p5 <= p50 <= p95", f"got {self.p5}, {self.p50}, {self.p95}")
        return self


class Comparison(Record):
    """An earlier or dense model of like quality: what the subject's gain in efficiency is measured against."""

    dossier: Slug
    """A dossier beside this one (its name without .toml)."""
    quality: Text
    """What makes the two alike, with the scores."""
    source: Slug
    place: Text


class Model(Record):
    """The subject."""

    name: Text
    developer: Text
    released: dt.date
    summary: Text
    siblings: Annotated[tuple[Slug, ...], Field(max_length=8, strict=False)] = ()
    """Dossiers beside this one (names without .toml): models by the same makers on the same hardware."""


class Dossier(Record):
    """What is publicly claimed about one model.

    Raises:
        pydantic.ValidationError: on unknown keys, missing sources, values out of bounds, or names that
            refer to nothing; `hydrometer.store.dossiers.read_dossier` turns it into one line.
    """

    schema_version: Literal[1]
    model: Model
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=500, strict=False)]
    architecture: ArchitectureSpec | None = None
    phases: Annotated[tuple[Phase, ...], Field(max_length=100, strict=False)] = ()
    claims: Annotated[tuple[Claim, ...], Field(max_length=1000, strict=False)] = ()
    statements: Annotated[tuple[Statement, ...], Field(max_length=200, strict=False)] = ()
    priors: Annotated[tuple[Prior, ...], Field(max_length=20, strict=False)] = ()
    comparison: Comparison | None = None

    @model_validator(mode="after")
    def _names_refer_to_something(self) -> Self:
        _refuse_doubles("source", [s.id for s in self.sources])
        _refuse_doubles("phase", [p.id for p in self.phases])
        _refuse_doubles("claim", [c.id for c in self.claims])
        _refuse_doubles("prior", [p.name for p in self.priors])
        sources = [s.id for s in self.sources]
        phases = [p.id for p in self.phases]
        citing: list[tuple[str, str]] = [(f"claim '{c.id}'", c.source) for c in self.claims]
        citing += [(f"phase '{p.id}'", p.source) for p in self.phases]
        citing += [(f"statement {i + 1}", s.source) for i, s in enumerate(self.statements)]
        citing += [(f"prior '{p.name}'", p.source) for p in self.priors]
        if self.architecture is not None:
            citing.append(("the architecture", self.architecture.source))
        if self.comparison is not None:
            citing.append(("the comparison", self.comparison.source))
        for who, source in citing:
            if source not in sources:
                raise refusal(f"{who} cites unknown source '{source}'", nearest(source, sources))
        for claim in self.claims:
            if claim.phase is not None and claim.phase not in phases:
                raise refusal(
                    f"claim '{claim.id}' is about unknown phase '{claim.phase}'",
                    nearest(claim.phase, phases) if phases else "add the phase under [[phases]]",
                )
        return self

    def source(self, source_id: str) -> Source:
        """Returns the source with this id (the dossier was checked to have it)."""
        return next(s for s in self.sources if s.id == source_id)


def _refuse_doubles(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise refusal(f"{what} '{name}' is there twice", "give each its own id")
        seen.add(name)
