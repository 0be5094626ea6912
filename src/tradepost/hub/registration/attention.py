"""What needs a person: writes that wait or whose outcome is unknown, tools whose definition waits for approval, servers
that fail. Counted in a few statements, so that every page can say it."""

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.actions.models import Action
from tradepost.hub.registry.models import Server, ToolEntry


@dataclass(frozen=True, slots=True)
class WaitingTools:
    """Tools of one server that wait: never approved (`new`), or with another definition than the approved one
    (`changed`)."""

    server: str
    name: str
    new: int
    changed: int


@dataclass(frozen=True, slots=True)
class FailingServer:
    """A server that could not be reached the last time, and what it said."""

    server: str
    name: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Attention:
    """Everything that needs a person, in one workspace."""

    approvals: int
    unknown: int
    tools: tuple[WaitingTools, ...]
    failing: tuple[FailingServer, ...]


async def needing_attention(session: AsyncSession) -> Attention:
    """What needs a person in the session's workspace."""
    states = select(Action.state, func.count()).where(Action.state.in_(("pending", "unknown"))).group_by(Action.state)
    counted: dict[str, int] = {}
    for state, number in await session.execute(states):
        counted[state] = number
    return Attention(
        counted.get("pending", 0), counted.get("unknown", 0), await _waiting_tools(session), await _failing(session)
    )


async def _waiting_tools(session: AsyncSession) -> tuple[WaitingTools, ...]:
    is_new = ToolEntry.state == "unapproved"
    is_changed = ToolEntry.candidate.is_not(None)
    rows = await session.execute(
        select(Server.slug, Server.name, func.sum(case((is_new, 1), else_=0)), func.sum(case((is_new, 0), else_=1)))
        .join(Server, (Server.workspace_id == ToolEntry.workspace_id) & (Server.id == ToolEntry.server_id))
        .where((is_new | is_changed) & (ToolEntry.state != "removed"))
        .group_by(Server.slug, Server.name)
        .order_by(Server.slug)
    )
    return tuple(WaitingTools(slug, name, int(new), int(changed)) for slug, name, new, changed in rows)


async def _failing(session: AsyncSession) -> tuple[FailingServer, ...]:
    rows = await session.execute(
        select(Server.slug, Server.name, Server.last_error).where(Server.status == "failing").order_by(Server.slug)
    )
    return tuple(FailingServer(*row) for row in rows)
