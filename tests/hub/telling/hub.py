"""A hub on a real socket, with nothing behind it but what a test registers: the MCP endpoint, the published keys."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import orjson

from tests.hub.telling.told_server import TOOLS
from tests.hub.world import World, founded
from tests.protocol.conftest import Desk, served
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.hub.access.agents import set_posture
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.gateway.assertions import Assertions
from tradepost.hub.gateway.build import BuiltGateway, build_gateway
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.caller_assertion import set_assertion
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.injection import InForce, change_rules
from tradepost.hub.registration.servers import Servers
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.registry.ambient import ambient_of
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.assertion_keys import PUBLISHED_SECONDS
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault, open_vault
from tradepost.identity.jwks import Jwks
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.hosting import Arrival

HOST = "hub.test"
ISSUER = "https://hub.test"
READS = frozenset({"find", "count", "plain", "ask"})


class Clock:
    """A time that only a test moves on."""

    def __init__(self) -> None:
        self.at = system_now()

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class BindingAuthenticator(Authenticator):
    """Callers of a key are bound to what a test says."""

    attributes: Mapping[str, str] = {}

    def at_hand(self, bearer: str, request_id: str, arrival: Arrival) -> Caller | None:
        caller = super().at_hand(bearer, request_id, arrival)
        return caller if caller is None else self._bound(caller)

    async def authenticate(self, bearer: str, request_id: str, arrival: Arrival | None = None) -> Caller:
        return self._bound(await super().authenticate(bearer, request_id, arrival))

    def _bound(self, caller: Caller) -> Caller:
        return replace(caller, attributes=self.attributes) if self.attributes else caller


@dataclass
class Agent:
    """The one agent of a workspace, and who administers it."""

    world: World
    key: str


@dataclass
class Hub:
    """What a test touches. `acme` and `other` are two workspaces."""

    database: Database
    vault: Vault
    guard: Guard
    servers: Servers
    discovery: Discovery
    gateway: BuiltGateway
    authenticator: BindingAuthenticator
    assertions: Assertions
    clock: Clock
    acme: Agent
    other: Agent
    desk: Desk = field(repr=False)

    async def add(self, url: str, agent: Agent | None = None, slug: str = "told", headers: Any = ()) -> None:
        """Register a server, and approve and assign all it has."""
        world = (agent or self.acme).world
        given = [Header(name, value) for name, value in headers]
        await self.servers.register(world.owner, slug, url, given)
        await self.discovery.discover(world.owner, slug)
        async with world.changing() as session:
            for tool in TOOLS:
                tool_class = "read" if tool in READS else "write"
                await approve_tool(session, world.owner, slug, tool, tool_class=tool_class)  # type: ignore[arg-type]
                await assign(session, world.owner, slug, tool, agent="helper")
            await approve_waiting(session, world.owner, slug)

    async def rule(self, target: str, name: str, source: str, agent: Agent | None = None, **more: Any) -> InForce:
        """Set a rule of the server `told`, or of its `tool`; `constant:…` is a constant."""
        world, tool = (agent or self.acme).world, more.pop("tool", None)
        value: Any = {"constant": source[9:]} if source.startswith("constant:") else {"source": source}
        async with world.changing() as session:
            rule = {"target": target, "name": name, **value, **more}
            return await change_rules(session, world.owner, "told", tool, given=[rule])

    async def unrule(self, target: str, name: str, **more: Any) -> InForce:
        async with self.acme.world.changing() as session:
            return await change_rules(session, self.acme.world.owner, "told", removed=[(target, name)], **more)

    async def assert_caller(self, wanted: bool | str = True) -> InForce:
        return await set_assertion(self.database, self.guard, self.acme.world.owner, "told", wanted)

    async def ask(self, method: str, params: dict[str, Any], agent: Agent | None = None) -> dict[str, Any]:
        """The answer to a request of the newer era: the result, or the error."""
        answer = await self.desk.modern(
            method, params, token=(agent or self.acme).key, headers={"host": HOST, "cookie": "session=CANARY-cookie"}
        )
        message: dict[str, Any] = orjson.loads(answer.content)
        return dict(message.get("result") or message["error"])

    async def call(self, tool: str, agent: Agent | None = None, /, **arguments: Any) -> dict[str, Any]:
        return await self.ask("tools/call", {"name": tool, "arguments": arguments}, agent)

    async def shown(self, tool: str, agent: Agent | None = None) -> dict[str, Any]:
        """The inputSchema of a tool as a model sees it."""
        tools = (await self.ask("tools/list", {}, agent))["tools"]
        found: dict[str, Any] = next(one["inputSchema"] for one in tools if one["name"] == tool)
        return found


async def _agent(database: Database, slug: str) -> Agent:
    world = await founded(database, slug)
    await sync_builtin(database, world.workspace_id, [HubServer(database)])
    async with world.changing() as session:
        await set_posture(session, world.owner, "team", "guarded")
    return Agent(world, (await world.key()).secret)


Known = tuple[tuple[str, Caller, str, str], ...]  # the arguments of a World, and a key of its agent


def founding(url: str) -> Known:
    """For a template: a migrated hub database with the workspaces `acme` and `other` in it."""
    upgrade(url, "hub")

    async def found() -> Known:
        database = Database(url)
        agents = [await _agent(database, slug) for slug in ("acme", "other")]
        await database.close()
        return tuple((agent.world.workspace_id, agent.world.owner, agent.world.agent_id, agent.key) for agent in agents)

    return asyncio.run(found())


@asynccontextmanager
async def serving(hub_url: str, known: Known, folder: Path) -> AsyncIterator[Hub]:
    """The hub over a copy of that."""
    database, clock = Database(hub_url), Clock()
    vault = await open_vault(database, folder / "vault.keys")
    watch, audit, guard = RegistryWatch(database), AuditWriter(database), Guard([ipaddress.ip_network("127.0.0.0/8")])
    connections = Connections(vault, guard, ambient=partial(ambient_of, database))
    upstreams = Upstreams({"hub": HubServer(database)}, connections)
    authenticator = BindingAuthenticator(database, watch)
    keys = vault.assertion_keys(clock)
    assertions = Assertions(keys, ISSUER, clock)
    built = build_gateway(
        database,
        catalogs=Catalogs(database, watch),
        upstreams=upstreams,
        authenticator=authenticator,
        versions=watch,
        audit=audit,
        assertions=assertions,
    )
    endpoint, jwks = McpEndpoint(built.gateway, allowed_hosts=[HOST]), Jwks(keys.published, PUBLISHED_SECONDS)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (jwks if jwks.owns(scope["path"]) else endpoint)(scope, receive, send)

    acme, other = (Agent(World(database, *of_world), key) for *of_world, key in known)
    await watch.start()
    async with served(app) as url, httpx2.AsyncClient(timeout=30) as http:
        yield Hub(
            database, vault, guard, Servers(database, vault, guard), Discovery(database, vault, connections), built,
            authenticator, assertions, clock, acme, other, Desk(url, http, acme.key),
        )  # fmt: skip
        await built.stop()
        await upstreams.close()
        await audit.stop()
        await watch.stop()
        await database.close()
