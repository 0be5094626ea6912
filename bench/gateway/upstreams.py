"""Many MCP servers in one process, over the harness's upstream: `/NAME/mcp` is a server of its own.

`python -m bench.gateway.upstreams PORT`. A name that begins with `slow` answers a call after SLOW_SECONDS, one that
begins with `hangs` answers nothing at all. `GET /stats` says how often each method of each server was asked, and over
how many connections, since it was last looked at.
"""

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.gateway.harness import module
from bench.processes import answers, free_port, running

SLOW_SECONDS = 0.2


class ManyServers:
    """The application."""

    def __init__(self, server: ASGIApp) -> None:
        self._server = server
        self._asked: Counter[str] = Counter()
        self._connections: set[tuple[str, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._server(scope, receive, send)
            return
        name, _, path = scope["path"].removeprefix("/").partition("/")
        if name == "stats":
            await self._tell(send)
            return
        body = await _body(receive)
        method = _method(body)
        self._asked[f"{name} {method}"] += 1
        self._connections.add(tuple(scope["client"]))
        if name.startswith("hangs"):
            await _gone(receive)
            return
        if name.startswith("slow") and method == "tools/call":
            await asyncio.sleep(SLOW_SECONDS)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._server({**scope, "path": f"/{path}"}, again, send)

    async def _tell(self, send: Send) -> None:
        body = orjson.dumps({"asked": self._asked, "connections": len(self._connections)})
        self._asked.clear()
        self._connections.clear()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _method(body: bytes) -> str:
    return str(orjson.loads(body).get("method")) if body else "none"


class Upstream:
    """The running process, from outside."""

    def __init__(self, port: int) -> None:
        self._port = port

    def url(self, name: str) -> str:
        """Where a server is."""
        return f"http://127.0.0.1:{self._port}/{name}/mcp"

    def stats(self) -> tuple[dict[str, int], int]:
        """How often what was asked ("NAME METHOD"), and the number of connections, since the last look."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/stats", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told["asked"], int(told["connections"])


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """The servers in a process of their own."""
    port = free_port()
    command = [sys.executable, "-m", "bench.gateway.upstreams", str(port)]
    with running(command, lambda: answers(port, "/stats")):
        yield Upstream(port)


if __name__ == "__main__":
    uvicorn.run(
        ManyServers(module("upstream").app),
        port=int(sys.argv[1]),
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
