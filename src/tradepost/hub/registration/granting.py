"""Scopes that come with an assignment and go with it.

Who is shown a tool of a server that is not bundled may use it: `read:tools.<server>` for what the server shows and its
tools that only look, `write:tools.<server>` as soon as one of its other tools is there. Agents get them with the first
assignment, and they go with the last one that needs them. An agent from whom an admin took one of them away does not
get it back by the way.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Agent
from tradepost.hub.access.scopes import needed_scope, server_scope
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

Needs = Mapping[str, frozenset[str]]


async def needs_of(session: AsyncSession, server: Server) -> Needs:
    """Which of a server's scopes its assignments come to, for each agent that sees anything of it, by the agent's id.
    Nothing for a bundled server: its scopes are given by name."""
    if server.kind == "builtin":
        return {}
    rows = await session.execute(
        select(Agent.id, ToolEntry.tool_class, ToolEntry.scope)
        .join(
            Assignment,
            and_(
                Assignment.workspace_id == Agent.workspace_id,
                or_(Assignment.agent_id == Agent.id, Assignment.profile_id == Agent.profile_id),
            ),
        )
        .join(
            ToolEntry,
            and_(ToolEntry.workspace_id == Assignment.workspace_id, ToolEntry.id == Assignment.tool_entry_id),
        )
        .where(ToolEntry.server_id == server.id)
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for agent_id, tool_class, own in rows:
        found[agent_id] |= _come_to(server.slug, tool_class, own)
    return {agent_id: frozenset(scopes) for agent_id, scopes in found.items()}


async def follow_needs(
    session: AsyncSession, by: Caller, server: Server, before: Needs, stated: Collection[str] = ()
) -> list[Agent]:
    """Give and take the scopes of a server's tools, after its assignments, or a tool's class or scope, are not what
    they were `before`. Returns the agents that lack what they need now, because an admin took it away. `stated` are
    the ids of agents whose scopes an admin has just stated: they keep those."""
    await session.flush()
    after = await needs_of(session, server)
    if not before and not after:
        return []
    agents = await session.scalars(
        select(Agent).where(Agent.id.in_({*before, *after} - {*stated})).order_by(Agent.slug)
    )
    lacking = []
    for agent in agents:
        had, needed = before.get(agent.id, frozenset()), after.get(agent.id, frozenset())
        held = frozenset(agent.scopes)
        given = needed if had <= held else needed & held
        await _set(session, by, agent, (held - had) | given)
        if not needed <= frozenset(agent.scopes):
            lacking.append(agent)
    return lacking


async def greet(session: AsyncSession, by: Caller, agent: Agent) -> None:
    """Give a new agent the scopes of what its profile shows it."""
    given = await scopes_through_profile(session, agent.profile_id)
    await _set(session, by, agent, frozenset(agent.scopes) | given)


async def out_of_reach(session: AsyncSession, agent: Agent) -> dict[str, str]:
    """The tools that an agent is shown and cannot call: under which name, and the scope that it lacks."""
    rows = await session.execute(
        select(Assignment.exposed_name, ToolEntry.scope, ToolEntry.tool_class, Server.slug, Server.kind)
        .join(
            ToolEntry,
            and_(ToolEntry.workspace_id == Assignment.workspace_id, ToolEntry.id == Assignment.tool_entry_id),
        )
        .join(Server, and_(Server.workspace_id == ToolEntry.workspace_id, Server.id == ToolEntry.server_id))
        .where(or_(Assignment.agent_id == agent.id, Assignment.profile_id == agent.profile_id))
        .order_by(Assignment.exposed_name)
    )
    needed = {name: needed_scope(own, slug, kind, tool_class) for name, own, tool_class, slug, kind in rows}
    return {name: scope for name, scope in needed.items() if scope is not None and scope not in agent.scopes}


async def scopes_through_profile(session: AsyncSession, profile_id: str) -> frozenset[str]:
    """The scopes that the tools of servers that are not bundled come to, of those assigned to a whole profile."""
    rows = await session.execute(
        select(Server.slug, ToolEntry.tool_class, ToolEntry.scope)
        .join(ToolEntry, and_(ToolEntry.workspace_id == Server.workspace_id, ToolEntry.server_id == Server.id))
        .join(
            Assignment,
            and_(Assignment.workspace_id == ToolEntry.workspace_id, Assignment.tool_entry_id == ToolEntry.id),
        )
        .where(Server.kind != "builtin", Assignment.profile_id == profile_id)
        .distinct()
    )
    return frozenset(scope for slug, tool_class, own in rows for scope in _come_to(slug, tool_class, own))


def _come_to(server: str, tool_class: str, own: str | None) -> set[str]:
    """A tool with a scope that an admin chose is for whoever was given that."""
    return {server_scope(server, "read"), server_scope(server, "read" if own is not None else tool_class)}


async def _set(session: AsyncSession, by: Caller, agent: Agent, scopes: frozenset[str]) -> None:
    wanted, before = sorted(scopes), agent.scopes
    if wanted != sorted(before):
        agent.scopes = wanted
        await record_change(session, by, "agent:scopes", agent.id, {"before": before, "after": wanted})
