"""What an MCP client does on its first day: list, call, read, prompt, in both eras, over HTTP and over the bridge."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ResourceTemplateReference

from tests.journeys.live.clients import MODES, VERSION, call, over_bridge, over_http, plain, tool_names
from tests.processes import Place
from tradepost.commerce.servers import PLANS
from tradepost.starter.agents import AGENTS
from tradepost.starter.tracker import AGENT as PARCEL_DESK

AGENT = "supply_chain_manager"


def catalog_of(agent: str) -> list[str]:
    """What an agent shall see: its tools as far as this release has them, and the hub's own."""
    there = {name for plan in PLANS for name in plan.tools.split()}
    tools = next(ready.tools for ready in AGENTS if ready.slug == agent)
    return [*(name for name in tools if name in there), "get_approval"]


async def everything(client: Client) -> dict[str, object]:
    """All lists of a client."""
    return {
        "tools": plain(await client.list_tools())["tools"],
        "resources": plain(await client.list_resources())["resources"],
        "templates": plain(await client.list_resource_templates())["resourceTemplates"],
        "prompts": plain(await client.list_prompts())["prompts"],
    }


@pytest.mark.behaviour("S3.3")
@pytest.mark.parametrize("mode", MODES)
async def test_a_client_lists_calls_reads_and_prompts(shared: Place, mode: str):
    async with over_http(f"{shared.url}/mcp", shared.key(AGENT), mode) as client:
        assert client.protocol_version == VERSION[mode]
        assert sorted(await tool_names(client)) == sorted(catalog_of(AGENT))
        order = await call(client, "get_order", order_id="88213")
        assert order["number"] == "88213"
        read = plain(await client.read_resource("order://88213"))
        assert json.loads(read["contents"][0]["text"])["number"] == "88213"
        prompt = plain(await client.get_prompt("investigate_late_shipment", {"order": "88213"}))
        assert "88213" in json.dumps(prompt["messages"])
        template = ResourceTemplateReference(type="ref/resource", uri="order://{number}")
        found = await client.complete(template, {"name": "number", "value": "8821"})
        assert "88213" in plain(found)["completion"]["values"]


@pytest.mark.parametrize("mode", MODES)
async def test_the_bridge_gives_what_http_gives(shared: Place, mode: str):
    async with over_http(f"{shared.url}/mcp", shared.key(AGENT), mode) as direct:
        wanted = await everything(direct)
        order = await call(direct, "get_order", order_id="88213")
    async with over_bridge(shared, AGENT, mode) as client:
        assert client.protocol_version == VERSION[mode]
        assert await everything(client) == wanted
        assert await call(client, "get_order", order_id="88213") == order
        with pytest.raises(MCPError) as caught:
            await client.call_tool("no_such_tool", {})
        assert caught.value.code == -32602


async def test_every_agent_sees_exactly_its_catalog(shared: Place):
    for agent in (one for one in AGENTS if one.role == "specialist"):
        async with over_http(f"{shared.url}/mcp", shared.key(agent.slug)) as client:
            assert sorted(await tool_names(client)) == sorted(catalog_of(agent.slug)), agent.slug
    async with over_http(f"{shared.url}/mcp", shared.key(PARCEL_DESK.slug)) as client:
        expected = {"get_shipping_status", "track_parcel", "request_redelivery", "get_approval", "get_rest"}
        assert set(await tool_names(client)) == expected
    async with over_http(f"{shared.url}/mcp", shared.key("product_expert")) as client:
        with pytest.raises(MCPError) as unseen:
            await client.call_tool("get_order", {"order_id": "88213"})
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("get_ordex", {"order_id": "88213"})
        assert unseen.value.code == unknown.value.code == -32602
        assert unseen.value.message.replace("get_order", "x") == unknown.value.message.replace("get_ordex", "x")


@pytest.mark.behaviour("S0.14")
async def test_a_second_workspace_sees_nothing_of_the_first(shared: Place):
    async with over_http(f"{shared.url}/mcp", shared.key(AGENT)) as client:
        theirs = await call(client, "get_order", order_id="88213")
        shipments = await call(client, "search_shipments", order_id="88213")
        proposed = await call(
            client, "add_order_note", order_id="88213", note="for the shift", idempotency_key="foreign-1"
        )
    approval = proposed["approval_id"]
    ids = [theirs["id"], *(row["id"] for row in shipments["items"]), approval, "88213"]
    async with over_http(f"{shared.url}/mcp", shared.key(AGENT, "second")) as client:
        for identifier in ids:
            for tool in ("get_order", "get_shipping_status", "get_return", "get_customer"):
                await _says_nothing(client, tool, identifier, theirs)
            for scheme in ("order", "shipment", "driver", "po", "return"):
                with suppress(MCPError):
                    assert theirs["id"] not in json.dumps(plain(await client.read_resource(f"{scheme}://{identifier}")))
        foreign = await client.call_tool("get_approval", {"approval_id": approval})
        unknown = await client.call_tool("get_approval", {"approval_id": "act_" + "0" * 26})
        assert foreign.is_error
        assert unknown.is_error
        shown = json.dumps(plain(foreign)).replace(approval, "X")
        assert shown == json.dumps(plain(unknown)).replace("act_" + "0" * 26, "X")
    assert shared.run("approvals", "show", approval, "--workspace", "second").refusal()
    assert shared.run("approvals", "approve", approval, "--workspace", "second", "--as", "owner@demo.example").refusal()
    assert shared.run("server", "tools", "tracker", "--workspace", "second").refusal()


async def _says_nothing(client: Client, tool: str, identifier: str, theirs: dict[str, object]) -> None:
    """The same number may stand in both shops; what is told is never the other shop's record."""
    field = {"get_order": "order_id", "get_return": "return_id", "get_customer": "customer_id"}.get(tool, "order_id")
    result = await client.call_tool(tool, {field: identifier})
    if not result.is_error:
        assert str(theirs["id"]) not in json.dumps(plain(result))
