"""Clients by the URL of their metadata document (security.md A12)."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.gateway.world import Facts
from tests.identity.oauth.documents import HOST, Host, documents_host
from tests.identity.oauth.world import CALLBACK, Browser, Hub, Program, running, sent_back
from tradepost.hub.access.oauth.documents import ClientDocuments, Fetched, check_url, kept_seconds
from tradepost.hub.access.oauth.errors import OAuthError
from tradepost.identity.oauth import fetching


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with documents_host(tmp_path) as started:
        yield started


@pytest.fixture
async def hub(facts: Facts, host: Host) -> AsyncIterator[Hub]:
    """A hub that trusts the host's certificate and may dial it."""
    async with running(facts, documents=host.pool()) as started:
        yield started


@pytest.fixture
async def browser(hub: Hub) -> Browser:
    return await hub.browser()


async def test_a_client_that_nobody_registered(hub: Hub, host: Host, browser: Browser):
    program = Program(host.put())
    page = await browser.page(program)
    assert "Claude" in page.answer.text
    assert HOST in page.answer.text
    tokens = (await hub.redeem(program, sent_back(await browser.decide(page))["code"])).json()
    assert await hub.works(tokens["access_token"])
    assert (await hub.refresh(program, tokens["refresh_token"])).status_code == 200
    assert host.asked == ["/client.json"]  # kept, and never fetched for the token endpoint


async def test_documents_that_cannot_be_used(hub: Hub, host: Host, browser: Browser):
    good = {"client_name": "A", "redirect_uris": [CALLBACK]}
    wrong: list[dict[str, Any]] = [
        {"client_id": "https://app.example/other.json"},
        {"client_id": None},
        {"client_name": None},
        {"client_name": ""},
        {"client_name": "\u202e\u200b"},
        {"client_name": 7},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": CALLBACK},
        {"redirect_uris": [CALLBACK, "javascript:alert(1)"]},
        {"redirect_uris": [CALLBACK, 7]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": "keys"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/keys.json"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://127.0.0.1/../keys.json"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.url("/nothing-there")},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": 7},
        {"grant_types": ["client_credentials"]},
        {"response_types": ["token"]},
        {"body": b"[]"},
        {"body": b"null"},
        {"body": b"{"},
        {"body": b"\xff"},
        {"body": b'{"client_id":"a","client_id":"b"}'},
        {"body": b"[" * 4000},
        {"kind": "text/html"},
        {"kind": "text/plain"},
        {"status": "404 Not Found"},
        {"status": "500 Oops"},
        {"status": "302 Found", "headers": f"location: {host.put('/good.json')}\r\n"},
        {"status": "204 No Content", "body": b""},
        {"padding": "x" * 6_000},
        {"headers": "content-encoding: gzip\r\n", "body": gzip.compress(b"x" * 100)},
    ]
    for number, changes in enumerate(wrong):
        url = host.put(f"/{number}.json", **{**good, **changes})
        answer = await browser.authorize(Program(url).asks())
        assert answer.status_code == 400, changes
        assert "location" not in answer.headers
    assert "/good.json" not in host.asked  # a redirect is not followed


async def test_what_could_not_be_used_is_not_kept(hub: Hub, host: Host, browser: Browser):
    program = Program(host.put(status="503 Busy", headers="cache-control: max-age=3600\r\n"))
    assert (await browser.authorize(program.asks())).status_code == 400
    host.put()
    assert (await browser.authorize(program.asks())).status_code == 200


async def test_a_document_that_drips_is_given_up(
    hub: Hub, host: Host, browser: Browser, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    host.slow = True
    assert (await browser.authorize(Program(host.put()).asks())).status_code == 400


async def test_a_host_that_leads_inside_is_not_asked(facts: Facts, host: Host):
    """Row 22, C4: the address that is dialled is the one that was checked."""
    async with running(facts, documents=host.pool(may_dial_loopback=False)) as hub:
        browser = await hub.browser()
        for addresses in (["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["1.1.1.1", "127.0.0.1"], []):
            host.addresses = addresses
            assert (await browser.authorize(Program(host.put()).asks())).status_code == 400
        assert host.asked == []


async def test_a_certificate_that_nobody_knows(facts: Facts, host: Host):
    host.trusted = None
    async with running(facts, documents=host.pool()) as hub:
        browser = await hub.browser()
        assert (await browser.authorize(Program(host.put()).asks())).status_code == 400


async def test_people_are_asked_again_when_the_redirect_uris_change(hub: Hub, host: Host, browser: Browser):
    uncached = "cache-control: no-store\r\n"
    program = Program(host.put(headers=uncached))
    await browser.code(program)
    assert (await browser.authorize(program.asks())).status_code == 302
    host.put(headers=uncached, redirect_uris=[CALLBACK, "https://app.example/second"])
    assert (await browser.authorize(program.asks())).status_code == 200


async def test_a_redirect_uri_has_to_be_in_the_document(hub: Hub, host: Host, browser: Browser):
    program = Program(host.put(), redirect_uri="https://app.example/other")
    answer = await browser.authorize(program.asks())
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/",
        "http://app.example/client.json",
        "https://app.example/client.json#x",
        "https://user@app.example/client.json",
        "https://app.example/a/../client.json",
        "https://app.example/./client.json",
        "https://app.example/%2E%2e/client.json",
        "https://APP.example/client.json",
        "https://app.example\\@evil.example/x",
        "https://аpp.example/client.json",
        "https://app.example/cl ient.json",
        "https:///client.json",
        "https://[::1/client.json",
        "https://app.example/" + "a" * 2048,
    ],
)
def test_urls_that_are_no_client(url: str):
    with pytest.raises(OAuthError):
        check_url(url)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 300),
        ("max-age=60", 60),
        ("public, max-age=60, immutable", 60),
        ('MAX-AGE="60"', 60),
        ("max-age=0", 0),
        ("max-age=-5", 0),
        ("max-age=99999999999", 86_400),
        ("max-age=999999999999999999999999", 300),
        ("max-age=soon", 300),
        ("no-store", 0),
        ("no-cache, max-age=60", 0),
        ("private", 0),
        ("s-max-age=60", 300),
    ],
)
def test_how_long_a_document_is_kept(header: str, seconds: float):
    assert kept_seconds(header) == seconds


async def test_a_kept_document_is_asked_for_again_in_time():
    now, asked = [0.0], []

    async def fetch(url: str) -> Fetched:
        asked.append(url)
        body = f'{{"client_id":"{url}","client_name":"A","redirect_uris":["{CALLBACK}"]}}'
        return Fetched(body.encode(), "max-age=60")

    documents = ClientDocuments(fetch, clock=lambda: now[0])
    for moment, expected in ((0.0, 1), (59.0, 1), (60.0, 2), (61.0, 2)):
        now[0] = moment
        await documents.read("https://app.example/client.json")
        assert len(asked) == expected
