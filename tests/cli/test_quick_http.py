"""The short way of usual requests, over real sockets: what a client sees is what it sees of the ordinary way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.protocol.conftest import served
from tradepost.cli.quick_http import QuickProtocol
from tradepost.protocol.exchange import WHOLE, ClientGone, Exchange

POST = b"POST /mcp HTTP/1.1\r\nhost: here\r\n"
IDLE_SECONDS = 0.05


class Impatient(QuickProtocol):
    """Closes idle connections soon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timeout_keep_alive = IDLE_SECONDS  # type: ignore[assignment]  # uvicorn counts in whole seconds


class Echo:
    """Answers with the body it got, and notes which way it came."""

    def __init__(self) -> None:
        self.ways: list[str] = []
        self.hosts: list[str | None] = []
        self.begun, self.came = asyncio.Event(), asyncio.Event()
        self.before_answer: Callable[[Exchange], Awaitable[None]] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.ways.append("short" if WHOLE in scope.get("extensions", {}) else "ordinary")
        self.begun.set()
        exchange = Exchange(scope, receive, send)
        body = exchange.whole_body()
        if body is None:
            body = await exchange.body()
        self.came.set()
        if self.before_answer is not None:
            await self.before_answer(exchange)
        self.hosts.append(exchange.headers.get("host"))
        answer = b'{"path":"%b","body":"%b"}' % (exchange.path.encode(), body)
        if not exchange.answer_whole(answer):
            await exchange.respond(200, answer)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


def request(body: bytes, more: bytes = b"") -> bytes:
    return POST + b"%bcontent-length: %d\r\n\r\n%b" % (more, len(body), body)


@pytest.fixture
def echo() -> Echo:
    return Echo()


async def test_one_request_after_the_other(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        for body in (b"a", b"", b"bb"):
            writer.write(request(body))
            head, said = await answer(reader)
            assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            assert b"x-content-type-options: nosniff\r\n" in head
            assert said == b'{"path":"/mcp","body":"%b"}' % body
    assert echo.ways == ["short"] * 3


async def test_requests_that_come_at_once_are_answered_in_order(echo: Echo) -> None:
    bodies = [b"1", b"2", b"3"]
    async with served(echo) as url, connected(url) as (reader, writer):
        writer.write(b"".join(request(body) for body in bodies))
        said = [(await answer(reader))[1] for _ in bodies]
        assert said == [b'{"path":"/mcp","body":"%b"}' % body for body in bodies]
        writer.write(request(b"4"))
        assert (await answer(reader))[1].endswith(b'"4"}')
    assert echo.ways == ["short", "ordinary", "ordinary", "short"]


async def test_a_body_in_parts(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        whole = request(b"abcdef")
        writer.write(whole[:-3])
        await writer.drain()
        await echo.begun.wait()  # so that it comes in two pieces
        writer.write(whole[-3:])
        assert (await answer(reader))[1].endswith(b'"abcdef"}')
        large = b"x" * 300_000
        writer.write(request(large))
        assert (await answer(reader))[1].endswith(b'"%b"}' % large)
        writer.write(POST + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert (await answer(reader))[1].endswith(b'"abc"}')


async def test_a_client_that_wants_the_connection_closed(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        writer.write(request(b"last", b"connection: close\r\n"))
        head, _ = await answer(reader)
        assert b"connection: close\r\n" in head
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"GET /mcp HTTP/1.1\r\n", b"/mcp"),
        (b"POST /m%63p HTTP/1.1\r\n", b"/mcp"),
        (b"POST /mcp?a=1 HTTP/1.1\r\n", b"/mcp"),
        (b"POST /" + b"a" * 300 + b" HTTP/1.1\r\n", b"/" + b"a" * 300),
        (b"POST http://here/mcp HTTP/1.1\r\n", b"/mcp"),
    ],
)
async def test_what_is_not_usual_goes_the_ordinary_way(echo: Echo, line: bytes, path: bytes) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        writer.write(line + b"host: here\r\ncontent-length: 1\r\n\r\nx")
        assert (await answer(reader))[1] == b'{"path":"%b","body":"x"}' % path
    assert echo.ways == ["ordinary"]


async def test_an_application_that_knows_only_messages() -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async with served(plain) as url, connected(url) as (reader, writer):
        for body in (b"one", b"two"):
            writer.write(request(body))
            assert (await answer(reader))[1] == body


async def test_a_client_that_leaves_is_seen_after_its_body_was_taken(echo: Echo) -> None:
    left = asyncio.Event()

    async def until_left(exchange: Exchange) -> None:
        await exchange.disconnected()
        left.set()
        raise ClientGone

    echo.before_answer = until_left
    async with served(echo) as url:
        async with connected(url) as (_, writer):
            writer.write(request(b"x"))
            await echo.came.wait()
        async with asyncio.timeout(10):
            await left.wait()


async def test_an_idle_connection_is_closed_after_its_time_and_one_in_use_is_not(echo: Echo) -> None:
    answering = asyncio.Event()

    async def late(_exchange: Exchange) -> None:
        await answering.wait()

    async with served(echo, Impatient) as url, connected(url) as (reader, writer):
        writer.write(request(b"quick"))
        await answer(reader)
        echo.before_answer = late
        writer.write(request(b"slow"))
        asyncio.get_running_loop().call_later(IDLE_SECONDS * 4, answering.set)
        assert (await answer(reader))[1].endswith(b'"slow"}')
        async with asyncio.timeout(10):
            assert await reader.read() == b""


async def test_a_target_that_names_a_host_is_for_that_host(echo: Echo) -> None:
    """security.md T3: what `Host` says beside it counts no more."""
    targets = (
        b"http://there.example/mcp?x",
        b"http://me@here:80/mcp",
        b"http://there.example%2f@here/mcp",
        b"/http://x/",
    )
    async with served(echo) as url, connected(url) as (reader, writer):
        for target in targets:
            writer.write(b"POST %b HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n" % target)
            assert (await answer(reader))[0].startswith(b"HTTP/1.1 200 ")
    assert echo.hosts == ["there.example", "me@here:80", "there.example%2f@here", "here"]


async def test_a_head_that_came_before_is_known_and_its_body_is_its_own(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        for body in (b"one", b"two", b"six", b"seven", b"nine!", b"two"):
            writer.write(request(body))
            assert body in (await answer(reader))[1]
        assert echo.ways == ["short"] * 6
        assert echo.hosts == ["here"] * 6


async def test_a_known_head_whose_body_comes_later_or_with_the_next_request(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        whole = request(b"first")
        head, _, _ = whole.partition(b"first")
        writer.write(whole)
        assert b"first" in (await answer(reader))[1]
        echo.begun.clear()
        writer.write(head)
        await echo.begun.wait()  # the head alone begins a request
        writer.write(b"later")
        assert b"later" in (await answer(reader))[1]
        writer.write(whole.replace(b"first", b"third") + whole.replace(b"first", b"forth"))
        assert b"third" in (await answer(reader))[1]
        assert b"forth" in (await answer(reader))[1]
        writer.write(whole.replace(b"first", b"fifth"))
        assert b"fifth" in (await answer(reader))[1]


async def test_a_head_that_wants_to_be_asked_on_is_asked_each_time(echo: Echo) -> None:
    async with served(echo) as url, connected(url) as (reader, writer):
        for _ in range(3):
            writer.write(request(b"first", b"expect: 100-continue\r\n"))
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            assert b"first" in (await answer(reader))[1]
