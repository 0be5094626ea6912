"""Caps below the number of processes: their slots come from the database, so that they hold for all together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.engines import DatabaseUrls
from tests.hub.limits.test_windows import Clock
from tradepost.database.engine import Database
from tradepost.foundation.errors import Unavailable
from tradepost.hub.limits.in_flight import InFlight, Part
from tradepost.hub.limits.leased import LEASE, LeasedSlots

OF = 3


class Processes:
    """Some processes over one database, each with its slots. Counts what runs at once in all of them."""

    def __init__(self, databases: list[Database]) -> None:
        self.clock = Clock()
        self.leased = [LeasedSlots(database, self.clock) for database in databases]
        self.slots = [
            InFlight("server", part=Part(place, OF), leased=leased) for place, leased in enumerate(self.leased)
        ]
        self.runs = self.most = 0

    async def call(self, number: int, cap: int, seconds: float | None = None) -> None:
        async with self.slots[number % OF].slot("srv", "orders", seconds, cap):
            self.runs += 1
            self.most = max(self.most, self.runs)
            await asyncio.sleep(0)
            self.runs -= 1


@pytest.fixture
async def processes(database: Database, database_urls: DatabaseUrls) -> AsyncIterator[Processes]:
    others = [Database(database_urls.hub) for _ in range(OF - 1)]
    made = Processes([database, *others])
    yield made
    for leased in made.leased:
        await leased.stop()
    for other in others:
        await other.close()


async def test_together_they_run_what_the_cap_says_and_no_more(processes: Processes):
    """F44."""
    for cap in (1, 2):
        await asyncio.gather(*(processes.call(number, cap) for number in range(9)))
        assert processes.most <= cap
    assert not processes.slots[0].take("srv", 2)
    assert processes.slots[0].take("srv", OF)  # a cap that gives each its part asks nobody
    assert [slots.running("srv") for slots in processes.slots] == [1, 0, 0]


async def test_who_waits_is_refused_in_time_or_goes_and_takes_nothing_along(processes: Processes):
    first, second, third = processes.slots
    await first.acquire("srv", "orders", running=1)
    with pytest.raises(Unavailable):
        await second.acquire("srv", "orders", 0.05, 1)
    with pytest.raises(Unavailable):
        await second.acquire("srv", "orders", running=1, waiting=0)
    waits = asyncio.create_task(third.acquire("srv", "orders", running=1))
    await asyncio.sleep(0)
    waits.cancel()
    with suppress(asyncio.CancelledError):
        await waits
    first.release("srv")
    assert [slots.running("srv") for slots in processes.slots] == [0, 0, 0]
    await processes.call(1, 1)


async def test_what_a_dead_process_held_is_free_after_a_while(processes: Processes):
    """F25."""
    await processes.slots[0].acquire("srv", "orders", running=1)
    with pytest.raises(Unavailable):
        await processes.call(1, 1, 0.05)
    processes.clock.at += LEASE + timedelta(seconds=1)
    await processes.call(1, 1)
