"""Recipes of the lab: what to train, on what, how long. Read strictly: an unknown key is an error, not a default."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from hydrometer.errors import InputError
from hydrometer.records.base import Record, Slug, Text, refusal
from hydrometer.store.files import decode_utf8, read_bytes

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Rank = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Method = Literal["sequence", "forward_kl", "reverse_kl", "on_policy"]
_LARGEST = 1024 * 1024


class LlamaShape(Record):
    """A dense network with grouped-query attention."""

    kind: Literal["llama"]
    hidden_size: Count
    layers: Annotated[int, Field(ge=1, le=200)]
    heads: Count
    kv_heads: Count
    intermediate_size: Count
    tied_embeddings: bool = True

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.hidden_size % (2 * self.heads) or self.heads % self.kv_heads:
            raise refusal("heads do not divide", "hidden_size must be an even multiple of heads, heads of kv_heads")
        return self


class DeepSeekShape(Record):
    """DeepSeek-V3's network: latent attention, experts with a shared one, perhaps multi-token prediction."""

    kind: Literal["deepseek"]
    hidden_size: Count
    layers: Annotated[int, Field(ge=1, le=200)]
    heads: Count
    query_rank: Rank = 0
    """0: queries are not compressed."""
    kv_rank: Count
    nope_dim: Count
    rope_dim: Count
    value_dim: Count
    dense_layers: Rank = 1
    dense_size: Count
    expert_size: Count
    experts: Annotated[int, Field(ge=2, le=4096)]
    experts_per_token: Count
    shared_experts: Count = 1
    mtp: bool = True
    tied_embeddings: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.experts_per_token > self.experts or self.rope_dim % 2:
            raise refusal("the network does not fit together", "experts_per_token <= experts, rope_dim even")
        return self


Shape = Annotated[LlamaShape | DeepSeekShape, Field(discriminator="kind")]


class Training(Record):
    """How long and how fast to learn."""

    # Defaults that are not DeepSeek-V3's (batch, length, rate, warm-up) are by hand, 2026-11-25, for models of a few
    # million parameters; none was searched for. Betas, clip, decay and the cosine's end at a tenth are DeepSeek-V3's.
    tokens: Annotated[int, Field(ge=1, le=10**13)]
    batch: Annotated[int, Field(ge=1, le=65536)] = 16
    sequence_length: Annotated[int, Field(ge=8, le=1_048_576)] = 128
    learning_rate: Rate = 3e-3
    warmup: Share = 0.05
    """Share of the steps in which the rate rises."""
    final: Share = 0.1
    """Where the cosine ends, as a share of the rate."""
    weight_decay: Share = 0.1
    clip: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    precision: Literal["fp32", "bf16"] = "bf16"
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    compile: bool = False
    """Compile the network first: one to four minutes on a CPU (a C++ compiler is needed), then quicker steps."""
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")] = "cpu"
    checkpoint_every: Annotated[int, Field(ge=1)] = 200
    balance_step: Share = 1e-3
    """gamma: how far a routing bias moves after each step (DeepSeek-V3, arXiv:2412.19437, section 4.2)."""
    balance_alpha: Share = 1e-4
    """Weight of the balance loss within a sequence (the same place)."""
    mtp_weight: Share = 0.3
    """lambda: weight of the loss on the token after next (the same place)."""


class Bill(Record):
    """What an hour of the device costs and draws, and what it can do. All of it optional, none of it guessed."""

    usd_per_device_hour: Annotated[float, Field(gt=0, le=1e4)] | None = None
    date: dt.date | None = None
    source: Text | None = None
    contract: Text | None = None
    watts_per_device: Annotated[float, Field(gt=0, le=1e5)] | None = None
    peak_flop_per_second: Annotated[float, Field(gt=0, le=1e18)] | None = None
    """Of one device in the precision of the training; measured by a matrix product where absent."""
    # By hand, 2026-11-25; what runs reached stands in their ledgers.
    expected_utilisation: Rate = 0.1
    """MFU that the prediction of the hours assumes."""

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.usd_per_device_hour is not None and (self.date is None or self.source is None):
            raise refusal("a price without a date or a source", 'add date = 2026-11-25 and source = "..." to [bill]')
        return self


class TrainRecipe(Record):
    """A model trained on human text, from nothing or from another model of the lab."""

    name: Slug
    seed: Seed
    text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """UTF-8 text files, relative to the recipe."""
    tokenizer: str | None = None
    """A tokenizer.json; trained on the text where absent."""
    # 300: 256 bytes, `END`, and a few merges.
    vocab_size: Annotated[int, Field(ge=300, le=500_000)] = 1024
    init: str | None = None
    """Folder of a model to go on from (fine-tuning)."""
    model: Shape | None = None
    training: Training
    bill: Bill = Bill()

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.init is None) == (self.model is None):
            raise refusal("a start is needed", "give either [model] (from nothing) or init = FOLDER, and not both")
        return self


class Teacher(Record):
    """One teacher and its share."""

    model: str
    """Folder of a trained model, relative to the recipe."""
    share: Rate
    """Dose: share of the student's training blocks that come from this teacher."""


class DistillRecipe(Record):
    """A student: a base model, teachers with their doses, and human text for the rest."""

    name: Slug
    seed: Seed
    student: str
    """Folder of the base model."""
    method: Method
    teachers: Annotated[tuple[Teacher, ...], Field(strict=False, min_length=1)]
    text: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    prompts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Text whose windows prompt the teachers; `text` where absent."""
    prompt_tokens: Annotated[int, Field(ge=1, le=4096)] = 16
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Of sampling, and of both distributions where logits are matched."""
    training: Training
    bill: Bill = Bill()

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if sum(t.share for t in self.teachers) > 1 + 1e-9:
            raise refusal("the teachers' shares exceed 1", "the rest, 1 minus their sum, is human text")
        if self.prompt_tokens >= self.training.sequence_length:
            raise refusal("prompts fill the sequence", "prompt_tokens must be below sequence_length")
        return self


R = TypeVar("R", bound=Record)


def read_recipe(path: Path, kind: type[R]) -> tuple[R, str]:
    """Returns a recipe and its text.

    Raises:
        InputError: one line with the place, what is wrong and the cure.
    """
    text = decode_utf8(read_bytes(path, limit=_LARGEST, what="recipe (TOML)"), where=str(path))
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"not TOML: {error}", cure="see docs/lab.md for a whole recipe", where=str(path)) from None
    try:
        return kind.model_validate(table), text
    except ValidationError as error:
        raise _first(error, path) from None


def _first(error: ValidationError, path: Path) -> InputError:
    found = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    first = found[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("llama", "deepseek"))
    context = first.get("ctx", {})
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        problem, cure = f"unknown key '{place[-80:]}'", "take it out, or see docs/lab.md for the keys"
    elif first["type"] == "missing":
        problem, cure = f"'{place}' is missing", f"add {place.rpartition('.')[2]} = ... (see docs/lab.md)"
    else:
        problem = str(context.get("problem") or f"{first['msg'][:1].lower()}{first['msg'][1:]}")
        cure = str(context.get("cure") or "correct the value (see docs/lab.md)")
    return InputError(f"{problem}{more}", cure=cure, where=f"{path} {place}".rstrip())


def beside(recipe: Path, name: str) -> Path:
    """Returns a path that a recipe names, relative to the recipe."""
    return recipe.parent / name
