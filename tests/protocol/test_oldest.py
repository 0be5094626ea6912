"""The client against servers of the oldest kind: an event stream that names where to post (the official server's own),
and what such a server can do wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from mcp.server.sse import SseServerTransport
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.protocol.conftest import served, warm
from tests.protocol.fake_builtin import OPERATOR, FakeShop
from tradepost.protocol.client import McpClient
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.standalone import sdk_server
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import Timeouts

SECONDS = 20.0


class OldestServer:
    """GET /sse and POST /messages/, and nothing else."""

    def __init__(self) -> None:
        self.transport = SseServerTransport("/messages/")
        self.server = sdk_server(FakeShop(), OPERATOR)
        self.streams = 0
        self.posts = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "GET" and scope["path"] == "/sse":
            self.streams += 1
            async with self.transport.connect_sse(scope, receive, send) as (reading, writing):
                await self.server.run(reading, writing, self.server.create_initialization_options())
        elif scope["method"] == "POST" and scope["path"] == "/messages/":
            self.posts += 1
            await self.transport.handle_post_message(scope, receive, send)
        else:
            await Response(status_code=405)(scope, receive, send)


@pytest.fixture
async def http() -> AsyncIterator[HttpPool]:
    async with warm() as pool:
        yield pool


async def test_an_oldest_server_is_found_out_and_used(http: HttpPool) -> None:
    oldest = OldestServer()
    async with served(oldest) as base:
        client = McpClient(http, f"{base}/sse")
        identity = await client.probe()
        assert (identity.era, identity.transport) == ("legacy", "sse")
        assert {tool["name"] for tool in await client.list_tools()} == {"find", "place_order"}
        answers = await asyncio.gather(*(client.call_tool("find", {"a": number}) for number in range(20)))
        assert [answer["structuredContent"]["arguments"]["a"] for answer in answers] == list(range(20))
        assert oldest.streams == 1
        await client.close()


Answer = Callable[[Request], Any]


async def answering(stream: Answer, post: Answer | None = None) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method == "GET":
            response = stream(request)
        elif request.url.path == "/sse" or post is None:
            response = Response(status_code=405)
        else:
            response = post(request)
        await response(scope, receive, send)

    return app


def events(*lines: str) -> Answer:
    async def body() -> AsyncIterator[bytes]:
        for line in lines:
            yield f"{line}\n\n".encode()

    return lambda _request: StreamingResponse(body(), media_type="text/event-stream")


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (events("event: endpoint\ndata: http://127.0.0.2:1/steal"), "named no address of its own"),
        (events("event: endpoint\ndata: //elsewhere.test/x"), "named no address of its own"),
        (events("event: endpoint\ndata: http://[::1/x"), "named an address to post to that is none"),
        (events(), "named no address of its own"),
        (lambda _request: Response("<html>", media_type="text/html"), "HTTP 405"),
        (lambda _request: Response(status_code=404), "HTTP 405"),
    ],
)
async def test_what_is_no_such_server_is_said(http: HttpPool, stream: Answer, said: str) -> None:
    async with served(await answering(stream)) as base:
        with pytest.raises(UpstreamFailed, match=said):
            await McpClient(http, f"{base}/sse").probe()


async def test_a_stream_that_ends_fails_what_waits_on_it(http: HttpPool) -> None:
    asked = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"event: endpoint\ndata: /post?session=1\n\n"
        await asked.wait()

    def post(_request: Request) -> Response:
        asked.set()
        return Response(status_code=202)

    app = await answering(lambda _request: StreamingResponse(body(), media_type="text/event-stream"), post)
    async with served(app) as base:
        with pytest.raises(UpstreamFailed, match="ended its event stream"):
            await asyncio.wait_for(McpClient(http, f"{base}/sse").probe(), SECONDS)


async def test_a_stream_that_names_nothing_is_given_up_in_time(http: HttpPool) -> None:
    ending = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        await ending.wait()

    app = await answering(lambda _request: StreamingResponse(body(), media_type="text/event-stream"))
    async with served(app) as base:
        with pytest.raises(UpstreamTimedOut):
            await McpClient(http, f"{base}/sse", timeouts=Timeouts(connect=1, handshake=0.3)).probe()
        ending.set()
