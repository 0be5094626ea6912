"""The client against our own endpoint in both eras, and against the official server with event streams."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.protocol.conftest import served, warm
from tests.protocol.fake_builtin import OPERATOR, TOOLS, FakeShop
from tests.protocol.fake_host import FakeHost
from tradepost.protocol.client import McpClient
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.parameter_headers import header_parameters
from tradepost.protocol.sessions import MemorySessionStore
from tradepost.protocol.standalone import sdk_server
from tradepost.protocol.upstream_errors import UpstreamFailed

AUTHORIZED = {"authorization": "Bearer token-a"}
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class OldServer:
    """Answers the newest era as a server does that has never heard of it, and hands the rest on."""

    def __init__(self, app: Asgi) -> None:
        self.app = app
        self.seen: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.seen.append(headers)
            if headers.get("mcp-protocol-version") == "2026-07-28":
                await send({"type": "http.response.start", "status": 400, "headers": []})
                await send({"type": "http.response.body", "body": b"Bad Request: Unsupported protocol version"})
                return
        await self.app(scope, receive, send)


@pytest.fixture
async def http() -> AsyncIterator[HttpPool]:
    async with warm() as client:
        yield client


@pytest.fixture
def sessions() -> MemorySessionStore:
    return MemorySessionStore()


@pytest.fixture(params=["modern", "legacy"])
async def url(request: pytest.FixtureRequest, host: FakeHost, sessions: MemorySessionStore) -> AsyncIterator[str]:
    endpoint = McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, sessions=sessions)
    async with served(endpoint if request.param == "modern" else OldServer(endpoint)) as base:
        yield f"{base}/mcp"


def era_of(request: pytest.FixtureRequest) -> str:
    era: str = request.node.callspec.params["url"]
    return era


@pytest.mark.behaviour("S0.7")
async def test_a_probe_says_who_is_there_and_which_era_answered(
    request: pytest.FixtureRequest, url: str, http: HttpPool
):
    identity = await McpClient(http, url, AUTHORIZED).probe()
    era = era_of(request)
    assert identity.era == era
    assert identity.version == ("2026-07-28" if era == "modern" else "2025-11-25")
    assert (identity.name, identity.title) == ("tradepost", "Tradepost")
    assert identity.instructions == "Ask before you write."
    assert "tools" in identity.capabilities
    assert identity.latency_ms > 0


async def test_it_lists_reads_prompts_and_completes(url: str, http: HttpPool):
    client = McpClient(http, url, AUTHORIZED)
    assert [tool["name"] for tool in await client.list_tools()] == ["get_order", "echo"]
    assert (await client.list_resources())[0]["uri"] == "shop://orders/1"
    assert (await client.list_resource_templates())[0]["name"] == "order"
    assert (await client.list_prompts())[0]["name"] == "late_order"
    assert (await client.read_resource("shop://orders/1"))["contents"][0]["text"] == "Order 1 is on its way."
    prompt = await client.get_prompt("late_order", {"order_id": "7"})
    assert prompt["messages"][0]["role"] == "user"
    completion = await client.complete({"type": "ref/prompt", "name": "late_order"}, "order_id", "o")
    assert completion["values"] == ["o1", "o2"]
    known = await client.complete({"type": "ref/prompt", "name": "late_order"}, "order_id", "o", {"customer": "Ada"})
    assert known["values"] == ["o1", "o2", "Ada"]


async def test_a_call_mirrors_marked_arguments_and_passes_meta(url: str, http: HttpPool, host: FakeHost):
    client = McpClient(http, url, AUTHORIZED)
    tool = (await client.list_tools())[0]
    arguments = {"order_id": "1", "region": "Zürich\r\nX-Admin: 1"}
    mirrored = header_parameters(tool["inputSchema"])
    meta = {"io.tradepost/idempotencyKey": "k-9"}
    result = await client.call_tool("get_order", arguments, meta, mirrored=mirrored)
    assert result["structuredContent"] == arguments
    assert host.calls[0][3] == arguments
    assert host.calls[0][4].idempotency_key == "k-9"


async def test_an_error_of_the_server_is_an_answer(url: str, http: HttpPool):
    with pytest.raises(UpstreamFailed) as caught:
        await McpClient(http, url, AUTHORIZED).call_tool("unknown", {})
    assert caught.value.rpc_code == -32602
    assert (caught.value.dispatched, caught.value.answered) == (True, True)
    assert caught.value.code == "upstream_error"


async def test_a_refused_credential_is_said_and_never_tried_as_another_era(url: str, http: HttpPool, host: FakeHost):
    with pytest.raises(UpstreamFailed, match="refused the credential") as caught:
        await McpClient(http, url, {"authorization": "Bearer wrong"}).probe()
    assert caught.value.status == 401
    assert host.authentications == 1


async def test_an_ended_session_is_renewed_once(http: HttpPool, host: FakeHost):
    sessions = MemorySessionStore()
    old = OldServer(McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, sessions=sessions))
    async with served(old) as base:
        client = McpClient(http, f"{base}/mcp", AUTHORIZED)
        await client.call_tool("echo", {"n": 1})
        first = old.seen[-1]["mcp-session-id"]
        assert await sessions.end(first, "ws_1/agent_key/token-a")
        calls = [client.call_tool("echo", {"n": n}) for n in range(2, 6)]
        await asyncio.gather(*calls)
        assert sorted(call[3]["n"] for call in host.calls) == [1, 2, 3, 4, 5]
        assert len({headers["mcp-session-id"] for headers in old.seen if "mcp-session-id" in headers}) == 2
        second = old.seen[-1]["mcp-session-id"]
        await client.close()
        assert await sessions.get(second, "ws_1/agent_key/token-a") is None


async def test_two_credentials_have_two_sessions(http: HttpPool, host: FakeHost):
    old = OldServer(McpEndpoint(host, allowed_hosts=LOCAL_HOSTS))
    async with served(old) as base:
        for token in ("token-a", "token-b"):
            await McpClient(http, f"{base}/mcp", {"authorization": f"Bearer {token}"}).list_tools()
    by_session = {headers.get("mcp-session-id"): headers["authorization"] for headers in old.seen[-2:]}
    pairs = {
        (headers["authorization"], headers["mcp-session-id"]) for headers in old.seen if "mcp-session-id" in headers
    }
    assert len(pairs) == 2
    assert len(by_session) >= 1


async def test_many_first_calls_connect_once(http: HttpPool, host: FakeHost):
    old = OldServer(McpEndpoint(host, allowed_hosts=LOCAL_HOSTS))
    async with served(old) as base:
        client = McpClient(http, f"{base}/mcp", AUTHORIZED)
        await asyncio.gather(*(client.call_tool("echo", {"n": n}) for n in range(8)))
    assert sum(1 for headers in old.seen if headers.get("mcp-protocol-version") == "2026-07-28") == 1
    assert len({headers["mcp-session-id"] for headers in old.seen if "mcp-session-id" in headers}) == 1


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("json_response", [True, False])
async def test_it_talks_to_the_official_server(http: HttpPool, era: str, json_response: bool):
    app = sdk_server(FakeShop(), OPERATOR).streamable_http_app(json_response=json_response)
    async with served(app if era == "modern" else OldServer(app)) as base:
        client = McpClient(http, f"{base}/mcp")
        identity = await client.probe()
        assert (identity.era, identity.name) == (era, "orders")
        assert await client.list_tools() == TOOLS
        assert (await client.list_resources())[0]["uri"] == "shop://policy"
        result = await client.call_tool("place_order", {"sku": "mug", "idempotency_key": "k"})
        assert result["structuredContent"]["key"] == "k"
        assert (await client.get_prompt("late_order", {"order_id": "7"}))["messages"]
        await client.close()
