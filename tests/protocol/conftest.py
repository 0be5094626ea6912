"""A served endpoint on a real socket, and requests to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn

from tests.protocol.fake_host import FakeHost
from tradepost.cli.quick_http import QuickProtocol
from tradepost.cli.web import take_port
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.updates import Mailbox, Topic, Updates

ORIGIN = "https://desk.example"
LOOK_AGAIN = 0.002  # seconds
METADATA = "https://hub.example/.well-known/oauth-protected-resource"


class _Server(uvicorn.Server):
    """Tells when it listens, and stops as soon as it can: uvicorn waits a tenth of a second before it looks whether
    anything is left, which was an eighth of the suite's time."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while state.connections or state.tasks:  # noqa: ASYNC110  nothing tells of it
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            for task in state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


@asynccontextmanager
async def served(app: Any, http: type[QuickProtocol] = QuickProtocol) -> AsyncIterator[str]:
    """The base URL of an ASGI application on a free port, in the way that `serve_asgi` serves the hub."""
    listener = take_port("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        http=http,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop.set()
        await task
        listener.close()


async def as_written(host: str, port: int) -> list[str]:
    """The address in a URL of a test's own server."""
    return [host]


def warm() -> HttpPool:
    """Connections for our own client to servers on loopback."""
    return HttpPool(as_written)


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    return headers if name is None else {**headers, "mcp-name": name}


def modern_meta(**more: Any) -> dict[str, Any]:
    return {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        **more,
    }


@dataclass
class Desk:
    """A client with a token, talking raw HTTP to the endpoint."""

    url: str
    http: httpx2.AsyncClient
    token: str = "token-a"

    async def send(
        self,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        method: str = "POST",
        path: str = "/mcp",
        token: str | None = "default",
    ) -> httpx2.Response:
        sent = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if token is not None:
            sent["authorization"] = f"Bearer {self.token if token == 'default' else token}"
        sent.update(headers or {})
        if isinstance(body, bytes | str):
            return await self.http.request(method, self.url + path, headers=sent, content=body)
        return await self.http.request(method, self.url + path, headers=sent, json=body)

    async def modern(self, method: str, params: dict[str, Any] | None = None, **options: Any) -> httpx2.Response:
        """A well-formed request of 2026-07-28."""
        params = dict(params or {})
        meta = modern_meta(**params.pop("_meta", {}))
        name = params.get("uri") if method == "resources/read" else params.get("name")
        named = method in ("tools/call", "prompts/get", "resources/read")
        headers = {**modern_headers(method, name if named else None), **options.pop("headers", {})}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        return await self.send(body, headers=headers, **options)

    async def bare(self, method: str, params: dict[str, Any] | None = None, **options: Any) -> httpx2.Response:
        """A request without version, session or `_meta`."""
        return await self.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}, **options)

    async def initialize(self, version: str = "2025-11-25", **options: Any) -> httpx2.Response:
        client = {"name": "desk", "version": "1"}
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        return await self.bare("initialize", params, **options)


async def raw(desk: Desk, head: str, body: bytes = b"") -> int:
    """The status of a hand-written request, for what no HTTP library would send."""
    port = int(desk.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode("latin-1") + body)
    await writer.drain()
    status = (await reader.readline()).split()
    writer.close()
    await writer.wait_closed()
    return int(status[1])


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


class HeardUpdates(Updates):
    """Tells when nobody waits any more."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = asyncio.Event()

    def remove(self, topic: Topic, uri: str, mailbox: Mailbox) -> None:
        super().remove(topic, uri, mailbox)
        if not self.wanted():
            self.idle.set()


@pytest.fixture
def updates() -> HeardUpdates:
    return HeardUpdates()


@pytest.fixture
def endpoint(host: FakeHost, updates: HeardUpdates) -> McpEndpoint:
    return McpEndpoint(
        host,
        allowed_hosts=(*LOCAL_HOSTS, "hub.example"),
        allowed_origins=(ORIGIN,),
        resource_metadata_url=lambda path: METADATA + path,
        updates=updates,
    )


@pytest.fixture
async def base_url(endpoint: McpEndpoint) -> AsyncIterator[str]:
    async with served(endpoint) as url:
        yield url


@pytest.fixture
async def desk(base_url: str) -> AsyncIterator[Desk]:
    async with httpx2.AsyncClient(timeout=10) as http:
        yield Desk(base_url, http)
