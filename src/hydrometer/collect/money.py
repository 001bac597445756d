"""What a request may cost at most, what it did cost, and what a run is expected to cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hydrometer.errors import InputError
from hydrometer.records.exchange import Reply, Request
from hydrometer.store.evidence import Limits, Spend

_NANO_PER_USD = 10**9
# By hand, 2026-11-25; not measured. A cap holds only if no provider adds more.
_OVERHEAD = 256
"""Tokens that a provider may add to a request: the marks of its chat format and a system prompt of its own."""
# By hand, 2026-11-26: sums of 1e-9 dollars stay below 2^63, which is what SQLite counts with.
_LARGEST_PRICE = 1_000_000
_LARGEST_BUDGET = 1_000_000_000
# By hand, 2026-11-25: the usual rule of thumb.
_BYTES_PER_TOKEN = 4.0
"""Of English text, for the estimate only; the reserve counts every byte as a token."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of prompt and of answer."""

    usd_per_million_in: float
    usd_per_million_out: float

    def __post_init__(self) -> None:
        """Refuses a price that no sum can be counted with; larger ones would also overflow the accounts."""
        if not all(0 <= usd <= _LARGEST_PRICE for usd in (self.usd_per_million_in, self.usd_per_million_out)):
            raise InputError(
                "no usable price", cure=f"give 0 to {_LARGEST_PRICE:,} for a million tokens", where="--usd-per-million"
            )

    def nano_usd(self, tokens_in: float, tokens_out: float) -> int:
        """Returns the price of some tokens in 1e-9 US dollars, rounded up."""
        return math.ceil((tokens_in * self.usd_per_million_in + tokens_out * self.usd_per_million_out) * 1000)


def price_of(usd_per_million_in: float | None, usd_per_million_out: float | None) -> Price | None:
    """Returns the price that a person gave, if any.

    Raises:
        InputError: if only one of its halves is there.
    """
    if usd_per_million_in is None and usd_per_million_out is None:
        return None
    if usd_per_million_in is None or usd_per_million_out is None:
        raise InputError(
            "one of the two prices is missing", cure="give both, 0 where nothing is charged", where="--usd-per-million"
        )
    return Price(usd_per_million_in, usd_per_million_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Most that may be spent on one target through one store, earlier runs included.

    Attributes:
        requests: most requests, failed ones included.
        tokens: most tokens of prompts and answers together.
        usd: most US dollars; needs a price.
        price: without one, dollars are not counted.
    """

    requests: int | None = None
    tokens: int | None = None
    usd: float | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        """Refuses a limit in dollars that is none, or that nothing can be counted against."""
        if self.usd is not None and not 0 <= self.usd <= _LARGEST_BUDGET:
            raise InputError("no usable limit", cure=f"give 0 to {_LARGEST_BUDGET:,} dollars", where="--max-usd")
        if self.usd is not None and self.price is None:
            raise InputError(
                "without a price, dollars cannot be counted",
                cure="give --usd-per-million-in and --usd-per-million-out",
                where="--max-usd",
            )

    @property
    def limits(self) -> Limits:
        """The limits as the store counts them."""
        nano = None if self.usd is None else math.floor(self.usd * _NANO_PER_USD)
        return Limits(requests=self.requests, tokens=self.tokens, nano_usd=nano)

    def reserve(self, request: Request) -> Spend:
        """Returns the most that a request can cost: every byte of the prompt a token, and the longest answer."""
        tokens_in = len(request.prompt.encode("utf-8", "surrogatepass")) + _OVERHEAD
        if request.system is not None:
            tokens_in += len(request.system.encode("utf-8", "surrogatepass"))
        return self._spend(tokens_in, request.max_tokens)

    def paid(self, reply: Reply, reserved: Spend) -> Spend:
        """Returns what a reply cost; the whole reserve where the provider does not say."""
        if reply.prompt_tokens is None or reply.completion_tokens is None:
            return reserved
        return self._spend(reply.prompt_tokens, reply.completion_tokens)

    def expected(self, request: Request) -> Spend:
        """Returns a middling guess: four bytes of prompt to a token, half of the longest answer."""
        size = len((request.prompt + (request.system or "")).encode("utf-8", "surrogatepass"))
        return self._spend(math.ceil(size / _BYTES_PER_TOKEN) + 8, math.ceil(request.max_tokens / 2))

    def _spend(self, tokens_in: int, tokens_out: int) -> Spend:
        nano = self.price.nano_usd(tokens_in, tokens_out) if self.price else 0
        return Spend(requests=1, tokens=tokens_in + tokens_out, nano_usd=nano)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will cost, before its first request.

    Attributes:
        requests: questions without an answer yet; faults may need further requests.
        tokens: expected.
        most_tokens: the most they can be.
        usd: expected; None without a price.
        most_usd: the most it can be.
    """

    requests: int
    tokens: int
    most_tokens: int
    usd: float | None
    most_usd: float | None


def estimate(requests: Iterable[Request], budget: Budget) -> Estimate:
    """Returns what requests are expected to cost, and the most they can."""
    n = tokens = most_tokens = nano = most_nano = 0
    for request in requests:
        expected, most = budget.expected(request), budget.reserve(request)
        n += 1
        tokens += expected.tokens
        most_tokens += most.tokens
        nano += expected.nano_usd
        most_nano += most.nano_usd
    priced = budget.price is not None
    return Estimate(
        requests=n,
        tokens=tokens,
        most_tokens=most_tokens,
        usd=usd(nano) if priced else None,
        most_usd=usd(most_nano) if priced else None,
    )


def usd(nano: int) -> float:
    """Returns US dollars for 1e-9 US dollars."""
    return nano / _NANO_PER_USD
