"""One client asking the mock endpoint, for bench/collection.py: prints the CPU seconds of 1,000 chats as JSON.

PYTHON bench/peers/collection_clients.py CLIENT URL N
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_AT_ONCE = 64
_WARM_UP = 200
# Nobody is told of these runs, and nothing is fetched.
os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "INSPECT_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}


def _body(i: int) -> dict[str, Any]:
    return {"model": "mock", "messages": [{"role": "user", "content": f"Question {i}?"}], "max_tokens": 128}


async def _spread(call: Callable[[int], Awaitable[Any]], n: int) -> None:
    queue = iter(range(n))

    async def worker() -> None:
        for i in queue:
            await call(i)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


def hydrometer(url: str, n: int) -> None:
    """Asks n times, with every intent and answer on the disk before it counts."""
    from hydrometer.collect import Settings, plan_questions
    from hydrometer.collect.run import collect
    from hydrometer.records.probes import Probe
    from hydrometer.targets import Request
    from hydrometer.targets.endpoint import Endpoint

    probes = [Probe(id=f"p{i}", prompt=f"Question {i}?") for i in range(n)]
    plan = plan_questions(probes, base=Request(prompt="", max_tokens=128), canaries=0)
    with tempfile.TemporaryDirectory() as folder:
        done = collect(
            Endpoint(url, model="mock"), plan, Path(folder) / "a.db", settings=Settings(concurrency=_AT_ONCE)
        )
        assert done.counts.statuses == {"answered": n}


def raw_aiohttp(url: str, n: int) -> None:
    """Asks n times over aiohttp alone."""
    import aiohttp

    async def go() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def call(i: int) -> None:
                async with session.post(f"{url}/chat/completions", json=_body(i)) as reply:
                    await reply.json()

            await _spread(call, n)

    asyncio.run(go())


def openai_sdk(url: str, n: int) -> None:
    """Asks n times over the openai SDK."""
    import openai

    async def go() -> None:
        client = openai.AsyncOpenAI(base_url=url, api_key="none")
        await _spread(lambda i: client.chat.completions.create(**_body(i)), n)
        await client.close()

    asyncio.run(go())


def httpx_client(url: str, n: int) -> None:
    """Asks n times over httpx."""
    import httpx

    async def go() -> None:
        async with httpx.AsyncClient(timeout=60) as client:

            async def call(i: int) -> None:
                (await client.post(f"{url}/chat/completions", json=_body(i))).json()

            await _spread(call, n)

    asyncio.run(go())


def litellm_client(url: str, n: int) -> None:
    """Asks n times over litellm."""
    import litellm

    litellm.telemetry = False

    async def go() -> None:
        await _spread(
            lambda i: litellm.acompletion(**{**_body(i), "model": "openai/mock"}, api_base=url, api_key="none"), n
        )

    asyncio.run(go())


def inspect_eval(url: str, n: int) -> None:
    """Asks n times through Inspect's eval(), with a scorer that does nothing."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import generate

    @scorer(metrics=[accuracy()])
    def nothing() -> Any:
        async def score(state: Any, target: Any) -> Any:
            return Score(value=1)

        return score

    task = Task(
        dataset=[Sample(input=f"Question {i}?", target="x") for i in range(n)], solver=generate(), scorer=nothing()
    )
    with tempfile.TemporaryDirectory() as folder:
        (log,) = eval(
            task,
            model="openai/mock",
            model_base_url=url,
            model_args={"api_key": "none", "responses_api": False},
            max_connections=_AT_ONCE,
            max_samples=_AT_ONCE,
            max_tokens=128,
            display="none",
            log_dir=folder,
        )
        assert log.status == "success"
        assert len(log.samples) == n


CLIENTS = {
    "**Hydrometer**": "hydrometer",
    "raw aiohttp": "aiohttp",
    "openai SDK": "openai",
    "httpx": "httpx",
    "litellm": "litellm",
    "Inspect eval()": "inspect_ai",
}
"""Name to the package that must be there."""
_WORK = dict(
    zip(CLIENTS, (hydrometer, raw_aiohttp, openai_sdk, httpx_client, litellm_client, inspect_eval), strict=True)
)


def main() -> None:
    """Warms up, measures and prints; no seconds where the client is not installed."""
    name, url, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    package = CLIENTS[name]
    if importlib.util.find_spec(package) is None:
        print(json.dumps({"seconds": None, "version": None}))
        return
    work = _WORK[name]
    work(url, _WARM_UP)
    began = time.process_time()
    work(url, n)
    seconds = 1000 * (time.process_time() - began) / n
    version = importlib.metadata.version(package.replace("_", "-"))
    print(json.dumps({"seconds": seconds, "version": version}))


if __name__ == "__main__":
    main()
