"""The one narrow seam between the tool and the models it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, Protocol

from hydrometer.records.responses import ResponseStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question with everything that can change its answer. What is hashed, and nothing else is sent.

    Attributes:
        prompt: the user's turn, byte for byte.
        system: the system's turn; none is sent where absent.
        max_tokens: longest answer to accept and to pay for.
        temperature: of sampling; 0 is greedy.
        top_p: nucleus of sampling; the provider's own where absent.
        seed: of sampling, where the target honours one.
        top_logprobs: alternatives to return at each token; 0 returns no log-probabilities.
    """

    prompt: str
    system: str | None = None
    # By hand, 2026-11-25; the command line's default too.
    max_tokens: int = 1024
    temperature: float = 0.0
    top_p: float | None = None
    seed: int | None = None
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, already told apart by status, beside the bytes that it was read from.

    Attributes:
        status: answered, truncated, refused or empty. A target never returns `failed` or `invalid`: it raises `Fault`.
        text: the answer; empty for `empty`.
        raw: the body as it arrived, kept as evidence.
        model: who the provider says answered.
        fingerprint: the provider's mark of its configuration, where it gives one.
        finish_reason: in the provider's own word.
        prompt_tokens: as billed, where reported.
        completion_tokens: as billed, where reported.
        logprobs: (token, natural log of its probability) of the answer, in order; none where not asked for.
    """

    status: ResponseStatus
    text: str
    raw: bytes
    model: str | None = None
    fingerprint: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    logprobs: tuple[tuple[str, float], ...] | None = None


@dataclass(eq=False, repr=False)
class Fault(Exception):  # noqa: N818
    """An attempt that brought no usable answer; recorded, and tried again where that can help.

    Attributes:
        reason: one printable line, free of keys.
        retry: whether another attempt may succeed.
        status: `failed` where nothing came back, `invalid` where something unusable did.
        retry_after: seconds that the provider asks to wait.
        http_status: where there was one.
        raw: the body as it arrived, if any.
        throttled: the provider asked for fewer requests at once.
        unreachable: nobody was there to take the request, so it cost nothing.
    """

    reason: str
    _: KW_ONLY
    retry: bool
    status: ResponseStatus = ResponseStatus.FAILED
    retry_after: float | None = None
    http_status: int | None = None
    raw: bytes | None = None
    throttled: bool = False
    unreachable: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """What makes the same fault anew: one exception is raised once, and loses its fields between processes."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a target can do.

    Attributes:
        most_at_once: requests that it can usefully work on at the same time; no limit of its own where absent.
        billed: whether a request costs money.
    """

    most_at_once: int | None = None
    billed: bool = True


class Target(Protocol):
    """A way to ask one subject. Asking is asynchronous; everything else is data."""

    @property
    def model(self) -> str:
        """The subject's name, as response files will carry it."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What tells this target from others, without secrets: part of every request's key."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def ask(self, request: Request) -> Reply:
        """Returns the reply to one request.

        Raises:
            Fault: if no usable answer came back.
        """

    async def close(self) -> None:
        """Gives back connections, memory and processes."""
