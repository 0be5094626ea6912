"""A bundled server on its own says, byte for byte, what it says inside the hub."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp.client.client import Client

from tests.journeys.live.clients import MODES, over_command, over_http, plain
from tests.processes import Place
from tradepost.foundation.canonical import canonical

BEARER = "a-bearer-of-32-characters-length"
AGENT = "returns_specialist"  # sees personal data, like the operator who starts a server alone
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_order", {"order_id": "88213"}),
    ("search_orders", {"limit": 3}),
    ("get_order", {"order_id": "no such order"}),
)


async def heard(client: Client) -> tuple[dict[str, Any], list[bytes]]:
    """The definitions by name, and what the calls give."""
    tools = {tool["name"]: tool for tool in plain(await client.list_tools())["tools"]}
    results = [plain(await client.call_tool(name, arguments)) for name, arguments in CALLS]
    kept = [{part: result.get(part) for part in ("content", "structuredContent", "isError")} for result in results]
    return tools, [canonical(result) for result in kept]


@pytest.fixture
async def in_hub(shared: Place) -> tuple[dict[str, Any], list[bytes]]:
    async with over_http(f"{shared.url}/mcp/servers/orders", shared.key(AGENT)) as client:
        return await heard(client)


def assert_same(alone: tuple[dict[str, Any], list[bytes]], in_hub: tuple[dict[str, Any], list[bytes]]) -> None:
    definitions, results = alone
    assert results == in_hub[1]
    seen = {name: tool for name, tool in in_hub[0].items() if name in definitions}
    assert {"get_order", "search_orders", "cancel_order"} <= seen.keys()
    for name, tool in seen.items():
        assert canonical(tool) == canonical(definitions[name]), name


@pytest.mark.behaviour("S4.1")
@pytest.mark.parametrize("mode", MODES)
async def test_over_stdio(shared: Place, in_hub: tuple[dict[str, Any], list[bytes]], mode: str):
    arguments = ["serve", "orders", "--stdio", "--workspace", "demo"]
    async with over_command(shared, arguments, mode) as client:
        assert_same(await heard(client), in_hub)


@pytest.mark.usefixtures("either_engine")
async def test_over_http_behind_a_bearer(shared: Place, in_hub: tuple[dict[str, Any], list[bytes]]):
    alone = Place(shared.data, databases=shared.databases)
    command = ("serve", "orders", "--http", "--workspace", "demo")
    assert "TRADEPOST_BEARER" in alone.run(*command).refusal()
    with alone.start(*command, env={"TRADEPOST_BEARER": BEARER}) as server:
        server.wait_answering()
        for headers in ({}, {"Authorization": "Bearer another-bearer-of-32-characters"}):
            assert httpx2.post(f"{alone.url}/mcp", json={}, headers=headers, trust_env=False).status_code == 401
        for mode in MODES:
            async with over_http(f"{alone.url}/mcp", BEARER, mode) as client:
                assert_same(await heard(client), in_hub)
        assert server.stop() == 0
