"""A server that is a program of the operator's: registered, tested, discovered and called like any other, and started
by nothing but the operator's file (C10, T25)."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.registration.conftest import LOOPBACK, Registration
from tests.hub.world import World
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import Program, Programs
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import open_vault

TALKING = str(Path(__file__).parents[1] / "upstreams" / "talking_program.py")


@pytest.fixture
async def operators(world: World, tmp_path: Path) -> AsyncIterator[Registration]:
    vault = await open_vault(world.database, tmp_path / "vault.keys")
    programs = Programs({"talking": Program(command=sys.executable, args=[TALKING])})
    guard = Guard(LOOPBACK)
    connections = Connections(vault, guard, programs)
    yield Registration(
        Servers(world.database, vault, guard, programs),
        Discovery(world.database, vault, connections),
        connections,
        vault,
    )
    await connections.close()


async def test_a_program_is_registered_tested_and_discovered(world: World, operators: Registration) -> None:
    server = await operators.servers.register_program(world.owner, "talking", "talking", timeout_seconds=5)
    report = await operators.discovery.test(world.owner, "talking")
    assert (report.ok, report.transport, report.era) == (True, "stdio", "legacy")
    difference = await operators.discovery.discover(world.owner, "talking")
    assert {"echo", "slow"} <= set(difference.new)
    connection = await operators.connections.to(world.workspace_id, server.id, server.url or "", 0)
    result = await connection.client.call_tool("echo", {"word": "ü"})
    assert result["content"][0]["text"] == '{"word": "\\u00fc"}'
    first = (await connection.client.probe()).transport
    assert first == "stdio"


async def test_a_program_that_died_is_connected_anew(world: World, operators: Registration) -> None:
    server = await operators.servers.register_program(world.owner, "talking", "talking")
    connection = await operators.connections.to(world.workspace_id, server.id, server.url or "", 0)
    with pytest.raises(TradepostError, match="The program of the server ended"):
        await connection.client.call_tool("die", {})
    assert connection.client.identity is None
    assert not (await connection.client.call_tool("echo", {})).get("isError")


async def test_no_url_leads_to_a_program(world: World, operators: Registration) -> None:
    with pytest.raises(InvalidArgument):
        await operators.servers.register(world.owner, "sneaky", "stdio:talking")
    await operators.servers.register(world.owner, "plain", "http://127.0.0.1:8999/mcp")
    with pytest.raises(InvalidArgument):
        await operators.servers.set_url(world.owner, "plain", "stdio:talking")


async def test_only_what_the_file_has_can_be_registered(world: World, operators: Registration) -> None:
    with pytest.raises(NotFound, match="has no 'other'"):
        await operators.servers.register_program(world.owner, "other", "other")
    await operators.servers.register_program(world.owner, "talking", "talking")
    with pytest.raises(StateConflict, match="no headers"):
        await operators.servers.set_headers(world.owner, "talking", [Header("X-Key", "secret-value", True)])
    moved = await operators.servers.set_url(world.owner, "talking", "http://127.0.0.1:8999/mcp")
    assert moved.url == "http://127.0.0.1:8999/mcp"
