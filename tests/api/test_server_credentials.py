"""Credentials of servers over REST: written, tested, never read back. S0.4-S0.6; security.md §2 rows 25-27."""

import orjson

from tests.api.conftest import As
from tests.api.world import Side, problem
from tests.hub.oauth.vendor import Vendor, running
from tradepost.app import Tradepost
from tradepost.foundation.clock import system_now
from tradepost.hub.access.people import find_user
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.registration.connecting import Came

SECRETS = ("bearer-of-ours", "api-key-of-ours", "s3cret-of-ours")


async def _agreed(hub: Tradepost, vendor: Vendor, side: Side, who: str) -> None:
    """What somebody does in their browser."""
    async with hub.hub.transaction(side.workspace_id, write=False) as session:
        person = caller_for_user(await find_user(session, f"{who}@acme.test"), "req_1")
    connecting = hub.registration.connecting
    brought = await vendor.agree(await connecting.begin(person, "ses_1", "shop"))
    await connecting.finish(person, "ses_1", Came(brought["state"], brought["code"], None, brought["iss"]))


async def test_credentials_are_written_tested_and_never_read(hub: Tradepost, as_: As, acme: Side) -> None:
    admin = as_("admin")
    async with running(system_now) as vendor:
        vendor.client("us", "s3cret-of-ours", "client_secret_post")
        vendor.tokens["bearer-of-ours"] = ("itself", "", system_now().replace(year=2100))
        bearer = {"kind": "bearer", "token": "bearer-of-ours"}
        made = await admin.post("/servers", {"slug": "shop", "url": vendor.url, "credential": bearer})
        assert (made["credential"], made["connection"], made["url"]) == ("headers", None, vendor.url)
        assert (await admin.post("/servers/shop/test", status=200))["tools"] == 2
        api_key = {"kind": "api_key", "header": "X-Key", "value": "api-key-of-ours"}
        await admin.send("PUT", "/servers/shop/credential", {"credential": api_key})
        report = await admin.post("/servers/shop/test", status=200)
        assert (report["ok"], report["problem"]) == (False, "The server refused the credential (HTTP 401).")
        client = {"kind": "client_credentials", "client_id": "us", "client_secret": "s3cret-of-ours"}
        changed = await admin.send(
            "PUT",
            "/servers/shop/credential",
            {"credential": {**client, "scopes": ["read"], "method": "client_secret_post"}},
        )
        assert changed.json().get("credential") == "oauth_client", changed.text
        assert (await admin.post("/servers/shop/test", status=200))["ok"]
        consent = {"kind": "authorization_code", "per_user": True}
        await admin.send("PUT", "/servers/shop/credential", {"credential": consent})
        state = await as_("viewer").get("/servers/shop/connection")
        assert (state["connection"], state["connect_url"]) == (
            "not_connected",
            "http://127.0.0.1:8811/connect/servers/shop",
        )
        await _agreed(hub, vendor, acme, "viewer")
        listed = {
            role: next(one for one in (await as_(role).get("/servers?limit=50"))["items"] if one["slug"] == "shop")
            for role in ("viewer", "operator")
        }
        assert [listed[role]["connection"] for role in ("viewer", "operator")] == ["connected", "not_connected"]
        assert (await as_("viewer").send("DELETE", "/servers/shop/connection")).json()["connection"] == "not_connected"
        none = await admin.send("PUT", "/servers/shop/credential", {"credential": None})
        assert none.json()["credential"] == "none"
        problem(await as_("viewer").send("DELETE", "/servers/shop/connection"), 409, "state_conflict")
    for path in ("/servers/shop", "/servers/shop/headers", "/servers/shop/connection", "/audit?limit=50"):
        answer = (await admin.send("GET", path)).text
        assert not any(secret in answer for secret in (*SECRETS, *vendor.tokens, *vendor.refreshes)), path


async def test_a_secret_url_and_what_is_wrong_are_not_said_back(as_: As) -> None:
    owner, canary = as_("owner"), "CANARY-77aa12"
    secret = f"http://127.0.0.1:18099/{canary}/mcp"
    made = await owner.send("POST", "/servers", {"slug": "shop", "secret_url": secret}, idempotency_key="k1")
    again = await owner.send("POST", "/servers", {"slug": "shop", "secret_url": secret}, idempotency_key="k1")
    assert (made.status_code, made.content) == (201, again.content)
    assert (made.json()["url"], made.json()["url_hidden"]) == ("http://127.0.0.1:18099", True)
    wrong = [
        {"slug": "two", "url": secret, "secret_url": secret},
        {"slug": "two"},
        {"slug": "two", "secret_url": secret, "credential": {"kind": "authorization_code"}},
        {"slug": "two", "secret_url": f"ftp://x/{canary}"},
        {"slug": "two", "url": "http://127.0.0.1:18099/", "credential": {"kind": "bearer", "token": f"{canary}\n"}},
        {"slug": "two", "url": "http://127.0.0.1:18099/", "credential": {"kind": canary}},
    ]
    said = [(await owner.send("POST", "/servers", body)) for body in wrong]
    assert {answer.status_code for answer in said} == {400}
    moved = await owner.send("PUT", "/servers/shop/url", {"secret_url": f"{secret}2"})
    assert (moved.json()["url"], moved.json()["url_hidden"]) == ("http://127.0.0.1:18099", True)
    tested = await owner.post("/servers/shop/test", status=200)
    assert "Nothing listens at 127.0.0.1, port 18099." in tested["problem"]
    audit = (await owner.send("GET", "/audit?limit=50")).text
    assert canary not in orjson.dumps(tested).decode() + audit + "".join(
        answer.text for answer in (made, moved, *said[:-1])
    )
    shown = await owner.send("PUT", "/servers/shop/url", {"url": "http://127.0.0.1:18099/open"})
    assert (shown.json()["url"], shown.json()["url_hidden"]) == ("http://127.0.0.1:18099/open", False)
