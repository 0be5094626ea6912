"""A REST API as a server: registered by its document, governed like any other."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.api.conftest import As
from tests.api.world import Client, Side, problem
from tests.hub.billing import KEY, Billing, billing
from tests.hub.trusting import RULE
from tests.journeys.live.clients import over_http, plain, tool_names

Json = dict[str, Any]
SLUG = "home-billing"


@pytest.fixture
async def api() -> AsyncIterator[Billing]:
    async with billing() as made:
        yield made


async def _registered(admin: Client, api: Billing, **more: Any) -> Json:
    given = {"slug": SLUG, "document_url": api.document_url, "credentials": {"Key": KEY}, **more}
    return await admin.post("/apis", given)


async def _discovered(admin: Client) -> Json:
    return await admin.post(f"/servers/{SLUG}/discover", status=200)


async def _approved(admin: Client, *tools: str) -> None:
    for name in tools:
        await admin.post(f"/servers/{SLUG}/tools/{name}/approve", {}, status=200)


async def _given(admin: Client, *tools: str, agent: str = "reader") -> None:
    await _approved(admin, *tools)
    for name in tools:
        await admin.post("/assignments", {"server": SLUG, "tool": name, "agent": agent})


async def _call(url: str, side: Side, name: str, /, **arguments: Any) -> Json:
    async with over_http(f"{url}/mcp", side.secrets["other_agent"]) as client:
        found: Json = plain(await client.call_tool(name, arguments))
        return found


@pytest.mark.behaviour("S0.36")
async def test_from_a_document_to_governed_tools(as_: As, acme: Side, url: str, api: Billing) -> None:
    admin = as_("admin")
    made = await _registered(admin, api, fields={"get_invoice": ["id", "total", "customer.name"]})
    shown = {one["name"]: one for one in made["operations"]}
    assert [(one["class"], one["chosen"], bool(one["problem"])) for one in made["operations"]] == [
        ("read", True, False),
        ("read", True, False),
        ("destructive", True, False),
        ("write", True, False),
        ("read", True, True),
    ]
    assert "leads out of the document" in shown["export"]["problem"]
    assert [(one["name"], one["says"]) for one in made["schemes"]] == [("Key", "API key in the header X-Billing-Key")]
    assert api.requests[-1].headers.get("x-billing-key") is None  # a document is fetched without the credential
    tested = await admin.post(f"/servers/{SLUG}/test", status=200)
    assert (tested["ok"], tested["transport"], tested["server_name"], tested["tools"]) == (
        True, "rest", "Billing at home", 4,
    )  # fmt: skip
    assert (api.requests[-1].path, api.requests[-1].headers["x-billing-key"]) == ("/v1/invoices", KEY)
    assert (await _discovered(admin))["new"] == [
        "list_invoices", "get_invoice", "delete_invoices_by_id", "apply_credit",
    ]  # fmt: skip
    tools = (await admin.get(f"/servers/{SLUG}/tools"))["items"]
    assert [one["class"] for one in tools] == ["read", "read", "destructive", "write"]
    await _given(admin, "list_invoices", "get_invoice", "apply_credit")

    async with over_http(f"{url}/mcp", acme.secrets["other_agent"]) as client:
        listed = {tool["name"]: tool for tool in plain(await client.list_tools())["tools"]}
        assert "_meta" not in listed["get_invoice"]
        assert "/invoices" not in str(listed["get_invoice"]["inputSchema"])
        invoice = plain(await client.call_tool("get_invoice", {"id": "in_1"}))
        assert invoice["structuredContent"] == {"id": "in_1", "total": 3_900, "customer": {"name": "Ada"}}
        label = {"server": SLUG, "tool": "get_invoice", "trust": "external"}
        assert invoice["_meta"]["io.tradepost/source"] == label
        everything = plain(await client.call_tool("list_invoices", {"status": "open&x=1"}))
        assert len(everything["structuredContent"]["result"]) == 2
        assert api.requests[-1].query == "status=open%26x%3D1"

        before = len(api.requests)
        odd = plain(await client.call_tool("get_invoice", {"id": "a/b?c#d"}))
        assert (api.requests[-1].path, len(api.requests)) == ("/v1/invoices/a%2Fb%3Fc%23d", before + 1)
        assert (odd["isError"], odd["structuredContent"]["status"]) == (True, 404)
        assert "404 Not Found: No such invoice. Nothing at" in odd["content"][0]["text"]
        assert KEY not in str(odd)
        for value in ("../invoices/in_2", "..", "%2e%2e/x"):
            refused = plain(await client.call_tool("get_invoice", {"id": value}))
            assert refused["isError"], refused
        empty = await client.call_tool("get_invoice", {"id": ""})
        assert plain(empty)["isError"]
        assert len(api.requests) == before + 1

    asked = await _call(url, acme, "apply_credit", id="in_1", amount=100)
    approval = asked["structuredContent"]
    assert approval["status"] == "approval_required"
    assert api.invoices["in_1"]["total"] == 3_900
    card = await as_("owner").get(f"/approvals/{approval['approval_id']}")
    assert card["arguments"] == {"id": "in_1", "amount": 100}


async def test_a_changed_document_waits_for_a_person(as_: As, acme: Side, url: str, api: Billing) -> None:
    """S0.19, S0.20; what was approved is what is sent, whatever the document says meanwhile."""
    admin = as_("admin")
    await _registered(admin, api, operations=["get_invoice", "list_invoices"], idempotency_header="Idempotency-Key")
    assert (await _discovered(admin))["new"] == ["list_invoices", "get_invoice"]
    await _given(admin, "list_invoices", "get_invoice")
    nothing = await _discovered(admin)
    assert (nothing["new"], nothing["changed"], nothing["removed"]) == ([], [], [])

    paths = api.document["paths"]
    paths["/invoices/{id}"]["post"] = paths["/invoices/{id}"].pop("get")  # the same name now does something
    del paths["/invoices"]
    changed = await _discovered(admin)
    assert ([one["name"] for one in changed["changed"]], changed["removed"]) == (["get_invoice"], ["list_invoices"])
    tool = await admin.get(f"/servers/{SLUG}/tools/get_invoice")
    assert (tool["state"], tool["class"]) == ("quarantined", "write")
    assert "_meta.io.tradepost/request.method" in [one["place"] for one in tool["waiting"]["differences"]]
    async with over_http(f"{url}/mcp", acme.secrets["other_agent"]) as client:
        assert not {"get_invoice", "list_invoices"} & set(await tool_names(client))

    api.answers["GET /docs/openapi.json"] = (200, {"content-type": "text/html"}, b"<html>maintenance</html>")
    down = await admin.post(f"/servers/{SLUG}/test", status=200)
    assert (down["ok"], "web page" in down["problem"]) == (False, True)
    api.answers["GET /docs/openapi.json"] = (302, {"location": "http://127.0.0.1:1/"}, b"")
    problem(await admin.send("POST", f"/servers/{SLUG}/discover"), 424, "upstream_error")
    assert (await admin.get(f"/servers/{SLUG}/api"))["operations"][0]["name"] == "get_invoice"


async def test_a_document_that_was_handed_over(as_: As, acme: Side, url: str, api: Billing) -> None:
    admin = as_("admin")
    document = orjson.dumps(api.document).decode()
    base = f"{api.url}/v1"
    refused: list[tuple[Json, str]] = [
        ({"document": document}, "base_url"),
        ({"document": document, "document_url": api.document_url}, "document"),
        ({}, "document"),
        ({"document": "<html>", "base_url": base}, "document"),
        ({"document": document, "base_url": base, "operations": ["nothing"]}, "operations"),
        ({"document": document, "base_url": base, "fields": {"get_invoice": ["a b"]}}, "fields"),
        ({"document": document, "base_url": base, "fields": {"nothing": ["a"]}}, "fields"),
        ({"document": document, "base_url": base, "credentials": {"Nothing": "a-secret-value"}}, "credentials"),
        ({"document": document, "base_url": base, "idempotency_header": "Host"}, "headers"),
        ({"document": document, "base_url": "http://169.254.169.254/latest"}, "url"),
        ({"document": document, "base_url": "http://10.0.0.1/"}, "url"),
        ({"document": document, "base_url": "file:///etc/passwd"}, "base_url"),
        ({"document_url": "http://[64:ff9b::a00:1]/openapi.json"}, "url"),
        ({"document_url": "http://metadata.google.internal@10.0.0.1/"}, "url"),
    ]
    for given, at in refused:
        answer = await admin.send("POST", "/apis", {"slug": SLUG, **given})
        found = answer.json()
        assert (answer.status_code, found.get("field")) == (400, at), found
        assert "a-secret-value" not in answer.text
    assert (await admin.send("GET", f"/servers/{SLUG}")).status_code == 404
    problem(
        await admin.send("POST", "/apis", {"slug": SLUG, "document_url": f"{api.url}/nothing"}), 424, "upstream_error"
    )

    await admin.post("/apis", {"slug": SLUG, "document": document, "base_url": base, "operations": ["get_invoice"]})
    tested = await admin.post(f"/servers/{SLUG}/test", status=200)
    assert (tested["ok"], tested["problem"]) == (False, "The server wants a credential (HTTP 401).")
    assert f"tradepost server api {SLUG} --credential" in tested["hint"]
    await admin.send("PUT", f"/servers/{SLUG}/api/credentials", {"credentials": {"Key": "another-key"}})
    tested = await admin.post(f"/servers/{SLUG}/test", status=200)
    assert (tested["ok"], "refused the credential (HTTP 401)" in tested["problem"]) == (False, True)
    await admin.send("PUT", f"/servers/{SLUG}/api/credentials", {"credentials": {"Key": KEY}})
    headers = (await admin.get(f"/servers/{SLUG}/headers"))["headers"]
    assert [(one["name"], one["hidden"], KEY in one["value"]) for one in headers] == [("X-Billing-Key", True, False)]
    assert (await admin.post(f"/servers/{SLUG}/test", status=200))["ok"]
    await _discovered(admin)
    await _given(admin, "get_invoice")

    await admin.patch(f"/servers/{SLUG}/api", {"fields": {"GET /invoices/{id}": ["total"]}})
    assert [one["name"] for one in (await _discovered(admin))["changed"]] == ["get_invoice"]
    await _approved(admin, "get_invoice")
    assert (await _call(url, acme, "get_invoice", id="in_2"))["structuredContent"] == {"total": 1_250}

    api.document["paths"]["/invoices/{id}"]["get"]["summary"] = "Show one"
    newer = {"document": orjson.dumps(api.document).decode()}
    assert (await admin.send("PUT", f"/servers/{SLUG}/api/document", newer)).status_code == 200
    assert [one["kind"] for one in (await _discovered(admin))["changed"]] == ["text"]

    # Elsewhere, the credential does not follow; and no such server becomes one of another kind.
    moved = await admin.send("PUT", f"/servers/{SLUG}/url", {"url": "http://127.0.0.1:18098/v2"})
    assert moved.json()["url"] == "openapi:http://127.0.0.1:18098/v2"
    assert (await admin.get(f"/servers/{SLUG}/headers"))["headers"] == []
    await admin.post("/servers", {"slug": "plain", "url": "http://127.0.0.1:18097/mcp"})
    problem(await admin.send("PUT", "/servers/plain/url", {"url": f"openapi:{base}"}), 400, "invalid_argument")
    problem(await admin.send("GET", "/servers/plain/api"), 404, "not_found")


async def test_an_api_in_trouble(as_: As, acme: Side, url: str, api: Billing) -> None:
    """Catalogs are complete while it is down; its refusals, its limits and its words reach the model, its key does
    not."""
    admin = as_("admin")
    await admin.patch("/profiles/internal", {"posture": "guarded"})
    await admin.post("/policy/rules", RULE)
    await _registered(admin, api, idempotency_header="Idempotency-Key")
    await _discovered(admin)
    await _given(admin, "get_invoice", "apply_credit")
    credit = await _call(url, acme, "apply_credit", id="in_1", amount=100, idempotency_key="k1")
    again = await _call(url, acme, "apply_credit", id="in_1", amount=100, idempotency_key="k1")
    assert credit["structuredContent"]["total"] == again["structuredContent"]["total"] == 3_800
    posts = [one for one in api.requests if one.method == "POST"]
    assert len(posts) == 1
    assert posts[0].headers["idempotency-key"].startswith("act_")
    assert orjson.loads(posts[0].body) == {"amount": 100}

    path = "/v1/invoices/in_1"
    api.answers[f"GET {path}"] = (429, {"retry-after": "9"}, orjson.dumps({"title": "Slow down", "key": KEY}))
    limited = await _call(url, acme, "get_invoice", id="in_1")
    assert (limited["isError"], limited["structuredContent"]["retry_after"]) == (True, 9.0)
    assert limited["structuredContent"]["details"]["server_said"] == {"untrusted": "Slow down"}
    api.answers[f"GET {path}"] = (302, {"location": "http://169.254.169.254/"}, b"")
    assert "not followed" in (await _call(url, acme, "get_invoice", id="in_1"))["content"][0]["text"]
    api.answers[f"GET {path}"] = (200, {"content-type": "application/json"}, b'{"id": 7}')
    assert "does not have the form" in (await _call(url, acme, "get_invoice", id="in_1"))["content"][0]["text"]
    api.answers[f"GET {path}"] = (200, {"content-encoding": "gzip"}, b"\x1f\x8b")
    assert "content encoding" in (await _call(url, acme, "get_invoice", id="in_1"))["content"][0]["text"]
    echoed = {**api.invoices["in_1"], "id": KEY}
    api.answers[f"GET {path}"] = (200, {"content-type": "application/json"}, orjson.dumps(echoed))
    assert (await _call(url, acme, "get_invoice", id="in_1"))["structuredContent"]["id"] == "[redacted]"
    api.answers[f"POST {path}/credits"] = (500, {}, b"{}")
    unknown = await _call(url, acme, "apply_credit", id="in_1", amount=7, idempotency_key="k2")
    assert unknown["structuredContent"]["details"] == {"state": "unknown"}
    api.answers[f"POST {path}/credits"] = (422, {}, orjson.dumps({"detail": "Too high"}))
    said = await _call(url, acme, "apply_credit", id="in_1", amount=7, idempotency_key="k3")
    assert (said["isError"], said["structuredContent"]["detail"]) == (True, "Too high")
    assert KEY not in orjson.dumps([limited, unknown, said]).decode()
