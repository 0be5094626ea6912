"""The client goes on with a stream that ended before the answer, where the server gave events ids."""

from collections.abc import AsyncIterator
from typing import Any

import mcp_types as types
import pytest
from mcp.server import Server
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from starlette.responses import Response

from tests.protocol.conftest import served, warm
from tests.protocol.raw_server import Seen, raw
from tradepost.protocol import wire
from tradepost.protocol.client import McpClient
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import Timeouts


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "RESUME_SECONDS", 0.01)
    monkeypatch.setattr(wire, "LEAST_RESUME_SECONDS", 0.01)


@pytest.fixture
async def http() -> AsyncIterator[HttpPool]:
    async with warm() as pool:
        yield pool


class Events(EventStore):
    """All events in their order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        stream = self.events[int(last_event_id) - 1][0]
        for number, (owner, message) in enumerate(self.events[int(last_event_id) :], int(last_event_id) + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class Polled:
    """The official server, with a tool that ends its stream before it answers."""

    def __init__(self) -> None:
        self.gets: list[str] = []
        self.server: Server[Any] = Server("polled", version="1", on_call_tool=self.call, on_list_tools=self.list)

    async def list(self, context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="slow", input_schema={"type": "object"})])

    async def call(self, context: Any, params: Any) -> types.CallToolResult:
        await context.session.send_progress_notification("t", 1, related_request_id=context.request_id)
        await context.close_sse_stream()
        await context.session.send_progress_notification("t", 2, related_request_id=context.request_id)
        return types.CallToolResult(content=[types.TextContent(text="done")])


async def test_a_stream_that_the_server_ends_to_be_asked_again_is_gone_on_with(http: HttpPool) -> None:
    polled = Polled()
    app = polled.server.streamable_http_app(event_store=Events(), retry_interval=200)

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            if headers.get("mcp-protocol-version") == "2026-07-28":
                await Response(status_code=400)(scope, receive, send)
                return
            if scope["method"] == "GET":
                polled.gets.append(headers["last-event-id"])
        await app(scope, receive, send)

    heard: list[Any] = []

    async def hear(message: dict[str, Any]) -> None:
        heard.append(message["params"]["progress"])

    async with served(counting) as base:
        client = McpClient(http, f"{base}/mcp")
        answer = await client.call_tool("slow", {}, on_message=hear)
        assert answer["content"][0]["text"] == "done"
        assert heard == [1, 2]
        assert len(polled.gets) == 1
        await client.close()


def _sse(*lines: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + "".join(lines).encode()


INITIALIZED = (
    b'{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"serverInfo":{"name":"x","version":"1"}}}'
)
RESULT = 'data: {"jsonrpc":"2.0","id":3,"result":{"content":[]}}\n\n'


def breaking(*streams: bytes, then: bytes = b"") -> Any:
    """A server of the older era whose answers to a call are these pieces of a stream, the first for the POST."""
    left = list(streams)

    async def behave(seen: Seen) -> None:
        if b"server/discover" in seen.body:
            await seen.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        elif b'"initialize"' in seen.body:
            head = (
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nmcp-session-id: s1\r\ncontent-length: %d\r\n\r\n"
            )
            await seen.write(head % len(INITIALIZED) + INITIALIZED)
        elif b"initialized" in seen.body:
            await seen.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        else:
            await seen.write(left.pop(0) if left else then)
            raise ConnectionResetError

    return behave


async def test_a_broken_connection_is_gone_on_with_after_the_last_whole_event(http: HttpPool) -> None:
    first = _sse("id: e1\ndata:\n\n", 'id: e2\ndata: {"jsonrpc":"2.0","method":"x"}\n\n', "id: e3\ndata: {")
    second = _sse("id: e4\ndata:\n\nretry: 5\n\n")
    async with raw(breaking(first, second, _sse(f"id: e5\n{RESULT}"))) as server:
        assert (await McpClient(http, server.url).call_tool("slow", {}))["content"] == []
        gets = [seen.head for seen in server.requests if seen.head.startswith(b"GET")]
        assert [b"last-event-id: e2" in gets[0], b"last-event-id: e4" in gets[1]] == [True, True]
        assert all(b"mcp-session-id: s1" in head for head in gets)
        assert len([seen for seen in server.requests if b"tools/call" in seen.body]) == 1


@pytest.mark.parametrize(
    "first",
    [
        _sse('data: {"jsonrpc":"2.0","method":"x"}\n\n'),
        _sse("id: line\x01break\ndata:\n\n"),
        _sse(f"id: {'x' * 2000}\ndata:\n\n"),
    ],
)
async def test_without_a_usable_id_the_outcome_is_open(http: HttpPool, first: bytes) -> None:
    async with raw(breaking(first)) as server:
        with pytest.raises(UpstreamFailed, match="without a response") as failed:
            await McpClient(http, server.url).call_tool("slow", {})
        assert (failed.value.dispatched, failed.value.answered) == (True, False)
        assert not [seen for seen in server.requests if seen.head.startswith(b"GET")]


async def test_a_server_that_refuses_to_go_on_leaves_the_outcome_open(http: HttpPool) -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    async with raw(breaking(_sse("id: e1\ndata:\n\n"), then=refusal)) as server:
        with pytest.raises(UpstreamFailed, match="without a response") as failed:
            await McpClient(http, server.url).call_tool("slow", {})
        assert (failed.value.dispatched, failed.value.answered) == (True, False)


@pytest.mark.parametrize("bound", ["time", "times"])
async def test_going_on_for_ever_has_an_end(http: HttpPool, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(wire, "MOST_IDLE_RESUMPTIONS", 3 if bound == "times" else 1_000_000)
    call = 20.0 if bound == "times" else 0.5
    async with raw(breaking(_sse("id: e1\nretry: 1\ndata:\n\n"), then=_sse(": nothing yet\n\n"))) as server:
        with pytest.raises(UpstreamFailed if bound == "times" else UpstreamTimedOut):
            await McpClient(http, server.url, timeouts=Timeouts(call=call)).call_tool("slow", {})
