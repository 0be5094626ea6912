"""The rows that a swap of servers is about, read in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.changes import ROW_ID
from tradepost.hub.access.models import Agent, Profile, RegistryVersion
from tradepost.hub.actions.successors import count_open
from tradepost.hub.registration.contents import contents_of, key_of
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.swap_rules import left_behind
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import Assignment, PromptEntry, ResourceEntry, Server, ToolEntry

# A tool that a person switched off, or that nobody has approved, is nobody's to miss.
_TAKEN_OVER = ("enabled", "quarantined", "removed")


@dataclass(frozen=True, slots=True)
class SwapRows:
    """Both servers; each assigned tool of the old one with the new one's of the same name; the assignments that go
    over. `left` are assigned tools that nobody can call now, with their states; `seen_twice` (who, tool, name) would
    see the new server's tool under two names; `contents` are resources and prompts that only the old one has; `waiting`
    writes have not been carried out yet; `rules` are those that would not be about the new server."""

    old: Server
    new: Server
    pairs: Sequence[tuple[ToolEntry, ToolEntry | None]]
    assignments: Sequence[Assignment]
    left: Sequence[tuple[str, str]]
    seen_twice: Sequence[tuple[str, str, str]]
    contents: Sequence[str]
    waiting: int
    rules: Sequence[str]


async def lock(session: AsyncSession) -> None:
    """Two changes of one workspace's catalogs at a moment: one after the other. (SQLite writes one by one anyway.)"""
    await session.scalar(select(RegistryVersion.version).where(RegistryVersion.id == ROW_ID).with_for_update())


async def both_servers(session: AsyncSession, old: str, new: str) -> tuple[Server, Server]:
    """The two servers of a swap. Raises NotFound, StateConflict."""
    first, second = await find_server(session, old), await find_server(session, new)
    if first.id == second.id:
        raise StateConflict("A server cannot take over from itself.", hint="Name two servers.")
    for one in (first, second):
        if one.builtin_key == HUB_SERVER:
            raise StateConflict("The hub's own tools belong to the hub; no server takes over from it or for it.")
    return first, second


async def read_swap(session: AsyncSession, old: str, new: str, only: Collection[str] = ()) -> SwapRows:
    """Everything that a swap of all assigned tools, or of those named in `only`, is about. Raises NotFound,
    StateConflict, InvalidArgument."""
    first, second = await both_servers(session, old, new)
    entries = {one.name: one for one in await _entries(session, first)}
    successors = {one.name: one for one in await _entries(session, second)}
    unknown = sorted(set(only) - entries.keys())
    if unknown:
        raise InvalidArgument(
            f"The server '{first.slug}' has no tool '{unknown[0][:60]}'.",
            hint=f"Run `tradepost server tools {first.slug}` to see what it has.",
            field="tools",
        )
    every = await session.scalars(
        select(Assignment)
        .where(Assignment.tool_entry_id.in_([one.id for one in entries.values()]))
        .order_by(Assignment.id)
    )
    assigned = [one for one in every if not only or any(one.tool_entry_id == entries[name].id for name in only)]
    used = {one.tool_entry_id for one in assigned}
    taken = {one.id for one in entries.values() if one.id in used and one.state in _TAKEN_OVER}
    moved = [one for one in assigned if one.tool_entry_id in taken]
    pairs = [(one, successors.get(one.name)) for one in entries.values() if one.id in taken]
    targets = {old.id: new.id for old, new in pairs if new is not None}
    return SwapRows(
        first,
        second,
        pairs,
        moved,
        [(one.name, one.state) for one in entries.values() if one.id in used - taken],
        await seen_twice(session, moved, targets),
        await _only_at(session, first, second),
        await count_open(session, sorted(taken)),
        await left_behind(session, first.slug, second.slug, [old.name for old, _ in pairs]),
    )


async def seen_twice(
    session: AsyncSession, moved: Sequence[Assignment], targets: dict[str, str]
) -> list[tuple[str, str, str]]:
    """Who would see a tool under two names after a swap: a catalog shows each tool once, so one name would be gone."""
    ids = {one.id for one in moved}
    others = [
        one
        for one in await session.scalars(
            select(Assignment).where(Assignment.tool_entry_id.in_(targets.values())).order_by(Assignment.id)
        )
        if one.id not in ids
    ]
    if not others:
        return []
    profiles = {one.id: one.slug for one in await session.scalars(select(Profile))}
    agents = {one.id: one for one in await session.scalars(select(Agent))}
    names = {
        one.id: one.name for one in await session.scalars(select(ToolEntry).where(ToolEntry.id.in_(targets.values())))
    }
    return [
        (
            f"the profile {profiles[other.profile_id]}"
            if other.profile_id
            else f"the agent {agents[other.agent_id or ''].slug}",
            names[other.tool_entry_id],
            other.exposed_name,
        )
        for other in others
        if any(targets.get(one.tool_entry_id) == other.tool_entry_id and _share(one, other, agents) for one in moved)
    ]


def _share(one: Assignment, other: Assignment, agents: dict[str, Agent]) -> bool:
    """Whether somebody sees both."""
    if one.agent_id is not None and other.agent_id is not None:
        return one.agent_id == other.agent_id
    profiles = [
        agents[place.agent_id].profile_id if place.agent_id is not None else place.profile_id for place in (one, other)
    ]
    return profiles[0] == profiles[1]


async def _entries(session: AsyncSession, server: Server) -> list[ToolEntry]:
    found = select(ToolEntry).where(ToolEntry.server_id == server.id).order_by(ToolEntry.position, ToolEntry.name)
    return list(await session.scalars(found))


async def _only_at(session: AsyncSession, first: Server, second: Server) -> list[str]:
    had, has = await _contents(session, first), await _contents(session, second)
    return sorted(had - has)


async def _contents(session: AsyncSession, server: Server) -> set[str]:
    rows = [*await contents_of(session, ResourceEntry, server.id), *await contents_of(session, PromptEntry, server.id)]
    return {key_of(row) for row in rows if row.state == "enabled"}
