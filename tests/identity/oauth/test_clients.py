"""Clients prove who they are at the token endpoint, and may act on their own as the agent they are bound to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.hub.gateway.world import Facts
from tests.identity.oauth.world import CALLBACK, Browser, Hub, Program, running
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.hub.access.oauth.client_auth import MOST_FAILURES
from tradepost.protocol.hosting import Arrival

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def machine(hub: Hub, **options: Any) -> Program:
    """A client that acts as the agent `supply`."""
    return await hub.program(name="Night job", redirect_uris=[], agent="supply", **options)


async def post(hub: Hub, form: dict[str, str], **options: Any) -> httpx2.Response:
    return await hub.http.post(f"{hub.url}/oauth/token", data=form, **options)


async def test_a_client_acts_as_its_agent(hub: Hub):
    """security.md A15: no person, no refresh token, the agent's scopes."""
    program = await machine(hub, confidential=True)
    answer = await hub.token(program, grant_type="client_credentials")
    tokens = answer.json()
    assert "refresh_token" not in tokens
    called = await hub.mcp(tokens["access_token"], "tools/call", name="get_stock", arguments={"sku": "A1"})
    assert called.json()["result"]["structuredContent"]["quantity"] == 5
    caller = await hub.world.authenticator.authenticate(
        tokens["access_token"], new_id("req"), Arrival({}, "127.0.0.1", "/mcp")
    )
    assert (caller.principal.kind, caller.user_id) == ("agent_key", None)
    fewer = (await hub.token(program, grant_type="client_credentials", scope="read:inventory")).json()
    assert fewer["scope"] == "read:inventory"
    more = await hub.token(program, grant_type="client_credentials", scope="read:everything")
    assert more.json()["error"] == "invalid_scope"


async def test_who_may_not_act_alone(hub: Hub, program: Program):
    confidential = await hub.program(confidential=True)
    for client in (program, confidential):
        refused = await hub.token(client, grant_type="client_credentials")
        assert refused.json()["error"] == "unauthorized_client"


async def test_other_grants_are_not_served(hub: Hub, program: Program):
    """security.md A1."""
    for kind in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "", "x" * 500):
        refused = await hub.token(program, grant_type=kind, username="a", password="b")
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type"), kind


async def test_a_secret_in_the_header_or_the_body(hub: Hub):
    program = await machine(hub, confidential=True)
    form = {"grant_type": "client_credentials"}
    plain = f"{program.client_id}:{program.secret}"
    basic = {"authorization": "Basic " + base64.b64encode(plain.encode()).decode()}
    assert (await post(hub, form, headers=basic)).status_code == 200
    assert (await hub.token(program, **form)).status_code == 200
    both = await hub.http.post(
        f"{hub.url}/oauth/token", data={**form, "client_secret": program.secret or ""}, headers=basic
    )
    assert both.json()["error"] == "invalid_request"
    named = await post(hub, {**form, "client_id": "tpc_other"}, headers=basic)
    assert named.json()["error"] == "invalid_request"


async def test_a_broken_header_is_no_client(hub: Hub):
    for header in (
        "Basic",
        "Basic !!!",
        "Basic YQ==",
        "Basic Og==",
        "Bearer x",
        "Digest a",
        "",
        "Basic w7w6w7w=",
        "Basic JTAwOmE=",
    ):
        refused = await post(hub, {"grant_type": "client_credentials"}, headers={"authorization": header})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), header
        assert refused.headers["www-authenticate"].startswith("Basic")


async def test_two_headers_are_no_client(hub: Hub):
    basic = ("authorization", "Basic " + base64.b64encode(b"a:b").decode())
    refused = await post(hub, {"grant_type": "client_credentials"}, headers=[basic, basic])
    assert refused.json()["error"] == "invalid_request"


async def test_unknown_and_wrong_look_the_same(hub: Hub, program: Program):
    """Row 36: an unknown client, a wrong secret, none where one is needed, one where none is."""
    confidential = await machine(hub, confidential=True)
    wrong = [
        {"client_id": "tpc_unknown", "client_secret": "x"},
        {"client_id": confidential.client_id, "client_secret": "x"},
        {"client_id": confidential.client_id, "client_secret": (confidential.secret or "")[:-1]},
        {"client_id": confidential.client_id},
        {"client_id": program.client_id, "client_secret": "x"},
        {"client_id": "https://app.example/client.json", "client_secret": "x"},
        {},
    ]
    said = [await post(hub, {"grant_type": "client_credentials", **form}) for form in wrong]
    assert {answer.status_code for answer in said} == {401}
    assert len({answer.text for answer in said}) == 1


async def test_guessing_is_slowed_down(hub: Hub):
    """security.md A15, row 37: by client and address; others go on."""
    program, other = await machine(hub, confidential=True), await machine(hub, confidential=True)
    form = {"grant_type": "client_credentials", "client_id": program.client_id, "client_secret": "wrong"}
    for _ in range(MOST_FAILURES):
        assert (await post(hub, form)).status_code == 401
    refused = await hub.token(program, grant_type="client_credentials")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await hub.token(other, grant_type="client_credentials")).status_code == 200
    hub.clock.ahead = timedelta(minutes=5, seconds=1)
    assert (await hub.token(program, grant_type="client_credentials")).status_code == 200


async def test_nothing_goes_into_the_url(hub: Hub):
    """security.md A15: where logs would keep it."""
    program = await machine(hub, confidential=True)
    form = {"grant_type": "client_credentials", "client_id": program.client_id}
    refused = await hub.http.post(f"{hub.url}/oauth/token", params={"client_secret": program.secret or ""}, data=form)
    assert refused.json()["error"] == "invalid_request"


ODD = [
    (b"grant_type=client_credentials&grant_type=password&client_id=a", "application/x-www-form-urlencoded", 400),
    (b'{"grant_type":"client_credentials"}', "application/json", 415),
    (b"", "application/x-www-form-urlencoded", 401),
    (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
    (b"a=%ff", "application/x-www-form-urlencoded", 400),
    (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
    (b"&".join(b"a%d=1" % number for number in range(100)), "application/x-www-form-urlencoded", 400),
]


async def test_odd_bodies(hub: Hub):
    for content, kind, status in ODD:
        answer = await hub.http.post(f"{hub.url}/oauth/token", content=content, headers={"content-type": kind})
        assert answer.status_code == status, content[:80]
        assert set(answer.json()) == {"error", "error_description"}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key() -> ECKey:
    return ECKey.generate_key("P-256")


def public(of: ECKey | RSAKey) -> dict[str, Any]:
    return {"keys": [of.as_dict(private=False)]}


def assertion(hub: Hub, client_id: str, signing: Any, header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(system_now().timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": hub.url, "iat": now, "exp": now + 60, "jti": new_id("jti")}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(
        header or {"alg": "ES256"}, claims, signing, algorithms=["ES256", "HS256", "RS256", "Ed25519", "EdDSA"]
    )


async def with_assertion(hub: Hub, client_id: str, text: str) -> int:
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": text}
    return (await post(hub, {**form, "client_id": client_id})).status_code


async def test_an_assertion_proves_a_client_once(hub: Hub):
    """security.md A15, row 39."""
    own = key()
    client_id = (await machine(hub, jwks=public(own))).client_id
    for audience in (hub.url, f"{hub.url}/oauth/token", [hub.url]):
        assert await with_assertion(hub, client_id, assertion(hub, client_id, own, aud=audience)) == 200
    text = assertion(hub, client_id, own)
    assert await with_assertion(hub, client_id, text) == 200
    assert await with_assertion(hub, client_id, text) == 401
    assert await with_assertion(hub, client_id, assertion(hub, client_id, own)) == 200


EMPTY_PROOFS: list[dict[str, Any]] = [
    {"aud": "https://elsewhere.example"},
    {"aud": None},
    {"aud": "HUB/"},
    {"aud": ["HUB", "https://elsewhere.example"]},
    {"exp": 1},
    {"exp": None},
    {"exp": "soon"},
    {"exp": 99999999999},
    {"nbf": 99999999999},
    {"iss": "tpc_other"},
    {"sub": "tpc_other"},
    {"sub": None},
    {"jti": None},
    {"jti": ""},
    {"jti": 7},
]


async def test_assertions_that_prove_nothing(hub: Hub):
    own = key()
    for start in (0, 8):  # so few that nobody is told to wait
        client_id = (await machine(hub, jwks=public(own))).client_id
        for changes in EMPTY_PROOFS[start : start + 8]:
            mended = json.loads(json.dumps(changes).replace("HUB", hub.url))
            assert await with_assertion(hub, client_id, assertion(hub, client_id, own, **mended)) == 401, changes
        assert await with_assertion(hub, client_id, assertion(hub, client_id, own)) == 200


async def test_other_keys_and_algorithms_prove_nothing(hub: Hub):
    """security.md R3, A15: algorithm confusion, a key in the header, none at all."""
    own, other = RSAKey.generate_key(2048), key()
    client_id = (await machine(hub, jwks=public(own))).client_id
    good = assertion(hub, client_id, own, {"alg": "RS256"})
    head, body, _ = good.split(".")
    symmetric = encoded(b'{"alg":"HS256"}')
    confused = f"{symmetric}.{body}"
    mark = hmac.new(own.as_pem(private=False), confused.encode(), hashlib.sha256).digest()
    none = encoded(b'{"alg":"none"}')
    wrong = [
        assertion(hub, client_id, other),
        assertion(hub, client_id, other, {"alg": "ES256", "jwk": other.as_dict(private=False)}),
        f"{confused}.{encoded(mark)}",
        f"{none}.{body}.",
        f"{head}.{body}.",
        good[:-6] + "AAAAAA",
        "x",
        "",
        "a" * 9_000,
    ]
    for text in wrong:
        assert await with_assertion(hub, client_id, text) == 401
    hub.clock.ahead = timedelta(minutes=5, seconds=1)  # so many failures have to be waited out
    late = int((system_now() + hub.clock.ahead).timestamp())
    again = assertion(hub, client_id, own, {"alg": "RS256"}, iat=late, exp=late + 60)
    assert await with_assertion(hub, client_id, again) == 200


async def test_a_client_with_keys_has_no_other_way(hub: Hub, browser: Browser):
    program = await hub.program(jwks=public(key()), redirect_uris=[CALLBACK])
    code = await browser.code(program)
    assert (await hub.redeem(program, code)).status_code == 401
    assert (await hub.redeem(program, code, client_secret="x")).status_code == 401


async def test_private_keys_are_not_taken(hub: Hub):
    for keys in ({"keys": [key().as_dict(private=True)]}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": []}, {}):
        with pytest.raises(InvalidArgument):
            await machine(hub, jwks=keys)


NOT_REGISTERED: list[dict[str, Any]] = [
    {"redirect_uris": []},
    {"redirect_uris": ["javascript:alert(1)"]},
    {"redirect_uris": ["http://app.example/"]},
    {"name": ""},
    {"name": "x" * 81},
    {"agent": "supply", "redirect_uris": []},
]


async def test_what_an_admin_cannot_register(hub: Hub):
    for options in NOT_REGISTERED:
        with pytest.raises(InvalidArgument):
            await hub.client(**options)


async def test_a_hub_for_clients_that_prove_themselves(facts: Facts):
    """No public client, whichever way it is known, gets to a person or to a token; the metadata says so."""
    async with running(facts) as before:
        browser, open_one = await before.browser(), await before.program()
        tokens = await before.tokens(open_one, browser)
    async with running(facts, public=False, registration=True) as hub:
        said = (await hub.http.get(f"{hub.url}/.well-known/oauth-authorization-server")).json()
        for endpoint in ("token", "revocation", "introspection"):
            assert "none" not in said[f"{endpoint}_endpoint_auth_methods_supported"]
        assert "registration_endpoint" not in said
        assert (await hub.refresh(open_one, tokens["refresh_token"])).status_code == 401
        browser = await hub.browser()
        for program in (open_one, await hub.program()):
            refused = await browser.authorize(program.asks())
            assert (refused.status_code, "prove who they are" in refused.text) == (400, True)
        confidential = await hub.program(confidential=True)
        assert await hub.works((await hub.tokens(confidential, browser))["access_token"])
