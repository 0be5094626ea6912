"""A server of the older era that asks in the middle of its calls, any number of them at once, registered at a hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.hub.trusting import trust_outsiders
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys, workspaces
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.models import Server, ToolEntry

Json = dict[str, Any]
TOOLS = {"quiz": "read", "sample": "read", "where": "read", "work": "read", "act": "write"}
_FORM = {"type": "object", "properties": {"answer": {"type": "string"}}}
_SAMPLE = {"role": "user", "content": {"type": "text", "text": "The capital of France?"}}
QUESTIONS: dict[str, list[Json]] = {
    "quiz": [
        {"method": "elicitation/create", "params": {"message": f"Colour {number}?", "requestedSchema": _FORM}}
        for number in (1, 2)
    ],
    "act": [{"method": "elicitation/create", "params": {"message": "Really?", "requestedSchema": _FORM}}],
    "sample": [{"method": "sampling/createMessage", "params": {"messages": [_SAMPLE], "maxTokens": 10}}],
    "where": [{"method": "roots/list"}],
    "work": [],
}


class Asking:
    """The application. `begun` are the tools that were called, `acted` counts the writes that were done, `running` the
    calls that wait while `open` is not set."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.acted = self.running = 0
        self.open = asyncio.Event()
        self.open.set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (await self._response(Request(scope, receive)))(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405)
        message = await request.json()
        if "method" not in message:
            waiting = self._waiting.get(message["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return Response(status_code=202)
        if request.headers.get("mcp-protocol-version") == "2026-07-28":
            return Response("unsupported", status_code=400)
        if message["method"] == "initialize":
            version = message["params"]["protocolVersion"]
            result = {
                "protocolVersion": version,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "a", "version": "1"},
            }
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})
        if message["method"] == "tools/call":
            return StreamingResponse(self._call(message), media_type="text/event-stream")
        return Response(status_code=202)

    async def _call(self, message: Json) -> AsyncIterator[bytes]:
        name = message["params"]["name"]
        self.begun.append(name)
        said = []
        token = message["params"].get("_meta", {}).get("progressToken")
        for question in QUESTIONS[name]:
            asked = new_id("ask")
            self._waiting[asked] = asyncio.get_running_loop().create_future()
            yield _event({"id": asked, **question})
            said.append((await self._waiting[asked]).get("result"))
            del self._waiting[asked]
            if token is not None:
                told = {"progressToken": token, "progress": len(said)}
                yield _event({"method": "notifications/progress", "params": told})
        self.running += 1
        await self.open.wait()
        self.running -= 1
        self.acted += name == "act"
        answer = {"content": [{"type": "text", "text": json.dumps(said)}]}
        yield _event({"id": message["id"], "result": answer})


def _event(message: Json) -> bytes:
    return b"data: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n\n"


async def registered(hub_url: str, url: str) -> str:
    """A workspace with one agent that may use all tools of the server without asking people. The agent's key."""
    database = Database(hub_url)
    made = await workspaces.create_workspace(database, "acme", "Acme", "owner@acme.test", "Olga")
    by = system_caller(made.workspace.id, new_id("req"))
    async with database.transaction(made.workspace.id, write=True) as session:
        await agents.create_profile(session, by, "internal", posture="guarded")
        agent = await agents.create_agent(session, by, "internal", "supply")
        server = Server(id=new_id("srv"), slug="asking", name="Asking", kind="remote", status="ready", url=url)
        session.add(server)
        await session.flush()
        for name, tool_class in TOOLS.items():
            pinned = pin({"name": name, "inputSchema": {"type": "object"}})
            entry = ToolEntry(
                id=new_id("tool"), server_id=server.id, name=name, definition=pinned.text, digest=pinned.digest,
                state="enabled", tool_class=tool_class,
            )  # fmt: skip
            session.add(entry)
            await session.flush()
            await assign(session, by, "asking", name, agent="supply")
        await trust_outsiders(session, by)
        key = await keys.mint(session, by, agent_id=agent.id)
    await database.close()
    return key.secret
