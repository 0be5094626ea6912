"""A hub over a real database with the test shop behind it, and what a second process needs to open the same one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hub.gateway.shop import Shop
from tests.hub.trusting import trust_outsiders
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys, people, workspaces
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.access.models import Posture, User
from tradepost.hub.access.roles import caller_for_user, system_caller
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.lease import LEASE, Leases
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.audit.read import tail
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.gateway.build import BuiltGateway, build_gateway
from tradepost.hub.gateway.checkpoints import Checkpoint, pass_by
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.gateway.rests import Rests
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.catalog import CatalogPrompt, CatalogResource, CatalogTool
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.telemetry.meters import Meters
from tradepost.hub.telemetry.ports import Traces
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.talk import Talk
from tradepost.protocol.builtin import BuiltinServer, Expects, Json, Mode, ToolResult

SCOPES = ("read:inventory", "write:inventory", "write:payments")
SHOP_TOOLS = ("get_stock", "add_stock", "drop_sku", "pay_out")

Remote = Callable[[CatalogTool, Json, str | None], Awaitable[ToolResult]]


@dataclass
class Servers:
    """A dispatcher: bundled servers are called, the foreign one is a function of the test, or `real` reaches it."""

    builtins: Mapping[str, BuiltinServer]
    remote: Remote | None = None
    real: Upstreams | None = None
    remote_calls: list[tuple[str, Json, str | None]] = field(default_factory=list)
    talks: list[Talk | None] = field(default_factory=list)

    async def call_tool(
        self,
        caller: Caller,
        tool: CatalogTool,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        talk: Talk | None = None,
        ends_at: float | None = None,
        expects: Expects | None = None,
    ) -> ToolResult:
        if tool.builtin_key is not None:
            return await self.builtins[tool.builtin_key].call(caller, tool.raw_name, arguments, key, mode, expects)
        self.remote_calls.append((tool.raw_name, arguments, key))
        self.talks.append(talk)
        if self.real is not None:
            return await self.real.call_tool(caller, tool, arguments, key, mode, talk, ends_at)
        assert self.remote is not None
        return await self.remote(tool, arguments, key)

    async def ask_task(
        self, caller: Caller, tool: CatalogTool, method: str, task_id: str, talk: Talk, ends_at: float | None = None
    ) -> Json:
        assert self.real is not None
        return await self.real.ask_task(caller, tool, method, task_id, talk, ends_at)

    async def read_resource(
        self,
        caller: Caller,
        resource: CatalogResource,
        uri: str,
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> Json:
        return await self.builtins[resource.builtin_key or ""].read(caller, uri)

    async def watched(self, caller: Caller, resource: CatalogResource, uri: str) -> str | None:
        return await self.builtins[resource.builtin_key or ""].watched(caller, uri)

    async def get_prompt(
        self,
        caller: Caller,
        prompt: CatalogPrompt,
        arguments: Mapping[str, str],
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> Json:
        return await self.builtins[prompt.builtin_key or ""].prompt(caller, prompt.name, arguments)

    async def complete(
        self,
        caller: Caller,
        target: CatalogPrompt | CatalogResource,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str],
        ends_at: float | None = None,
        talk: Talk | None = None,
    ) -> Json:
        return await self.builtins[target.builtin_key or ""].complete(caller, reference, argument, value)


@dataclass(frozen=True)
class Facts:
    """What one process tells another about the world."""

    hub_url: str
    ledger: str
    workspace_id: str
    agent_id: str
    other_agent_id: str
    owner_id: str
    key: str


class World:
    """Everything a test of the gateway touches."""

    def __init__(
        self,
        facts: Facts,
        *,
        checkpoint: Checkpoint = pass_by,
        lease: timedelta = LEASE,
        wait_seconds: float = 5.0,
        secret: bytes | None = None,
        now: Now = system_now,
        tracing: Traces | None = None,
        meters: Meters | None = None,
        rests: Rests | None = None,
    ) -> None:
        self.facts = facts
        self.database = Database(facts.hub_url)
        self.watch = RegistryWatch(self.database)
        self.shop = Shop(Path(facts.ledger))
        self.audit = AuditWriter(self.database)
        catalogs = Catalogs(self.database, self.watch)
        self.servers = Servers({"shop": self.shop, "hub": HubServer(self.database, catalogs, rests=rests)})
        self.authenticator = Authenticator(self.database, self.watch, now)
        clock = ActionClock()
        self.leases = Leases(self.database, new_id("test"), clock, lease)
        self.contradicted: list[tuple[str, str]] = []
        self.built: BuiltGateway = build_gateway(
            self.database,
            catalogs=catalogs,
            upstreams=self.servers,
            authenticator=self.authenticator,
            versions=self.watch,
            audit=self.audit,
            clock=clock,
            leases=self.leases,
            checkpoint=checkpoint,
            wait_seconds=wait_seconds,
            secrets=(lambda: (secret,)) if secret is not None else None,
            contradicted=lambda workspace_id, _server, _k, name, _s: self.contradicted.append((workspace_id, name)),
            now=now,
            tracing=tracing,
            meters=meters,
            rests=rests,
        )
        self.gateway, self.door, self.executor = self.built.gateway, self.built.door, self.built.executor

    @property
    def workspace_id(self) -> str:
        return self.facts.workspace_id

    @property
    def admin(self) -> Caller:
        return system_caller(self.workspace_id, new_id("req"))

    @property
    def owner(self) -> Caller:
        return Caller(
            self.workspace_id, Principal("user", self.facts.owner_id), new_id("req"), user_id=self.facts.owner_id
        )

    async def agent(self) -> Caller:
        """The first agent, through its key."""
        return await self.authenticator.authenticate(self.facts.key, new_id("req"))

    async def call(self, name: str, caller: Caller | None = None, /, **arguments: Any) -> Json:
        return await self.door.call(caller or await self.agent(), name, arguments)

    async def add_stock(self, key: str = "k1", sku: str = "A1", quantity: int = 20) -> Json:
        return await self.call("add_stock", sku=sku, quantity=quantity, idempotency_key=key)

    async def action(self, action_id: str) -> ActionView:
        async with self.database.transaction(self.workspace_id, write=False) as session:
            return await view(session, action_id)

    async def only_action(self) -> Action:
        async with self.database.transaction(self.workspace_id, write=False) as session:
            return (await session.scalars(select(Action))).one()

    async def audited(self) -> list[AuditEvent]:
        """All rows about tools, resources, prompts and approvals, in order."""
        await self.audit.drain()
        rows = await tail(self.database, self.workspace_id, limit=1000)
        return [row for row in rows if row.kind != "admin"]

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncSession]:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            yield session

    async def user(self, role: str, email: str | None = None) -> Caller:
        """A new person."""
        async with self.changing() as session:
            user: User = await people.create_user(
                session,
                self.admin,
                email or f"{new_id('u')}@x.test",
                role.title(),
                role,  # type: ignore[arg-type]
            )
        return caller_for_user(user, new_id("req"))

    async def add_remote(self, name: str, tool_class: str = "write", of: str = "foreign", /, **definition: Any) -> None:
        """A tool of a foreign server, approved and assigned to the first agent."""
        made = pin({"name": name, "inputSchema": {"type": "object"}, **definition})
        async with self.changing() as session:
            server = await session.scalar(select(Server).where(Server.slug == of))
            if server is None:
                server = Server(
                    id=new_id("srv"), slug=of, name=of.title(), kind="remote", status="ready",
                    url=f"https://{of}.test/mcp",
                )  # fmt: skip
                session.add(server)
                await session.flush()
            entry = ToolEntry(
                id=new_id("tool"), server_id=server.id, name=name, definition=made.text, digest=made.digest,
                state="enabled", tool_class=tool_class,
            )  # fmt: skip
            session.add(entry)
            await session.flush()
            await assign(session, self.admin, of, name, agent="supply")

    async def close(self) -> None:
        await self.built.stop()
        await self.audit.stop()
        await self.watch.stop()
        await self.database.close()


async def found(hub_url: str, ledger: Path, posture: Posture = "propose", slug: str = "acme") -> Facts:
    """Make a workspace with two agents; the first, `supply`, has all tools of the shop, the other only get_stock."""
    database = Database(hub_url)
    shop = Shop(ledger)
    made = await workspaces.create_workspace(database, slug, slug.title(), f"owner@{slug}.test", "Olga")
    workspace_id = made.workspace.id
    by = system_caller(workspace_id, new_id("req"))
    await sync_builtin(database, workspace_id, [shop, HubServer(database)])
    async with database.transaction(workspace_id, write=True) as session:
        await agents.create_profile(session, by, "internal", posture=posture)
        supply = await agents.create_agent(session, by, "internal", "supply", scopes=SCOPES)
        other = await agents.create_agent(session, by, "internal", "reader", scopes=("read:inventory",))
        for tool in SHOP_TOOLS:
            await assign(session, by, "shop", tool, agent="supply")
        await assign(session, by, "shop", "get_stock", agent="reader")
        key = await keys.mint(session, by, agent_id=supply.id)
    shop.put(workspace_id, "A1", 5)
    await database.close()
    return Facts(hub_url, str(ledger), workspace_id, supply.id, other.id, made.owner.id, key.secret)


def founding(url: str) -> tuple[Facts, bytes]:
    """For a template: a migrated hub database with the world `acme` in it, and the shop's ledger."""
    upgrade(url, "hub")
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.db"
        return asyncio.run(found(url, ledger)), ledger.read_bytes()


def copied(known: tuple[Facts, bytes], hub_url: str, ledger: Path) -> Facts:
    """The facts of a copy of it."""
    facts, content = known
    ledger.write_bytes(content)
    return replace(facts, hub_url=hub_url, ledger=str(ledger))


async def guard(facts: Facts) -> Facts:
    """Let the agents write without asking, except what destroys or moves money."""
    database = Database(facts.hub_url)
    async with database.transaction(facts.workspace_id, write=True) as session:
        await agents.set_posture(session, system_caller(facts.workspace_id, new_id("req")), "internal", "guarded")
    await database.close()
    return facts


async def trust(world: World) -> None:
    """Let the world's agents write after they have read what outsiders wrote."""
    async with world.changing() as session:
        await trust_outsiders(session, world.owner)


@asynccontextmanager
async def opened(facts: Facts, **options: Any) -> AsyncIterator[World]:
    """The world of some facts, in this process."""
    world = World(facts, **options)
    await world.watch.start()
    try:
        yield world
    finally:
        await world.close()


def structured(result: Json) -> Json:
    """The structured value of a result that is no error."""
    assert not result["isError"], result
    value: Json = result["structuredContent"]
    return value


def error_of(result: Json) -> Json:
    """The C9 object of a result that is an error."""
    assert result["isError"], result
    value: Json = result["structuredContent"]
    return value
