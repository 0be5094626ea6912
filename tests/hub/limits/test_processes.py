"""Processes that serve one hub know of each other, and so divide what may run at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.engines import DatabaseUrls
from tests.hub.limits.test_windows import Clock
from tradepost.database.engine import Database
from tradepost.hub.limits.in_flight import WHOLE, InFlight, Part
from tradepost.hub.limits.processes import GONE, LOOK_SECONDS, Processes

LOOK = timedelta(seconds=LOOK_SECONDS)


class Replicas:
    """Some processes over one database, that look when they are told to."""

    def __init__(self, databases: list[Database]) -> None:
        self.clock = Clock()
        self.slots = [InFlight("server", running=6, waiting=0) for _ in databases]
        self.all = [
            Processes(one, slots.divide, now=self.clock) for one, slots in zip(databases, self.slots, strict=True)
        ]

    async def look(self, *which: int) -> None:
        for number in which:
            await self.all[number].look()

    @property
    def places(self) -> set[Part]:
        return {one.part for one in self.all}

    def let_in(self) -> list[int]:
        """How many calls each process lets run."""
        return [sum(slots.take("srv") for _ in range(10)) for slots in self.slots]


@pytest.fixture
async def replicas(database: Database, database_urls: DatabaseUrls) -> AsyncIterator[Replicas]:
    others = [Database(database_urls.hub) for _ in range(2)]
    yield Replicas([database, *others])
    for other in others:
        await other.close()


async def test_those_who_are_there_divide_every_cap(replicas: Replicas):
    await replicas.look(0)
    assert replicas.all[0].part == WHOLE
    await replicas.look(1, 2, 0, 1)
    assert replicas.places == {Part(0, 3), Part(1, 3), Part(2, 3)}
    assert replicas.let_in() == [2, 2, 2]


async def test_one_that_is_not_heard_of_is_forgotten_and_one_that_comes_back_is_not(replicas: Replicas):
    """F25, F38."""
    await replicas.look(0, 1, 2, 0, 1)
    replicas.clock.at += GONE - LOOK
    await replicas.look(0, 1)
    assert {one.part.of for one in replicas.all} == {3}  # it may only be slow
    replicas.clock.at += LOOK + timedelta(milliseconds=1)
    await replicas.look(0, 1)
    assert {replicas.all[number].part for number in (0, 1)} == {Part(0, 2), Part(1, 2)}
    assert replicas.let_in()[:2] == [3, 3]
    await replicas.look(2, 0, 1)
    assert replicas.places == {Part(0, 3), Part(1, 3), Part(2, 3)}
    replicas.clock.at -= timedelta(hours=1)  # set back: what was said before is no word of anybody
    await replicas.look(0)
    assert replicas.all[0].part == WHOLE
    await replicas.look(1, 0)
    assert {replicas.all[number].part.of for number in (0, 1)} == {2}


async def test_workers_keep_the_places_their_supervisor_gave_them_until_all_are_there(
    database: Database, replicas: Replicas
):
    heard: list[Part] = []
    first, second = (Processes(database, heard.append, Part(place, 2), replicas.clock) for place in range(2))
    await first.look()
    assert (first.part, heard) == (Part(0, 2), [])
    await second.look()
    await replicas.look(0)
    await first.look()
    await second.look()
    assert {first.part, second.part, replicas.all[0].part} == {Part(place, 3) for place in range(3)}
    assert heard[-2:] == [first.part, second.part]


async def test_whoever_ends_says_so(database: Database, database_urls: DatabaseUrls):
    if database.is_sqlite:
        pytest.skip("the workers of one machine are told by their supervisor")
    other, heard = Database(database_urls.hub), list[Part]()
    going, staying = Processes(other, heard.append), Processes(database, heard.append)
    await going.start()
    await staying.start()
    assert staying.part.of == 2
    await going.stop()
    await staying.look()
    assert heard[-1] == WHOLE
    await staying.stop()
    await other.close()
