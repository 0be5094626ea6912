"""A small workspace for tests: an owner, a profile, an agent, and short ways to change them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, create_profile
from tradepost.hub.access.keys import KeyTerms, MintedKey, mint
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.people import create_user
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.workspaces import create_workspace


@dataclass
class World:
    """Ids of what there is. `owner` is the caller of every change."""

    database: Database
    workspace_id: str
    owner: Caller
    agent_id: str

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncSession]:
        async with self.database.transaction(self.workspace_id, write=True) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        async with self.database.transaction(self.workspace_id, write=False) as session:
            yield session

    async def person(self, role: Role) -> Caller:
        async with self.changing() as session:
            user: User = await create_user(session, self.owner, f"{role}@acme.test", role, role)
        return caller_for_user(user, new_id("req"))

    async def agent(self, slug: str, scopes: tuple[str, ...] = ()) -> str:
        async with self.changing() as session:
            return (await create_agent(session, self.owner, "team", slug, scopes=scopes)).id

    async def key(self, **options: Any) -> MintedKey:
        async with self.changing() as session:
            if not {"agent_id", "user_id"} & options.keys():
                options["agent_id"] = self.agent_id
            holder = {name: options.pop(name) for name in ("agent_id", "user_id") if name in options}
            return await mint(session, self.owner, KeyTerms(**options), **holder)

    def as_agent(self, agent_id: str | None = None) -> Caller:
        """What authentication makes of the agent's key."""
        from_owner = self.owner.for_request(new_id("req"))
        return Caller(
            workspace_id=from_owner.workspace_id,
            principal=from_owner.principal,
            request_id=from_owner.request_id,
            agent_id=agent_id or self.agent_id,
        )


def founding(url: str) -> tuple[str, Caller, str]:
    """For a template: a migrated hub database with the world `acme` in it."""
    upgrade(url, "hub")

    async def found() -> tuple[str, Caller, str]:
        database = Database(url)
        world = await founded(database, "acme")
        await database.close()
        return world.workspace_id, world.owner, world.agent_id

    return asyncio.run(found())


async def founded(database: Database, slug: str) -> World:
    """A new workspace with the profile `team` and the agent `helper` in it."""
    made = await create_workspace(database, slug, slug.title(), f"owner@{slug}.test")
    owner = caller_for_user(made.owner, new_id("req"))
    world = World(database, made.workspace.id, owner, "")
    async with world.changing() as session:
        await create_profile(session, owner, "team")
    world.agent_id = await world.agent("helper", ("read:orders",))
    return world
