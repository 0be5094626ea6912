"""When another server takes over a tool: the places of earlier writes go along, so that a write that is repeated with
its idempotency key is answered by the one that was made, and not made a second time elsewhere."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tradepost.hub.actions.models import Action

_OPEN = ("pending", "approved")


async def hand_over_places(
    session: AsyncSession, entries: Mapping[str, str], back_to: str | None = None, since: datetime | None = None
) -> None:
    """Give the actions of each tool entry to the entry that takes its place. With `back_to`, a server's id, and
    `since`, only those that were made there, or after that moment. A key that is taken there stays where it is."""
    for before, after in entries.items():
        other = aliased(Action)
        taken = exists().where(
            other.workspace_id == Action.workspace_id,
            other.principal_id == Action.principal_id,
            other.tool_entry_id == after,
            other.key == Action.key,
        )
        statement = update(Action).where(Action.tool_entry_id == before, ~taken)
        if back_to is not None and since is not None:
            statement = statement.where(or_(Action.server_id == back_to, Action.created_at >= since))
        changed = statement.values(tool_entry_id=after, version=Action.version + 1)
        await session.execute(changed.execution_options(synchronize_session=False))


async def count_open(session: AsyncSession, entries: list[str]) -> int:
    """How many writes of some tools wait for people or for being carried out."""
    found = await session.scalar(select(func.count()).where(Action.tool_entry_id.in_(entries), Action.state.in_(_OPEN)))
    return int(found or 0)
