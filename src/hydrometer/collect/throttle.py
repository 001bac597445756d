"""How many requests may be under way at once, and how long to wait before another attempt."""

from __future__ import annotations

import asyncio
import random
from collections import deque

# Both by hand, 2026-11-25.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0


class Throttle:
    """Adds one to the limit for every full round without complaint, halves it when the provider complains.

    Additive increase, multiplicative decrease: whoever shares a provider's capacity this way ends up with a fair share.

    References:
        D.-M. Chiu and R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer
        networks", Computer Networks and ISDN Systems 17(1), 1989.
    """

    def __init__(self, most: int) -> None:
        """Starts at the most that was asked for.

        Args:
            most: requests under way at once, at least 1.
        """
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._epoch = 0

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._limit)

    @property
    def epoch(self) -> int:
        """Number of the latest decrease; a complaint about a request sent before it changes nothing."""
        return self._epoch

    async def enter(self) -> None:
        """Waits until one more request may be under way."""
        while self._under_way >= int(self._limit):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
        self._under_way += 1

    def leave(self) -> None:
        """One request less is under way."""
        self._under_way -= 1
        self._wake()

    def succeeded(self) -> None:
        """Raises the limit a little."""
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._wake()

    def complained(self, epoch: int) -> None:
        """Halves the limit, once for all requests that were under way together.

        Args:
            epoch: as it was when the request was sent.
        """
        if epoch == self._epoch:
            self._epoch += 1
            self._limit = max(1.0, self._limit / 2)

    def _wake(self) -> None:
        free = int(self._limit) - self._under_way
        while free > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                free -= 1


def wait_before(attempt: int, retry_after: float | None, *, rng: random.Random) -> float:
    """Returns the seconds to wait before another attempt: full jitter, on top of what the provider asks for.

    Args:
        attempt: number of the attempt that failed, from 1.
        retry_after: seconds that the provider asked for.
        rng: source of the jitter.

    References:
        M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015: full jitter spreads retries best.
    """
    jitter = rng.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt - 1, 10)))
    # A quarter of the jitter: the provider's own figure is kept, and those who got the same one still part.
    return jitter if retry_after is None else retry_after + jitter / 4
