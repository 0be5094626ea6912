"""A client that does not want its answer any more: the call ends, and so does what was asked of a server behind it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.protocol.conftest import Desk, warm
from tests.protocol.fake_host import FakeHost
from tests.protocol.raw_server import RawServer, Seen, raw
from tradepost.protocol.client import McpClient
from tradepost.protocol.upstream_errors import UpstreamTimedOut
from tradepost.protocol.wire import Timeouts

WAIT = {"name": "echo", "arguments": {"wait": True}}
SECONDS = 20


async def opened(desk: Desk) -> dict[str, str]:
    """The headers of a new session."""
    answer = await desk.initialize()
    return {"mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}


async def hung_up(desk: Desk, host: FakeHost, call: Awaitable[httpx2.Response]) -> None:
    """Begin a call and close its connection when the host has it."""
    task = asyncio.ensure_future(call)
    await asyncio.wait_for(host.started.wait(), SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_in_the_newer_era_a_client_that_hangs_up_has_canceled(desk: Desk, host: FakeHost):
    await hung_up(desk, host, desk.modern("tools/call", WAIT))
    await asyncio.wait_for(host.ended.wait(), SECONDS)


async def test_in_the_older_era_a_lost_connection_cancels_nothing(desk: Desk, host: FakeHost):
    await hung_up(desk, host, desk.bare("tools/call", WAIT, headers=await opened(desk)))
    host.released.set()
    await asyncio.wait_for(host.ended.wait(), SECONDS)
    assert host.completed == 1


async def test_in_the_older_era_a_notification_cancels_the_request_it_names(desk: Desk, host: FakeHost):
    session, other = await opened(desk), await opened(desk)
    call = asyncio.create_task(desk.bare("tools/call", WAIT, headers=session))
    await asyncio.wait_for(host.started.wait(), SECONDS)

    async def cancel(headers: dict[str, str], **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        assert (await desk.send(message, headers=headers)).status_code == 202

    await cancel(other, requestId=1)  # its own request 1 is over
    await cancel(session, requestId=2)
    await cancel(session, requestId=[1])
    await cancel(session)
    assert not call.done()
    await cancel(session, requestId=1, reason="no longer needed")
    assert (await call).json()["error"]["code"] == 499
    assert host.completed == 0
    await cancel(session, requestId=1)
    assert (await desk.bare("tools/call", {"name": "echo"}, headers=session)).json()["result"]["isError"] is False


async def test_many_that_stay_are_watched_and_forgotten(desk: Desk, host: FakeHost):
    first = asyncio.create_task(desk.modern("tools/call", WAIT))
    await asyncio.wait_for(host.started.wait(), SECONDS)
    staying = [asyncio.create_task(desk.modern("tools/call", WAIT)) for _ in range(4)]
    first.cancel()
    await asyncio.wait_for(host.ended.wait(), SECONDS)
    host.released.set()
    answers = await asyncio.gather(*staying)
    assert [answer.status_code for answer in answers] == [200] * 4


# --- towards servers ---


class Slow:
    """A server that answers everything but tool calls; `heard` are its notifications."""

    def __init__(self, era: str) -> None:
        self.era = era
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.called = asyncio.Event()
        self.call_id: int | None = None

    async def __call__(self, seen: Seen) -> None:
        message = json.loads(seen.body)
        method = message["method"]
        if method == "server/discover" and self.era == "legacy":
            await seen.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        elif method == "server/discover":
            await self._answer(seen, message, {"supportedVersions": ["2026-07-28"], "capabilities": {}})
        elif method == "initialize":
            info = {"name": "slow", "version": "1"}
            agreed = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info}
            await self._answer(seen, message, agreed)
        elif method == "tools/call":
            self.call_id = message["id"]
            self.called.set()
        else:
            self.heard.put_nowait(message)
            await seen.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")

    async def _answer(self, seen: Seen, message: dict[str, Any], result: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        await seen.write(head + body)


Give = Callable[[McpClient, Slow], Awaitable[None]]


async def leave(client: McpClient, server: Slow) -> None:
    call = asyncio.create_task(client.call_tool("wait", {}))
    await asyncio.wait_for(server.called.wait(), SECONDS)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def run_out_of_time(client: McpClient, server: Slow) -> None:
    await client.connect()
    with pytest.raises(UpstreamTimedOut):
        await client.call_tool("wait", {}, timeout=0.05)


@pytest.mark.parametrize("give_up", [leave, run_out_of_time])
async def test_an_older_server_is_told_that_nobody_waits(give_up: Give):
    server = Slow("legacy")
    async with raw(server) as running, warm() as pool:
        client = McpClient(pool, running.url, timeouts=Timeouts(connect=SECONDS))
        await give_up(client, server)
        told = await asyncio.wait_for(server.heard.get(), SECONDS)
        while told["method"] == "notifications/initialized":
            told = await asyncio.wait_for(server.heard.get(), SECONDS)
        assert (told["method"], told["params"]["requestId"]) == ("notifications/cancelled", server.call_id)
        await client.close()


async def test_a_newer_server_sees_its_connection_closed():
    server = Slow("modern")
    running: RawServer
    async with raw(server) as running, warm() as pool:
        client = McpClient(pool, running.url, timeouts=Timeouts(connect=SECONDS))
        await leave(client, server)
        await running.left()
        await client.close()
    assert server.heard.empty()
