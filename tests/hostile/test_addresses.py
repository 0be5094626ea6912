"""Addresses that lead inside, in every spelling (security.md §2 rows 20-22): refused, and nobody ever connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

import orjson
import pytest

from tests.engines import DatabaseUrls
from tests.hostile.double import Double, Raw, Request, running, tool
from tests.hostile.hub import Hub, opened
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.hub.access.oauth.documents import ClientDocuments, Fetched
from tradepost.hub.access.oauth.errors import OAuthError
from tradepost.hub.notices.posting import NotSent, Poster
from tradepost.hub.registration.registries import Registries
from tradepost.hub.upstreams.addresses import is_allowed
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.fetching import OAuthHttp
from tradepost.identity.oauth.fetching import DocumentFetcher
from tradepost.identity.people.oidc_fetch import Fetch
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

INSIDE = [
    # The same four bytes, written in other ways.
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0177.0.0.01",
        "0x7f000001",
        "0x7f.1",
    ),
    *("0x7f.0.0.1", "127.0.0.1.", "127.000.000.001", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0", "0x0", "00000"),
    *(
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",
        "127。0。0。1",
        "127%2e0%2e0%2e1",
        "%31%32%37.0.0.1",
        "loc\u00adalhost",
        "ⓛocalhost",
    ),
    # Names of this machine; the resolver below says what they are.
    *("localhost", "localhost.", "LOCALHOST", "localhost.localdomain", "127.0.0.1.nip.io", "rebind.example"),
    *("metadata.google.internal", "mixed.example", "six.example", "mapped.example", "zone.example"),
    # IPv6, and IPv4 inside of it.
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]"),
    *("[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("[2001:0:7f00:1::]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2606:4700::5efe:7f00:1]", "[fe80::5efe:7f00:1]"),
    *(
        "[::ffff:0:127.0.0.1]",
        "[2606:4700::200:5efe:a9fe:a9fe]",
        "[::1%25lo]",
        "[fe80::1%25lo]",
        "[2606:4700::1111%25lo]",
    ),
    *("[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]", "[100::1]", "[2001:db8::1]"),
    *("[3fff::1]", "[5f00::1]", "[4000::1]"),
    # Networks that are nobody's to ask.
    *("10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1", "169.254.169.254", "169.254.0.1", "100.64.0.1"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "2852039166", "0xa9fea9fe"),
]
TRICKS = [
    *("http://ok@127.0.0.1:{port}/", "http://user:pw@example.com:{port}/", "http://127.0.0.1:{port}\\@example.com/"),
    *("http://example.com\\@127.0.0.1:{port}/", "http://example.com#@127.0.0.1:{port}/", "http://127.0.0.1:{port}#x"),
    *(
        "http://127.0.0.1:{port}\t/",
        "http://127.0.0.1\n:{port}/",
        " http://127.0.0.1:{port}/",
        "http:/127.0.0.1:{port}/",
    ),
    *(
        "http:127.0.0.1:{port}",
        "//127.0.0.1:{port}/",
        "127.0.0.1:{port}",
        "http://[127.0.0.1]:{port}/",
        "http://[::1:{port}/",
    ),
    *("file:///etc/passwd", "gopher://127.0.0.1:{port}/_GET", "unix:/var/run/docker.sock", "ftp://127.0.0.1:{port}/"),
    *(
        "ws://127.0.0.1:{port}/",
        "HTTP://127.0.0.1:{port}/",
        "jar:http://127.0.0.1:{port}!/",
        "data:text/html,x",
        "stdio:sh",
    ),
    *(
        "http://:{port}/",
        "http:///x",
        "http://",
        "",
        "http://a..b:{port}/",
        "http://example.com:0/",
        "http://example.com:22/",
    ),
    *("http://example.com:25/", "http://example.com:6379/", "http://example.com:99999/", "http://example.com:{port}x/"),
]
ANSWERS = {
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.example": ["1.1.1.1", "127.0.0.1"],
    "six.example": ["1.1.1.1", "::1"],
    "mapped.example": ["::ffff:7f00:1"],
    "zone.example": ["2606:4700::1111%lo"],
}


async def told(host: str, port: int) -> list[str]:
    """A resolver of ours: a name that is not in the table is this machine."""
    return ANSWERS.get(host, ["127.0.0.1"])


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[int, list[object]]]:
    """A listener on all of this machine's own addresses that must never be connected to."""
    seen: list[object] = []

    async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername"))
        writer.close()

    first = socket.create_server(("0.0.0.0", 0))
    port = first.getsockname()[1]
    servers = [await asyncio.start_server(noted, sock=first)]
    if socket.has_ipv6:
        servers.append(await asyncio.start_server(noted, "::1", port))
    try:
        yield port, seen
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


async def asked(pool: HttpPool, url: str) -> None:
    """A request as a server that is registered with this URL would get it."""
    to = read_http_url(url)
    head = f"GET {to.target} HTTP/1.1\r\nhost: {to.authority}\r\n\r\n".encode("latin-1", "replace")
    await pool.send(to, head, b"", Deadline(5), connect_seconds=1, repeatable=False)


async def test_no_spelling_leads_inside():
    """Neither by the check before a URL is stored, nor by dialling one that was stored before there was a check."""
    guard = Guard(resolver=told)
    async with canary() as (port, seen), guard.http_pool() as pool:
        urls = [f"http://{host}:{port}/mcp" for host in INSIDE] + [trick.format(port=port) for trick in TRICKS]
        for url in urls:
            with pytest.raises(InvalidArgument) as refused:
                await guard.check(url)
            assert refused.value.field == "url", url
            assert refused.value.hint, url
            assert "127.0.0.1" not in refused.value.message, url
            with pytest.raises((UpstreamFailed, UpstreamTimedOut), match=r"^The server could not be reached\.$"):
                await asked(pool, url)
        assert seen == []
        # It does listen: with the operator's word it is found.
        async with Guard([ipaddress.ip_network("127.0.0.0/8")], told).http_pool() as allowed:
            with pytest.raises(UpstreamFailed):
                await asked(allowed, f"http://localhost:{port}/")
        assert len(seen) == 1


async def test_no_spelling_leads_inside_where_others_name_what_is_fetched():
    """Documents of OAuth clients, the keys that such a document or an issuer of sign-ins points to, what a server's
    authorization server names, webhooks and registries: all that test_dialling lists as behind the guard."""
    guard = Guard(resolver=told)
    fetch, issuer, tokens = DocumentFetcher(guard), Fetch("https://issuer.example", guard), OAuthHttp(guard)
    poster, registries = Poster(guard), Registries(guard)
    named = ""

    async def document(url: str) -> Fetched:
        if url != CLIENT:
            return await fetch(url)
        return Fetched(orjson.dumps({**METADATA, "jwks_uri": named}), "no-store")

    clients = ClientDocuments(document)
    async with canary() as (port, seen):
        urls = [f"{scheme}://{host}:{port}/keys" for host in INSIDE for scheme in ("http", "https")]
        for url in urls + [trick.format(port=port) for trick in TRICKS]:
            named = url
            doors: list[Callable[[], Awaitable[object]]] = [
                partial(clients.read, CLIENT),
                partial(fetch, url),
                partial(issuer.get, url),
                partial(tokens.get, url, "key set"),
                partial(poster.post, url, "msg_1", 0, "{}", []),
                partial(registries.browse, url),
            ]
            for door in doors:
                with pytest.raises((TradepostError, NotSent)):
                    await door()
        for one in (fetch, tokens, poster, registries):
            await one.close()
        assert seen == []
        open_guard = Guard([ipaddress.ip_network("127.0.0.0/8")], told)
        there = DocumentFetcher(open_guard)
        with pytest.raises(OAuthError):
            await there(f"https://localhost:{port}/keys")
        await there.close()
        assert len(seen) == 1  # it does listen


CLIENT = "https://client.example/me.json"
METADATA = {
    "client_id": CLIENT,
    "client_name": "Client",
    "redirect_uris": ["https://client.example/back"],
    "token_endpoint_auth_method": "private_key_jwt",
}


@pytest.mark.parametrize(
    ("networks", "allowed", "refused"),
    [
        (["10.1.2.0/24"], ["10.1.2.9", "::ffff:10.1.2.9"], ["10.1.3.9", "127.0.0.1", "::ffff:10.1.3.9"]),
        # The cloud's machinery gives out credentials: a wide network does not mean it.
        (["169.254.0.0/16", "100.64.0.0/10"], ["169.254.1.1", "100.64.0.9"], ["169.254.169.254", "100.100.100.200"]),
        (["fd00::/8"], ["fd12::1"], ["fd00:ec2::254", "fe80::1"]),
        (["169.254.169.254/32"], ["169.254.169.254"], ["169.254.169.253"]),
        ([], ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"], ["10.0.0.1"]),
    ],
)
def test_an_operator_allows_a_network_and_no_more(networks: list[str], allowed: list[str], refused: list[str]):
    given = [ipaddress.ip_network(one) for one in networks]
    assert all(is_allowed(ipaddress.ip_address(one), given) for one in allowed)
    assert not any(is_allowed(ipaddress.ip_address(one), given) for one in refused)


async def test_no_door_takes_a_url_that_leads_inside(database_urls: DatabaseUrls, tmp_path: Path):
    """Over REST, for a new server and for one that is there; and one in the database is not connected to either."""
    async with opened(database_urls, tmp_path / "data", "192.0.2.0/24") as hub, canary() as (port, seen):
        hosts = (
            "127.0.0.1",
            "127.1",
            "2130706433",
            "localhost",
            "[::1]",
            "[::ffff:7f00:1]",
            "0.0.0.0",
            "169.254.169.254",
        )
        bodies = [{"slug": "inside", "url": f"http://{host}:{port}/mcp"} for host in hosts]
        answers = [await hub.rest("POST", "/servers", body) for body in bodies]
        assert {(one.status_code, one.json()["field"]) for one in answers} == {(400, "url")}
        stored = await hub.rest("POST", "/servers", {"slug": "outside", "url": "http://192.0.2.7:8080/mcp"})
        assert stored.status_code == 201, stored.text
        moved = await hub.rest("PUT", "/servers/outside/url", {"url": f"http://127.0.0.1:{port}/mcp"})
        assert (moved.status_code, moved.json()["field"]) == (400, "url")
        assert [one["slug"] for one in (await hub.rest("GET", "/servers?limit=50")).json()["items"] if one["url"]] == [
            "outside"
        ]
        assert seen == []


async def test_a_redirect_is_not_followed_wherever_it_leads(hub: Hub):
    """Nor is the credential told to anybody by one: not elsewhere, and not at the same origin."""
    async with canary() as (port, seen), running(Double(tool("look"), name="other")) as other:
        here = Double(tool("look"), name="here")
        places = [
            f"http://127.0.0.1:{port}/mcp",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "//example.com/",
            "/elsewhere",
            "/mcp",  # itself, for ever
        ]
        async with running(here):
            await hub.add("here", here.url, "Bearer redirect-canary-1234", look="read")
            await hub.show("here", "look")
            for place, status in zip((*places, other.url), cycle((301, 302, 303, 307, 308)), strict=False):
                here.requests.clear()

                def redirect(request: Request, place: str = place, status: int = status) -> Raw:
                    return Raw(status, {"location": place, "refresh": f"0;url={place}"})

                here.instead = redirect
                report = (await hub.rest("POST", "/servers/here/test")).json()
                assert (report["ok"], "redirect" in report["problem"]) == (False, True)
                found = await hub.rest("POST", "/servers/here/discover")
                assert found.status_code == 424
                result = await hub.call("look")
                assert result["isError"]
                assert "redirect-canary" not in str([report, found.text, result])
                assert {request.path for request in here.requests} == {"/mcp"}
            assert (seen, other.requests) == ([], [])
