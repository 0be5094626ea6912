"""The official Python client, over HTTP and over the stdio bridge, in both eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.processes import PYTHON, ROOT, Place

MODES = ("legacy", "auto")
VERSION = {"legacy": "2025-11-25", "auto": "2026-07-28"}


@asynccontextmanager
async def over_http(url: str, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    """A client with a bearer."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
        Client(streamable_http_client(url=url, http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_bridge(place: Place, agent: str, mode: str = "auto") -> AsyncIterator[Client]:
    """A client that started `tradepost connect`, as desktop clients do."""
    async with over_command(place, ["connect", "--agent", agent], mode) as client:
        yield client


@asynccontextmanager
async def over_command(place: Place, arguments: list[str], mode: str = "auto") -> AsyncIterator[Client]:
    """A client of a tradepost command that speaks MCP on stdio."""
    parameters = StdioServerParameters(
        command=PYTHON, args=["-m", "tradepost", *arguments], cwd=ROOT, env=dict(place.env)
    )
    async with Client(parameters, mode=mode) as client:
        yield client


def plain(result: Any) -> Any:
    """A result of the client as the JSON it was."""
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


async def tool_names(client: Client) -> list[str]:
    """What the hub lists now; the client itself would keep a list for the seconds that the hub allows."""
    return [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured value of a call that must not fail."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content
