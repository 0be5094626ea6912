"""The hub as a resource server: metadata, challenges, which tokens are taken where (security.md R1 to R11)."""

from __future__ import annotations

import base64
import json
import re

from tests.hub.gateway.world import Facts
from tests.identity.oauth.world import Browser, Hub, Program, running
from tradepost.hub.access.keys import mint

METADATA = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"


async def test_each_endpoint_has_its_metadata(hub: Hub):
    """security.md R1: the resource is the canonical URI, byte for byte; nobody learns which servers there are."""
    for path, resource in [
        ("", "/mcp"),
        ("/mcp", "/mcp"),
        ("/api/mcp", "/api/mcp"),
        ("/mcp/servers/shop", "/mcp/servers/shop"),
        ("/mcp/servers/not-there", "/mcp/servers/not-there"),
        ("/api/v1", "/api/v1"),
    ]:
        answer = await hub.http.get(f"{hub.url}{METADATA}{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json"
        said = answer.json()
        assert said["resource"] == f"{hub.url}{resource}"
        assert said["authorization_servers"] == [hub.url]
        assert said["bearer_methods_supported"] == ["header"]
        assert said["scopes_supported"] == ["agent"]
    for path in ("/nowhere", "/mcp/", "/mcp/servers/", "/mcp/servers/UPPER", "/mcp/servers/a/b", "/api/v2", "/mcp%2f"):
        assert (await hub.http.get(f"{hub.url}{METADATA}{path}")).status_code == 404, path


async def test_the_authorization_server_has_its_metadata(hub: Hub):
    """security.md A2, A9, A12, A13, R9."""
    for path in ("", "/mcp", "/mcp/servers/shop"):
        said = (await hub.http.get(f"{hub.url}{SERVER}{path}")).json()
        assert said["issuer"] == hub.url
        for name in ("authorization", "token", "revocation", "introspection"):
            assert said[f"{name}_endpoint"].startswith(f"{hub.url}/oauth/")
        assert said["code_challenge_methods_supported"] == ["S256"]
        assert said["response_types_supported"] == ["code"]
        assert said["authorization_response_iss_parameter_supported"] is True
        assert said["client_id_metadata_document_supported"] is True
        assert said["scopes_supported"] == ["agent"]
        assert "registration_endpoint" not in said
        assert "offline_access" not in json.dumps(said)


async def test_a_public_address_with_a_path(facts: Facts):
    async with running(facts, public_url="https://shop.example/hub") as hub:
        said = (await hub.http.get(f"{hub.url}{METADATA}/hub/mcp")).json()
        assert said["resource"] == "https://shop.example/hub/mcp"
        assert said["authorization_servers"] == ["https://shop.example/hub"]
        server = (await hub.http.get(f"{hub.url}{SERVER}/hub")).json()
        assert server["issuer"] == "https://shop.example/hub"
        assert server["token_endpoint"] == "https://shop.example/hub/oauth/token"
        challenge = (await hub.mcp(None)).headers["www-authenticate"]
        assert f'resource_metadata="https://shop.example{METADATA}/hub/mcp"' in challenge
        browser, program = await hub.browser(), await hub.program()
        tokens = await hub.tokens(program, browser, resource="https://shop.example/hub/mcp")
        assert await hub.works(tokens["access_token"])


async def test_the_challenge_names_the_endpoints_own_metadata(hub: Hub):
    """security.md R2: and it leads to a document about that very endpoint."""
    for path in ("/mcp", "/mcp/", "/api/mcp", "/mcp/servers/shop", "/mcp/servers/not-there"):
        answer = await hub.mcp(None, path=path)
        assert answer.status_code == 401
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith("Bearer ")
        assert 'scope="agent"' in challenge
        assert "error" not in challenge  # nothing was sent that could be wrong
        found = re.search(r'resource_metadata="([^"]+)"', challenge)
        assert found is not None
        said = (await hub.http.get(found[1])).json()
        assert said["resource"] == f"{hub.url}{path.removesuffix('/')}"


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _jwt(header: dict[str, object], **claims: object) -> str:
    return f"{_segment(header)}.{_segment({'sub': 'usr_1', 'scope': 'read:inventory', **claims})}.c2ln"


async def test_what_is_no_token_is_always_401(hub: Hub, browser: Browser, program: Program):
    """security.md R2, R3, R6, row 24: no other way in, whatever was sent. Tokens here say nothing, so whatever a JWT
    claims, it is unknown."""
    tokens = await hub.tokens(program, browser)
    async with hub.world.changing() as session:
        key = (await mint(session, hub.world.admin, agent_id=hub.world.facts.agent_id)).secret
    access, aud = tokens["access_token"], f"{hub.url}/mcp"
    headers = [
        "",
        "Bearer",
        "Basic " + base64.b64encode(b"a:b").decode(),
        f"Basic {access}",
        f"Token {access}",
        access,
        "Bearer sk-1234567890abcdef",
        "Bearer tp_aaaaaaaa_" + "x" * 50,
        "Bearer tpat_",
        "Bearer tpat_" + "A" * 43,
        f"Bearer {access}x",
        f"Bearer {access[:-1]}",
        f"Bearer {access} extra",
        f"Bearer {access}, Bearer {key}",
        f"Bearer {access.upper()}",
        f"Bearer {tokens['refresh_token']}",
        "Bearer " + "x" * 20_000,
        "Bearer \u00fc\u00fc",
        f"Bearer {_jwt({'alg': 'none'}, iss=hub.url, aud=aud)}",
        f"Bearer {_jwt({'alg': 'HS256'}, iss=hub.url, aud=aud)}",
        f"Bearer {_jwt({'alg': 'RS256', 'kid': '../../etc/passwd'}, iss=hub.url, aud=aud)}",
        f"Bearer {_jwt({'alg': 'RS256', 'jku': 'https://evil.example/jwks'}, iss=hub.url, aud=[aud, 'x'])}",
    ]
    for header in headers:
        answer = await hub.mcp(None, headers={"authorization": header.encode("latin-1")})
        assert answer.status_code == 401, header[:40]
        assert "resource_metadata" in answer.headers["www-authenticate"]
    in_query = await hub.mcp(None, path=f"/mcp?access_token={access}")
    assert in_query.status_code == 401
    assert await hub.works(access)
    assert (await hub.mcp(None, headers={"authorization": f"bearer {access}"})).status_code == 200


async def test_a_token_is_good_at_one_endpoint(hub: Hub, browser: Browser, program: Program):
    """security.md R4: a token for the catalog is none for a server, the other way round, and for REST."""
    everywhere = {
        "/mcp": ["/mcp", "/mcp/", "/api/mcp"],
        "/mcp/servers/shop": ["/mcp/servers/shop", "/mcp/servers/shop/"],
        "/mcp/servers/hub": ["/mcp/servers/hub"],
        "/api/v1": [],
    }
    for resource in everywhere:
        token = (await hub.tokens(program, browser, resource=f"{hub.url}{resource}"))["access_token"]
        for other, paths in everywhere.items():
            for path in paths:
                assert await hub.works(token, path) is (other == resource), (resource, path)


async def test_which_resources_there_are(hub: Hub, browser: Browser, program: Program):
    """security.md A8: scheme and host in upper case and a slash at the end are the same resource."""
    host = hub.url.removeprefix("http://")
    for resource in (f"HTTP://{host}/mcp", f"{hub.url}/mcp/", f"{hub.url}/api/mcp"):
        tokens = await hub.tokens(program, browser, resource=resource)
        assert await hub.works(tokens["access_token"])
    for resource in (
        hub.url,
        f"{hub.url}/",
        f"{hub.url}/mcp?x=1",
        f"{hub.url}/mcp#x",
        f"{hub.url}/MCP",
        f"{hub.url}/mcp/servers/a/b",
        f"{hub.url}/api/v1/orders",
        f"{hub.url}.evil.example/mcp",
        f"https://{host}/mcp",
        "http://user@" + host + "/mcp",
        "/mcp",
    ):
        location = (await browser.authorize(program.asks(resource=resource))).headers["location"]
        assert "error=invalid_target" in location, resource
    query = "&".join(f"resource={hub.url}{path}" for path in ("/mcp", "/api/v1"))
    doubled = await browser.authorize("&".join(f"{k}={v}" for k, v in program.asks().items()) + "&" + query)
    assert "error=invalid_target" in doubled.headers["location"]


async def test_a_session_is_of_one_client(hub: Hub, browser: Browser, program: Program):
    """T22: another client of the same person cannot use its session."""
    other = await hub.program()
    mine, theirs = await hub.tokens(program, browser), await hub.tokens(other, browser)
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    accept = {"accept": "application/json, text/event-stream"}
    begun = await hub.http.post(
        f"{hub.url}/mcp", json=body, headers={**accept, "authorization": f"Bearer {mine['access_token']}"}
    )
    session = {**accept, "mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
    for tokens, status in ((theirs, 404), (mine, 200)):
        sent = {**session, "authorization": f"Bearer {tokens['access_token']}"}
        assert (await hub.http.post(f"{hub.url}/mcp", json=ask, headers=sent)).status_code == status


async def test_metadata_is_for_reading(hub: Hub):
    for path in (METADATA, f"{METADATA}/mcp", SERVER):
        assert (await hub.http.post(f"{hub.url}{path}")).status_code == 405
