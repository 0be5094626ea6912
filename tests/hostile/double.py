"""An MCP server of the newer era on a real socket that does what a test tells it to: other tools for other credentials,
any answer to a call, any answer at all instead of MCP. It notes everything that reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.protocol.conftest import served

Json = dict[str, Any]
MODERN = "2026-07-28"
Answer = Callable[[str, Json, "Request"], Json]


@dataclass(frozen=True)
class Request:
    """One that came in."""

    method: str
    path: str
    headers: dict[str, str]
    message: Json

    @property
    def credential(self) -> str | None:
        return self.headers.get("authorization")


@dataclass
class Raw:
    """An HTTP answer that is not MCP."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def tool(name: str, required: tuple[str, ...] = (), output: Json | None = None, **properties: Any) -> Json:
    """A Tool object."""
    schema: Json = {"type": "object", "properties": properties, "required": list(required)}
    made: Json = {"name": name, "description": f"Does {name}.", "inputSchema": schema}
    return made if output is None else {**made, "outputSchema": output}


def said(text: str, **structured: Any) -> Json:
    """A CallToolResult."""
    result: Json = {"content": [{"type": "text", "text": text}]}
    return {**result, "structuredContent": structured} if structured else result


class Double:
    """`tools` are offered to everybody, or by `by_credential` to whoever has that Authorization header, and nobody
    else. `instead` answers in place of MCP where it gives something. A call of a tool in `held` waits for its event."""

    def __init__(self, *tools: Json, name: str = "double") -> None:
        self.name = name
        self.url = ""
        self.tools: list[Json] = list(tools)
        self.by_credential: dict[str, list[Json]] | None = None
        self.resources: list[Json] = []
        self.templates: list[Json] = []
        self.prompts: list[Json] = []
        self.contents: list[Json] = []
        self.prompted: Json = {"messages": []}
        self.instructions = ""
        self.instead: Callable[[Request], Raw | None] = lambda _: None
        self.answer: Answer = lambda tool, arguments, request: said(f"{tool} by {self.name}")
        self.held: dict[str, asyncio.Event] = {}
        self.arrived: dict[str, asyncio.Event] = {}
        self.requests: list[Request] = []

    @property
    def calls(self) -> list[tuple[str | None, str, Json]]:
        """(credential, tool, arguments) of each call."""
        found = [one for one in self.requests if one.message.get("method") == "tools/call"]
        return [(one.credential, one.message["params"]["name"], one.message["params"]["arguments"]) for one in found]

    def asked(self, method: str) -> int:
        """How often a method was asked for."""
        return sum(one.message.get("method") == method for one in self.requests)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        self.requests.append(request)
        raw = self.instead(request)
        if raw is None and self.by_credential is not None and request.credential not in self.by_credential:
            raw = Raw(401, {"www-authenticate": "Bearer"})
        if raw is None:
            raw = await self._spoken(request)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in raw.headers.items()]
        await send({"type": "http.response.start", "status": raw.status, "headers": headers})
        await send({"type": "http.response.body", "body": raw.body})

    async def _spoken(self, request: Request) -> Raw:
        message = request.message
        if "id" not in message:
            return Raw(202)
        result = await self._result(message["method"], message.get("params", {}), request)
        answer = {"error": result["error"]} if set(result) == {"error"} else {"result": result}
        body = orjson.dumps({"jsonrpc": "2.0", "id": message["id"], **answer})
        return Raw(200, {"content-type": "application/json"}, body)

    async def _result(self, method: str, params: Json, request: Request) -> Json:
        offered = self.tools if self.by_credential is None else self.by_credential[request.credential or ""]
        if method == "server/discover":
            told = {"instructions": self.instructions} if self.instructions else {}
            return {
                "resultType": "complete",
                "supportedVersions": [MODERN],
                "capabilities": {"tools": {}},
                "ttlMs": 0,
                **told,
            }
        if method == "tools/list":
            return {"resultType": "complete", "tools": offered}
        if method == "tools/call":
            name = params["name"]
            if name in self.held:
                self.arrived.setdefault(name, asyncio.Event()).set()
                await self.held[name].wait()
            if name not in {one.get("name") for one in offered}:
                return {"error": {"code": -32602, "message": f"Unknown tool: {name}"}}
            return self.answer(name, params.get("arguments", {}), request)
        if method == "resources/read":
            return {"resultType": "complete", "contents": self.contents}
        if method == "completion/complete":
            return {"resultType": "complete", "completion": {"values": ["ok"]}}
        if method == "prompts/get":
            return {"resultType": "complete", **self.prompted}
        lists = {"resources": self.resources, "resourceTemplates": self.templates, "prompts": self.prompts}
        return {"resultType": "complete", **lists}


async def _read(scope: Any, receive: Any) -> Request:
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        message = {}
    return Request(scope["method"], scope["path"], headers, message)


@asynccontextmanager
async def running(double: Double) -> AsyncIterator[Double]:
    """Serve it on loopback; `url` is its MCP endpoint."""
    async with served(double) as base:
        double.url = f"{base}/mcp"
        yield double
