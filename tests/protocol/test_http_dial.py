"""Opening connections: which addresses, how long, and whose certificate."""

import asyncio
import socket
import ssl
import threading
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tests.protocol.conftest import as_written
from tests.protocol.raw_server import OK, Asker, raw, writing
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut


async def test_the_next_address_is_tried_where_one_does_not_answer():
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with raw(writing(OK)) as server, HttpPool(two) as pool:
        assert await Asker(server.url, pool).ask() == (200, b"hi")


async def test_a_name_that_is_not_resolved_in_time_is_an_unsent_request():
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with HttpPool(never) as pool:
        asker = Asker("http://slow.example/mcp", pool)
        with pytest.raises(UpstreamTimedOut, match=r"within 0.02 seconds") as late:
            async with Deadline(5) as deadline:
                await asker.begun(seconds=0.02)
        assert (late.value.dispatched, deadline.dispatched) == (False, False)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///x", "http://[::1/", "http://127.0.0.1:x/", "nonsense"])
async def test_a_url_that_leads_nowhere_is_an_unsent_request(url: str):
    async with HttpPool(as_written) as pool:
        with pytest.raises(UpstreamFailed, match="could not be reached") as failed:
            await Asker(url, pool).ask()
        assert not failed.value.dispatched


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1"])
async def test_tls_is_verified_for_the_name_in_the_url(tmp_path: Path, host: str):
    certificates = Certificates(tmp_path)
    async with raw(writing(OK), tls=certificates.server) as server, HttpPool(loopback, certificates.trusting) as pool:
        asker = Asker(server.url.replace("127.0.0.1", host), pool)
        for _ in range(3):
            assert await asker.ask() == (200, b"hi")
        assert server.connections == 1
        assert f"host: {host}:".encode() in server.requests[0].head


async def test_certificates_are_loaded_with_the_first_connection_that_needs_them(tmp_path: Path):
    certificates = Certificates(tmp_path)
    loaded: list[int] = []

    def load() -> ssl.SSLContext:
        loaded.append(threading.get_ident())
        return certificates.trusting

    async with (
        raw(writing(OK)) as plain,
        raw(writing(OK), tls=certificates.server) as server,
        HttpPool(loopback, load) as pool,
    ):
        assert await Asker(plain.url, pool).ask() == (200, b"hi")
        assert loaded == []
        for host in ("shop.example", "127.0.0.1"):
            assert await Asker(server.url.replace("127.0.0.1", host), pool).ask() == (200, b"hi")
    assert len(loaded) == 1
    assert loaded[0] != threading.get_ident(), "the event loop goes on meanwhile"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("name", "certificate is for another name"),
        ("trust", "certificate is signed by nobody"),
        ("time", "certificate has expired"),
        ("no tls", "could not be reached"),
    ],
)
async def test_a_certificate_that_does_not_fit_gets_no_request(tmp_path: Path, wrong: str, said: str):
    certificates = Certificates(tmp_path, hours=-1 if wrong == "time" else 1)
    client = certificates.trusting if wrong in ("name", "time") else certificates.wary
    async with raw(writing(OK), tls=certificates.server) as server:
        async with HttpPool(loopback, None if wrong == "no tls" else client) as pool:
            host = "bank.example" if wrong == "name" else "shop.example"
            asker = Asker(server.url.replace("127.0.0.1", host), pool)
            with pytest.raises(UpstreamFailed, match=said) as failed:
                await asker.ask()
        assert not failed.value.dispatched
        assert server.requests == []


async def test_a_tls_handshake_that_hangs_is_an_unsent_request(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with HttpPool(loopback, Certificates(tmp_path).trusting) as pool:
            asker = Asker(f"https://shop.example:{silent.getsockname()[1]}/", pool)
            with pytest.raises(UpstreamTimedOut) as late:
                await asker.begun(seconds=0.05)
            assert not late.value.dispatched
