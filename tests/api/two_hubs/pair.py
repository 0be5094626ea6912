"""Two processes over one database, and another server that both of them call. What each case is made of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.api.world import Client, Side
from tests.protocol.conftest import modern_headers, modern_meta
from tradepost import settings

Json = dict[str, Any]
SECONDS = 30.0
PLANNED = {"type": "object", "properties": {"plan": {"type": "boolean"}}}
RESOURCE = {"uri": "routes://late", "name": "Late routes"}


class Foreign:
    """A server of the older era with one tool, and the receiver of a webhook: what reached it, with its headers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.hooks: list[str] = []
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self._answer(scope["path"], httpx2.Response(200, content=body), headers)
        content = httpx2.Response(200, json=answer).content if answer is not None else b""
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, sent: httpx2.Response, headers: dict[str, str]) -> tuple[int, Json | None]:
        if path == "/hook":
            self.hooks.append(sent.text)
            return 204, None
        if not sent.content:
            return 405, None
        asked = sent.json()
        method = asked["method"]
        if "id" not in asked:
            return 202, None
        if headers.get("mcp-protocol-version") == "2026-07-28":
            return 400, {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32600, "message": "older"}}
        tool = {"name": "track", "description": "Where a parcel is.", "inputSchema": PLANNED}
        results: dict[str, Json] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": "f", "version": "1"},
            },
            "tools/list": {"tools": [tool]},
            "resources/list": {"resources": [RESOURCE]},
            "resources/read": {"contents": [{"uri": RESOURCE["uri"], "text": path}]},
            "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": path}}]},
            "resources/templates/list": {"resourceTemplates": []},
            "prompts/list": {"prompts": [{"name": "late"}]},
            "tools/call": {"content": [{"type": "text", "text": path}]},
        }
        if method == "tools/call":
            self.calls.append((path, headers))
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": results.get(method, {})}


@dataclass
class Pair:
    """Two processes: changes go to the first, everything is looked at in the second. `configured` is what
    a third one would be started with."""

    first: httpx2.AsyncClient
    second: httpx2.AsyncClient
    side: Side
    foreign: Foreign
    configured: settings.Settings
    asked: set[str] = field(default_factory=set)

    async def change(self, method: str, path: str, body: object = None, who: str = "owner") -> Json:
        """Through the first. What it answered."""
        self.asked.add(f"{method} {path}")
        answer = await Client(self.first, self.side.secrets[who]).send(method, path, body)
        assert answer.status_code in (200, 201, 202, 204), f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else {}

    async def look(self, path: str, who: str = "owner") -> Any:
        return (await Client(self.second, self.side.secrets[who]).send("GET", path)).json()

    async def status(self, secret: str, path: str = "/me") -> int:
        """What somebody with this secret is answered by the second."""
        return (await Client(self.second, secret).send("GET", path)).status_code

    async def mcp(self, method: str, params: Json, secret: str | None = None) -> httpx2.Response:
        sent = {"authorization": f"Bearer {secret or self.side.secrets['agent']}", "accept": "application/json"}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": modern_meta()}}
        named = params.get("name")
        return await self.second.post("/mcp", json=body, headers={**sent, **modern_headers(method, named)})

    async def tools(self, secret: str | None = None) -> dict[str, Json]:
        listed = (await self.mcp("tools/list", {}, secret)).json()
        return {tool["name"]: tool for tool in listed.get("result", {}).get("tools", ())}

    async def call(self, tool: str, arguments: Json | None = None, secret: str | None = None) -> Json:
        """The result of a call at the second, or its error with `isError`."""
        answer: Json = (await self.mcp("tools/call", {"name": tool, "arguments": arguments or {}}, secret)).json()
        return answer["result"] if "result" in answer else {"isError": True, "structuredContent": answer["error"]}

    async def customer(self) -> Json:
        return await self.call("get_customer", {"customer_id": "C-1"})

    async def refused(self, code: str) -> bool:
        """Whether the agent's read is refused with this code."""
        said = await self.customer()
        structured = said.get("structuredContent", {})
        return bool(said.get("isError")) and code in (structured.get("code"), structured.get("data", {}).get("code"))

    async def works(self) -> bool:
        return not (await self.customer()).get("isError")


Case = Callable[[Pair], Awaitable[None]]


async def soon(seen: Callable[[], Awaitable[object]]) -> None:
    """Until the second process sees it: at once on SQLite, when the database has told it on PostgreSQL."""
    async with asyncio.timeout(SECONDS):
        while not await seen():
            await asyncio.to_thread(os.sched_yield)


async def switched(pair: Pair, path: str, off: Json, on: Json, code: str) -> None:
    await pair.change("PATCH", path, off)
    await soon(lambda: pair.refused(code))
    await pair.change("PATCH", path, on)
    await soon(pair.works)


async def is_shut_out(pair: Pair, secret: str) -> bool:
    return await pair.status(secret) == 401
