"""Who is let in, as whom and to what: keys, people, roles, sessions of customers, clients of OAuth."""

from __future__ import annotations

import httpx2

from tests.api.two_hubs.pair import Case, Pair, is_shut_out, soon
from tests.api.world import Client


async def keys_and_shoppers(pair: Pair) -> None:
    made = await pair.change("POST", "/keys", {"agent": "supply"})
    assert await pair.status(made["key"]) == 200
    turned = await pair.change("POST", f"/keys/{made['id']}/rotate", {"grace_seconds": 0})
    assert await pair.status(turned["key"]) == 200
    await pair.change("POST", f"/keys/{turned['id']}/revoke", {})
    for secret in (made["key"], turned["key"]):
        await soon(lambda secret=secret: is_shut_out(pair, secret))
    await pair.change("POST", "/profiles", {"slug": "visitors", "posture": "customer"})
    shopper = await pair.change("POST", "/shopper-sessions", {"customer": "C-1", "profile": "visitors"})
    assert (await pair.mcp("tools/list", {}, shopper["token"])).status_code == 200
    await pair.change("POST", f"/shopper-sessions/{shopper['id']}/revoke", {})

    async def ended() -> bool:
        return (await pair.mcp("tools/list", {}, shopper["token"])).status_code == 401

    await soon(ended)


async def people_and_roles(pair: Pair) -> None:
    user = await pair.change("POST", "/users", {"email": "new@acme.test", "role": "admin"})
    key = (await pair.change("POST", "/keys", {"user": "new@acme.test"}))["key"]
    assert await pair.status(key, "/audit/export") == 200
    await pair.change("PATCH", f"/users/{user['id']}", {"role": "operator"})

    async def demoted() -> bool:
        return await pair.status(key, "/audit/export") == 403

    await soon(demoted)

    async def cares() -> bool:
        sent = await Client(pair.second, key).send("PATCH", "/agents/supply", {"status": "active"})
        return sent.status_code == 200

    assert not await cares()
    await pair.change("PUT", "/profiles/internal/roles/new@acme.test", {"role": "admin"})
    await soon(cares)
    await pair.change("DELETE", "/profiles/internal/roles/new@acme.test")

    async def cares_no_more() -> bool:
        return not await cares()

    await soon(cares_no_more)
    await pair.change("PATCH", f"/users/{user['id']}", {"status": "disabled"})
    await soon(lambda: is_shut_out(pair, key))
    invited = await pair.change("POST", "/invitations", {"email": "guest@acme.test", "role": "viewer"})
    link = httpx2.URL(invited["link"]).raw_path.decode()
    assert (await pair.second.get(link)).status_code == 200
    await pair.change("POST", f"/invitations/{invited['id']}/revoke", {})
    assert (await pair.second.get(link)).status_code in (404, 410)


async def profiles_and_their_fields(pair: Pair) -> None:
    await pair.change("POST", "/profiles", {"slug": "shop"})
    await pair.change("POST", "/agents", {"profile": "shop", "slug": "clerk"})
    assert (await pair.look("/agents/clerk"))["slug"] == "clerk"
    await pair.change("PATCH", "/profiles/internal/fields", {"set": [{"kind": "email", "show": "masked"}]})

    async def masked() -> bool:
        return "jo1@buyers.test" not in str(await pair.customer())

    await soon(masked)
    await pair.change("PATCH", "/profiles/internal/fields", {"unset": ["email"]})

    async def shown() -> bool:
        return not await masked()

    await soon(shown)
    write = {"customer_id": "C-2", "note": "Rings twice.", "idempotency_key": "posture"}
    asked = await pair.call("update_customer", write)
    assert asked["structuredContent"].get("status") == "approval_required", asked
    await pair.change("PATCH", "/profiles/internal", {"posture": "guarded"})
    assert (await pair.look("/profiles/internal"))["posture"] == "guarded"
    await pair.change("PATCH", "/profiles/internal", {"posture": "propose"})


async def oauth_clients(pair: Pair) -> None:
    made = await pair.change("POST", "/oauth-clients", {"name": "Night job", "agent": "supply", "proof": "secret"})
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["secret"]}

    async def token() -> str | None:
        found: str | None = (await pair.second.post("/oauth/token", data=form)).json().get("access_token")
        return found

    await soon(token)
    given = await token()
    assert await pair.tools(given)
    (grant,) = (await pair.look(f"/oauth-grants?client={made['client_id']}"))["items"]
    await pair.change("POST", f"/oauth-grants/{grant['id']}/revoke", {})

    async def shut() -> bool:
        return (await pair.mcp("tools/list", {}, given)).status_code == 401

    await soon(shut)
    await pair.change("POST", f"/oauth-clients/{made['client_id']}/disable", {})
    assert await token() is None


CASES: tuple[Case, ...] = (
    keys_and_shoppers,
    people_and_roles,
    profiles_and_their_fields,
    oauth_clients,
)
