"""A server whose address is its credential, as some vendors do it: whoever knows the path may ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.hub.bundled import Bundled
from tests.hub.remote import OPERATOR
from tests.protocol.conftest import served
from tradepost.protocol.standalone import sdk_server


@asynccontextmanager
async def at_secret_address(server: Bundled, secret: str) -> AsyncIterator[str]:
    """The whole URL of the running server."""
    path = f"/s/{secret}/mcp"
    app = sdk_server(server, OPERATOR).streamable_http_app(json_response=True, streamable_http_path=path)

    async def gate(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] != path:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    async with served(gate) as base:
        yield f"{base}{path}"
