"""A hub's database with registered servers, pinned and assigned tools, and agents with keys: ready to be served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bench.catalogs import definition
from bench.gateway.harness import module
from tradepost import settings
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access import keys
from tradepost.hub.access.agents import create_agent, create_profile
from tradepost.hub.access.changes import bump
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.registration import rules
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.hub.registry.rules import MOST_VISIBLE

TOOL, SCOPE = "get_order", "read:orders"


@dataclass(frozen=True)
class Shape:
    """What is in the hub. `servers` are URLs by name, each with `tools_each` tools of which the first is the upstream's
    get_order. Each of `profiles` sees all tools of the servers that it names, and has `agents_each` agents."""

    servers: Mapping[str, str]
    profiles: Sequence[Sequence[str]]
    tools_each: int = 1
    agents_each: int = 1


def exposed(server: str, number: int = 0) -> str:
    """What agents call a server's tool."""
    return f"{server}_{_name(number)}"


def _name(number: int) -> str:
    return TOOL if number == 0 else f"get_order_{number}"


async def make(data: Path, port: int, shape: Shape) -> list[list[str]]:
    """Make the databases. Returns the keys of each profile's agents."""
    loaded = settings.load(data=data, port=port)
    upgrade(loaded.hub_database, "hub")
    upgrade(loaded.store_database, "store")
    database = Database(loaded.hub_database)
    try:
        made = await create_workspace(database, "bench", "Bench", "owner@bench.example")
        owner = caller_for_user(made.owner, new_id("req"))
        async with database.transaction(made.workspace.id, write=True) as session:
            await _register(session, shape)
            await rules.change(session, owner, given={"visible_tools": MOST_VISIBLE})  # lists are what is measured
            found = [await _profile(session, owner, number, shape) for number in range(len(shape.profiles))]
            await bump(session)
        return found
    finally:
        await database.close()


async def _register(session: AsyncSession, shape: Shape) -> None:
    for slug, url in shape.servers.items():
        session.add(Server(id=f"srv_{slug}", slug=slug, name=slug, kind="remote", url=url, status="ready"))
    await session.flush()
    for slug in shape.servers:
        for number in range(shape.tools_each):
            pinned = pin(_definition(number))
            entry = ToolEntry(id=_entry_id(slug, number), server_id=f"srv_{slug}", name=_name(number), position=number)
            entry.state, entry.tool_class, entry.scope = "enabled", "read", SCOPE
            entry.definition, entry.digest = pinned.text, pinned.digest
            session.add(entry)
    await session.flush()


def _definition(number: int) -> dict[str, Any]:
    if number:
        return definition(_name(number))
    found: dict[str, Any] = next(tool for tool in module("upstream").TOOLS if tool["name"] == TOOL)
    return found


def _entry_id(slug: str, number: int) -> str:
    return f"tool_{slug}_{number}"


async def _profile(session: AsyncSession, owner: Caller, number: int, shape: Shape) -> list[str]:
    profile = await create_profile(session, owner, f"profile_{number}".replace("_", "-"))
    await session.flush()
    position = 0
    for slug in shape.profiles[number]:
        for tool in range(shape.tools_each):
            row = Assignment(id=new_id("asg"), tool_entry_id=_entry_id(slug, tool), profile_id=profile.id)
            row.exposed_name, row.position = exposed(slug, tool), position
            session.add(row)
            position += 1
    minted = []
    for agent in range(shape.agents_each):
        row_of_agent = await create_agent(session, owner, profile.slug, f"agent_{number}_{agent}", scopes=(SCOPE,))
        await session.flush()
        minted.append((await keys.mint(session, owner, agent_id=row_of_agent.id)).secret)
    return minted
