"""Processes behind one port: who may speak on their sockets, and what a client hears when one is not there any more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.protocol.conftest import Desk, served
from tests.protocol.fake_host import FakeHost
from tradepost.foundation.errors import Unavailable
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.peers import Elsewhere, Peers

HERE, THERE = "0000000a", "0000000b"
SESSION = {"mcp-session-id": THERE + "0" * 64, "mcp-protocol-version": "2025-11-25"}
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


@pytest.fixture
def peers(tmp_path: Path) -> Peers:
    return Peers(HERE, tmp_path, "secret")


@pytest.fixture
async def desk(host: FakeHost, peers: Peers) -> AsyncIterator[Desk]:
    endpoint = McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, peers=peers)
    async with served(endpoint) as url, httpx2.AsyncClient(timeout=10) as http:
        yield Desk(url, http)


async def answering(peers: Peers, answer: bytes) -> tuple[asyncio.Server, list[bytes]]:
    """Another process that answers every request with the same bytes, and what it was sent."""
    heard: list[bytes] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    return await asyncio.start_unix_server(one, str(peers.socket_of(THERE))), heard


async def test_a_request_goes_on_without_what_only_processes_may_say(desk: Desk, peers: Peers) -> None:
    other, heard = await answering(peers, b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx-own: 1\r\n\r\n{}")
    async with other:
        headers = {**SESSION, "x-tradepost-secret": "guessed", "x-tradepost-client": "10.0.0.1"}
        answer = await desk.send(PING, headers=headers)
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (202, "{}", "1")
    assert heard[0].count(b"x-tradepost-secret: ") == heard[0].count(b"x-tradepost-client: ") == 1
    assert b"x-tradepost-secret: secret\r\n" in heard[0]
    assert b"x-tradepost-client: 127.0.0.1\r\n" in heard[0]


async def test_the_sessions_of_a_process_that_is_gone_are_unknown(desk: Desk, peers: Peers) -> None:
    assert (await desk.send(PING, headers=SESSION)).status_code == 404
    peers.socket_of(THERE).touch()  # left behind by one that was killed
    assert (await desk.send(PING, headers=SESSION)).status_code == 404
    assert not await peers.is_there(THERE)
    assert not await peers.is_there("../../etc/x")
    assert (await desk.send(PING, headers=SESSION, token="nobody")).status_code == 401


async def test_one_that_ends_before_it_answered_leaves_it_open_what_happened(desk: Desk, peers: Peers) -> None:
    other, _ = await answering(peers, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    async with other:
        answer = await desk.send(PING, headers=SESSION)
    assert answer.status_code == 502
    assert "whether it took effect is unknown" in answer.json()["error"]["message"]
    assert answer.json()["id"] == PING["id"]


class HeldElsewhere(FakeHost):
    """Its calls are with the other process, for so many looks."""

    looks = 1

    async def call_tool(self, *arguments: Any) -> Any:
        self.looks -= 1
        if self.looks >= 0:
            raise Elsewhere(THERE, Unavailable("It has just ended."), may_repeat=True)
        return await super().call_tool(*arguments)


@pytest.mark.parametrize("how", ["silent", "half an answer", "gone"])
@pytest.mark.parametrize("looks", [1, 2])
async def test_what_may_be_repeated_is_answered_here_when_the_other_ends(peers: Peers, how: str, looks: int) -> None:
    host = HeldElsewhere()
    host.looks = looks
    other, _ = await answering(peers, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf" if how[0] == "h" else b"")
    if how == "gone":
        other.close()
    endpoint = McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, peers=peers)
    async with other, served(endpoint) as url, httpx2.AsyncClient(timeout=10) as http:
        answer = await Desk(url, http).modern("tools/call", {"name": "get_order", "arguments": {"a": 1}})
    if looks == 1:
        assert answer.json()["result"]["structuredContent"] == {"a": 1}
        assert len(host.calls) == 1
    else:
        assert "just ended" in answer.json()["error"]["message"]
        assert answer.json()["id"] == 1
        assert not host.calls


@pytest.mark.parametrize("secret", [None, b"", b"wrong"])
async def test_nobody_else_is_let_in(peers: Peers, secret: bytes | None) -> None:
    sent: list[Any] = []

    async def app(*_: Any) -> None:
        raise AssertionError("it was let in")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if secret is None else [(b"x-tradepost-secret", secret)]
    await peers.door(app)({"type": "http", "headers": headers}, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 403


async def test_with_the_secret_the_client_is_who_it_was(peers: Peers) -> None:
    seen: list[Any] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope)

    headers = [(b"x-tradepost-secret", b"secret"), (b"x-tradepost-client", b"10.0.0.9"), (b"host", b"hub")]
    await peers.door(app)({"type": "http", "headers": headers}, None, None)  # type: ignore[arg-type]
    assert seen[0]["client"][0] == "10.0.0.9"
    assert seen[0]["headers"] == [(b"host", b"hub")]
