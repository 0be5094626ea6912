"""The hub as an MCP registry: `/v0.1/servers` and `/v0/servers` in the official shape, over what was approved."""

import re
from urllib.parse import quote

import httpx2
import pytest

from tests.api.conftest import As
from tests.api.world import Json, Side, good, problem
from tests.hub.bundled import Bundled
from tests.hub.registration.registry_double import entry, running_registry
from tests.hub.remote import running
from tradepost.app import Tradepost
from tradepost.hub.registration.listing import name_of

CANARY = "CANARY-51d0aa"
HUB = "http://127.0.0.1:8811"  # what the hub's settings call it
META = "io.modelcontextprotocol.registry/official"


async def listed(http: httpx2.AsyncClient, secret: str | None, path: str = "/v0.1/servers") -> Json:
    headers = {"authorization": f"Bearer {secret}"} if secret is not None else {}
    answer = await http.get(path, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    return good(answer, 200)


def slugs(page: Json) -> list[str]:
    return [one["server"]["name"].partition("/")[2] for one in page["servers"]]


async def test_a_company_s_approved_servers_are_found(
    http: httpx2.AsyncClient, as_: As, acme: Side, rival: Side, hub: Tradepost
) -> None:
    """S4.17, S4.25: agents find what they may use, people all of their workspace; nobody where a server really is."""
    admin = as_("admin")
    async with running(Bundled(), bearer=CANARY) as remote:
        headers = [{"name": "Authorization", "value": f"Bearer {CANARY}"}]
        await admin.post("/servers", {"slug": "tracker", "url": remote.url, "headers": headers, "name": "Parcels"})
        await admin.post("/servers/tracker/discover", status=200)
        assert "tracker" not in slugs(await listed(http, acme.secrets["viewer"], "/v0.1/servers?limit=100"))
        await admin.post("/servers/tracker/tools/get_order/approve", {"class": "read"}, status=200)
        whole = await listed(http, acme.secrets["viewer"], "/v0.1/servers?limit=100")
        assert {"tracker", "orders", "customers"} <= set(slugs(whole))
        assert "hub" not in slugs(whole)
        assert remote.url.rpartition("/")[0] not in str(whole)
    assert CANARY not in str(whole)
    assert "tracker" not in slugs(await listed(http, rival.secrets["owner"], "/v0.1/servers?limit=100"))
    mine = await listed(http, acme.secrets["agent"])
    assert (slugs(mine), mine["metadata"]) == (["customers"], {"count": 1})
    assert slugs(await listed(http, acme.secrets["other_agent"])) == []

    found = next(one for one in whole["servers"] if one["server"]["title"] == "Parcels")
    server, about = found["server"], found["_meta"][META]
    assert (server["name"], server["description"]) == ("local.tradepost/tracker", "1 approved tool.")
    assert server["remotes"] == [{"type": "streamable-http", "url": f"{HUB}/mcp/servers/tracker"}]
    assert server["$schema"].startswith("https://static.modelcontextprotocol.io/schemas/")
    assert re.fullmatch(r"20\d\d\.\d{3,4}\.\d{1,6}", server["version"])
    assert (about["status"], about["isLatest"]) == ("active", True)
    for one in whole["servers"]:
        assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", one["server"]["name"])
        assert 1 <= len(one["server"]["description"]) <= 100
        assert 1 <= len(one["server"]["title"]) <= 100
    # Where an entry leads, its caller is let in.
    endpoint = mine["servers"][0]["server"]["remotes"][0]["url"].removeprefix(HUB)
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers_ = {"authorization": f"Bearer {acme.secrets['agent']}", "accept": "application/json"}
    assert "search_customers" in (await http.post(endpoint, json=request, headers=headers_)).text


async def test_pages_versions_searches_and_what_is_gone(http: httpx2.AsyncClient, as_: As, acme: Side) -> None:
    secret = acme.secrets["viewer"]
    whole = slugs(await listed(http, secret, "/v0/servers?limit=100"))
    read: list[str] = []
    cursor = ""
    while True:
        page = await listed(http, secret, f"/v0.1/servers?limit=4&cursor={cursor}")
        read += slugs(page)
        assert page["metadata"]["count"] == len(page["servers"])
        if "nextCursor" not in page["metadata"]:
            break
        cursor = page["metadata"]["nextCursor"]
    assert read == whole == sorted(whole)
    assert slugs(await listed(http, secret, "/v0.1/servers?search=CUSTOMERS&version=latest")) == ["customers"]
    one = (await listed(http, secret, "/v0.1/servers?search=customers"))["servers"][0]
    name, version = quote(one["server"]["name"], safe=""), one["server"]["version"]
    assert (await listed(http, secret, f"/v0.1/servers/{name}/versions"))["servers"] == [one]
    for wanted in ("latest", version):
        assert await listed(http, secret, f"/v0/servers/{name}/versions/{wanted}") == one
    assert slugs(await listed(http, secret, f"/v0.1/servers?version={version}&search=customers")) == ["customers"]
    assert slugs(await listed(http, secret, "/v0.1/servers?version=0.0.1")) == []

    moment = one["_meta"][META]["updatedAt"]
    assert slugs(await listed(http, secret, "/v0.1/servers?updated_since=2999-01-01T00:00:00Z")) == []
    await as_("admin").post("/servers/customers/disable", status=200)
    assert "customers" not in slugs(await listed(http, secret, "/v0.1/servers?limit=100"))
    since = await listed(http, secret, f"/v0.1/servers?updated_since={quote(moment)}&search=customers")
    assert since["servers"][0]["_meta"][META]["status"] == "deleted"
    assert slugs(await listed(http, acme.secrets["agent"], "/v0.1/servers?include_deleted=true")) == []
    for path in (f"/v0.1/servers/{name}/versions", f"/v0.1/servers/{name}/versions/latest"):
        answer = await http.get(path, headers={"authorization": f"Bearer {secret}"})
        assert (answer.status_code, answer.json()) == (404, {"error": "Server not found"})
        assert (await listed(http, secret, f"{path}?include_deleted=true")) is not None


WRONG = [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=x", "limit"),
    ("limit=%D9%A3", "limit"),
    ("cursor=abc", "cursor"),
    ("updated_since=yesterday", "time"),
    ("updated_since=9999-99-99T00:00:00Z", "time"),
    ("include_deleted=maybe", "include_deleted"),
    ("search=a&search=b", "twice"),
    ("search=%FF", "query"),
]


async def test_what_is_refused_is_said_in_the_registry_s_own_shape(
    http: httpx2.AsyncClient, acme: Side, rival: Side
) -> None:
    key = {"authorization": f"Bearer {acme.secrets['viewer']}"}
    for query, said in WRONG:
        answer = await http.get(f"/v0.1/servers?{query}", headers=key)
        assert (answer.status_code, said in answer.json()["error"]) == (400, True), (query, answer.text)
    theirs = (await listed(http, rival.secrets["viewer"], "/v0.1/servers?limit=1"))["metadata"]["nextCursor"]
    assert (await http.get(f"/v0.1/servers?cursor={theirs}", headers=key)).status_code == 400
    for path in ("/v0.1/", "/v0.1/servers/", "/v0/servers/a", "/v0.1/servers/a/b/versions/1/2", "/v0.1/health"):
        assert (await http.get(path, headers=key)).status_code == 404, path
    assert (await http.post("/v0.1/publish", headers=key, json={})).status_code == 501
    for wrong in ({}, {"authorization": "Bearer tp_aaaaaaaa_" + "x" * 50}):
        answer = await http.get("/v0.1/servers", headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    head = await http.head("/v0.1/servers", headers=key)
    assert (head.status_code, head.content) == (200, b"")


def test_names_are_those_of_the_hub_s_own_host() -> None:
    assert name_of("orders", "https://hub.example.com:8443/shop") == "com.example.hub/orders"
    for url in (HUB, "http://localhost:8811", "http://[::1]:8811"):
        assert name_of("orders", url) == "local.tradepost/orders"


@pytest.mark.behaviour("S4.25")
async def test_servers_of_another_registry_are_browsed_and_picked_over_rest(as_: As, hub: Tradepost) -> None:
    admin = as_("admin")
    secret = {"name": "Authorization", "isRequired": True, "isSecret": True, "description": "Your key"}
    remotes = [{"type": "streamable-http", "url": "http://127.0.0.1:18099/mcp", "headers": [secret]}]
    async with running_registry(entry("com.example/tracker", title="Parcels", remotes=remotes)) as registry:
        found = await admin.get(f"/registry/servers?registry={quote(registry.url)}&search=track")
        assert (found["has_more"], found["items"][0]["remotes"][0]["headers"][0]["value"]["secret"]) == (False, True)
        wanted = {"registry": registry.url, "name": "com.example/tracker"}
        missing = problem(await admin.send("POST", "/registry/servers", wanted), 400, "invalid_argument")
        assert "Authorization" in missing["detail"]
        made = await admin.send(
            "POST", "/registry/servers", {**wanted, "values": {"Authorization": f"Bearer {CANARY}"}}
        )
        assert (made.status_code, CANARY in made.text) == (201, False), made.text
        assert (made.json()["slug"], made.json()["name"]) == ("tracker", "Parcels")
        registry.status, registry.raw = 500, b""
        problem(await admin.send("GET", f"/registry/servers?registry={quote(registry.url)}"), 424, "upstream_error")
    shown = await admin.get("/servers/tracker/headers")
    assert shown["headers"] == [{"name": "Authorization", "value": "••••••••", "hidden": True}]
    refused = await admin.send("GET", f"/registry/servers?registry={quote('http://169.254.169.254')}")
    assert problem(refused, 400, "invalid_argument")["field"] == "registry"


@pytest.mark.behaviour("S4.17")
async def test_a_configuration_is_read_and_brought_over_rest(as_: As, rival: Side) -> None:
    """The same service as the command's. What HTTP sends never becomes a program, and never reads a variable."""
    admin = as_("admin")
    document = await admin.get("/configuration")
    assert (await admin.post("/configuration", document, status=200))["changes"] == []
    document["profiles"].append({"slug": "field"})
    document["servers"].append({"slug": "tracker", "url": "http://127.0.0.1:18099/mcp", "headers": [{"name": "X-Key"}]})
    planned = await admin.post("/configuration?dry_run=true", document, status=200)
    assert (planned["dry_run"], planned["changed"]) == (True, False)
    assert [one["line"] for one in planned["changes"]] == [
        "+ create profile field",
        "+ create server tracker (url: http://127.0.0.1:18099/mcp)",
    ]
    done = await admin.post("/configuration", document, status=200, idempotency_key="one")
    assert [one["line"] for one in done["changes"]] == [one["line"] for one in planned["changes"]]
    assert done["to_be_set"][0]["header"] == "X-Key"
    assert (await admin.post("/configuration", document, status=200))["changed"] is False
    pruned = await admin.post(
        "/configuration?prune=true&dry_run=true", {"format_version": 1, "servers": []}, status=200
    )
    assert [one["line"] for one in pruned["changes"]] == [
        "- remove server tracker (url: http://127.0.0.1:18099/mcp -> null)"
    ]
    for wrong, said in (
        ({"format_version": 1, "servers": [{"slug": "x", "url": "stdio:sh"}]}, None),
        ({"format_version": 1, "colour": 1}, "colour: There is no member"),
        ({"format_version": 1, "agents": [{"slug": "x", "profile": "only-theirs"}]}, "agents[0].profile"),
    ):
        answer = await admin.send("POST", "/configuration", wrong)
        assert answer.status_code == (400 if said else 403), answer.text
        assert (said or "own machine") in answer.json()["detail"]
