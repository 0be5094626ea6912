"""The states of an action and the only way to change them: compare and set.

    pending ---> approved ---> executing ---> succeeded | failed | unknown
       |             |             |
       +-> rejected, +-> expired,  +-> pending (what people saw has changed: they are asked again)
           expired,      canceled
           canceled                    unknown ---> succeeded | failed (a person has looked)

    pending, approved, executing ---> unknown: the hub's records were restored from a backup

Two who move an action from the same state at the same moment: one UPDATE finds the row, the other finds none.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import system_now
from tradepost.hub.actions.models import Action, ActionState

NEXT: Mapping[ActionState, frozenset[ActionState]] = {
    "pending": frozenset({"approved", "rejected", "expired", "canceled", "unknown"}),
    "approved": frozenset({"executing", "expired", "canceled", "unknown"}),
    "executing": frozenset({"executing", "pending", "succeeded", "failed", "unknown"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"succeeded", "failed"}),
    "rejected": frozenset(),
    "expired": frozenset(),
    "canceled": frozenset(),
}
FINISHED: frozenset[ActionState] = frozenset({"succeeded", "failed", "unknown"})
REFUSED: frozenset[ActionState] = frozenset({"rejected", "expired", "canceled"})


async def move(
    session: AsyncSession,
    workspace_id: str,
    action_id: str,
    before: ActionState,
    after: ActionState,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> bool:
    """Move an action from one state to the next if it still is where the caller thinks. Returns whether it did."""
    if after not in NEXT[before]:
        raise ValueError(f"An action cannot go from {before} to {after}.")
    statement = (
        update(Action)
        .where(Action.workspace_id == workspace_id, Action.id == action_id, Action.state == before, *conditions)
        .values(state=after, version=Action.version + 1, updated_at=system_now(), **values)
        .returning(Action.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None
