"""Heads of requests that come slowly, never end, or never begin: the connection is closed (security.md row 35)."""

from typing import Any

import pytest

from tests.cli.test_quick_http import Echo, answer, connected, request
from tests.protocol.conftest import served
from tradepost.cli import quick_http
from tradepost.cli.quick_http import MOST_HEAD_BYTES, QuickProtocol


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_http, "HEAD_SECONDS", 0.05)


async def test_a_connection_that_says_nothing_is_closed():
    async with served(Echo()) as url, connected(url) as (reader, _):
        assert await reader.read() == b""


@pytest.mark.parametrize("before", [0, 2])
async def test_a_head_that_does_not_end_is_closed(before: int):
    class Impatient(QuickProtocol):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.timeout_keep_alive = 0.2  # type: ignore[assignment]  # uvicorn counts in whole seconds

    async with served(Echo(), Impatient) as url, connected(url) as (reader, writer):
        for _ in range(before):
            writer.write(request(b"{}"))
            await answer(reader)
        writer.write(b"POST /mcp HTTP/1.1\r\nhost: he")
        assert await reader.read() == b""


async def test_a_head_without_end_is_too_large():
    async with served(Echo()) as url, connected(url) as (reader, writer):
        writer.write(b"POST /mcp HTTP/1.1\r\nhost: here\r\n")
        writer.write(b"x-more: " + b"a" * (MOST_HEAD_BYTES + 300_000))
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")


async def test_a_large_body_is_no_large_head(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(quick_http, "HEAD_SECONDS", 30.0)
    body = b"x" * (3 * MOST_HEAD_BYTES)
    async with served(Echo()) as url, connected(url) as (reader, writer):
        writer.write(request(body))
        _, answered = await answer(reader)
        assert body in answered
