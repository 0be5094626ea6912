"""Who gets in, over REST: invitations, roles in profiles, OAuth clients and grants, assertion keys, reported tokens."""

from typing import Any

import httpx2
from joserfc.jwk import ECKey

from tests.api.conftest import As
from tests.api.world import Side, problem
from tradepost.app import Tradepost


async def test_an_invitation_and_its_one_link(http: httpx2.AsyncClient, as_: As, hub: Tradepost):
    admin, body = as_("admin"), {"email": "Nina@shop.test", "name": "Nina", "role": "viewer"}
    made = await admin.post("/invitations", body, idempotency_key="i-1")
    assert made["link"].startswith(f"{hub.settings.url}/invitation/")
    assert (made["email"], made["role"]) == ("nina@shop.test", "viewer")
    path = made["link"].removeprefix(hub.settings.url)
    assert (await http.get(path)).status_code == 200
    again = await admin.post("/invitations", body, idempotency_key="i-1")
    assert again == {**made, "link": None}
    listed = (await admin.get("/invitations"))["items"]
    assert listed == [{name: value for name, value in made.items() if name != "link"}]
    assert await admin.get(f"/invitations/{made['id']}") == listed[0]
    problem(await admin.send("POST", "/invitations", {**body, "role": "owner"}), 400, "invalid_argument")
    problem(await admin.send("POST", "/invitations", {"email": "owner@acme.test"}), 409, "state_conflict")
    minted = await admin.post("/keys", {"user": "admin@acme.test", "scopes": ["write:users"]})
    narrow = as_(secret=minted["key"])
    problem(await narrow.send("POST", "/invitations", {**body, "role": "admin"}), 403, "forbidden_scope")
    await narrow.post("/invitations", {**body, "role": "operator"})
    renewed = await admin.post("/invitations", body)  # the one before ends
    assert [one["id"] for one in (await admin.get("/invitations"))["items"]] == [renewed["id"]]
    await admin.post("/invitations/nina@shop.test/revoke", {}, status=200)
    assert (await http.get(renewed["link"].removeprefix(hub.settings.url))).status_code == 404
    problem(await admin.send("POST", "/invitations/nina@shop.test/revoke", {}), 404, "not_found")
    for link in (made["link"], renewed["link"]):
        assert link.rpartition("/")[2] not in str(await admin.get("/audit?limit=50"))


async def test_a_role_in_one_profile(as_: As, acme: Side):
    admin, path = as_("admin"), "/profiles/internal/roles"
    given = await admin.send("PUT", f"{path}/viewer@acme.test", {"role": "operator"})
    assert given.status_code == 200, given.text
    assert (given.json()["user_id"], given.json()["role"]) == (acme.users["viewer"], "operator")
    await admin.send("PUT", f"{path}/{acme.users['operator']}", {"role": "admin"})
    page = await admin.get(f"{path}?limit=1")
    rest = await admin.get(f"{path}?limit=1&cursor={page['next_cursor']}")
    assert [one["email"] for one in page["items"] + rest["items"]] == ["operator@acme.test", "viewer@acme.test"]
    problem(await admin.send("PUT", f"{path}/viewer@acme.test", {"role": "owner"}), 400, "invalid_argument")
    problem(await admin.send("PUT", f"{path}/owner@acme.test", {"role": "viewer"}), 409, "state_conflict")
    for _ in range(2):
        assert (await admin.send("DELETE", f"{path}/viewer@acme.test")).status_code == 204
    assert [one["email"] for one in (await admin.get(path))["items"]] == ["operator@acme.test"]


async def test_oauth_clients_and_what_they_were_granted(as_: As, http: httpx2.AsyncClient, acme: Side):
    admin = as_("admin")
    body: dict[str, Any] = {"name": "Night job", "agent": "supply", "proof": "secret"}
    made = await admin.post("/oauth-clients", body, idempotency_key="c-1")
    again = await admin.post("/oauth-clients", body, idempotency_key="c-1")
    assert again == {**made, "secret": None}
    assert made["proof"] == "secret"
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["secret"]}
    token = (await http.post("/oauth/token", data=form)).json()["access_token"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    sent = {"authorization": f"Bearer {token}", "accept": "application/json"}
    assert (await http.post("/mcp", json=call, headers=sent)).status_code == 200
    grants = (await admin.get(f"/oauth-grants?client={made['client_id']}"))["items"]
    assert [(one["user_id"], one["agent_id"]) for one in grants] == [(None, acme.agent_id)]
    for _ in range(2):
        ended = await admin.post(f"/oauth-grants/{grants[0]['id']}/revoke", {}, status=200)
        assert ended["revoked_at"] is not None
    assert (await http.post("/mcp", json=call, headers=sent)).status_code == 401
    assert (await admin.get(f"/oauth-grants?client={made['client_id']}"))["items"] == []
    assert len((await admin.get(f"/oauth-grants?client={made['client_id']}&status=all"))["items"]) == 1
    assert [one["id"] for one in (await admin.get("/oauth-grants?user=owner@acme.test"))["items"]] == ["oag_acme"]
    shut = await admin.post(f"/oauth-clients/{made['client_id']}/disable", {}, status=200)
    assert shut["status"] == "disabled"
    assert (await http.post("/oauth/token", data=form)).status_code == 401
    assert "secret_digest" not in str(await admin.get(f"/oauth-clients/{made['id']}"))

    public = ECKey.generate_key("P-256").as_dict(private=False)
    keyed = {"name": "Signer", "agent": "supply", "proof": "private_key_jwt", "jwks": {"keys": [public]}}
    assert (await admin.post("/oauth-clients", keyed))["secret"] is None
    wrong: list[dict[str, Any]] = [
        {**keyed, "jwks": None},
        {**keyed, "proof": "secret"},
        {**keyed, "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {**keyed, "jwks": {"keys": [{"kty": "EC", "crv": 7}]}},
        {**keyed, "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "\0", "y": [1]}]}},
        {**keyed, "jwks": {"keys": [{"kty": "RSA", "n": {}, "e": None}]}},
        {**keyed, "jwks": {"keys": [{"kty": ["RSA"]}]}},
        {**keyed, "jwks": {"keys": [{}]}},
        {**keyed, "jwks": {"keys": [{**public, "note": "\0"}]}},
        {**keyed, "jwks": {"keys": [{**public, "note": "x" * 20_000}]}},
        {**body, "proof": "none"},
        {"name": "A", "redirect_uris": ["javascript:alert(1)"]},
        {"name": "A"},
    ]
    for given in wrong:
        problem(await admin.send("POST", "/oauth-clients", given), 400, "invalid_argument")


async def test_assertion_keys(as_: As, http: httpx2.AsyncClient):
    admin = as_("admin")
    first = await admin.post("/assertion-keys/rotate", {}, status=200)
    following = await admin.post("/assertion-keys/rotate", {}, status=200)
    problem(await admin.send("POST", "/assertion-keys/rotate", {}), 409, "state_conflict")
    shown = (await admin.get("/assertion-keys"))["items"]
    assert [(one["kid"], one["state"]) for one in shown] == [(following["kid"], "next"), (first["kid"], "signing")]
    published = (await http.get("/.well-known/jwks.json")).json()["keys"]
    assert {one["kid"] for one in published} >= {first["kid"], following["kid"]}
    assert not any("d" in one for one in published)


async def test_tokens_that_an_agent_reports(as_: As, hub: Tradepost, acme: Side):
    owner, agent = as_("owner"), as_("agent")
    await owner.patch("/agents/supply/limits", {"set": {"tokens_per_day": 1_000}})
    for _ in range(2):
        counted = await agent.post("/usage/tokens", {"tokens": 900}, status=200, idempotency_key="run-1")
        assert (counted["used_up"], counted["agent_id"]) == (False, acme.agent_id)
    assert (await agent.send("GET", "/contacts?query=Jo")).status_code == 200
    over = await agent.post("/usage/tokens", {"tokens": 200}, status=200)
    assert over["used_up"]
    assert over["retry_after_seconds"] > 0
    refused = await agent.send("GET", "/contacts?query=Jo")
    assert problem(refused, 429, "rate_limited")["details"]["policy"] == "tokens-day"
    assert int(refused.headers["retry-after"]) > 0
    used = {one["name"]: one["used"] for one in (await owner.get("/agents/supply/limits"))["limits"]}
    assert used["tokens_per_day"] == 1_100
    for wrong in ({}, {"tokens": 0}, {"tokens": -5}, {"tokens": 1.5}, {"tokens": "x"}, {"tokens": 10**10}):
        problem(await agent.send("POST", "/usage/tokens", wrong), 400, "invalid_argument")
    problem(await owner.send("POST", "/usage/tokens", {"tokens": 1}), 403, "forbidden_scope")
