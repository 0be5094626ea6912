"""Tokens while they are used: renewed in time, once, however many calls and processes want it; F41; C7, C8."""

import asyncio
from typing import Any

import pytest

from tests.hub.oauth.conftest import Hub
from tests.hub.oauth.test_connecting import at, text_of
from tests.hub.oauth.vendor import LIFE, Vendor
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.upstreams.oauth.challenge import Challenge, read_challenge
from tradepost.hub.upstreams.oauth.errors import NotConnected, OAuthFailed
from tradepost.protocol.upstream_errors import UpstreamFailed


async def test_tokens_are_renewed_in_time_and_once(hub: Hub, vendor: Vendor):
    """Early beside the call, late by whoever comes first, in whichever process; refresh tokens rotate."""
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    await hub.connect(vendor, browser)
    other = hub.another()
    await asyncio.gather(hub.call(), hub.call(process=other))
    assert vendor.count("refresh_token") == 0
    hub.clock.forward(seconds=LIFE - 30)  # it still works, and the next one is asked for
    await hub.call()
    account = next(iter(hub.process.connections._held.values())).account
    assert account is not None
    if account.renewing is not None:
        await account.renewing
    assert vendor.count("refresh_token") == 1
    hub.clock.forward(seconds=LIFE + 1)
    done = await asyncio.gather(*(hub.call(process=one) for one in (hub.process, other) * 10))
    assert {text_of(one) for one in done} == {"you sent Bearer [redacted]"}
    assert vendor.count("refresh_token") == 2
    assert (vendor.wrong, len(vendor.refreshes)) == ([], 1)
    vendor.rotates = False  # one that gives no other refresh token: the one before is kept
    for _ in range(2):
        hub.clock.forward(seconds=LIFE + 1)
        await hub.call()
    assert vendor.wrong == []
    await other.upstreams.close()


async def test_a_token_that_is_refused_is_renewed_once_and_a_write_is_not_sent_twice(hub: Hub, vendor: Vendor):
    vendor.life = None  # nobody says how long they last
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    await hub.connect(vendor, browser)
    await hub.call()
    vendor.tokens.clear()
    assert text_of(await hub.call()) == "you sent Bearer [redacted]"
    assert vendor.count("refresh_token") == 1
    hub.clock.forward(seconds=60)
    vendor.tokens.clear()
    calls = len(vendor.tracker.calls)
    with pytest.raises(UpstreamFailed) as refused:
        await hub.call(tool="cancel_label", cls="write")
    assert (refused.value.status, refused.value.answered) == (401, True)
    assert "Nothing was sent twice" in (refused.value.hint or "")
    assert len(vendor.tracker.calls) == calls
    await hub.call(tool="cancel_label", cls="write")
    hub.clock.forward(seconds=60)
    vendor.refusal = (401, 'Bearer error="invalid_token"')  # whatever it is shown
    before = vendor.count("refresh_token")
    for _ in range(3):
        with pytest.raises(UpstreamFailed, match="refused the credential"):
            await hub.call()
    assert vendor.count("refresh_token") == before + 1


async def test_a_consent_that_is_over_asks_to_connect_again(hub: Hub, vendor: Vendor):
    """`invalid_grant` stands in the list and in the tool's error, without what the vendor said of the token."""
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    await hub.connect(vendor, browser)
    await hub.call()
    other = hub.another()
    await hub.call(process=other)
    vendor.refreshes.clear()
    hub.clock.forward(seconds=LIFE + 1)
    for process in (hub.process, other, hub.process):
        with pytest.raises(NotConnected) as over:
            await hub.call(process=process)
        assert over.value.code == "not_connected"
        assert over.value.link == f"{hub.desk.url}/connect/servers/tracker"
    _, way = await hub.connecting.look(hub.owner, "tracker")
    assert (way.connection, "refresh-" in str(way.problem), "invalid_grant" in str(way.problem)) == (
        "reconnect", False, True,
    )  # fmt: skip
    report = await hub.discovery.test(hub.owner, "tracker")
    assert (report.ok, "connected again" in str(report.problem)) == (False, True)
    assert vendor.count("refresh_token") == 1
    assert "has ended" in (await browser.get("/connect/servers/tracker")).text
    await hub.connect(vendor, browser)
    await hub.call()
    await hub.call(process=other)
    await other.upstreams.close()


async def test_an_authorization_server_that_is_away_ends_nothing(hub: Hub, vendor: Vendor):
    """Its refresh token is kept, it is left alone for a while, and no call with a token that still works fails."""
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    await hub.connect(vendor, browser)
    vendor.instead = at("/token", (503, {"content-type": "text/html"}, b"<html>"))
    await hub.call()
    hub.clock.forward(seconds=LIFE - 30)
    await hub.call()
    hub.clock.forward(seconds=60)
    for _ in range(3):
        with pytest.raises(OAuthFailed, match="web page instead of JSON"):
            await hub.call()
    _, way = await hub.connecting.look(hub.owner, "tracker")
    assert way.connection == "connected"
    vendor.instead = lambda _path: None
    hub.clock.forward(seconds=60)
    assert text_of(await hub.call()) == "you sent Bearer [redacted]"


@pytest.mark.behaviour("S0.4")
async def test_the_hub_is_a_client_of_its_own(hub: Hub, vendor: Vendor):
    """Client credentials: where tokens are is found out, or given; missing scopes are reported."""
    method = "client_secret_post"
    vendor.client("us:1", "s3cret & more%", method)
    vendor.of_server = {"token_endpoint_auth_methods_supported": [method], "code_challenge_methods_supported": None}
    vendor.granted = "read"
    terms: dict[str, Any] = {"flow": "client_credentials", "client_id": "us:1", "client_secret": "s3cret & more%"}
    await hub.register(vendor, scopes=("read", "write"), **terms)
    report = await hub.discovery.test(hub.owner, "tracker")
    assert (report.ok, report.tools, list(report.scopes_missing)) == (True, 2, ["write"])
    await asyncio.gather(*(hub.call() for _ in range(5)))
    assert vendor.count("client_credentials") == 1
    hub.clock.forward(seconds=LIFE + 1)
    await asyncio.gather(*(hub.call() for _ in range(5)))
    assert (vendor.count("client_credentials"), vendor.wrong) == (2, [])
    vendor.refusal = (403, 'Bearer error="insufficient_scope", scope="write admin"')
    report = await hub.discovery.test(hub.owner, "tracker")
    assert (report.problem, report.scopes_missing) == (
        "The credential lacks the scopes write, admin (HTTP 403).", ["write", "admin"],
    )  # fmt: skip
    vendor.refusal = None
    known = {"token_url": f"{vendor.issuer}/token", "resource": vendor.url, "method": method}
    await hub.register(vendor, "second", **terms, **known)
    vendor.instead = at("/.well-known", (500, {}, b""))  # nobody has to be asked
    assert (await hub.discovery.test(hub.owner, "second")).ok
    vendor.clients["us:1"]["secret"] = "another"
    hub.clock.forward(seconds=LIFE + 1)
    with pytest.raises(OAuthFailed, match="invalid_client") as refused:
        await hub.call()
    assert "s3cret" not in refused.value.message
    assert not (await hub.discovery.test(hub.owner, "tracker")).ok


async def test_terms_that_make_no_sense_are_refused_before_anything_is_kept(hub: Hub, vendor: Vendor):
    wrong: list[dict[str, Any]] = [
        {"flow": "password"},
        {"flow": "client_credentials", "client_id": "us"},
        {"flow": "client_credentials", "client_id": "us", "client_secret": "x", "per_user": True},
        {"client_secret": "x"},
        {"client_id": "é"},
        {"scopes": ("a b",)},
        {"token_url": "https://as.example/token"},
        {"issuer": "http://10.0.0.7"},
        {"resource": "ftp://x"},
        {"method": "private_key_jwt"},
    ]
    for terms in wrong:
        with pytest.raises(InvalidArgument):
            await hub.register(vendor, **terms)
    assert vendor.seen == []


def test_a_challenge_is_read_as_it_is_written() -> None:
    read = {
        'Bearer resource_metadata="https://x.example/m", scope="a b"': Challenge("https://x.example/m", ("a", "b")),
        "bearer error=insufficient_scope, scope=c": Challenge(None, ("c",), "insufficient_scope"),
        'Basic realm="x", Bearer realm="a \\"b\\"", error="invalid_token"': Challenge(None, (), "invalid_token"),
        'DPoP algs="ES256", Bearer resource_metadata="https://x.example/m"': Challenge("https://x.example/m"),
        "Negotiate": Challenge(),
        "Bearer": Challenge(),
        'Bearer scope="' + "x" * 9_000: Challenge(),
    }
    for header, challenge in read.items():
        assert read_challenge(header) == challenge, header
    assert read_challenge(None) == Challenge()
