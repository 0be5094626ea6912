"""The services that register, test and discover servers, allowed to reach this machine only."""

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hub.bundled import Bundled, tool
from tests.hub.remote import Remote, running
from tests.hub.world import World
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import Vault, open_vault

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@dataclass
class Registration:
    """Everything an admin uses."""

    servers: Servers
    discovery: Discovery
    connections: Connections
    vault: Vault


@pytest.fixture
async def registration(world: World, tmp_path: Path) -> AsyncIterator[Registration]:
    vault = await open_vault(world.database, tmp_path / "vault.keys")
    guard = Guard(LOOPBACK)
    connections = Connections(vault, guard)
    yield Registration(
        Servers(world.database, vault, guard), Discovery(world.database, vault, connections), connections, vault
    )
    await connections.close()


@pytest.fixture
def offered() -> Bundled:
    """What the remote server offers."""
    return Bundled(
        slug="tracker",
        title="Tracker",
        tools=[tool("track", number={"type": "string"}), tool("cancel_label", number={"type": "string"})],
    )


@pytest.fixture(params=["modern", "legacy"])
async def remote(request: pytest.FixtureRequest, offered: Bundled) -> AsyncIterator[Remote]:
    async with running(offered, request.param) as found:
        yield found


@pytest.fixture
async def modern_remote(offered: Bundled) -> AsyncIterator[Remote]:
    async with running(offered) as found:
        yield found
