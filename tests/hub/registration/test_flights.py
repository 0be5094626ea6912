"""Asked once for all who ask at the same moment, kept for a while, and never a stale answer for who needs a new one."""

import asyncio

import pytest

from tradepost.foundation.errors import UpstreamError
from tradepost.hub.registration.flights import Flights


class Server:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.going, self.may_answer = asyncio.Event(), asyncio.Event()
        self.fails = False
        self.now = 0.0
        self.flights: Flights[str, int] = Flights(300.0, 2, now=lambda: self.now)

    async def ask(self) -> int:
        self.asked += 1
        answer = self.asked
        self.going.set()
        await asyncio.sleep(0)
        await self.may_answer.wait()
        if self.fails:
            raise UpstreamError("It is down.")
        return answer

    def get(self, key: str = "a", *, fresh: bool = False, later: bool = False) -> asyncio.Task[int]:
        return asyncio.create_task(self.flights.get(key, self.ask, fresh=fresh, later=later))


@pytest.mark.behaviour("S0.15")
async def test_a_thousand_at_once_ask_once_and_again_after_300_seconds():
    """F36, F37."""
    server = Server()
    server.may_answer.set()
    assert set(await asyncio.gather(*(server.get() for _ in range(1_000)))) == {1}
    server.now = 299.0
    assert await server.get() == 1
    server.now = 300.0
    assert set(await asyncio.gather(*(server.get() for _ in range(1_000)))) == {2}
    assert await server.get(fresh=True) == 3
    assert await server.get() == 3


async def test_who_knows_of_a_change_is_not_told_what_was_asked_before_it():
    server = Server()
    first = server.get(fresh=True)
    await server.going.wait()
    joined, after = server.get(fresh=True), server.get(later=True)
    await asyncio.sleep(0)  # both have begun now
    server.may_answer.set()
    assert [await first, await joined, await after] == [1, 1, 2]


async def test_a_failure_is_everybodys_and_the_last_good_answer_stays():
    server = Server()
    server.may_answer.set()
    assert await server.get() == 1
    server.fails = True
    for outcome in await asyncio.gather(*(server.get(fresh=True) for _ in range(3)), return_exceptions=True):
        assert isinstance(outcome, UpstreamError)
    assert server.asked == 2
    assert await server.get() == 1


async def test_who_leaves_leaves_the_asking_to_the_next_one():
    server = Server()
    first = server.get()
    await server.going.wait()
    second = server.get()
    await asyncio.sleep(0)
    first.cancel()
    server.may_answer.set()
    assert await second == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_few_answers_are_kept():
    server = Server()
    server.may_answer.set()
    for key in ("a", "b", "c"):
        await server.get(key)
    assert [await server.get("c"), await server.get("b")] == [3, 2]
    assert await server.get("a") == 4
