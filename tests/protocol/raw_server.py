"""A server that writes its answers byte by byte as a test tells it, and what our pool gets from it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.protocol.conftest import as_written
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import read_http_url

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@dataclass
class Seen:
    """A request: on which connection it came (from 1), which one it is on that and in all."""

    connection: int
    number: int
    in_all: int
    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Behave = Callable[[Seen], Awaitable[None]]


@dataclass
class RawServer:
    """`behave` answers each request; a ConnectionError that it raises closes the connection. `closed` is set when a
    client has gone away from a connection that was being read."""

    behave: Behave
    url: str = ""
    connections: int = 0
    requests: list[Seen] = field(default_factory=list)
    reads_bodies: bool = True
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def left(self) -> None:
        """Wait until a client has gone away."""
        async with asyncio.timeout(5):
            await self.closed.wait()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, number = self.connections, 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length and self.reads_bodies else b""
                number += 1
                seen = Seen(connection, number, len(self.requests) + 1, head, body, reader, writer)
                self.requests.append(seen)
                await self.behave(seen)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()


@asynccontextmanager
async def raw(
    behave: Behave, *, tls: ssl.SSLContext | None = None, reads_bodies: bool = True
) -> AsyncIterator[RawServer]:
    """The server, listening."""
    told = RawServer(behave, reads_bodies=reads_bodies)
    server = await asyncio.start_server(told, "127.0.0.1", 0, ssl=tls)
    told.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    try:
        yield told
    finally:
        server.close()
        for seen in told.requests:
            seen.writer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.wait_closed()


def writing(*answers: bytes) -> Behave:
    """The first answer to the first request, the last one to all that follow."""

    async def behave(seen: Seen) -> None:
        await seen.write(answers[min(seen.in_all, len(answers)) - 1])

    return behave


@dataclass
class Asker:
    """Sends requests over a pool and reads their answers."""

    url: str
    pool: HttpPool
    deadline: Deadline = field(default_factory=lambda: Deadline(10))

    async def begun(self, body: bytes = b"", repeatable: bool = False, seconds: float = 5) -> HttpAnswer:
        """The answer once it has begun, with `seconds` for a connection."""
        to = read_http_url(self.url)
        head = f"POST {to.target} HTTP/1.1\r\nhost: {to.authority}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        self.deadline = Deadline(10)
        return await self.pool.send(to, head, body, self.deadline, connect_seconds=seconds, repeatable=repeatable)

    async def ask(self, body: bytes = b"", repeatable: bool = False) -> tuple[int, bytes]:
        """Status and whole body. Raises UpstreamFailed, UpstreamTimedOut."""
        answer = await self.begun(body, repeatable)
        try:
            return answer.status, b"".join([piece async for piece in answer])
        finally:
            answer.close()


@asynccontextmanager
async def asking(
    behave: Behave, *, reads_bodies: bool = True, most: int = 512, most_per_origin: int = 160
) -> AsyncIterator[tuple[RawServer, Asker]]:
    """A server, and somebody who asks it."""
    async with (
        raw(behave, reads_bodies=reads_bodies) as server,
        HttpPool(as_written, most=most, most_per_origin=most_per_origin) as pool,
    ):
        yield server, Asker(server.url, pool)
