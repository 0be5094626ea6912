"""A client of 2026-07-28 that speaks the Tasks extension in raw JSON-RPC, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.hub.gateway.world import World
from tests.protocol.conftest import modern_headers, modern_meta, served
from tests.protocol.listeners import Ear
from tradepost.database.following import OutboxFollower
from tradepost.foundation.ids import new_id
from tradepost.hub.access import keys
from tradepost.hub.events.models import HubEvent
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.updates import Updates

Json = dict[str, Any]

EXTENSION = "io.modelcontextprotocol/tasks"
DECLARED = {"extensions": {EXTENSION: {}}}


class TaskClient:
    """Posts to one hub with one key."""

    def __init__(self, url: str, http: httpx2.AsyncClient, key: str, capabilities: Json | None = None) -> None:
        self.url, self.http, self.key = url, http, key
        self.capabilities = DECLARED if capabilities is None else capabilities

    def other(self, key: str | None = None, capabilities: Json | None = None) -> "TaskClient":
        """Another client of the same hub."""
        return TaskClient(self.url, self.http, key or self.key, capabilities)

    async def send(self, method: str, params: Json, named: str | None = None, path: str = "/mcp") -> httpx2.Response:
        """One request, well-formed except for what is said otherwise."""
        meta = modern_meta(**{"io.modelcontextprotocol/clientCapabilities": self.capabilities})
        headers = {
            **modern_headers(method, named),
            "authorization": f"Bearer {self.key}",
            "accept": "application/json, text/event-stream",
        }
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": meta}}
        return await self.http.post(self.url + path, headers=headers, json=body)

    async def result(self, method: str, params: Json, named: str | None = None) -> Json:
        answer = (await self.send(method, params, named)).json()
        assert "result" in answer, answer
        value: Json = answer["result"]
        return value

    async def call(self, name: str, **arguments: Any) -> Json:
        return await self.result("tools/call", {"name": name, "arguments": arguments}, name)

    async def add_stock(self, key: str = "k1", **more: Any) -> Json:
        arguments = {"sku": "A1", "quantity": 20, "idempotency_key": key, **more}
        return await self.call("add_stock", **arguments)

    async def get(self, task_id: str) -> Json:
        return await self.result("tasks/get", {"taskId": task_id}, task_id)

    async def cancel(self, task_id: str) -> Json:
        return await self.result("tasks/cancel", {"taskId": task_id}, task_id)

    async def update(self, task_id: str, responses: Json) -> Json:
        return await self.result("tasks/update", {"taskId": task_id, "inputResponses": responses}, task_id)

    @asynccontextmanager
    async def listening(self, *task_ids: str) -> AsyncIterator[Ear]:
        """A stream that tells of tasks."""
        meta = modern_meta(**{"io.modelcontextprotocol/clientCapabilities": self.capabilities})
        headers = {
            **modern_headers("subscriptions/listen"),
            "authorization": f"Bearer {self.key}",
            "accept": "application/json, text/event-stream",
        }
        params = {"notifications": {"taskIds": list(task_ids)}, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen", "params": params}
        async with self.http.stream("POST", f"{self.url}/mcp", headers=headers, json=body) as response:
            assert response.status_code == 200, await response.aread()
            yield Ear(response)

    async def refused(self, method: str, task_id: str) -> tuple[int, Json]:
        """HTTP status and JSON-RPC error of a question about a task."""
        params = {"taskId": task_id, **({"inputResponses": {}} if method == "tasks/update" else {})}
        response = await self.send(method, params, task_id)
        error: Json = response.json()["error"]
        return response.status_code, error


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[TaskClient]:
    """A client of the first agent, to the world's hub on a socket."""
    updates = Updates()
    follower = OutboxFollower(world.database, HubEvent, updates.publish, updates.wanted)
    updates.draw_from(follower)
    endpoint = McpEndpoint(world.gateway, allowed_hosts=LOCAL_HOSTS, updates=updates)
    async with served(endpoint) as url, httpx2.AsyncClient(timeout=20) as http:
        try:
            yield TaskClient(url, http, world.facts.key)
        finally:
            await follower.stop()


async def another_key(world: World, agent_id: str | None = None) -> str:
    """A second key, of the first agent unless another is named."""
    async with world.changing() as session:
        return (await keys.mint(session, world.admin, agent_id=agent_id or world.facts.agent_id)).secret


def unknown_id() -> str:
    """An id in the right form that nobody was given."""
    return new_id("act")
