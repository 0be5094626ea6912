"""Handing the right to answer to another person while one is away: for a time, revocable, and never more than one has.

Whoever gets it has to be an operator somewhere already and reach no further than who gives it. It cannot be handed on.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.people import find_user
from tradepost.hub.access.roles import at_least, require_role
from tradepost.hub.actions.approvers import may_hold, person_behind
from tradepost.hub.actions.models import Delegation

LONGEST = timedelta(days=92)


async def delegate(
    session: AsyncSession, by: Caller, to: str, starts_at: datetime, ends_at: datetime, now: datetime
) -> Mapping[str, Any]:
    """Hand one's own right to another person (e-mail address or id). Raises ForbiddenScope, InvalidArgument,
    NotFound."""
    giver = await person_behind(session, by)
    taker = await find_user(session, to)
    if taker.id == giver.id:
        raise InvalidArgument("That is you.", field="to", hint="Name the person who answers while you are away.")
    if not (starts_at < ends_at and ends_at > now and ends_at - max(starts_at, now) <= LONGEST):
        raise InvalidArgument(
            f"The time has to end after it begins, after now, and last at most {LONGEST.days} days.", field="until"
        )
    if not await may_hold(session, taker):
        raise ForbiddenScope(
            f"{taker.name} may answer nothing in this workspace, so nothing can be handed to them.",
            hint="Choose an operator, or let an admin make them one.",
        )
    role: Role = giver.role  # type: ignore[assignment]
    if taker.role != role and at_least(taker.role, role):
        raise ForbiddenScope(
            f"{taker.name} reaches further than you.", hint="Choose somebody whose role is yours or a lower one."
        )
    row = Delegation(id=new_id("dlg"), from_user_id=giver.id, to_user_id=taker.id, starts_at=starts_at, ends_at=ends_at)
    session.add(row)
    details = {"from": giver.id, "to": taker.id, "starts_at": to_rfc3339(starts_at), "ends_at": to_rfc3339(ends_at)}
    await record_change(session, by, "delegation:made", row.id, details)
    return _facts(row, giver, taker)


async def revoke(session: AsyncSession, by: Caller, delegation_id: str, now: datetime) -> Mapping[str, Any]:
    """End a delegation now: whoever gave it, or an admin. Raises NotFound, ForbiddenScope, StateConflict."""
    found = await _found(session, Delegation.id == delegation_id)
    if not found:
        raise NotFound("There is no such delegation.", hint="List delegations and take the id from there.")
    row, giver, taker = found[0]
    if by.agent_id is not None or by.user_id != giver.id:
        await require_role(session, by, "admin")
    if row.revoked_at is not None or row.ends_at <= now:
        raise StateConflict("That delegation is over already.")
    row.revoked_at = now
    details = {"from": row.from_user_id, "to": row.to_user_id}
    await record_change(session, by, "delegation:revoked", row.id, details)
    return _facts(row, giver, taker)


async def list_delegations(session: AsyncSession) -> list[Mapping[str, Any]]:
    """Those of the workspace, the latest first."""
    return [_facts(row, gives, takes) for row, gives, takes in await _found(session)]


async def _found(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[tuple[Delegation, User, User]]:
    giver, taker = aliased(User), aliased(User)
    rows = await session.execute(
        select(Delegation, giver, taker)
        .join(giver, (giver.workspace_id == Delegation.workspace_id) & (giver.id == Delegation.from_user_id))
        .join(taker, (taker.workspace_id == Delegation.workspace_id) & (taker.id == Delegation.to_user_id))
        .where(*conditions)
        .order_by(Delegation.created_at.desc(), Delegation.id)
        .limit(200)
    )
    return [(row, gives, takes) for row, gives, takes in rows.all()]


def _facts(row: Delegation, giver: User, taker: User) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "from": giver.email,
        "from_user_id": giver.id,
        "to": taker.email,
        "to_user_id": taker.id,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "revoked_at": row.revoked_at,
    }
