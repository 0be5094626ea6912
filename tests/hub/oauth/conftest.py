"""A hub whose people connect servers in their browsers, and a vendor."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher

from tests.hub.oauth.vendor import Vendor, running
from tests.hub.world import World
from tests.identity.people.desk import Browser, Clock, Desk
from tests.protocol.conftest import served
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access import passwords
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.limits.settings import DEFAULTS
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.registration.credentials import Credentials
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.accounts import Accounts
from tradepost.hub.vault.vault import Vault, open_vault
from tradepost.identity.people.build import build_people
from tradepost.protocol.builtin import ToolResult

GUARD = Guard([ip_network("127.0.0.0/8")])


@dataclass
class Process:
    """What one process of the hub has."""

    accounts: Accounts
    connections: Connections
    upstreams: Upstreams


@dataclass
class Hub:
    """All of it. `link` is where the browser begins."""

    world: World
    vault: Vault
    desk: Desk
    clock: Clock
    servers: Servers
    discovery: Discovery
    connecting: Connecting
    process: Process
    credentials: Credentials

    @property
    def owner(self) -> Caller:
        return self.world.owner

    def another(self) -> Process:
        """A second process over the same database."""
        return _process(self.world, self.vault, self.desk.url, self.clock)

    async def register(self, vendor: Vendor, slug: str = "tracker", **terms: Any) -> Server:
        options: dict[str, Any] = {"flow": "authorization_code", **terms}
        return await self.servers.register(self.owner, slug, vendor.url, oauth=OAuthTerms(**options))

    async def person(self, name: str, role: Any = "admin") -> tuple[Browser, Caller]:
        """Somebody who has signed in, and their calls."""
        user = await self.desk.user(f"{name}@acme.test", role)
        browser = self.desk.browser()
        await browser.sign_in(f"{name}@acme.test")
        return browser, caller_for_user(user, new_id("req"))

    async def leave(self, browser: Browser, slug: str = "tracker") -> str:
        """The page, its button, and the address of the vendor's page."""
        page = await browser.get(f"/connect/servers/{slug}")
        assert page.status_code == 200, page.text
        gone = await browser.post(f"/connect/servers/{slug}", do="connect")
        assert gone.status_code == 303, gone.text
        return gone.headers["location"]

    async def back(self, browser: Browser, brought: dict[str, str]) -> httpx2.Response:
        return await browser.get(f"/connect/callback?{httpx2.QueryParams(brought)}")

    async def connect(self, vendor: Vendor, browser: Browser, slug: str = "tracker", who: str = "ann") -> None:
        done = await self.back(browser, await vendor.agree(await self.leave(browser, slug), who))
        assert done.status_code == 200, done.text

    async def call(
        self, caller: Caller | None = None, process: Process | None = None, *, tool: str = "track", cls: str = "read"
    ) -> ToolResult:
        """A call of a tool of the only server, as the pipeline would make it."""
        server = (await self.connecting.look(self.owner, "tracker"))[0]
        entry = Entry(server, tool, cls)
        upstreams = (process or self.process).upstreams
        return await upstreams.call_tool(caller or self.owner, entry, {"number": "1"}, None)


class Entry:
    """What dispatch needs to know of a tool."""

    def __init__(self, server: Server, name: str, tool_class: str) -> None:
        self.server_id, self.server_slug, self.server_url = server.id, server.slug, server.url
        self.server_kind, self.builtin_key = "remote", None
        self.credential_version, self.limits = server.credential_version, DEFAULTS
        self.raw_name, self.tool_class, self.key_parameter, self.mirrored = name, tool_class, None, ()


def _process(world: World, vault: Vault, url: str, clock: Clock) -> Process:
    accounts = Accounts(world.database, vault, GUARD, url, clock)
    connections = Connections(vault, GUARD, accounts=accounts)
    return Process(accounts, connections, Upstreams({}, connections))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def vendor(clock: Clock) -> AsyncIterator[Vendor]:
    async with running(clock) as made:
        yield made


@pytest.fixture
async def hub(
    world: World, vendor: Vendor, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hub]:
    """`vendor` is here so that it ends last: its server waits for connections that are still open."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    vault = await open_vault(world.database, tmp_path / "vault.keys")
    holder: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await holder[0](scope, receive, send)

    async with served(app) as url:
        process = _process(world, vault, url, clock)
        connecting = Connecting(world.database, vault, process.accounts, clock)
        people = build_people(world.database, vault, GUARD, url, now=clock, connecting=connecting)
        holder.append(people.door)
        servers, discovery = (
            Servers(world.database, vault, GUARD),
            Discovery(world.database, vault, process.connections),
        )
        desk = Desk(url, people, world, clock)
        yield Hub(
            world,
            vault,
            desk,
            clock,
            servers,
            discovery,
            connecting,
            process,
            Credentials(world.database, vault, GUARD),
        )
        for browser in desk.browsers:
            await browser.http.aclose()
        await process.upstreams.close()
