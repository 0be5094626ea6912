"""What every door beside the MCP endpoint does: Host, Origin, bodies within bounds, headers for browsers."""

from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx2
import orjson
import pytest

from tests.cli.test_quick_http import connected
from tests.protocol.conftest import served
from tradepost.protocol import exchange
from tradepost.protocol.discovery import ProtocolsDocument, mcp_at
from tradepost.protocol.doors import SAFE_HEADERS, GuardedDoors
from tradepost.protocol.guards import LOCAL_HOSTS, Doorkeeper
from tradepost.protocol.jsonrpc import MAX_BODY_BYTES

ORIGIN = "https://desk.example"


class Echo:
    """Says how long the body was; `/own` brings headers of its own."""

    def owns(self, path: str) -> bool:
        return path.startswith("/echo")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message: MutableMapping[str, Any] = await receive()
        headers = [(b"content-security-policy", b"default-src 'self'")] if scope["path"].endswith("/own") else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": str(len(message["body"])).encode()})


@pytest.fixture
async def url() -> AsyncIterator[str]:
    document = ProtocolsDocument({"mcp": mcp_at("https://hub.example")})
    doors = GuardedDoors((document, Echo()), Doorkeeper(LOCAL_HOSTS, (ORIGIN,)), https=True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            door = doors.owner(scope["path"])
            assert door is not None
            await doors.serve(door, scope, receive, send)

    async with served(app) as base:
        yield base


@pytest.mark.behaviour("S3.15")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": ORIGIN}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ORIGIN + ".evil.example"}, 403),
        ({"origin": ""}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "a@127.0.0.1"}, 421),
        ({"host": "127.0.0.1/x?y#z"}, 421),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_host_and_origin_are_checked(url: str, method: str, headers: dict[str, str], status: int):
    async with httpx2.AsyncClient(base_url=url) as client:
        answer = await client.request(method, "/echo", headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert orjson.loads(answer.content)["status"] == status


async def test_browsers_are_told_to_be_careful(url: str):
    async with httpx2.AsyncClient(base_url=url) as client:
        plain, own = await client.get("/echo"), await client.get("/echo/own")
    for name, value in SAFE_HEADERS:
        assert plain.headers[name.decode()] == value.decode()
    assert plain.headers["strict-transport-security"].startswith("max-age=")
    assert own.headers.get_list("content-security-policy") == ["default-src 'self'"]


async def test_a_body_is_bounded_however_it_is_sent(url: str):
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b"x" * 65_536

    async with httpx2.AsyncClient(base_url=url) as client:
        assert (await client.post("/echo", content=b"x" * 70_000)).text == "70000"
        assert (await client.post("/echo", content=b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
        assert (await client.post("/echo", content=pieces())).status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchange, "BODY_SECONDS", 0.05)
    async with connected(url) as (reader, writer):
        host = url.removeprefix("http://").encode()
        writer.write(b"POST /echo HTTP/1.1\r\nhost: %b\r\ncontent-length: 10\r\n\r\nx" % host)
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.behaviour("S3.20")
async def test_one_request_tells_what_the_hub_speaks(url: str):
    async with httpx2.AsyncClient(base_url=url) as client:
        answer = await client.get("/.well-known/protocols")
        assert (await client.post("/.well-known/protocols")).status_code == 405
        head = await client.head("/.well-known/protocols")
    found = answer.json()
    assert found["mcp"]["endpoint"] == "https://hub.example/mcp"
    assert found["mcp"]["versions"][:2] == ["2026-07-28", "2025-11-25"]
    assert set(found) == {"mcp"}
    assert (head.status_code, head.content) == (200, b"")


async def test_pages_of_allowed_origins_may_read_answers_and_no_others(url: str):
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, x-mine"}
    async with httpx2.AsyncClient(base_url=url) as client:
        asked = await client.options("/echo", headers={"origin": ORIGIN, **asks})
        answer = await client.get("/echo", headers={"origin": ORIGIN})
        own = await client.get("/echo")
        foreign = await client.options("/echo", headers={"origin": "https://evil.example", **asks})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-headers"] == "authorization, x-mine"
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    for other in (own, foreign):
        assert "access-control-allow-origin" not in other.headers
    assert foreign.status_code == 403
