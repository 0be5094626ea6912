"""URLs and addresses: odd spellings, private networks, names that change their answer, redirects."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.addresses import is_allowed
from tradepost.hub.upstreams.guard import Guard, Origin, read_url
from tradepost.protocol.answers import read_body
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_request import read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "100.64.0.1",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:7f00:1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2606:4700::5efe:7f00:1",
    ],
)
def test_special_addresses_are_not_dialled(address: str):
    assert not is_allowed(ipaddress.ip_address(address), [])


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are(address: str):
    assert is_allowed(ipaddress.ip_address(address), [])


def test_an_operator_can_allow_a_network_and_no_more():
    networks = [ipaddress.ip_network("10.1.2.0/24")]
    assert is_allowed(ipaddress.ip_address("10.1.2.9"), networks)
    assert not is_allowed(ipaddress.ip_address("10.1.3.9"), networks)
    assert not is_allowed(ipaddress.ip_address("127.0.0.1"), networks)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "unix:/var/run/docker.sock",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "",
        "http://",
        "http:///x",
        "http://ok@example.com/",
        "http://user:pw@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://example.com#@127.0.0.1/",
        "http://exa\tmple.com/",
        "http://example.com/\n",
        "http://example.com:0/",
        "http://example.com:22/",
        "http://example.com:25/",
        "http://example.com:6379/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://[::1/",
        "http://-x.example/",
        "http://a..b/",
        "https://" + "a" * 3000,
    ],
)
def test_odd_urls_are_refused_without_a_look_up(url: str):
    with pytest.raises(InvalidArgument) as refused:
        read_url(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://mcp.example.com/mcp", Origin("https", "mcp.example.com", 443)),
        ("http://Example.COM:8080/a?b=c", Origin("http", "example.com", 8080)),
        ("http://[2606:4700::1111]/", Origin("http", "2606:4700::1111", 80)),
        ("https://xn--bcher-kva.example/", Origin("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_ordinary_urls_have_an_origin(url: str, origin: Origin):
    assert read_url(url) == origin


class Names:
    """A resolver that gives one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        if not self.answers:
            raise OSError("no such name")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A listener that notes every connection."""
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"], ["64:ff9b::7f00:1"], ["nonsense"]]
)
async def test_a_name_is_refused_if_any_of_its_addresses_is(answer: list[str]):
    with pytest.raises(InvalidArgument) as refused:
        await Guard(resolver=Names(answer)).check("https://evil.example/mcp")
    assert answer[-1] not in str(refused.value.as_dict())


async def test_a_name_without_an_answer_is_one_sentence():
    with pytest.raises(InvalidArgument, match="cannot be resolved"):
        await Guard(resolver=Names()).check("https://nowhere.example/mcp")


async def got(guard: Guard, url: str) -> bytes:
    """The body of the answer to a request through the guard's own connections."""
    async with guard.http_pool() as pool:
        to = read_http_url(url)
        head = f"GET {to.target} HTTP/1.1\r\nhost: {to.authority}\r\n\r\n".encode()
        answer = await pool.send(to, head, b"", Deadline(5), connect_seconds=5, repeatable=False)
        body = await read_body(answer)
        answer.close()
        return body


async def test_a_name_that_moves_inside_after_the_check_is_not_dialled():
    async with canary() as (port, seen):
        guard = Guard(resolver=Names(["1.1.1.1"], ["127.0.0.1"]))
        await guard.check(f"http://rebinding.example:{port}/")
        with pytest.raises(UpstreamFailed, match="could not be reached"):
            await got(guard, f"http://rebinding.example:{port}/")
        assert seen == []


async def test_the_checked_address_is_dialled_under_the_servers_own_name():
    async with canary() as (port, seen):
        guard = Guard(LOOPBACK, resolver=Names(["127.0.0.1"]))
        assert await got(guard, f"http://shop.example:{port}/") == b"hi"
        assert f"host: shop.example:{port}" in seen[0].decode().lower()


async def test_refused_and_unreachable_look_the_same_while_connecting():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = []
    async with canary() as (open_port, seen):
        for guard, target in ((Guard(), open_port), (Guard(LOOPBACK), port)):
            with pytest.raises(UpstreamFailed) as failed:
                await got(guard, f"http://127.0.0.1:{target}/")
            assert not failed.value.dispatched
            said.append(failed.value.as_dict())
        assert seen == []
    assert said[0] == said[1]


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch):
    async with canary() as (port, seen):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(UpstreamFailed, match="could not be reached"):
            await got(Guard(resolver=Names(["10.0.0.1"])), "http://shop.example/")
        assert seen == []
