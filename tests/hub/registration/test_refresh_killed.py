"""A refresh dies by `kill -9` at each statement that writes, before its commit and right after it (F24): the registry
is the old one or the new one, never mixed, and the next refresh finds the new one."""

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.engines import DatabaseUrls
from tests.hub.bundled import tool
from tests.hub.registration.conftest import Registration
from tests.hub.registration.hostile_server import HostileServer
from tests.hub.registration.refreshed import KILLED, refreshes
from tests.hub.world import World
from tradepost.hub.access.models import RegistryVersion
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.registry.models import HistoryEntry, ResourceEntry, ToolEntry

Shown = tuple[frozenset[tuple[str, ...]], ...]


async def shown(world: World) -> Shown:
    """All that a refresh changes."""
    async with world.reading() as session:
        tools = [(one.name, one.state, one.digest) for one in await session.scalars(select(ToolEntry))]
        contents = [(one.uri, one.state) for one in await session.scalars(select(ResourceEntry))]
        history = [(one.id,) for one in await session.scalars(select(HistoryEntry))]
        told = [(one.id,) for one in await session.scalars(select(AuditEvent))]
        version = [(str(one.version),) for one in await session.scalars(select(RegistryVersion))]
    return tuple(frozenset(one) for one in (tools, contents, history, told, version))


def offer(server: HostileServer, number: int) -> None:
    """Something new, something changed and something gone, each time."""
    server.tools = [
        tool("track", number={"type": "string", "description": f"The number {number}."}),
        tool(f"tool_{number}", number={"type": "string"}),
    ]
    server.resources = [{"uri": f"notes://n/{number}", "name": f"note {number}"}]


@pytest.mark.two_processes
@pytest.mark.behaviour("S0.19")
async def test_a_refresh_that_dies_anywhere_leaves_the_old_registry_or_the_new_one(
    world: World, registration: Registration, database_urls: DatabaseUrls, tmp_path: Path
):
    async with HostileServer().serving() as server:
        await registration.servers.register(world.owner, "tracker", server.url)
        offer(server, 0)
        await registration.discovery.discover(world.owner, "tracker")
        async with world.changing() as session:
            await approve_tool(session, world.owner, "tracker", "track")
        point = old = new = 0
        status: int | None = KILLED
        while status == KILLED:
            point += 1
            before = await shown(world)
            offer(server, point)
            status = await refreshes(database_urls.hub, tmp_path / "vault.keys", world.owner, "tracker", point)
            after = await shown(world)
            names = {row[0] for row in after[0]}
            if f"tool_{point}" not in names:
                old += 1
                assert after == before, f"mixed at {point}"
            else:
                new += 1
                same = [place for place, (left, right) in enumerate(zip(before, after, strict=True)) if left == right]
                assert same == [], f"mixed at {point}"
            difference = await registration.discovery.discover(world.owner, "tracker")
            assert difference.is_empty == (f"tool_{point}" in names)
            states = {row[0]: row[1] for row in (await shown(world))[0]}
            assert states[f"tool_{point}"] == "unapproved"
            assert states["track"] == "quarantined"
            async with world.changing() as session:
                await approve_tool(session, world.owner, "tracker", "track")
        assert status == 0
        assert new == 2, "once right after its commit, once to its end"
        assert old >= 12
