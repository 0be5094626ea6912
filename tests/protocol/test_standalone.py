"""A bundled server alone: over stdio and HTTP the same answers as in the hub."""

import sys
from pathlib import Path
from typing import Any

import httpx2
import mcp
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.protocol.conftest import served, warm
from tests.protocol.fake_builtin import OPERATOR, TOOLS, FakeShop
from tradepost.foundation.canonical import canonical
from tradepost.protocol.client import McpClient
from tradepost.protocol.standalone import http_app

ROOT = Path(__file__).parents[2]
BEARER = "a-bearer-of-32-characters-length"
ARGUMENTS = {"sku": "mug", "idempotency_key": "k-1", "none": None}


async def in_hub() -> Any:
    return (await FakeShop().call(OPERATOR, "place_order", ARGUMENTS, "k-1")).as_dict()


def shape(result: Any) -> dict[str, Any]:
    """The parts of a result that must not depend on the way it took."""
    return {key: result[key] for key in ("content", "structuredContent", "isError")}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_stdio_gives_the_same_result_as_the_hub(mode: str):
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tests.protocol.fake_builtin"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    async with Client(mcp.stdio_client(parameters), mode=mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        listed = (await client.list_tools()).model_dump(by_alias=True, mode="json", exclude_none=True)["tools"]
        assert [tool["name"] for tool in listed] == ["place_order", "find"]
        result = await client.call_tool("place_order", ARGUMENTS)
        dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        assert canonical(shape(dumped)) == canonical(await in_hub())


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_http_gives_the_same_bytes_as_the_hub(era: str):
    shop = FakeShop()
    app = http_app(shop, OPERATOR, BEARER)
    async with served(app) as url, httpx2.AsyncClient(timeout=10) as http, warm() as pool:
        headers = {"authorization": f"Bearer {BEARER}", "accept": "application/json, text/event-stream"}
        if era == "modern":
            client = McpClient(pool, f"{url}/mcp", headers)
            result = await client.call_tool("place_order", ARGUMENTS)
            assert await client.list_tools() == TOOLS
        else:
            body = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
            info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            opened = await http.post(f"{url}/mcp", headers=headers, json={**body, "params": info})
            headers["mcp-session-id"] = opened.headers["mcp-session-id"]
            await http.post(
                f"{url}/mcp", headers=headers, json={"jsonrpc": "2.0", "method": "notifications/initialized"}
            )
            call = {**body, "method": "tools/call", "params": {"name": "place_order", "arguments": ARGUMENTS}}
            result = (await http.post(f"{url}/mcp", headers=headers, json=call)).json()["result"]
    assert canonical(shape(result)) == canonical(await in_hub())
    assert [call[1:] for call in shop.calls] == [("place_order", "k-1")]


async def test_every_call_is_the_operators_with_its_own_request_id():
    shop = FakeShop()
    headers = {"authorization": f"Bearer {BEARER}"}
    async with served(http_app(shop, OPERATOR, BEARER)) as url, warm() as http:
        client = McpClient(http, f"{url}/mcp", headers)
        for _ in range(2):
            # A tool that declares no key takes an argument of that name as any other.
            result = await client.call_tool("find", {"idempotency_key": "mine"})
            assert result["structuredContent"]["workspace"] == "ws_1"
    assert len({request_id for request_id, _, _ in shop.calls} | {"req_start"}) == 3
    assert [key for _, _, key in shop.calls] == [None, None]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_resources_prompts_completions_and_errors_work_alone(mode: str):
    app = http_app(FakeShop(), OPERATOR, BEARER)
    headers = {"authorization": f"Bearer {BEARER}"}
    async with (
        served(app) as url,
        httpx2.AsyncClient(headers=headers, timeout=10) as http,
        Client(streamable_http_client(url=f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        assert client.instructions == "Orders of the shop."
        assert (await client.read_resource("shop://policy")).contents[0].model_dump()["text"] == "Thirty days."
        assert (await client.list_resource_templates()).resource_templates[0].name == "order"
        assert (await client.get_prompt("late_order", {"order_id": "7"})).messages
        failed = await client.call_tool("find", {"fail": True})
        assert failed.is_error
        assert failed.structured_content is not None
        assert failed.structured_content["code"] == "state_conflict"
        for wrong in (
            client.call_tool("unknown", {}),
            client.read_resource("shop://unknown"),
            client.get_prompt("late_order", {}),
            client.list_tools(cursor="made-up"),
        ):
            with pytest.raises(MCPError) as caught:
                await wrong
            assert caught.value.code == -32602


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": BEARER}, 401),
        ({"authorization": f"Bearer {BEARER}", "host": "evil.example"}, 421),
        ({"authorization": f"Bearer {BEARER}", "origin": "http://localhost:5173"}, 403),
    ],
)
async def test_alone_it_is_guarded_too(headers: dict[str, str], status: int):
    async with served(http_app(FakeShop(), OPERATOR, BEARER)) as url, httpx2.AsyncClient(timeout=10) as http:
        sent = {"accept": "application/json, text/event-stream", **headers}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        assert (await http.post(f"{url}/mcp", headers=sent, json=body)).status_code == status


def test_a_short_bearer_is_refused():
    with pytest.raises(ValueError, match="at least 16"):
        http_app(FakeShop(), OPERATOR, "short")
