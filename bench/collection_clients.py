"""Other clients asking the same endpoint, for bench/collection.py; each is used where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

_AT_ONCE = 64


def _body(i: int) -> dict[str, Any]:
    return {"model": "mock", "messages": [{"role": "user", "content": "Question?"}], "seed": i}


async def _spread(call: Callable[[int], Awaitable[Any]], n: int) -> None:
    queue = iter(range(n))

    async def worker() -> None:
        for i in queue:
            await call(i)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


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
            await _spread(lambda i: client.post(f"{url}/chat/completions", json=_body(i)), n)

    asyncio.run(go())


CLIENTS: tuple[tuple[str, str, Callable[[str, int], None]], ...] = (
    ("raw aiohttp", "aiohttp", raw_aiohttp),
    ("openai SDK", "openai", openai_sdk),
    ("httpx", "httpx", httpx_client),
)
"""Name, package, and the work, of every other client."""
