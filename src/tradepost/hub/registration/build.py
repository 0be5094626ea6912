"""Joining the registration services, for the application and for commands that need no more than them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tradepost.database.engine import Database
from tradepost.hub.registration.apis import Apis
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.ambient import ambient_of
from tradepost.hub.upstreams.addresses import Network
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import Programs
from tradepost.hub.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Registration:
    """What registers servers: the registry's rows, the look at a live server, the connections to it, and what makes
    servers of REST APIs."""

    servers: Servers
    discovery: Discovery
    connections: Connections
    apis: Apis

    async def close(self) -> None:
        await self.connections.close()


def build_registration(
    hub: Database, vault: Vault, private_networks: Sequence[Network], programs: Programs | None = None
) -> Registration:
    """The registration services over an open hub database. URLs into the private networks named are allowed, and the
    operator's programs."""
    guard = Guard(private_networks)
    programs = programs or Programs()
    connections = Connections(vault, guard, programs, ambient=partial(ambient_of, hub))
    servers = Servers(hub, vault, guard, programs)
    apis = Apis(hub, servers, connections)
    return Registration(servers, Discovery(hub, vault, connections), connections, apis)
