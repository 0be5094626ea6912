"""Setting a workspace up with the ready-made agents. Doing it again changes nothing that is there."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.setups.models import AgentSetup
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents as access
from tradepost.hub.access import keys
from tradepost.hub.access.models import Agent
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.starter.agents import AGENTS, PROFILES, ReadyAgent, ReadyProfile


async def set_up_agents(
    hub: Database, workspace_id: str, agents: Sequence[ReadyAgent] = AGENTS, kept: Collection[str] = ()
) -> dict[str, str]:
    """The profiles, the agents and their catalogs, in one transaction. Returns a new key for each agent whose key is
    not among those `kept`: keys exist nowhere else, so one that was not kept is lost."""
    by = system_caller(workspace_id, new_id("req"))
    async with hub.transaction(workspace_id, write=True) as session:
        for profile in PROFILES:
            try:
                await access.find_profile(session, profile.slug)
            except NotFound:
                await access.create_profile(session, by, profile.slug, profile.name, profile.posture)
            await _assign_to_all(session, by, profile)
        minted: dict[str, str] = {}
        for agent in agents:
            row = await _agent(session, by, agent)
            await _set_up(session, agent, row)
            if agent.slug not in kept and agent.role != "shopper":
                made = await keys.mint(session, by, keys.KeyTerms(label="made by the demo"), agent_id=row.id)
                minted[agent.slug] = made.secret
        return minted


async def _assign_to_all(session: AsyncSession, by: Caller, ready: ReadyProfile) -> None:
    """What whoever acts for a profile sees, as far as it is not there."""
    row = await access.find_profile(session, ready.slug)
    there = set(await session.scalars(select(Assignment.tool_entry_id).where(Assignment.profile_id == row.id)))
    for position, (server, entry) in enumerate(await _entries(session, ready.tools)):
        if entry.id not in there:
            await assign(session, by, server, entry.name, profile=row.slug, position=position)


async def _agent(session: AsyncSession, by: Caller, ready: ReadyAgent) -> Agent:
    entries = await _entries(session, ready.tools)
    row = await session.scalar(select(Agent).where(Agent.slug == ready.slug))
    is_new = row is None
    if row is None:
        scopes = {entry.scope for _, entry in entries if entry.scope} | set(ready.extra_scopes)
        row = await access.create_agent(
            session, by, ready.profile, ready.slug, ready.name, ready.description, sorted(scopes)
        )
        await session.flush()
    assigned = set(await session.scalars(select(Assignment.tool_entry_id).where(Assignment.agent_id == row.id)))
    missing = [
        (position, server, entry) for position, (server, entry) in enumerate(entries) if entry.id not in assigned
    ]
    for position, server, entry in missing:
        await assign(session, by, server, entry.name, agent=row.slug, position=position)
    if missing and not is_new:
        wanted = set(row.scopes) | {entry.scope for _, _, entry in missing if entry.scope}
        await access.set_agent_scopes(session, by, row.slug, sorted(wanted))
    return row


async def _set_up(session: AsyncSession, ready: ReadyAgent, row: Agent) -> None:
    """How it works, unless somebody has set that."""
    if await session.scalar(select(AgentSetup.id).where(AgentSetup.id == row.id)) is None:
        session.add(AgentSetup(id=row.id, role=ready.role, instructions=ready.instructions))


async def _entries(session: AsyncSession, names: Sequence[str]) -> list[tuple[str, ToolEntry]]:
    """The bundled tools of these names that this release has, in the order given, each with its server's slug."""
    servers = {row.id: row.slug for row in await session.scalars(select(Server).where(Server.kind == "builtin"))}
    rows = await session.scalars(select(ToolEntry).where(ToolEntry.name.in_(names), ToolEntry.state == "enabled"))
    by_name = {row.name: row for row in rows if row.server_id in servers}
    return [(servers[by_name[name].server_id], by_name[name]) for name in names if name in by_name]
