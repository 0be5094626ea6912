"""server-memory and mcp-server-time as programs behind the hub: writes that stay, reads, errors in their own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.foreign.conftest import Behind
from tests.journeys.live.clients import MODES, over_http, plain

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("mode", MODES)
async def test_what_one_client_has_remembered_another_finds(behind: dict[str, Behind], mode: str):
    server = behind["memory"]
    assert (server.tested["era"], server.tested["transport"]) == ("legacy", "stdio")
    entity = {"name": f"order 88213 {mode}", "entityType": "order", "observations": ["is late"]}
    async with over_http(server.url("catalog"), server.key, mode) as client:
        made = plain(await client.call_tool("create_entities", {"entities": [entity]}))
        assert made["structuredContent"]["entities"] == [entity], made
    async with over_http(server.url("server"), server.key, mode) as client:
        found = plain(await client.call_tool("search_nodes", {"query": entity["name"]}))
        assert found["structuredContent"]["entities"] == [entity]
        graph = plain(await client.read_resource("memory://knowledge-graph"))
        assert entity["name"] in graph["contents"][0]["text"]
        gone = plain(await client.call_tool("delete_entities", {"entityNames": [entity["name"]]}))
        assert not gone.get("isError"), gone
        found = plain(await client.call_tool("search_nodes", {"query": entity["name"]}))
        assert found["structuredContent"]["entities"] == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("door", ["catalog", "server"])
async def test_the_time_is_converted(behind: dict[str, Behind], door: str, mode: str):
    server = behind["time"]
    assert (server.tested["era"], server.tested["transport"]) == ("modern", "stdio")
    asked: dict[str, Any] = {"source_timezone": "UTC", "target_timezone": "Asia/Tokyo", "time": "12:00"}
    async with over_http(server.url(door), server.key, mode) as client:
        converted = plain(await client.call_tool("convert_time", asked))
        assert json.loads(converted["content"][0]["text"])["time_difference"] == "+9.0h"
        refused = plain(await client.call_tool("convert_time", {**asked, "source_timezone": "Mars/Olympus"}))
        assert refused["isError"]
        assert "Mars/Olympus" in json.dumps(refused["content"])
