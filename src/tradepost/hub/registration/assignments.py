"""Making tools visible: to a whole profile or to one agent, under a name that stands once in every catalog."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent, find_profile
from tradepost.hub.access.changes import bump, record_change
from tradepost.hub.access.models import Agent
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.names import checked_exposed_name, look
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

VISIBLE_TOOLS = 30


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment that was made, and what an admin should know about it."""

    id: str
    exposed_name: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Target:
    profile_id: str | None
    agent_id: str | None
    agents: tuple[Agent, ...]  # whose catalogs change


async def assign(
    session: AsyncSession,
    by: Caller,
    server: str,
    tool: str,
    *,
    profile: str | None = None,
    agent: str | None = None,
    exposed_name: str | None = None,
    position: int | None = None,
) -> Assigned:
    """Make a tool visible to all agents of a profile, or to one agent. Doing it again changes name and position.

    A name that is taken in any of the catalogs concerned is refused with the suggestion `{server}_{tool}`.
    """
    await require_role(session, by, "admin")
    await bump(session)  # first, for its lock: two assignments at one moment must see each other's names
    entry = await find_tool(session, server, tool)
    owner = await find_server(session, entry.server_id)
    if owner.builtin_key == HUB_SERVER:
        raise StateConflict("The hub's own tools are in every catalog already.")
    if entry.state == "removed":
        raise StateConflict(f"The server '{owner.slug}' does not offer '{entry.name}' any more.")
    target = await _target(session, profile, agent)
    name = checked_exposed_name(exposed_name or entry.name)
    await _refuse_clash(session, target, entry, owner, name)
    row = await _existing(session, target, entry)
    if row is None:
        row = Assignment(
            id=new_id("asg"),
            tool_entry_id=entry.id,
            profile_id=target.profile_id,
            agent_id=target.agent_id,
            exposed_name=name,
            position=position if position is not None else await _next_position(session, target),
        )
        session.add(row)
    else:
        row.exposed_name = name
        row.position = position if position is not None else row.position
    details = {"tool": entry.name, "server": owner.slug, "name": name, "profile": profile, "agent": agent}
    await record_change(session, by, "tool:assigned", entry.id, details)
    return Assigned(row.id, name, await _warnings(session, target))


async def unassign(
    session: AsyncSession, by: Caller, server: str, tool: str, *, profile: str | None = None, agent: str | None = None
) -> None:
    """Take a tool away again; it cannot be called from the next call on."""
    await require_role(session, by, "admin")
    entry = await find_tool(session, server, tool)
    target = await _target(session, profile, agent)
    row = await _existing(session, target, entry)
    if row is None:
        raise NotFound(f"'{entry.name}' is not assigned there.", hint="It may be assigned to the profile instead.")
    await session.delete(row)
    await record_change(
        session, by, "tool:unassigned", entry.id, {"tool": entry.name, "profile": profile, "agent": agent}
    )


async def _target(session: AsyncSession, profile: str | None, agent: str | None) -> _Target:
    if (profile is None) == (agent is None):
        raise InvalidArgument("A tool is assigned to a profile or to an agent.", hint="Name exactly one of them.")
    if agent is not None:
        one = await find_agent(session, agent)
        return _Target(None, one.id, (one,))
    group = await find_profile(session, profile or "")
    members = await session.scalars(select(Agent).where(Agent.profile_id == group.id).order_by(Agent.slug))
    return _Target(group.id, None, tuple(members))


async def _existing(session: AsyncSession, target: _Target, entry: ToolEntry) -> Assignment | None:
    row: Assignment | None = await session.scalar(
        select(Assignment).where(
            Assignment.tool_entry_id == entry.id,
            Assignment.agent_id == target.agent_id
            if target.agent_id is not None
            else Assignment.profile_id == target.profile_id,
        )
    )
    return row


async def _refuse_clash(session: AsyncSession, target: _Target, entry: ToolEntry, owner: Server, name: str) -> None:
    agents = [agent.id for agent in target.agents]
    profiles = {agent.profile_id for agent in target.agents} | {target.profile_id}
    taken = await session.scalar(
        select(Assignment.id).where(
            _looks_like(Assignment.exposed_name, name),
            Assignment.tool_entry_id != entry.id,
            or_(Assignment.agent_id.in_(agents), Assignment.profile_id.in_([one for one in profiles if one])),
        )
    )
    always = await session.scalar(
        select(ToolEntry.id)
        .join(Server, and_(Server.workspace_id == ToolEntry.workspace_id, Server.id == ToolEntry.server_id))
        .where(Server.builtin_key == HUB_SERVER, _looks_like(ToolEntry.name, name))
    )
    if taken is not None or always is not None:
        suggestion = f"{owner.slug}_{entry.name}"
        raise StateConflict(
            f"The name '{name}' is taken by another tool in a catalog that would show it.",
            hint=f"Assign it under another name, for example '{suggestion}'.",
            field="exposed_name",
            details={"suggestion": suggestion},
        )


def _looks_like(column: InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    """Whether a reader may take one name for the other (see names.look)."""
    return func.replace(func.replace(func.lower(column), "-", "_"), ".", "_") == look(name)


async def _next_position(session: AsyncSession, target: _Target) -> int:
    highest = await session.scalar(
        select(func.max(Assignment.position)).where(
            Assignment.agent_id == target.agent_id
            if target.agent_id is not None
            else Assignment.profile_id == target.profile_id
        )
    )
    return 0 if highest is None else int(highest) + 1


async def _warnings(session: AsyncSession, target: _Target) -> tuple[str, ...]:
    await session.flush()
    warnings = []
    for agent in target.agents:
        count = await session.scalar(
            select(func.count(func.distinct(Assignment.tool_entry_id))).where(
                or_(Assignment.agent_id == agent.id, Assignment.profile_id == agent.profile_id)
            )
        )
        if (count or 0) > VISIBLE_TOOLS:
            warnings.append(
                f"The agent '{agent.slug}' now sees {count} tools; models choose badly among more than {VISIBLE_TOOLS}."
            )
    return tuple(warnings)
