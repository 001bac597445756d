"""Asks a GGUF file through llama.cpp in this process (package xllamacpp); no server listens to others."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

from hydrometer.errors import InputError, printable
from hydrometer.records.exchange import Capabilities, Fault, Reply, Request
from hydrometer.records.responses import ResponseStatus
from hydrometer.targets.bodies import body_of, read_reply
from hydrometer.targets.weights import Weights

# By hand, 2026-11-25. Eight at once give 43 tokens a CPU second, one at a time 25
# (docs/benchmarks/local_generation.md).
DEFAULT_CONTEXT = 4096
DEFAULT_AT_ONCE = 8


class LlamaCpp:
    """A GGUF file, several requests at a time."""

    def __init__(
        self,
        weights: Weights,
        *,
        model: str | None = None,
        at_once: int = DEFAULT_AT_ONCE,
        context: int = DEFAULT_CONTEXT,
        threads: int | None = None,
    ) -> None:
        """Notes what to load; loads nothing before the first request.

        Args:
            weights: a GGUF file.
            model: the subject's name.
            at_once: requests worked on together.
            context: longest prompt and answer together, in tokens.
            threads: cores to use; as many as this process may use where absent.

        Raises:
            InputError: if xllamacpp is not installed.
        """
        try:
            import xllamacpp
        except ImportError:
            raise InputError(
                "xllamacpp is not installed", cure="pip install 'hydrometer[demo]'", where=str(weights.path)
            ) from None
        self._library = xllamacpp
        self._weights = weights
        self._model = model or weights.label
        self._at_once, self._context = at_once, context
        # llama.cpp counts the machine's cores, whether this process may use them or not; its threads then spin.
        # Tried: as many threads as the machine has cores; 3 answers in five minutes, as they wait for each other by
        # spinning. See docs/log.md, 2026-11-25.
        self._threads = threads or _cores()
        self._server: Any = None
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="llama.cpp")
        self._loading = asyncio.Lock()

    @property
    def model(self) -> str:
        """The subject's name."""
        return self._model

    @property
    def identity(self) -> Mapping[str, str]:
        """Kind, name and hash of the weights; not the version of llama.cpp, which is not to change an answer."""
        return MappingProxyType({"kind": "llama.cpp", "model": self._model, "weights": self._weights.mark})

    @property
    def capabilities(self) -> Capabilities:
        """Costs nothing; answers a few at a time."""
        return Capabilities(most_at_once=self._at_once, billed=False)

    async def ask(self, request: Request) -> Reply:
        """Returns the reply to one request.

        Raises:
            Fault: if llama.cpp gives no answer.
        """
        loop = asyncio.get_running_loop()
        async with self._loading:
            if self._server is None:
                self._server = await loop.run_in_executor(self._pool, self._load)
        # An answer must not depend on what was asked before it.
        asked = body_of(request, model=self._model, chat=True) | {"cache_prompt": False}
        body = await loop.run_in_executor(self._pool, self._chat, asked)
        raw = json.dumps(body).encode()
        if "error" in body:
            said = body["error"].get("message") if isinstance(body["error"], dict) else body["error"]
            raise Fault(printable(said, limit=200), retry=False, status=ResponseStatus.FAILED, raw=raw)
        return read_reply(raw, chat=True)

    async def close(self) -> None:
        """Gives back memory and threads."""
        self._pool.shutdown(wait=True)
        self._server = None

    def _load(self) -> Any:
        params = self._library.CommonParams()
        params.model.path = str(self._weights.path)
        params.n_parallel = self._at_once
        params.n_ctx = self._at_once * self._context
        params.warmup = False
        params.offline = True
        params.verbosity = -1
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        try:
            return self._library.Server(params)
        except (RuntimeError, ValueError) as error:
            raise Fault(f"the weights cannot be loaded ({printable(error, limit=120)})", retry=False) from None

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            found = self._server.handle_chat_completions(body)
        except (RuntimeError, ValueError) as error:
            raise Fault(printable(error, limit=200), retry=False) from None
        return found if isinstance(found, dict) else {"error": "no answer"}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
