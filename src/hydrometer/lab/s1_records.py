"""Recipe and result of `hydrometer lab s1`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrometer.lab.choose import ARMS, Arm
from hydrometer.lab.reasoning import LABELS, RULES, Kind, Mix
from hydrometer.lab.recipes import Bill, Count, LlamaShape, Rate, Seed, Shape, Share, Training
from hydrometer.records.base import Record, Slug, refusal

# By hand, 2026-11-26, as are the rules' shares, slips and digits: no published pool says what its traces are like.
_KINDS: dict[Kind, float] = {
    "direct": 0.4, "careful": 0.2, "checked": 0.2, "rambling": 0.05, "wrong": 0.1, "garbled": 0.05
}  # fmt: skip
_RULES = {"sum": 0.3, "largest": 0.25, "smallest": 0.2, "product": 0.1, "odds": 0.1, "triples": 0.05}
Digits = Annotated[tuple[Count, Count], Field(strict=False)]


class PoolRecipe(Record):
    """The traces that there are to choose from, and that the base has read others of."""

    traces: Annotated[int, Field(ge=10, le=10_000_000)] = 50_000
    digits: Digits = (3, 9)
    """Fewest and most digits of a question."""
    slips: Annotated[float, Field(ge=0, lt=1)] = 0.04
    """Chance of a slip a step, in traces that check themselves."""
    kinds: dict[Kind, Share] = Field(default_factory=lambda: dict(_KINDS))
    rules: dict[str, Share] = Field(default_factory=lambda: dict(_RULES))

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        unknown = sorted(set(self.rules) - set(RULES))
        if unknown:
            raise refusal(f"unknown rule '{unknown[0][:40]}'", f"known: {', '.join(RULES)}")
        for name, shares in (("kinds", self.kinds.values()), ("rules", self.rules.values())):
            if abs(sum(shares) - 1) > 1e-9:
                raise refusal(f"the shares of {name} add up to {sum(shares):.6g}", "let them add up to 1")
        check_digits(self.digits)
        return self

    @property
    def mix(self) -> Mix:
        """What the traces are like."""
        return Mix(self.kinds, self.rules, self.digits, self.slips)


def check_digits(digits: tuple[int, int]) -> None:
    """Refuses a range of digits that no question has."""
    if not 2 <= digits[0] <= digits[1] <= len(LABELS):
        raise refusal(f"digits {digits[0]} to {digits[1]}", f"2 <= fewest <= most <= {len(LABELS)}")


class Tuning(Record):
    """Fine-tuning on the chosen traces. s1: 5 epochs, batch 16, 5 % warm-up, cosine to 0 (appendix D)."""

    epochs: Annotated[int, Field(ge=1, le=1000)] = 5
    batch: Annotated[int, Field(ge=1, le=65536)] = 16
    # s1 has 1e-5 for 32 billion parameters; by hand, 2026-11-26, for 0.3 million. Weight decay is s1's.
    learning_rate: Rate = 1e-3
    warmup: Share = 0.05
    weight_decay: Share = 1e-4


class Testing(Record):
    """Questions that nobody has seen, and how much thinking each run may do."""

    # 180 questions, 30 a rule; by hand, 2026-11-26. Longer than the average of the pool, where thinking matters.
    questions: Annotated[int, Field(ge=10, le=100_000)] = 180
    """Every rule alike."""
    digits: Digits = (6, 9)
    limits: Annotated[tuple[Annotated[int, Field(ge=0, le=100_000)], ...], Field(strict=False)] = (0, 8, 16, 24)
    """Thinking is cut there."""
    waits: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(strict=False)] = (1, 2)
    """So often an end of thinking is replaced by `wait`."""
    most: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Where thinking is cut in any case."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_digits(self.digits)
        if max(self.limits, default=0) > self.most:
            raise refusal("a limit above `most`", "raise most, or lower the limit")
        return self


class S1Recipe(Record):
    """s1 in small. Every key has a default: an empty recipe is the shipped one."""

    name: Slug = "s1"
    seed: Seed = 1
    model: Shape = LlamaShape(kind="llama", hidden_size=96, layers=3, heads=4, kv_heads=4, intermediate_size=240)
    pretraining: Training = Training(
        tokens=2_500_000, batch=4, sequence_length=256, learning_rate=4e-3, precision="fp32", checkpoint_every=1000
    )
    """Of the base, on traces of the same kinds about other questions. Blocks as long as the longest thinking: what lies
    beyond, the model has never read."""
    pool: PoolRecipe = PoolRecipe()
    chosen: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    arms: Annotated[tuple[Arm, ...], Field(strict=False, min_length=1)] = tuple(ARMS)
    # Two seeds show that seeds matter and not how much: choices differ by up to 39 points between them (docs/log.md,
    # 2026-11-25).
    seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1, max_length=100)] = (0, 1)
    """Each draws traces anew and orders them anew; the base stays."""
    tuning: Tuning = Tuning()
    testing: Testing = Testing()
    bill: Bill = Bill()


class Point(Record):
    """One budget, all seeds together."""

    limit: int
    waits: int
    thinking_tokens: float
    accuracy: float
    low: float
    high: float
    """95 % interval of Korn and Graubard over questions, for these trained models."""


class ArmResult(Record):
    """What models tuned on one choice of traces do."""

    arm: str
    how: str
    accuracy: float
    """With the thinking that the model chooses itself."""
    low: float
    high: float
    by_seed: tuple[float, ...]
    thinking_tokens: float
    points: tuple[Point, ...]
    control: float
    """Share of runs within the limit and with all the waits asked for, or cut by the limit before."""
    scaling: float | None
    """Mean slope of the curve, accuracy per thinking token."""
    performance: float
    """Best accuracy of the curve."""


class Difference(Record):
    """Of two accuracies on the same questions; the interval is the wider of those over questions and over seeds."""

    first: str
    second: str
    estimate: float
    low: float
    high: float


class Spent(Record):
    """One row of the bill."""

    stage: str
    tokens_learnt: int
    tokens_read: int
    flop: float
    device_seconds: float
    kwh: float | None
    usd: float | None


class S1Result(Record):
    """What `hydrometer lab s1` found."""

    name: str
    parameters: int
    pool: dict[str, int]
    """Traces left after each filter."""
    questions: int
    most: int
    """Thinking tokens at which every run ends."""
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...]
    """s1 against every other choice, and each number of waits against none within s1."""
    bill: tuple[Spent, ...]
    price: str
