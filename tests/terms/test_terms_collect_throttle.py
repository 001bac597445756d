"""How many requests may be under way, and how long one waits before another attempt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from hydrometer.collect.throttle import Throttle, wait_before


def test_the_limit_grows_by_one_for_every_round_without_complaint() -> None:
    throttle = Throttle(6)
    throttle.complained(0)
    assert throttle.limit == 3
    # Each success adds 1/limit: 3, 3.33, 3.63, 3.91, 4.16, 4.40, 4.63, 4.85, 5.05, 5.25, 5.44, 5.63, 5.80, 5.98, 6.
    limits = []
    for _ in range(20):
        throttle.succeeded()
        limits.append(throttle.limit)
    assert limits == [3] * 3 + [4] * 4 + [5] * 6 + [6] * 7


def test_the_limit_is_never_more_than_was_asked_for() -> None:
    throttle = Throttle(2)
    for _ in range(9):
        throttle.succeeded()
    assert throttle.limit == 2
    throttle.complained(throttle.epoch)
    throttle.succeeded()
    # From 1 to 2, and not to 3 by the next.
    throttle.succeeded()
    assert throttle.limit == 2


def test_complaints_about_one_crowd_halve_the_limit_once_and_never_below_one() -> None:
    throttle = Throttle(11)
    assert throttle.epoch == 0
    throttle.complained(0)
    throttle.complained(0)
    assert (throttle.limit, throttle.epoch) == (5, 1)
    throttle.complained(7)
    assert (throttle.limit, throttle.epoch) == (5, 1)
    limits = []
    for _ in range(4):
        throttle.complained(throttle.epoch)
        limits.append(throttle.limit)
    # 2.75, 1.375, 1, 1.
    assert limits == [2, 1, 1, 1]


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 5))  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """Requests that enter a throttle and say so."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def send(self, *names: str) -> list[str]:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._enter(name))
        await settle()
        return self.inside

    async def _enter(self, name: str) -> None:
        await self.throttle.enter()
        self.inside.append(name)


def test_no_more_than_the_limit_enter_and_the_first_to_wait_is_the_first_to_go() -> None:
    async def test() -> None:
        throttle = Throttle(2)
        crowd = Crowd(throttle)
        assert await crowd.send("a", "b", "c", "d") == ["a", "b"]
        throttle.leave()
        assert await crowd.send() == ["a", "b", "c"]
        throttle.leave()
        throttle.leave()
        # Two places are free, one is taken; the next goes in at once.
        assert await crowd.send("e") == ["a", "b", "c", "d", "e"]
        assert await crowd.send("f") == ["a", "b", "c", "d", "e"]
        crowd.tasks["f"].cancel()

    run(test)


def test_after_a_complaint_nobody_enters_until_enough_have_left() -> None:
    async def test() -> None:
        throttle = Throttle(4)
        crowd = Crowd(throttle)
        await crowd.send("a", "b", "c", "d", "e")
        throttle.complained(0)
        throttle.leave()
        throttle.leave()
        assert len(await crowd.send()) == 4
        throttle.leave()
        assert len(await crowd.send()) == 5

    run(test)


def test_success_wakes_who_waits_where_it_makes_room() -> None:
    async def test() -> None:
        throttle = Throttle(2)
        throttle.complained(0)
        crowd = Crowd(throttle)
        assert await crowd.send("a", "b", "c") == ["a"]
        throttle.succeeded()
        assert await crowd.send() == ["a", "b"]
        # Nobody more at the most that was asked for.
        throttle.succeeded()
        assert await crowd.send() == ["a", "b"]
        crowd.tasks["c"].cancel()

    run(test)


def test_who_gave_up_waiting_takes_no_place() -> None:
    async def test() -> None:
        throttle = Throttle(1)
        crowd = Crowd(throttle)
        await crowd.send("a", "b", "c", "d")
        crowd.tasks["b"].cancel()
        await settle()
        throttle.leave()
        assert await crowd.send() == ["a", "c"]
        throttle.leave()
        assert await crowd.send() == ["a", "c", "d"]

    run(test)


class Highest(random.Random):
    """Draws the upper bound, and remembers the lower one."""

    lowest: float | None = None

    def uniform(self, a: float, b: float) -> float:
        self.lowest = a
        return b


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (12, 30.0), (40, 30.0), (5000, 30.0)]
)
def test_the_wait_is_anything_up_to_a_bound_that_doubles_to_half_a_minute(attempt: int, longest: float) -> None:
    rng = Highest()
    assert wait_before(attempt, None, rng=rng) == longest
    assert rng.lowest == 0


def test_what_the_provider_asks_for_is_waited_in_full_and_a_little_on_top() -> None:
    assert wait_before(3, 5.0, rng=Highest()) == 5.0 + 2.0 / 4
    assert wait_before(1, 0.0, rng=Highest()) == 0.125
