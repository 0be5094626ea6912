"""Stands between the hub and a server and does what networks and broken servers do.

A `FaultProxy` understands requests: it takes one whole, and hands it to its present fault together with a way to ask
the real server. `down` and `up` close and open its port. `Relay` passes bytes of any protocol, until it is cut.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import orjson

Json = dict[str, object]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


@dataclass
class Request:
    """One request of the hub, and its connection."""

    head: bytes
    body: bytes
    writer: asyncio.StreamWriter
    target: tuple[str, int]

    @property
    def message(self) -> Json:
        return dict(orjson.loads(self.body)) if self.body else {}

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def real(self) -> bytes:
        """What the server itself answers, to the end of its connection."""
        reader, writer = await asyncio.open_connection(*self.target)
        try:
            head = re.sub(rb"\r\nconnection: [^\r]*", b"", self.head, flags=re.I)
            writer.write(head[:-2] + b"connection: close\r\n\r\n" + self.body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    def reset(self) -> None:
        """End the connection without a good-bye (RST)."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Fault = Callable[[Request], Awaitable[None]]


async def passing(request: Request) -> None:
    """No fault."""
    await request.write(await request.real())


@dataclass
class FaultProxy:
    """`calls` counts the tool calls that came of the hub. Only requests of the method `disturbs` meet the fault."""

    target: tuple[str, int]
    fault: Fault = passing
    disturbs: str = "tools/call"
    port: int = 0
    calls: int = 0
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections, and end those there are."""
        if self._server is not None:
            self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.down()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            request = Request(head, body, writer, self.target)
            method = request.message.get("method")
            self.calls += method == "tools/call"
            await (self.fault if method == self.disturbs else passing)(request)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()  # one request on each connection: the server's own answers end with theirs, too


@dataclass
class Relay:
    """Bytes to and from a Unix socket, by TCP. While it is cut, there is nobody at its port."""

    path: str
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.path)
        self._open |= {writer, back}
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
        self._open -= {writer, back}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
