"""A whole hub in this process, with two foreign servers behind it: one behind the fault proxy, one that is well."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import select, update

from tests.engines import DatabaseUrls, Template
from tests.faults.carrier import Carrier
from tests.faults.proxy import FaultProxy, Relay
from tests.hub.trusting import trust_outsiders
from tests.hub.world import World, founded
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.database import migrate
from tradepost.hub.access.agents import set_posture
from tradepost.hub.access.changes import bump
from tradepost.hub.actions.models import Action
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.difference import Difference
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registration.tools import approve_tool, find_tool
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault

Json = dict[str, Any]
HOST = "hub.test"
LOOPBACK = "127.0.0.0/8"
SECONDS = 0.3  # that a call of the faulty server may take


@dataclass
class Hub:
    """`call` is a tools/call of an agent: the faulty server's tools are called track and ship, those of the other one
    well_track and well_ship. `carrier` is behind `proxy`, `well` the other one."""

    app: Tradepost
    world: World
    http: httpx2.AsyncClient
    url: str
    key: str
    proxy: FaultProxy
    carrier: Carrier
    data: Path
    well: Carrier

    async def post(self, tool: str, path: str = "/mcp", **arguments: Any) -> httpx2.Response:
        params = {"name": tool, "arguments": arguments, "_meta": modern_meta()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {**modern_headers("tools/call", tool), "authorization": f"Bearer {self.key}", "host": HOST}
        accept = {"accept": "application/json, text/event-stream"}
        return await self.http.post(self.url + path, json=body, headers={**headers, **accept})

    async def call(self, tool: str, **arguments: Any) -> Json:
        answer = await self.post(tool, **arguments)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    async def listed(self) -> list[str]:
        """The names in the agent's catalog."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {"authorization": f"Bearer {self.key}", "host": HOST, "accept": "application/json"}
        answer = await self.http.post(f"{self.url}/mcp", json=body, headers=headers)
        return [tool["name"] for tool in answer.json()["result"]["tools"]]

    async def discover(self, slug: str) -> Difference:
        """What an admin's look at a server finds."""
        async with looking(self.world, self.data) as (discovery, _):
            return await discovery.discover(self.world.owner, slug)

    async def set_up_tool(self, slug: str, name: str, **given: Any) -> None:
        """Change settings of a tool."""
        async with self.world.changing() as session:
            row = await find_tool(session, slug, name)
            row.settings = {**row.settings, **given}
            await bump(session)

    async def set_up(self, slug: str, **given: Any) -> None:
        """Change settings of a server."""
        async with self.world.changing() as session:
            row = await session.scalar(select(Server).where(Server.slug == slug))
            assert row is not None
            statement = update(Server).where(Server.id == row.id).values(settings={**row.settings, **given})
            await session.execute(statement)
            await bump(session)

    async def actions(self) -> list[Action]:
        async with self.world.reading() as session:
            return list(await session.scalars(select(Action).order_by(Action.created_at)))

    async def audited(self) -> list[AuditEvent]:
        await self.app.audit.drain()
        async with self.world.reading() as session:
            return list(await session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


@pytest.fixture
def database_template() -> Template:
    return Template(
        "current", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


@asynccontextmanager
async def looking(world: World, data: Path) -> AsyncIterator[tuple[Discovery, Servers]]:
    """What an admin registers servers and looks at them with."""
    vault = await open_vault(world.database, data / "vault.key")
    guard = Guard([ipaddress.ip_network(LOOPBACK)])
    connections = Connections(vault, guard)
    try:
        yield Discovery(world.database, vault, connections), Servers(world.database, vault, guard)
    finally:
        await connections.close()


async def register(world: World, data: Path, servers: dict[str, str], prefix: dict[str, str]) -> None:
    """Add servers and their tools, the agent `helper` seeing all of them."""
    async with looking(world, data) as (discovery, remote):
        for slug, url in servers.items():
            await remote.register(world.owner, slug, url)
            await discovery.discover(world.owner, slug)
            for tool, kind in (("track", "read"), ("ship", "write")):
                async with world.changing() as session:
                    await approve_tool(session, world.owner, slug, tool, tool_class=kind)  # type: ignore[arg-type]
                    shown = prefix.get(slug, "") + tool
                    await assign(session, world.owner, slug, tool, agent="helper", exposed_name=shown)


@pytest.fixture
async def hub(database_urls: DatabaseUrls, tmp_path: Path) -> AsyncIterator[Hub]:
    data = tmp_path / "data"
    data.mkdir()
    carrier, well = Carrier(), Carrier()
    loaded = settings.load(
        data=data,
        hub_url=database_urls.hub,
        store_url=database_urls.store,
        allow_private=LOOPBACK,
        allowed_hosts=HOST,
    )
    async with served(carrier) as carriers, served(well) as wells:
        host, port = carriers.removeprefix("http://").split(":")
        async with FaultProxy((host, int(port))) as proxy:
            app = await open_tradepost(loaded)
            world = await founded(app.hub, "acme")
            await register(world, data, {"faulty": proxy.url, "well": f"{wells}/mcp"}, {"well": "well_"})
            key = (await world.key()).secret
            async with world.changing() as session:
                await set_posture(session, world.owner, "team", "guarded")
                await trust_outsiders(session, world.owner)
            async with served(app) as url, httpx2.AsyncClient(timeout=60) as http:
                made = Hub(app, world, http, url, key, proxy, carrier, data, well)
                await made.set_up("faulty", timeout_seconds=SECONDS)
                yield made


@pytest.fixture
async def relay(database_urls: DatabaseUrls) -> AsyncIterator[Relay]:
    """Between the hub and the database server."""
    folder = parse_qs(urlsplit(database_urls.hub).query)["host"][0]
    made = Relay(f"{folder}/.s.PGSQL.5432")
    await made.up()
    yield made
    await made.cut()
