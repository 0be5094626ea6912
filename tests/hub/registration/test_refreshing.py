"""Servers are looked at unasked: when they are due, each by one process, and one that fails keeps no other waiting."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.hub.registration.conftest import Registration
from tests.hub.registration.hostile_server import HostileServer
from tests.hub.world import World
from tradepost.foundation.errors import UpstreamError
from tradepost.hub.registration.refreshing import Refreshing
from tradepost.hub.registry.models import Server, ServerLook, ToolEntry

START = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


async def registered(world: World, *slugs: str) -> dict[str, str]:
    """Servers that were discovered once, by id."""
    async with world.changing() as session:
        for slug in slugs:
            session.add(Server(id=slug, slug=slug, name=slug, kind="remote", url="https://x.test/mcp", status="ready"))
            await session.flush()
            session.add(ToolEntry(id=f"t_{slug}", server_id=slug, name="track", definition="{}", digest="d"))
        session.add(Server(id="new", slug="new", name="new", kind="remote", url="https://x.test/mcp"))
    return {slug: slug for slug in slugs}


@pytest.mark.behaviour("S0.19")
async def test_each_server_is_looked_at_when_it_is_due_by_one_process(world: World):
    await registered(world, "a", "b", "off")
    async with world.changing() as session:
        await session.execute(update(Server).where(Server.id == "off").values(status="disabled"))
    clock, looked = Clock(), Counter[str]()

    async def relist(_workspace: str, server: str, cause: str) -> None:
        assert cause == "schedule"
        looked[server] += 1
        await asyncio.sleep(0)
        if server == "a":
            raise UpstreamError("It is down.")

    processes = [
        Refreshing(world.database, relist, 60, clock, spread=lambda least, most: (least + most) / 2) for _ in range(3)
    ]
    await asyncio.gather(*(one.once() for one in processes))
    assert looked == {}  # not all at once when the hub starts
    clock.now = START + timedelta(minutes=44)
    await asyncio.gather(*(one.once() for one in processes))
    assert looked == {}
    clock.now = START + timedelta(minutes=46)
    await asyncio.gather(*(one.once() for one in processes))
    assert looked == {"a": 1, "b": 1}
    clock.now += timedelta(minutes=59)
    await asyncio.gather(*(one.once() for one in processes))
    assert looked == {"a": 1, "b": 1}
    clock.now += timedelta(minutes=2)
    await asyncio.gather(*(one.once() for one in processes))
    assert looked == {"a": 2, "b": 2}
    async with world.reading() as session:
        rows = {row.id: (row.problem, row.looked_at) for row in await session.scalars(select(ServerLook))}
    assert rows == {"a": ("It is down.", clock.now), "b": (None, clock.now)}


async def test_it_can_be_switched_off(world: World):
    async def relist(_workspace: str, _server: str, _cause: str) -> None:
        raise AssertionError("nobody asked for it")

    never = Refreshing(world.database, relist, 0)
    await never.start()
    await never.stop()


async def test_a_scheduled_look_finds_what_nobody_told_of(world: World, registration: Registration):
    async with HostileServer().serving() as server:
        await registration.servers.register(world.owner, "carrier", server.url)
        await registration.discovery.discover(world.owner, "carrier")
        server.change("track", description="Other.")
        clock = Clock()
        refreshing = Refreshing(world.database, registration.discovery.relist, 5, clock)
        await refreshing.once()
        clock.now += timedelta(minutes=6)
        await refreshing.once()
        assert server.lists == 2
    async with world.reading() as session:
        entry = (await session.scalars(select(ToolEntry))).one()
    assert "Other." in entry.definition
    assert entry.state == "unapproved"


@pytest.mark.behaviour("S0.15")
async def test_many_who_discover_at_once_ask_the_server_once(world: World, registration: Registration):
    async with HostileServer().serving() as server:
        await registration.servers.register(world.owner, "carrier", server.url)
        found = await asyncio.gather(
            *(registration.discovery.discover(world.owner, "carrier", fresh=False) for _ in range(10))
        )
        assert sorted(len(one.new) for one in found) == [*[0] * 9, 1]
        assert server.lists == 1
        await registration.discovery.discover(world.owner, "carrier")
        assert server.lists == 2
