"""Giving back what a swap of servers took over."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.actions.successors import hand_over_places
from tradepost.hub.registration.granting import follow_needs, needs_of
from tradepost.hub.registration.swap_keys import take_back
from tradepost.hub.registration.swap_rows import both_servers, seen_twice
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.hub.registry.swap_models import ServerSwap

MAX_PROBLEMS = 20
MAX_NAMED = 100


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo gave back: how many assignments, and the names of those that stayed because they went elsewhere
    since."""

    swap_id: str
    assignments: int
    stayed: tuple[str, ...]


async def give_back(session: AsyncSession, by: Caller, old: str, new: str, now: datetime) -> Undone:
    """Undo the last swap from `old` to `new` that was not undone, in the session's transaction. Raises NotFound,
    StateConflict."""
    first, second = await both_servers(session, old, new)
    made = await _last_swap(session, first, second)
    back, stayed = await _still_there(session, made)
    entries = await _by_id(session, [before for _, before, _ in made.moved])
    lost = [row.exposed_name for row, before in back if before not in entries]
    _check_return(first, entries, lost, await seen_twice(session, *_backwards(back)))
    needed = [(server, await needs_of(session, server)) for server in (first, second)]
    for row, before in back:
        row.tool_entry_id = before
    await session.flush()
    await hand_over_places(session, {after: before for _, before, after in made.moved}, first.id, made.created_at)
    made.undone_at, made.undone_by = now, by.user_id or by.principal.id
    names = sorted({entries[before].name for _, before in back})
    details = {"swap": made.id, "old": first.slug, "new": second.slug, "tools": names[:MAX_NAMED]}
    await record_change(session, by, "server:swap_undone", first.id, {**details, "assignments": len(back)})
    for server, scopes in needed:
        await follow_needs(session, by, server, scopes)
    await take_back(session, by, made.key_scopes)
    return Undone(made.id, len(back), stayed)


async def _last_swap(session: AsyncSession, old: Server, new: Server) -> ServerSwap:
    found: ServerSwap | None = await session.scalar(
        select(ServerSwap)
        .where(ServerSwap.old_server_id == old.id, ServerSwap.new_server_id == new.id, ServerSwap.undone_at.is_(None))
        .order_by(ServerSwap.created_at.desc(), ServerSwap.id.desc())
        .limit(1)
    )
    if found is None:
        raise StateConflict(
            f"{new.slug} took over nothing from {old.slug} that could be given back.",
            hint="Name the servers in the order of the swap: the old one first.",
        )
    return found


async def _by_id(session: AsyncSession, ids: Collection[str]) -> dict[str, ToolEntry]:
    found = await session.scalars(select(ToolEntry).where(ToolEntry.id.in_(sorted(set(ids)))))
    return {one.id: one for one in found}


async def _still_there(session: AsyncSession, made: ServerSwap) -> tuple[list[tuple[Assignment, str]], tuple[str, ...]]:
    """The assignments that are as the swap left them, each with its old tool; exposed names of those that are not."""
    found = await session.scalars(select(Assignment).where(Assignment.id.in_([one for one, _, _ in made.moved])))
    rows = {one.id: one for one in found}
    back, stayed = [], []
    for assignment_id, before, after in made.moved:
        row = rows.get(assignment_id)
        if row is not None and row.tool_entry_id == after:
            back.append((row, before))
        elif row is not None:
            stayed.append(row.exposed_name)
    if not back:
        raise StateConflict(
            "None of the assignments that went over is there any more.",
            hint="They were taken away or went over to another server since; undo that first.",
        )
    return back, tuple(sorted(stayed))


def _backwards(back: list[tuple[Assignment, str]]) -> tuple[list[Assignment], dict[str, str]]:
    return [row for row, _ in back], {row.tool_entry_id: before for row, before in back}


def _check_return(
    old: Server, entries: dict[str, ToolEntry], lost: list[str], twice: list[tuple[str, str, str]]
) -> None:
    """Raises StateConflict where the old server could not serve what it gets back."""
    problems = [f"{name}: it has no such tool any more." for name in lost]
    problems += [f"{who} sees {tool} already, as {name}: take that away first." for who, tool, name in twice]
    problems += [f"{one.name} is {one.state}." for one in entries.values() if one.state in ("disabled", "unapproved")]
    if old.status == "disabled":
        problems.append("It is disabled: enable it first.")
    if problems:
        raise StateConflict(
            f"{old.slug} cannot take its tools back as it is now.",
            hint="Nothing was switched.",
            details={"problems": problems[:MAX_PROBLEMS]},
        )
