"""The official Python client against the endpoint, in both eras, over a real socket."""

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.protocol.fake_host import FakeHost

MODES = ("legacy", "auto", "2026-07-28")


def connect(url: str, http: httpx2.AsyncClient, mode: str) -> Client:
    return Client(streamable_http_client(url=url, http_client=http), mode=mode)


def authorized() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"authorization": "Bearer token-a"}, timeout=10)


@pytest.mark.behaviour("S3.3")
@pytest.mark.parametrize("mode", MODES)
async def test_the_official_client_lists_and_calls(base_url: str, host: FakeHost, mode: str):
    async with authorized() as http, connect(f"{base_url}/mcp", http, mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        assert [tool.name for tool in (await client.list_tools()).tools] == ["get_order", "echo"]
        result = await client.call_tool("get_order", {"order_id": "ord_1", "region": "eu"})
        assert result.structured_content == {"order_id": "ord_1", "region": "eu"}
        assert not result.is_error
    assert host.calls[0][1:4] == (None, "get_order", {"order_id": "ord_1", "region": "eu"})


@pytest.mark.parametrize("mode", MODES)
async def test_the_official_client_reads_resources_prompts_and_completions(base_url: str, mode: str):
    async with authorized() as http, connect(f"{base_url}/mcp/servers/orders", http, mode) as client:
        assert str((await client.list_resources()).resources[0].uri) == "shop://orders/1"
        assert (await client.list_resource_templates()).resource_templates[0].uri_template == "shop://orders/{id}"
        read = await client.read_resource("shop://orders/1")
        assert read.contents[0].model_dump()["text"] == "Order 1 is on its way."
        assert (await client.list_prompts()).prompts[0].name == "late_order"
        prompt = await client.get_prompt("late_order", {"order_id": "ord_1"})
        assert prompt.messages[0].content.model_dump()["text"] == "Find out why order ord_1 is late."


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_sees_who_it_talks_to(base_url: str, mode: str):
    async with authorized() as http, connect(f"{base_url}/mcp", http, mode) as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("tradepost", "1.2.3")
        assert client.instructions == "Ask before you write."


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_tool_is_invalid_params_for_the_official_client(base_url: str, mode: str):
    async with authorized() as http, connect(f"{base_url}/mcp", http, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("refund_order", {})
        assert caught.value.code == -32602
