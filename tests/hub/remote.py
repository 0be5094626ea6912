"""A remote MCP server on a real socket: the official SDK's server over a bundled one, recording what reaches it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.hub.bundled import Bundled
from tests.protocol.conftest import served
from tradepost.foundation.caller import Caller, Principal
from tradepost.protocol.standalone import sdk_server

OPERATOR = Caller("ws_remote", Principal("operator", "remote"), "req_start")
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Remote:
    """The running server: its URL, what it offers (changed in place to play a rug pull), the headers it was sent, the
    bearer that it demands."""

    url: str
    server: Bundled
    requests: list[dict[str, str]] = field(default_factory=list)
    bearer: str | None = None


@asynccontextmanager
async def running(server: Bundled, era: str = "modern", bearer: str | None = None) -> AsyncIterator[Remote]:
    """Serve on loopback. `legacy` knows nothing of the newest era; `bearer` is demanded of every request."""
    remote = Remote("", server, bearer=bearer)
    app: Asgi = sdk_server(server, OPERATOR).streamable_http_app(json_response=era == "modern")

    async def gate(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            remote.requests.append(headers)
            refusal = None
            if remote.bearer is not None and headers.get("authorization") != f"Bearer {remote.bearer}":
                refusal = 401
            elif era == "legacy" and headers.get("mcp-protocol-version") == "2026-07-28":
                refusal = 400
            if refusal is not None:
                await send({"type": "http.response.start", "status": refusal, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await app(scope, receive, send)

    async with served(gate) as base:
        remote.url = f"{base}/mcp"
        yield remote
