"""A hub of one process and one of two, each with a server of each kind behind it, for all tests of this folder."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest_asyncio
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.eras.server import TOOLS, FeatureServer
from tests.hub.trusting import trust_outsiders
from tests.hub.world import founded
from tests.processes import Place
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import open_tradepost
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.hub.access.agents import set_posture
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault

HOST = "hub.test"
LOOPBACK = "127.0.0.0/8"
SECONDS = 30.0
SERVERS: Mapping[str, tuple[str, ...]] = {
    "newer": ("modern",),
    "older": ("legacy",),
    "both": ("modern", "legacy"),
    "oldest": ("oldest",),
}


@dataclass
class Grid:
    """A hub, the servers behind it by name, and clients of it. Those of a hub of several processes make a connection
    for each request, so that any process may get it."""

    url: str
    key: str
    servers: Mapping[str, FeatureServer]
    processes: int = 1

    def http(self) -> httpx2.AsyncClient:
        """HTTP with the agent's key."""
        headers = {"authorization": f"Bearer {self.key}", "host": HOST}
        limits = httpx2.Limits(max_keepalive_connections=None if self.processes == 1 else 0)
        return httpx2.AsyncClient(headers=headers, timeout=60, limits=limits)

    @asynccontextmanager
    async def client(self, mode: str, server: str, **options: Any) -> AsyncIterator[Client]:
        """A client of one server; `mode` is `legacy` for the older era, `auto` for the newer one."""
        async with (
            self.http() as http,
            Client(
                streamable_http_client(url=f"{self.url}/mcp/servers/{server}", http_client=http), mode=mode, **options
            ) as client,
        ):
            yield client

    async def meet_all(self) -> None:
        """Come to each process; the first characters of a session say which it is in."""
        met: set[str] = set()
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        accept = {"accept": "application/json, text/event-stream"}
        async with self.http() as http, asyncio.timeout(SECONDS):
            while len(met) < self.processes:
                answer = await http.post(f"{self.url}/mcp", json=body, headers=accept)
                session = {"mcp-session-id": answer.headers["mcp-session-id"]}
                met.add(session["mcp-session-id"][:8])
                await http.delete(f"{self.url}/mcp", headers=session)


async def _register(loaded: settings.Settings, servers: Mapping[str, FeatureServer]) -> str:
    """A workspace whose agent may use everything of all servers. The agent's key."""
    migrate.upgrade(loaded.hub_database, "hub")
    migrate.upgrade(loaded.store_database, "store")
    database = Database(loaded.hub_database)
    world, vault = await founded(database, "acme"), await open_vault(database, loaded.key_file)
    guard = Guard([ipaddress.ip_network(LOOPBACK)])
    connections = Connections(vault, guard)
    try:
        for slug, server in servers.items():
            await Servers(database, vault, guard).register(world.owner, slug, server.url)
            await Discovery(database, vault, connections).discover(world.owner, slug)
            async with world.changing() as session:
                for tool in TOOLS:
                    await approve_tool(session, world.owner, slug, tool, tool_class="read")
                    exposed = f"{slug}_{tool}"
                    await assign(session, world.owner, slug, tool, agent="helper", exposed_name=exposed)
                await approve_waiting(session, world.owner, slug)
        async with world.changing() as session:
            await set_posture(session, world.owner, "team", "guarded")
            await trust_outsiders(session, world.owner)  # its one agent takes texts from each server to the others
        return (await world.key()).secret
    finally:
        await connections.close()
        await database.close()


@asynccontextmanager
async def _features() -> AsyncIterator[dict[str, FeatureServer]]:
    async with AsyncExitStack() as stack:
        made = {name: FeatureServer(*eras) for name, eras in SERVERS.items()}
        for server in made.values():
            await stack.enter_async_context(server.serving())
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def grid(tmp_path_factory: Any) -> AsyncIterator[Grid]:
    loaded = settings.load(data=tmp_path_factory.mktemp("eras"), allow_private=LOOPBACK, allowed_hosts=HOST)
    async with _features() as servers:
        key = await _register(loaded, servers)
        async with served(await open_tradepost(loaded)) as url:
            yield Grid(url, key, servers)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def grid_of_two(tmp_path_factory: Any) -> AsyncIterator[Grid]:
    place = Place(tmp_path_factory.mktemp("eras") / "data")
    place.data.mkdir()
    env = {"TRADEPOST_ALLOW_PRIVATE": LOOPBACK, "TRADEPOST_ALLOWED_HOSTS": HOST}
    async with _features() as servers:
        key = await _register(settings.load(data=place.data, allow_private=LOOPBACK), servers)
        serving = await asyncio.to_thread(place.start, "serve", "--workers", "2", env=env)
        try:
            await asyncio.to_thread(serving.wait_ready)
            grid = Grid(place.url, key, servers, processes=2)
            await grid.meet_all()
            yield grid
        finally:
            status = await asyncio.to_thread(serving.stop)
        assert status == 0, serving.said()
        assert "Traceback" not in serving.said(), serving.said()
