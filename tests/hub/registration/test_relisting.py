"""A server says that its lists changed: the hub looks again, shows nothing that nobody approved, and tells its clients
whose lists are others now."""

import asyncio
from collections.abc import Iterable

import pytest

from tests.hub.bundled import Bundled
from tests.hub.registration.conftest import Registration
from tests.hub.upstreams.watched_server import SECONDS, WatchedServer
from tests.hub.world import World
from tradepost.foundation.errors import NotFound
from tradepost.hub.registration import relisting
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.relisting import Relisting
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import approve_tool, list_tools
from tradepost.hub.registry import news
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.news import RegistryNews
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.upstreams.watching import Place, Watching


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_changed_list_is_looked_at_and_what_is_new_waits(
    world: World, registration: Registration, watch: RegistryWatch, monkeypatch: pytest.MonkeyPatch, era: str
):
    monkeypatch.setattr(relisting, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(news, "LOOK_SECONDS", 0.01)
    async with WatchedServer(era).serving() as server:
        row = await registration.servers.register(world.owner, "tracker", server.url)
        await registration.discovery.discover(world.owner, "tracker")
        async with world.changing() as session:
            await approve_tool(session, world.owner, "tracker", "look", tool_class="read")
            await assign(session, world.owner, "tracker", "look", agent="helper")

        def published(_workspace: str, _records: Iterable[str]) -> None:
            raise AssertionError("nobody watches a resource")

        async def where(_workspace: str, _server: str) -> tuple[str, int]:
            return server.url, row.credential_version

        looking = Relisting(registration.discovery.relist)
        watching = Watching(registration.connections, Place(published, lambda _: False, where, looking.soon))
        changed: asyncio.Queue[str] = asyncio.Queue()
        told = RegistryNews(watch, watching.workspaces, changed.put)
        watching.on_first = told.begin
        connection = await registration.connections.to(world.workspace_id, row.id, server.url, 0)
        await connection.client.list_tools()  # as the first call does: from now on the server is heard
        async with asyncio.timeout(SECONDS):
            assert await changed.get() == world.workspace_id
            if era == "modern":
                await server.until_listened()
            await server.change_tools("peek")
            assert await changed.get() == world.workspace_id
        async with world.reading() as session:
            states = {tool.name: tool.state for tool in await list_tools(session, "tracker")}
        assert states == {"look": "removed", "peek": "unapproved"}
        assert (await Catalogs(world.database, watch).for_agent(world.workspace_id, world.agent_id)).tools == {}
        await looking.stop()
        await told.stop()
        await watching.close()


async def test_lists_that_did_not_change_leave_no_trace(
    world: World, registration: Registration, watch: RegistryWatch, offered: Bundled
):
    async with WatchedServer("modern").serving() as server:
        await registration.servers.register(world.owner, "tracker", server.url)
        async with world.reading() as session:
            server_id = (await find_server(session, "tracker")).id
        await registration.discovery.relist(world.workspace_id, server_id)
        before = await watch.version(world.workspace_id)
        await registration.discovery.relist(world.workspace_id, server_id)
        assert await watch.version(world.workspace_id) == before
        server.tools.append("peek")
        await registration.discovery.relist(world.workspace_id, server_id)
        assert await watch.version(world.workspace_id) == before + 1


async def test_a_server_that_says_so_again_and_again_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relisting, "QUIET_SECONDS", 0.01)
    monkeypatch.setattr(relisting, "LEAST_SECONDS", 0.02)
    looks: list[str] = []
    going, may_end, twice = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def discover(_workspace: str, server: str) -> None:
        looks.append(server)
        going.set()
        await may_end.wait()
        if len(looks) == 1:
            raise NotFound("It was deleted.")
        twice.set()

    looking = Relisting(discover)
    for _ in range(100):
        looking.soon("ws_1", "srv_1")
    async with asyncio.timeout(SECONDS):
        await going.wait()
        for _ in range(100):
            looking.soon("ws_1", "srv_1")
        may_end.set()
        await twice.wait()
    await looking.stop()
    assert looks == ["srv_1", "srv_1"]
