"""Authorization requests: what is refused on a page, what is told to the client, how redirect URIs are compared."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from tests.identity.oauth.world import CALLBACK, Browser, Hub, Program, other_workspace, sent_back
from tradepost.hub.access.oauth.redirects import fault_of, matches
from tradepost.hub.access.oauth.registered import add_client, disable_client

HOSTILE = [
    "https://app.example/callback/",
    "https://app.example/callback/more",
    "https://app.example/callbac",
    "https://app.example/other/../callback",
    "https://app.example/%2e%2e/callback",
    "https://app.example/callback?x=1",
    "https://app.example/callback#x",
    "https://ok@app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example\\@evil.example/callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "https://app.example/Callback",
    "http://app.example/callback",
    "https://evil.example/callback",
    "https://app.example.evil.example/callback",
    "https://аpp.example/callback",
    "https://app.example/callback\r\nSet-Cookie: a=b",
    "https://app.example/callback%0d%0a",
    " https://app.example/callback",
    "//app.example/callback",
    "/callback",
    "javascript:alert(1)//app.example/callback",
    "data:text/html,x",
    "file:///etc/passwd",
    "vbscript:x",
    "com.evil.app:/callback",
    "",
]


async def test_another_redirect_uri_gets_a_page_and_no_redirect(hub: Hub, browser: Browser, program: Program):
    """security.md A4, A5: exact match; also an error never goes to an address that was not registered."""
    for uri in HOSTILE:
        for response_type in ("code", "token"):
            answer = await browser.authorize(program.asks(redirect_uri=uri, response_type=response_type))
            assert answer.status_code == 400, uri
            assert "location" not in answer.headers, uri
            assert answer.headers["content-type"].startswith("text/html")


async def test_client_and_redirect_uri_come_once(hub: Hub, browser: Browser, program: Program):
    for name in ("client_id", "redirect_uri"):
        assert (await browser.authorize(program.asks(**{name: None}))).status_code == 400
        answer = await browser.authorize(
            f"{urlencode(program.asks())}&{name}={quote('https://evil.example/', safe='')}"
        )
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_an_unknown_client_gets_a_page(hub: Hub, browser: Browser, program: Program):
    for client_id in ("tpc_no", "tpdc_AAAA", "' OR 1=1 --", "x" * 5000, "\x00", "http://app.example/client.json"):
        answer = await browser.authorize(program.asks(client_id=client_id))
        assert answer.status_code == 400, client_id
        assert "location" not in answer.headers


async def test_clients_of_another_workspace_and_disabled_ones(hub: Hub, browser: Browser, program: Program):
    stranger = await other_workspace(hub.world.database)
    async with hub.world.database.transaction(stranger.workspace_id, write=True) as session:
        theirs = await add_client(session, stranger, "Theirs", redirect_uris=[CALLBACK])
    assert (await browser.authorize(program.asks(client_id=theirs.client_id))).status_code == 400
    async with hub.world.changing() as session:
        await disable_client(session, hub.world.admin, program.client_id)
    assert (await browser.authorize(program.asks())).status_code == 400


TOLD: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
    ({"scope": 'read:inventory "'}, "invalid_scope"),
    ({"scope": "read:nothing"}, "invalid_scope"),
    ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
    ({"resource": "not a url"}, "invalid_target"),
]


async def test_what_the_client_is_told(hub: Hub, browser: Browser, program: Program):
    """security.md A1, A6, A8, A9: the error goes back with state and `iss`."""
    for changes, error in TOLD:
        back = sent_back(await browser.authorize(program.asks(**changes)))
        assert back["error"] == error, changes
        assert (back["state"], back["iss"]) == ("st-1", hub.url)
        assert "code" not in back
    for doubled in ("scope", "code_challenge", "state", "response_type"):
        back = sent_back(await browser.authorize(urlencode(program.asks(scope="agent")) + f"&{doubled}=x"))
        assert back["error"] == "invalid_request", doubled


async def test_odd_queries_get_a_page(hub: Hub, browser: Browser):
    for query in ("%ff=%fe", "state=%00", "a" * 20_000, "&".join(f"a{number}=1" for number in range(100)), ""):
        assert (await browser.authorize(query)).status_code == 400, query[:20]


async def test_other_methods(hub: Hub, browser: Browser, program: Program):
    for method in ("POST", "PUT", "DELETE"):
        answer = await hub.http.request(method, f"{hub.url}/oauth/authorize", headers=browser.headers)
        assert answer.status_code == 405
    assert (await hub.http.get(f"{hub.url}/oauth/token")).status_code == 405
    assert (await hub.http.get(f"{hub.url}/oauth/nowhere")).status_code == 404


@pytest.mark.parametrize(
    ("registered", "given", "same"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", True),
        ("http://localhost:3000/cb", "http://localhost:3001/cb", True),
        ("http://[::1]/cb", "http://[::1]:9/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", False),
        ("http://127.0.0.1/cb", "http://localhost:5123/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb?x=1", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5123/cb/", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:80/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:5123/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.2/cb", False),
        ("https://app.example/cb", "https://app.example:8443/cb", False),
        ("cursor://anysphere/cb", "cursor://anysphere/cb", True),
        ("cursor://anysphere/cb", "cursor://anysphere/cb2", False),
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(registered: str, given: str, same: bool):
    """security.md A4: decided after RFC 8252 section 7.3."""
    assert matches(registered, given) is same


@pytest.mark.parametrize(
    ("uri", "usable"),
    [
        ("https://app.example/cb", True),
        ("https://app.example:8443/cb?tenant=1", True),
        ("http://localhost:3000/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]:7/cb", True),
        ("com.example.app:/cb", True),
        ("com.example.app://cb", True),
        ("cursor://anysphere.cursor-mcp/oauth/callback", True),
        ("http://app.example/cb", False),
        ("http://127.0.0.1.evil.example/cb", False),
        ("javascript:alert(1)", False),
        ("javascript://app.example/%0aalert(1)", False),
        ("data:text/html;base64,x", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
        ("myapp://cb", False),
        ("ftp://app.example/", False),
        ("https://app.example/cb#x", False),
        ("https://a@app.example/cb", False),
        ("https://app.example/a/../cb", False),
        ("https://app.example/a/%2E%2e/cb", False),
        ("https://app.example\\cb", False),
        ("https://app.example/c b", False),
        ("https://*.example/cb", False),
        ("https:///cb", False),
        ("https://", False),
        ("https://app.example/" + "a" * 600, False),
    ],
)
def test_what_a_client_may_register(uri: str, usable: bool):
    """security.md A3, A4, row 48: the SDK's own server takes `javascript:`; this one does not."""
    assert (fault_of(uri) is None) is usable
