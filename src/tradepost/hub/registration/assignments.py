"""Making tools visible: to a whole profile or to one agent, under a name that stands once in every catalog."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent, find_profile
from tradepost.hub.access.changes import bump, record_change
from tradepost.hub.access.models import Agent
from tradepost.hub.access.roles import require_in_profile, require_role
from tradepost.hub.access.scopes import needed_scope
from tradepost.hub.registration.granting import follow_needs, needs_of
from tradepost.hub.registration.names import (
    MAX_DESCRIPTION,
    MAX_TITLE,
    checked_exposed_name,
    checked_words,
    folded,
    suggested,
)
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.hub.registry.rules import Rules, read_rules


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
    title: str | None = None,
    description: str | None = None,
) -> Assigned:
    """Make a tool visible to all agents of a profile, or to one agent. Doing it again changes what is given: name,
    position, and the admin's own title and description, which stand in place of the server's ("" lets go of them).

    A name that is taken in any of the catalogs concerned, or hardly differs from one there, is refused with the
    suggestion `{server}_{tool}`. An admin of the profile alone gives its agents what the workspace has enabled.
    """
    owning = await _owning_profile(session, profile, agent)
    for_workspace = await require_in_profile(session, by, "admin", owning)
    await bump(session)  # first, for its lock: two assignments at one moment must see each other's names
    entry = await find_tool(session, server, tool)
    owner = await find_server(session, entry.server_id)
    if owner.builtin_key == HUB_SERVER:
        raise StateConflict("The hub's own tools are in every catalog already.")
    if entry.state == "removed":
        raise StateConflict(f"The server '{owner.slug}' does not offer '{entry.name}' any more.")
    if not for_workspace and entry.state != "enabled":
        raise ForbiddenScope(
            f"'{entry.name}' is {entry.state}, and only what is enabled can be assigned within a profile.",
            hint="An admin of the workspace has to approve it first.",
        )
    target = await _target(session, profile, agent)
    needed = await needs_of(session, owner)
    row = await _existing(session, target, entry)
    before = _shown(row)
    name = checked_exposed_name(exposed_name or (row.exposed_name if row is not None else entry.name))
    if row is None or row.exposed_name != name:
        await _refuse_clash(session, target, entry, owner, name)
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
    if title is not None:
        row.title = checked_words(title, "title", MAX_TITLE) if title else None
    if description is not None:
        row.description = checked_words(description, "description", MAX_DESCRIPTION) if description else None
    details = {"tool": entry.name, "server": owner.slug, "name": name, "profile": profile, "agent": agent}
    await record_change(
        session, by, "tool:assigned", entry.id, {**details, "before": before, "after": _shown(row), "pin": entry.digest}
    )
    lacking = await follow_needs(session, by, owner, needed)
    return Assigned(row.id, name, (*await _warnings(session, target), *_without_scope(lacking, entry, owner)))


async def unassign(
    session: AsyncSession, by: Caller, server: str, tool: str, *, profile: str | None = None, agent: str | None = None
) -> None:
    """Take a tool away again; it cannot be called from the next call on."""
    await require_role(session, by, "admin", await _owning_profile(session, profile, agent))
    await bump(session)  # first, for its lock
    entry = await find_tool(session, server, tool)
    owner = await find_server(session, entry.server_id)
    target = await _target(session, profile, agent)
    row = await _existing(session, target, entry)
    if row is None:
        raise NotFound(f"'{entry.name}' is not assigned there.", hint="It may be assigned to the profile instead.")
    before = await needs_of(session, owner)
    await session.delete(row)
    details = {"tool": entry.name, "profile": profile, "agent": agent, "before": _shown(row)}
    await record_change(session, by, "tool:unassigned", entry.id, details)
    await follow_needs(session, by, owner, before)


def _shown(row: Assignment | None) -> dict[str, Any] | None:
    """What agents see of an assignment, for the audit."""
    if row is None:
        return None
    shown = {"name": row.exposed_name, "position": row.position, "title": row.title, "description": row.description}
    return {name: value for name, value in shown.items() if value is not None}


async def _owning_profile(session: AsyncSession, profile: str | None, agent: str | None) -> str:
    """The id of the profile whose agents' catalogs an assignment changes."""
    if (profile is None) == (agent is None):
        raise InvalidArgument("A tool is assigned to a profile or to an agent.", hint="Name exactly one of them.")
    if agent is not None:
        return (await find_agent(session, agent)).profile_id
    return (await find_profile(session, profile or "")).id


async def _target(session: AsyncSession, profile: str | None, agent: str | None) -> _Target:
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
    assigned = await session.scalars(
        select(Assignment.exposed_name).where(
            Assignment.tool_entry_id != entry.id,
            or_(Assignment.agent_id.in_(agents), Assignment.profile_id.in_([one for one in profiles if one])),
        )
    )
    always = await session.scalars(
        select(ToolEntry.name)
        .join(Server, and_(Server.workspace_id == ToolEntry.workspace_id, Server.id == ToolEntry.server_id))
        .where(Server.builtin_key == HUB_SERVER)
    )
    taken = {folded(one): one for one in (*assigned, *always)}
    twin = taken.get(folded(name))
    if twin is not None:
        suggestion = suggested(owner.slug, entry.name, taken)
        is_taken = "is taken by another tool" if twin == name else f"hardly differs from '{twin}', another tool"
        raise StateConflict(
            f"The name '{name}' {is_taken} in a catalog that would show it.",
            hint=f"Assign it under another name, for example '{suggestion}'.",
            field="exposed_name",
            details={"suggestion": suggestion},
        )


async def _next_position(session: AsyncSession, target: _Target) -> int:
    highest = await session.scalar(
        select(func.max(Assignment.position)).where(
            Assignment.agent_id == target.agent_id
            if target.agent_id is not None
            else Assignment.profile_id == target.profile_id
        )
    )
    return 0 if highest is None else int(highest) + 1


def _without_scope(agents: Sequence[Agent], entry: ToolEntry, owner: Server) -> Iterator[str]:
    scope = needed_scope(entry.scope, owner.slug, owner.kind, entry.tool_class)
    for agent in agents:
        if scope is not None and scope not in agent.scopes:
            yield (
                f"The agent '{agent.slug}' does not have the scope {scope}, which '{entry.name}' needs. Give it with "
                "`tradepost agent scopes`."
            )


async def _warnings(session: AsyncSession, target: _Target) -> tuple[str, ...]:
    await session.flush()
    rules = await read_rules(session)
    counts = {agent.slug: await count_visible(session, agent, rules) for agent in target.agents}
    return tuple(
        warning for slug, count in counts.items() if (warning := too_many(slug, count, rules.visible_tools)) is not None
    )


async def count_visible(session: AsyncSession, agent: Agent, rules: Rules) -> int:
    """How many tools an agent sees, the hub's own not counted."""
    counted = await session.scalar(
        select(func.count(func.distinct(Assignment.tool_entry_id)))
        .join(
            ToolEntry,
            and_(ToolEntry.workspace_id == Assignment.workspace_id, ToolEntry.id == Assignment.tool_entry_id),
        )
        .join(Server, and_(Server.workspace_id == ToolEntry.workspace_id, Server.id == ToolEntry.server_id))
        .where(
            ToolEntry.state.in_(rules.visible_states),
            Server.status != "disabled",
            or_(Assignment.agent_id == agent.id, Assignment.profile_id == agent.profile_id),
        )
    )
    return counted or 0


def too_many(slug: str, count: int, most: int) -> str | None:
    """What an admin should know of an agent that sees so many tools."""
    if count <= most:
        return None
    return (
        f"The agent '{slug}' now sees {count} tools; models choose badly among more than {most}. "
        "It is shown find_tools and load_tools in place of the list."
    )
