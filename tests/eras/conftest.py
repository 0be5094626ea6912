"""One hub with a server of each kind behind it, for all tests of this folder."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.eras.server import TOOLS, FeatureServer
from tests.hub.world import World, founded
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import open_tradepost
from tradepost.database import migrate
from tradepost.hub.access.agents import set_posture
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registration.tools import approve_contents, approve_tool
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault

HOST = "hub.test"
LOOPBACK = "127.0.0.0/8"
SERVERS: Mapping[str, tuple[str, ...]] = {
    "newer": ("modern",),
    "older": ("legacy",),
    "both": ("modern", "legacy"),
    "oldest": ("oldest",),
}


@dataclass
class Grid:
    """A hub, the servers behind it by name, and clients of it."""

    url: str
    key: str
    servers: Mapping[str, FeatureServer]

    @asynccontextmanager
    async def client(self, mode: str, server: str, **options: Any) -> AsyncIterator[Client]:
        """A client of one server; `mode` is `legacy` for the older era, `auto` for the newer one."""
        headers = {"authorization": f"Bearer {self.key}", "host": HOST}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(
                streamable_http_client(url=f"{self.url}/mcp/servers/{server}", http_client=http), mode=mode, **options
            ) as client,
        ):
            yield client


async def _register(world: World, data: Path, servers: Mapping[str, FeatureServer]) -> None:
    vault = await open_vault(world.database, data / "vault.key")
    guard = Guard([ipaddress.ip_network(LOOPBACK)])
    connections = Connections(vault, guard)
    try:
        for slug, server in servers.items():
            await Servers(world.database, vault, guard).register(world.owner, slug, server.url)
            await Discovery(world.database, vault, connections).discover(world.owner, slug)
            async with world.changing() as session:
                for tool in TOOLS:
                    await approve_tool(session, world.owner, slug, tool, tool_class="read")
                    exposed = f"{slug}_{tool}"
                    await assign(session, world.owner, slug, tool, agent="helper", exposed_name=exposed)
                await approve_contents(session, world.owner, slug)
    finally:
        await connections.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def grid(tmp_path_factory: Any) -> AsyncIterator[Grid]:
    data = tmp_path_factory.mktemp("eras")
    loaded = settings.load(data=data, allow_private=LOOPBACK, allowed_hosts=HOST)
    migrate.upgrade(loaded.hub_database, "hub")
    migrate.upgrade(loaded.store_database, "store")
    async with AsyncExitStack() as stack:
        servers = {
            name: await stack.enter_async_context(FeatureServer(*eras).serving()) for name, eras in SERVERS.items()
        }
        app = await open_tradepost(loaded)
        world = await founded(app.hub, "acme")
        await _register(world, data, servers)  # type: ignore[arg-type]
        async with world.changing() as session:
            await set_posture(session, world.owner, "team", "guarded")
        key = (await world.key()).secret
        url = await stack.enter_async_context(served(app))
        yield Grid(url, key, servers)  # type: ignore[arg-type]
