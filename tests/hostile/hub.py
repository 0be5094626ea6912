"""A whole hub in this process, served on a real socket, and everybody's way in: the agent's over MCP, the owner's over
REST, and the services that the commands use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from tests.engines import DatabaseUrls
from tests.hub.world import World, founded
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost
from tradepost.hub.access.agents import set_posture
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.difference import Difference
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.vault.header_rules import Header

Json = dict[str, Any]
HOST = "hub.test"
LOOPBACK = "127.0.0.0/8"


@dataclass
class Hub:
    """The agent `helper` of the profile `team`, which may write without asking, and the owner."""

    app: Tradepost
    world: World
    http: httpx2.AsyncClient
    url: str
    key: str
    owner_key: str
    data: Path

    async def ask(self, method: str, key: str | None = None, **params: Any) -> Json:
        """A request of an agent's client: the whole message that comes back."""
        name = params.get("name", params.get("uri"))
        headers = {**modern_headers(method, name), "authorization": f"Bearer {key or self.key}", "host": HOST}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": modern_meta()}}
        accept = {"accept": "application/json, text/event-stream"}
        answer = await self.http.post(f"{self.url}/mcp", json=body, headers={**headers, **accept})
        assert answer.status_code in (200, 400, 403, 404), answer.text
        return dict(answer.json())

    async def call(self, tool: str, key: str | None = None, /, **arguments: Any) -> Json:
        """The result of a call that the protocol lets through."""
        message = await self.ask("tools/call", key, name=tool, arguments=arguments)
        assert "result" in message, message
        return dict(message["result"])

    async def listed(self, key: str | None = None) -> list[Json]:
        """The agent's tools."""
        return list((await self.ask("tools/list", key))["result"]["tools"])

    async def rest(self, method: str, path: str, body: Json | None = None) -> httpx2.Response:
        """A request of the owner."""
        headers = {"authorization": f"Bearer {self.owner_key}", "host": HOST}
        return await self.http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers)

    async def add(self, slug: str, url: str, credential: str | None = None, **tools: ToolClass) -> Difference:
        """Register and discover a server; approve the tools named."""
        headers = [Header("Authorization", credential)] if credential is not None else []
        await self.app.registration.servers.register(self.world.owner, slug, url, headers)
        difference = await self.app.registration.discovery.discover(self.world.owner, slug)
        for name, kind in tools.items():
            async with self.world.changing() as session:
                await approve_tool(session, self.world.owner, slug, name, tool_class=kind)
        return difference

    async def show(self, slug: str, tool: str, name: str | None = None, **place: str) -> None:
        """Assign a tool, to the agent `helper` where nobody else is said."""
        async with self.world.changing() as session:
            await assign(session, self.world.owner, slug, tool, exposed_name=name, **(place or {"agent": "helper"}))

    async def audited(self, *tags: str) -> list[AuditEvent]:
        await self.app.audit.drain()
        async with self.world.reading() as session:
            rows = await session.scalars(select(AuditEvent).order_by(AuditEvent.id))
            return [row for row in rows if not tags or row.tag in tags]


@asynccontextmanager
async def opened(database_urls: DatabaseUrls, data: Path, allowed: str = LOOPBACK) -> AsyncIterator[Hub]:
    """The hub of a new workspace, allowed to reach this machine where nothing else is said."""
    data.mkdir(exist_ok=True)
    loaded = settings.load(
        data=data,
        hub_url=database_urls.hub,
        store_url=database_urls.store,
        allow_private=allowed,
        allowed_hosts=HOST,
    )
    app = await open_tradepost(loaded)
    world = await founded(app.hub, "acme")
    agent_key, owner_key = (await world.key()).secret, (await world.key(user_id=world.owner.user_id)).secret
    async with world.changing() as session:
        await set_posture(session, world.owner, "team", "guarded")
    async with served(app) as url, httpx2.AsyncClient(timeout=30, trust_env=False) as http:
        yield Hub(app, world, http, url, agent_key, owner_key, data)
