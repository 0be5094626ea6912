"""Joining the registration services, for the application and for commands that need no more than them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tradepost.database.engine import Database
from tradepost.hub.access.workspaces import own_slug
from tradepost.hub.registration.apis import Apis
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.registration.credentials import Credentials
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.ambient import ambient_of
from tradepost.hub.upstreams.addresses import Network
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.accounts import Accounts
from tradepost.hub.upstreams.programs import Programs
from tradepost.hub.vault.key_source import KeySource
from tradepost.hub.vault.managers.configuration import read_managers
from tradepost.hub.vault.managers.resolving import References
from tradepost.hub.vault.vault import Vault, open_vault


@dataclass(frozen=True, slots=True)
class Registration:
    """What registers servers: the registry's rows, the look at a live server, the connections to it, and what makes
    servers of REST APIs. All of them dial what `guard` lets pass."""

    guard: Guard
    servers: Servers
    discovery: Discovery
    connections: Connections
    connecting: Connecting
    credentials: Credentials
    apis: Apis

    async def close(self) -> None:
        await self.connections.close()


async def open_secrets(hub: Database, keys: KeySource, managers_file: Path | None) -> Vault:
    """The vault, with the secrets managers of the operator's file. Raises SetupError."""
    return await open_vault(hub, keys, References(read_managers(managers_file), own_slug))


def build_registration(
    hub: Database,
    vault: Vault,
    private_networks: Sequence[Network],
    programs: Programs | None = None,
    *,
    url: str,
    registers_programs: bool = False,
) -> Registration:
    """The registration services over an open hub database. URLs into the private networks named are allowed, and the
    operator's programs are run. `url` is where people reach the hub, to connect servers there. Only a command on the
    operator's machine `registers_programs`: no HTTP leads to that."""
    guard = Guard(private_networks)
    programs = programs or Programs()
    accounts = Accounts(hub, vault, guard, url)
    connections = Connections(vault, guard, programs, ambient=partial(ambient_of, hub), accounts=accounts)
    servers = Servers(hub, vault, guard, programs if registers_programs else None)
    return Registration(
        guard,
        servers,
        Discovery(hub, vault, connections),
        connections,
        Connecting(hub, vault, accounts),
        Credentials(hub, vault, guard),
        Apis(hub, servers, connections),
    )
