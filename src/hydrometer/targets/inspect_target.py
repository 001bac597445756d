"""Asks through Inspect AI's providers what does not speak OpenAI's protocol: Anthropic, Google, Bedrock, Ollama."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets.endpoint import retry_after
from hydrometer.targets.secrets import Redactor

_REFUSED = {"content_filter"}
_TRUNCATED = {"max_tokens", "model_length"}
_SECRETS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
"""Endings of environment variables from which providers take their keys."""
# As much as the command line allows (collect/orders.py).
_MOST_AT_ONCE = 1024
_UNBILLED = ("mockllm/", "hf/", "vllm/", "ollama/", "llama-cpp-python/", "sglang/")


def open_inspect(name: str, *, model: str | None = None, timeout: float = 120.0) -> InspectTarget:
    """Returns the target of one of Inspect's models.

    Args:
        name: as Inspect spells it: `anthropic/claude-...`, `google/gemini-...`, `ollama/...`, `mockllm/model`.
        model: the subject's name.
        timeout: seconds for one whole request.

    Raises:
        InputError: if inspect-ai or the provider's own package is missing, or the name is not known.
    """
    try:
        from inspect_ai.model import get_model
    except ImportError:
        raise InputError(
            "inspect-ai is not installed", cure="pip install 'hydrometer[inspect]'", where=f"inspect:{name}"
        ) from None
    try:
        found = get_model(name, memoize=False)
    except Exception as error:  # providers raise errors of their own for a missing package or key
        # Their words may quote a key, so that only the kind of error is reported.
        raise InputError(
            f"Inspect cannot open this model ({printable(type(error).__name__, limit=60)})",
            cure="check the name, the provider's package and its key; see Inspect's page on model providers",
            where=f"inspect:{name}",
        ) from None
    return InspectTarget(found, name=name, model=model, timeout=timeout)


class InspectTarget:
    """A model that Inspect asks."""

    def __init__(self, inner: Any, *, name: str, model: str | None = None, timeout: float = 120.0) -> None:
        """Keeps Inspect's model.

        Args:
            inner: of `inspect_ai.model.get_model`.
            name: as Inspect spells it.
            model: the subject's name.
            timeout: seconds for one whole request.
        """
        self._inner = inner
        self._timeout = math.ceil(timeout)
        self._name = name
        self._model = model or name
        self._redactor = Redactor(value for key, value in os.environ.items() if key.endswith(_SECRETS))
        # The clients of OpenAI, Anthropic and Groq try again by themselves, unseen: what is not recorded is paid all
        # the same, and passes every cap.
        client: Any = getattr(getattr(inner, "api", None), "client", None)
        if hasattr(client, "max_retries"):
            client.max_retries = 0

    @property
    def model(self) -> str:
        """The subject's name."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """Kind, name at the provider, and the subject's name."""
        return MappingProxyType({"kind": "inspect", "provider": self._name, "model": self._model})

    @property
    def capabilities(self) -> Capabilities:
        """No limit of its own; billed but for providers on one's own machine."""
        return Capabilities(billed=not self._name.startswith(_UNBILLED))

    async def ask(self, request: Request) -> Reply:
        """Returns the reply to one request; Inspect's own retries are off, since every attempt is recorded here.

        Raises:
            Fault: if no usable answer came back.
        """
        from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig

        turns: list[Any] = [ChatMessageUser(content=request.prompt)]
        if request.system is not None:
            turns.insert(0, ChatMessageSystem(content=request.system))
        config = GenerateConfig(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed,
            logprobs=True if request.top_logprobs else None,
            top_logprobs=request.top_logprobs or None,
            # Tried: Inspect's and the SDK's own retries; 40 requests were received for 20 recorded, and tokens passed
            # every cap. See docs/log.md, 2026-11-26.
            max_retries=0,
            attempt_timeout=self._timeout,
            # How many are under way is the collector's to say: an intent that waits in line here is no request yet.
            max_connections=_MOST_AT_ONCE,
        )
        try:
            output = await self._inner.generate(turns, config=config)
        except Exception as error:  # every provider raises its own; their words may quote a key
            raise _fault(error) from None
        return self._reply(output)

    async def close(self) -> None:
        """Closes the provider's connections."""
        await self._inner.api.aclose()

    def _reply(self, output: Any) -> Reply:
        # Not pydantic's own JSON, which refuses halves of characters.
        raw = self._redactor.bytes(json.dumps(output.model_dump(), default=str).encode())
        if output.error or not output.choices:
            raise Fault("no choices came back", retry=True, status=ResponseStatus.INVALID, raw=raw)
        choice = output.choices[0]
        text = self._redactor.text(choice.message.text)
        if choice.stop_reason in _REFUSED:
            status = ResponseStatus.REFUSED
        elif choice.stop_reason in _TRUNCATED:
            status = ResponseStatus.TRUNCATED
        else:
            status = ResponseStatus.ANSWERED if text.strip() else ResponseStatus.EMPTY
        usage = output.usage
        pairs = choice.logprobs.content if choice.logprobs is not None else None
        return Reply(
            status=status,
            text=text,
            raw=raw,
            model=output.model or None,
            finish_reason=choice.stop_reason,
            prompt_tokens=None if usage is None else usage.input_tokens,
            completion_tokens=None if usage is None else usage.output_tokens,
            logprobs=None if pairs is None else tuple((p.token, float(p.logprob)) for p in pairs),
        )


def _fault(error: BaseException) -> Fault:
    """Returns what an exception means; those of the providers' libraries carry the HTTP response."""
    # What might be tried again, Inspect hands over in a wrapping of tenacity's.
    last = getattr(error, "last_attempt", None)
    error = (last.exception() if last is not None else None) or error
    name, status = printable(type(error).__name__, limit=80), getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status < 600:
        return Fault(
            f"the provider raised {name}", retry=True, unreachable=type(error.__cause__).__name__ == "ConnectError"
        )
    response = getattr(error, "response", None)
    return Fault(
        f"HTTP {status}: the provider raised {name}",
        retry=True,
        http_status=status,
        retry_after=retry_after(getattr(response, "headers", {}).get("Retry-After")),
        throttled=status in {429, 503, 529},
    )
