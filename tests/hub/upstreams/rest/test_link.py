"""An API in the place of an MCP server, on a real socket: what leaves with a call, and what cannot."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.hub.billing import KEY, Billing, billing
from tests.protocol.conftest import warm
from tradepost.hub.upstreams.clients import Clients
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.rest.link import Offer, RestLink
from tradepost.hub.upstreams.rest.plan import Plan, cookie_header, query_header
from tradepost.hub.vault.header_rules import Header
from tradepost.protocol.api_marks import REQUEST
from tradepost.protocol.client import McpClient
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.options import Beside
from tradepost.protocol.upstream_errors import UpstreamFailed

Json = dict[str, Any]

HEADERS = [
    Header("X-Billing-Key", KEY),
    Header(query_header("api key"), "in query&"),
    Header("Accept", "x/y", False),
    Header(cookie_header("sid"), "a+/=="),
    Header(cookie_header("mark"), "b; admin=1"),  # as a secrets manager may have it
]
GET: Plan = {
    "method": "GET",
    "path": "/invoices/{id}",
    "parameters": [
        {"argument": "id", "name": "id", "place": "path", "style": "simple", "explode": False},
        {"argument": "key", "name": "X-Billing-Key", "place": "header", "style": "simple", "explode": False},
        {"argument": "shop", "name": "X-Shop", "place": "header", "style": "simple", "explode": False},
    ],
}


@pytest.fixture
async def api() -> AsyncIterator[Billing]:
    async with billing() as made:
        yield made


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    async with warm() as made:
        yield made


def client(pool: HttpPool, api: Billing, offer: Offer | None = None, ambient: Beside | None = None) -> McpClient:
    async def look() -> Offer:
        assert offer is not None
        return offer

    link = RestLink(pool, f"{api.url}/v1", HEADERS, 3.0, look if offer is not None else None)
    sent = {one.name: one.value for one in HEADERS}
    return McpClient(pool, "openapi:x", sent, program=link, ambient=ambient or Beside({}, {}))


async def call(asked: McpClient, plan: Plan, /, **arguments: Any) -> Json:
    return await asked.call_tool("any", arguments, {REQUEST: plan})


async def test_the_credential_is_sent_as_it_is_and_nothing_goes_before_it(api: Billing, pool: HttpPool) -> None:
    asked = client(pool, api, ambient=Beside({"x-customer": "C-1", "x-billing-key": "mine", "host": "evil"}, {"a": 1}))
    result = await call(asked, GET, id="in_1", key="mine", shop="7")
    assert result["structuredContent"]["id"] == "in_1"
    (request,) = api.requests  # getting to know the API asks it nothing
    assert (request.path, request.query) == ("/v1/invoices/in_1", "api%20key=in%20query%26")
    sent = request.headers
    assert (sent["x-billing-key"], sent["x-shop"], sent["x-customer"]) == (KEY, "7", "C-1")
    assert sent["cookie"] == "sid=a+/==; mark=b%3B%20admin=1"
    assert not [name for name in sent if name.startswith(("mcp-", "tradepost-"))]
    assert (sent["accept-encoding"], f"http://{sent['host']}") == ("identity", api.url)


def test_the_password_of_the_basic_scheme_is_a_secret_of_its_own() -> None:
    encoded = "bWU6YS1wYXNzd29yZA=="
    made = Clients(Guard()).made("openapi:http://127.0.0.1", [Header("Authorization", f"Basic {encoded}")])
    assert made.secrets == (f"Basic {encoded}", encoded, "a-password")


async def test_methods_without_bodies_have_none(api: Billing, pool: HttpPool) -> None:
    asked = client(pool, api)
    head: Plan = {**GET, "method": "HEAD"}
    assert (await call(asked, head, id="in_1"))["structuredContent"] == {"status": 200}
    assert (await call(asked, {**GET, "method": "DELETE"}, id="in_1"))["structuredContent"] == {"status": 204}
    assert (await call(asked, head, id="in_1"))["structuredContent"]["status"] == 404
    assert ["content-length" in one.headers for one in api.requests] == [False] * 3
    assert (await call(asked, {**GET, "method": "POST"}, id="in_2"))["structuredContent"]["id"] == "in_2"
    assert api.requests[-1].headers["content-length"] == "0"


async def test_what_cannot_be_sent_is_said_and_not_sent(api: Billing, pool: HttpPool) -> None:
    asked = client(pool, api)
    refused = await call(asked, GET, id="../x")
    assert (refused["isError"], refused["structuredContent"]["field"]) == (True, "id")
    with pytest.raises(UpstreamFailed, match="stands for no request") as failed:
        await asked.call_tool("any", {}, {})
    assert not failed.value.dispatched
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "trial", "problem"),
    [
        (200, GET, None),
        (400, GET, None),
        (401, GET, "refused the credential (HTTP 401)"),
        (403, GET, "refused the credential (HTTP 403)"),
        (404, None, None),
        (403, None, None),
        (302, None, None),
        (401, None, "refused the credential (HTTP 401)"),
        (503, None, "503 Service Unavailable"),
        (302, GET, "redirect"),
    ],
)
async def test_a_look_tries_the_api_for_real(
    api: Billing, pool: HttpPool, status: int, trial: Plan | None, problem: str | None
) -> None:
    path = "/v1/invoices" if trial is not None else "/v1/"
    tried: Plan | None = {"method": "GET", "path": "/invoices", "parameters": []} if trial is not None else None
    api.answers[f"GET {path}"] = (status, {"location": "http://127.0.0.1:1/"}, b"")
    asked = client(pool, api, Offer("Billing", [{"name": "a"}], tried))
    if problem is None:
        assert (await asked.probe()).title == "Billing"
        assert await asked.list_tools() == [{"name": "a"}]
        assert (await asked.list_prompts(), await asked.list_resources()) == ([], [])
    else:
        with pytest.raises(UpstreamFailed) as failed:
            await asked.probe()
        assert problem in failed.value.message
    assert [one.path for one in api.requests] == [path]
    assert api.requests[0].headers["x-billing-key"] == KEY
