"""Why a server could not be reached, in one sentence; what the guard refuses says nothing of what is there (row 20)."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tradepost.hub.upstreams.diagnosis import why_unreachable
from tradepost.hub.upstreams.guard import Guard


async def resolve(host: str, _port: int) -> list[str]:
    if host == "nobody.example":
        raise OSError("no such name")
    return ["127.0.0.1"]


@pytest.mark.behaviour("S0.7")
async def test_each_reason_is_a_sentence(tmp_path: Path):
    guard = Guard([ip_network("127.0.0.0/8")], resolve)
    good = Certificates(tmp_path)
    old = Certificates(tmp_path, now=datetime.now(UTC) - timedelta(days=1))

    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    servers = [await asyncio.start_server(hangs_up, "127.0.0.1", 0, ssl=one.server) for one in (good, old)]
    plain = await asyncio.start_server(hangs_up, "127.0.0.1", 0)
    fine, expired, clear = (one.sockets[0].getsockname()[1] for one in (*servers, plain))
    said = {
        f"https://shop.example:{fine}/mcp": None,
        f"http://shop.example:{clear}/mcp": None,
        f"https://other.example:{fine}/mcp": "The certificate of other.example is for another name.",
        f"https://shop.example:{clear}/mcp": f"What listens at shop.example, port {clear} does not speak TLS.",
        "https://nobody.example/mcp": "The name 'nobody.example' cannot be resolved.",
    }
    for url, sentence in said.items():
        assert await why_unreachable(guard, url, good.trusting) == sentence, url
    late = await why_unreachable(guard, f"https://shop.example:{expired}/mcp", old.trusting)
    assert late == "The certificate of shop.example has expired."
    stranger = await why_unreachable(guard, f"https://shop.example:{fine}/mcp")
    assert stranger == "The certificate of shop.example is signed by nobody but itself."
    for one in (*servers, plain):
        one.close()
        await one.wait_closed()
    assert await why_unreachable(guard, f"http://shop.example:{clear}/mcp") == (
        f"Nothing listens at shop.example, port {clear}."
    )
    refusals = {await why_unreachable(Guard((), resolve), f"http://shop.example:{port}/") for port in (clear, fine)}
    assert len(refusals) == 1
    assert "private or special address" in str(refusals.pop())
