"""A scope that is missing, as clients hear of it: 403 and a challenge that names the scope, in both eras, for whoever
has a key. With OAuth: tests/identity/oauth/test_flow.py; over REST: tests/api/test_access.py."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.hub.gateway.world import World, error_of
from tests.protocol.conftest import Desk, served
from tradepost.foundation.ids import new_id
from tradepost.hub.access import keys
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS

METADATA = "https://hub.test/.well-known/oauth-protected-resource/mcp"
ADD = {"name": "add_stock", "arguments": {"sku": "A1", "quantity": 1, "idempotency_key": "k"}}


@pytest.fixture
async def url(world: World) -> AsyncIterator[str]:
    endpoint = McpEndpoint(world.gateway, allowed_hosts=LOCAL_HOSTS, resource_metadata_url=METADATA)
    async with served(endpoint) as base:
        yield base


async def narrow_key(world: World) -> str:
    async with world.changing() as session:
        terms = keys.KeyTerms(scopes=frozenset({"read:inventory"}))
        return (await keys.mint(session, world.admin, terms, agent_id=world.facts.agent_id)).secret


def check(answer: httpx2.Response, scope: str = "write:inventory") -> None:
    assert answer.status_code == 403, answer.text
    wanted = f'Bearer error="insufficient_scope", scope="{scope}", resource_metadata="{METADATA}"'
    assert answer.headers["www-authenticate"] == wanted
    error = answer.json()["error"]
    assert (error["code"], error["data"]["code"]) == (403, "forbidden_scope")
    assert (error["data"]["details"], bool(error["data"]["hint"])) == ({"scope": scope}, True)


async def test_every_kind_of_request_is_refused_with_the_challenge(world: World, url: str):
    """security.md R8, R10: the newer era, a bare call, one within a session whose client takes streams, and a server's
    own endpoint. Nothing is done, and the audit tells of each."""
    async with httpx2.AsyncClient(timeout=60) as http:
        desk = Desk(url, http, await narrow_key(world))
        check(await desk.modern("tools/call", ADD))
        check(await desk.bare("tools/call", ADD))
        opened = await desk.initialize()
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        check(await desk.bare("tools/call", {**ADD, "_meta": {"progressToken": 1}}, headers=session))
        # The session goes on, and what the key may do is done in it.
        looked = await desk.bare("tools/call", {"name": "get_stock", "arguments": {"sku": "A1"}}, headers=session)
        assert looked.status_code == 200, looked.text
        await world.add_remote("ship")
        check(await desk.modern("tools/call", {"name": "ship", "arguments": {}}), "write:tools.foreign")
        wrong = await desk.modern("tools/call", {"name": "get_stock", "arguments": {"skew": "A1"}})
        assert (wrong.status_code, wrong.json()["result"]["isError"]) == (200, True)  # errors of tools stay results
    assert world.servers.remote_calls == []
    refused = [row for row in await world.audited() if row.error_code == "forbidden_scope"]
    assert {(row.kind, row.tool) for row in refused} == {("refused", "add_stock"), ("refused", "ship")}
    assert len(refused) == 4


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_gets_a_clear_error_and_goes_on(world: World, url: str, mode: Any):
    headers = {"authorization": f"Bearer {await narrow_key(world)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=20) as http,
        Client(streamable_http_client(url=f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        with pytest.raises(MCPError) as refused:
            await client.call_tool("add_stock", ADD["arguments"])  # type: ignore[arg-type]
        assert refused.value.error.code == 403
        assert "write:inventory" in refused.value.error.message
        assert (await client.call_tool("get_stock", {"sku": "A1"})).structured_content is not None


async def test_inside_the_product_it_is_a_result(world: World):
    """No HTTP is there to say it: an agent of the product reads it as it reads any error of a tool."""
    caller = await world.authenticator.authenticate(await narrow_key(world), new_id("req"))
    refused = error_of(await world.call("add_stock", caller, sku="A1", quantity=1, idempotency_key="k"))
    assert (refused["code"], refused["details"]) == ("forbidden_scope", {"scope": "write:inventory"})
