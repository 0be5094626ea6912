"""REST APIs that want tokens: what the document says of them is what is asked, and tokens change while calls go on."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from tests.api.conftest import As
from tests.api.world import Client, Side, problem
from tests.hub.billing import Billing, billing
from tests.hub.oauth.vendor import Vendor, running
from tests.hub.trusting import RULE
from tests.journeys.live.clients import over_http, plain
from tradepost.foundation.clock import system_now

Json = dict[str, Any]

SECRET = "client-secret-CANARY & more%"
CLIENT = {"kind": "client_credentials", "client_id": "the-hub", "client_secret": SECRET}


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with running(system_now) as made:
        made.client("the-hub", SECRET, "client_secret_basic")
        made.wants_resource = False
        yield made


@pytest.fixture
async def api(vendor: Vendor) -> AsyncIterator[Billing]:
    """It says in its document where tokens are, and which scopes each operation needs."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(billing())
        made.lets_in = lambda headers: vendor.lets_in(headers.get("authorization")) is not None
        flow = {"tokenUrl": f"{vendor.issuer}/token", "scopes": {"read": "See.", "credit": "Give.", "admin": "All."}}
        made.document["components"]["securitySchemes"] = {
            "OAuth": {"type": "oauth2", "flows": {"clientCredentials": flow}}
        }
        made.document["security"] = [{"OAuth": ["read"]}]
        made.document["paths"]["/invoices/{id}/credits"]["post"]["security"] = [{"OAuth": ["read", "credit"]}]
        yield made


def _scopes(vendor: Vendor) -> list[str | None]:
    return [form.get("scope") for form in vendor.forms if form.get("grant_type") == "client_credentials"]


async def _ready(admin: Client, slug: str, *tools: str) -> None:
    await admin.post(f"/servers/{slug}/discover", status=200)
    for name in tools:
        await admin.post(f"/servers/{slug}/tools/{name}/approve", {}, status=200)
        await admin.post("/assignments", {"server": slug, "tool": name, "agent": "reader"})


def _caller(url: str, acme: Side) -> Callable[..., Any]:
    async def call(name: str, /, **arguments: Any) -> Json:
        async with over_http(f"{url}/mcp", acme.secrets["other_agent"]) as client:
            found: Json = plain(await client.call_tool(name, arguments))
            return found

    return call


@pytest.mark.behaviour("S0.4", "S0.36")
async def test_client_credentials_at_an_api(as_: As, acme: Side, url: str, api: Billing, vendor: Vendor) -> None:
    admin, call = as_("admin"), _caller(url, acme)
    await admin.patch("/profiles/internal", {"posture": "guarded"})
    await admin.post("/policy/rules", RULE)
    given: Json = {"slug": "invoices", "document_url": api.document_url, "operations": ["reads", "apply_credit"]}
    await admin.post("/apis", given)
    untried = await admin.post("/servers/invoices/test", status=200)
    assert (untried["ok"], "--oauth client" in untried["hint"]) == (False, True)
    assert (await admin.send("PUT", "/servers/invoices/credential", {"credential": CLIENT})).status_code == 200
    tested = await admin.post("/servers/invoices/test", status=200)
    assert (tested["ok"], tested["transport"], tested["scopes_missing"]) == (True, "rest", []), tested
    assert _scopes(vendor) == ["read credit"]  # what the operations need, and not all that there is
    assert "resource" not in vendor.forms[-1]  # nobody said that this issuer knows RFC 8707
    await _ready(admin, "invoices", "get_invoice", "apply_credit")

    assert (await call("get_invoice", id="in_1"))["structuredContent"]["total"] == 3_900
    first = api.requests[-1].headers["authorization"]
    vendor.tokens.clear()  # they were withdrawn: a read is done again with another token
    assert (await call("get_invoice", id="in_1"))["structuredContent"]["total"] == 3_900
    assert [one.headers["authorization"] == first for one in api.requests[-2:]] == [True, False]
    assert vendor.count("client_credentials") == 2

    vendor.tokens.clear()  # a write is not
    writes = len(api.requests)
    refused = await call("apply_credit", id="in_1", amount=100)
    assert (refused["isError"], len(api.requests), api.invoices["in_1"]["total"]) == (True, writes + 1, 3_900)
    shown = orjson.dumps([tested, refused, await admin.get("/audit?limit=50"), await admin.get("/servers/invoices")])
    shown_tokens = [one.headers.get("authorization") for one in api.requests]
    sent = {token.removeprefix("Bearer ") for token in shown_tokens if token is not None}
    assert len(sent) == 2
    assert not [secret for secret in (SECRET, *sent) if secret.encode() in shown]

    # Another choice needs other scopes, and so another token.
    await admin.patch("/servers/invoices/api", {"operations": ["get_invoice"]})
    assert (await call("get_invoice", id="in_1"))["structuredContent"]["total"] == 3_900
    assert _scopes(vendor)[-1] == "read"
    rows = (await admin.get("/audit?kind=admin&limit=50"))["items"]
    chosen = next(row["details"] for row in rows if row["tag"] == "api:chosen")
    assert chosen["scopes"] == {"before": ["read", "credit"], "after": ["read"]}

    # With the registration itself; and what is given goes before what the document says.
    given |= {"operations": ["get_invoice"], "credential": {**CLIENT, "scopes": ["admin"], "resource": api.url}}
    vendor.wants_resource, vendor.url = True, api.url
    await admin.post("/apis", {**given, "slug": "second"})
    assert (await admin.get("/servers/second"))["credential"] == "oauth_client"
    assert (await admin.post("/servers/second/test", status=200))["ok"]
    assert (_scopes(vendor)[-1], vendor.wrong) == ("admin", [])
    await admin.patch("/servers/second/api", {"operations": ["all"]})
    assert (await admin.post("/servers/second/test", status=200))["ok"]
    assert _scopes(vendor)[-1] == "admin"  # somebody named it


async def test_what_a_document_says_of_tokens_is_not_believed_blindly(
    as_: As, acme: Side, api: Billing, vendor: Vendor
) -> None:
    """Nothing is kept, and the client's secret goes nowhere."""
    admin = as_("admin")
    scheme = api.document["components"]["securitySchemes"]["OAuth"]["flows"]["clientCredentials"]
    given: Json = {"slug": "invoices", "document_url": api.document_url, "credential": CLIENT}
    for token_url in (
        "http://169.254.169.254/token",
        "http://[127.0.0.1]/token",
        "file:///etc/passwd",
        "https://user@evil.example/token",
    ):
        scheme["tokenUrl"] = token_url
        problem(await admin.send("POST", "/apis", given), 400, "invalid_argument")
    scheme["tokenUrl"] = "/oauth/token"  # seen from where the API is
    api.document["components"]["securitySchemes"]["Other"] = {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": f"{vendor.issuer}/token", "scopes": {}}},
    }
    several = await admin.send("POST", "/apis", given)
    assert (several.status_code, several.json()["field"]) == (400, "token_url")
    assert f"{api.url}/oauth/token" in several.json()["hint"]
    assert (await admin.send("GET", "/servers/invoices")).status_code == 404
    given["credential"] = {**CLIENT, "token_url": f"{vendor.issuer}/token"}
    await admin.post("/apis", given)
    assert (await admin.post("/servers/invoices/test", status=200))["ok"]
    header = {"headers": [{"name": "Authorization", "value": "Bearer x-of-mine"}]}
    problem(await admin.send("PUT", "/servers/invoices/headers", header), 409, "state_conflict")
