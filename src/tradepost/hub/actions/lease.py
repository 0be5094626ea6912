"""Who carries an action out: one process at a time, by a lease, and only the holder of the newest fence records an
outcome. A process that stopped for too long finds its fence outdated and its outcome is not taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BindParameter, and_, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.clock import system_now
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.models import Action
from tradepost.hub.actions.states import move

LEASE = timedelta(seconds=90)
UNSENT = "nobody, nothing was sent"  # in place of an owner: the last attempt ended before it reached the server


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry one action out. `started`: the intent of an earlier holder stands. `unsent`: that holder has
    said that nothing was sent, so the server cannot have been reached."""

    workspace_id: str
    action_id: str
    fence: int
    started: bool
    unsent: bool = False

    @property
    def may_have_reached(self) -> bool:
        """Whether an earlier holder may have reached the server."""
        return self.started and not self.unsent


# Asked twice a second for as long as the hub runs: made once.
_now: BindParameter[datetime] = bindparam("now")
_due = or_(
    and_(Action.state == "approved", or_(Action.expires_at.is_(None), Action.expires_at > _now)),
    and_(Action.state == "executing", Action.lease_until <= _now),
)
_ANY_DUE = Lookup(select(Action.id).where(_due).limit(1))
_TO_CLAIM = (
    select(Action)
    .where(_due)
    .order_by(Action.updated_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)  # other replicas look for other rows
)


class Leases:
    """Claims actions for one process, named by `owner`."""

    def __init__(self, database: Database, owner: str, clock: ActionClock, length: timedelta = LEASE) -> None:
        self.owner = owner
        self.length = length
        self.clock = clock
        self._database = database

    async def claim_due(self, most: int) -> list[tuple[Claim, Action]]:
        """Claim approved actions, and executing ones whose lease ran out, the longest waiting first."""
        async with self._database.system(write=False, quick=True) as session:
            if not await _ANY_DUE.rows(session, {"now": await self.clock.now(session)}):
                return []
        claimed: list[tuple[Claim, Action]] = []
        async with self._database.system(write=True) as session:
            now = await self.clock.now(session)
            for action in (await session.scalars(_TO_CLAIM, {"now": now, "most": most})).all():
                started = action.started_at is not None
                unsent = action.lease_owner == UNSENT
                fence = action.fence + 1
                values: dict[str, Any] = {
                    "lease_owner": self.owner,
                    "lease_until": now + self.length,
                    "fence": fence,
                }
                before: Literal["approved", "executing"] = "approved" if action.state == "approved" else "executing"
                same = Action.fence == action.fence
                if await move(session, action.workspace_id, action.id, before, "executing", same, **values):
                    claimed.append((Claim(action.workspace_id, action.id, fence, started, unsent), action))
            for _, action in claimed:
                await session.refresh(action)
        return claimed

    async def renew(self, claim: Claim) -> bool:
        """Hold on for another lease. Returns False when the claim is lost."""
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            until = await self.clock.now(session) + self.length
            return await _update(session, claim, lease_until=until)

    async def give_back(self, claim: Claim, after: timedelta, *, unsent: bool = False) -> bool:
        """Let another attempt be made after a while, by whichever process comes first. `unsent`: no attempt so far has
        reached the server."""
        async with self._database.transaction(claim.workspace_id, write=True) as session:
            until = await self.clock.now(session) + after
            return await _update(session, claim, lease_until=until, lease_owner=UNSENT if unsent else None)


async def hand_over(session: AsyncSession, claim: Claim, until: datetime, result: str) -> bool:
    """Its server works on without us: keep what it said of that, and look again at `until`. False: the claim is
    lost."""
    return await _update(session, claim, lease_until=until, lease_owner=None, result=result)


async def mark_started(session: AsyncSession, claim: Claim) -> bool:
    """Note, in the transaction of the intent row, that the server is about to be called. False: the claim is lost."""
    return await _update(session, claim, started_at=system_now())


async def finish(
    session: AsyncSession,
    claim: Claim,
    state: Literal["succeeded", "failed", "unknown"],
    *,
    result: str | None,
    error_code: str | None,
    retired_key: str | None = None,
    undo: dict[str, Any] | None = None,
    undo_until: datetime | None = None,
) -> bool:
    """Record the outcome, and of one that succeeded what takes it back and until when. False: the claim is lost and
    nothing was recorded."""
    values: dict[str, Any] = {} if retired_key is None else {"key": retired_key}
    return await move(
        session,
        claim.workspace_id,
        claim.action_id,
        "executing",
        state,
        Action.fence == claim.fence,
        result=result,
        error_code=error_code,
        finished_at=system_now(),
        undo=undo,
        undo_until=undo_until,
        lease_owner=None,
        lease_until=None,
        **values,
    )


async def ask_again(
    session: AsyncSession,
    claim: Claim,
    preview: dict[str, Any],
    reason: str,
    expires_at: datetime,
    round: int,
    *,
    did_nothing: bool = False,
    **terms: Any,
) -> bool:
    """Put an action that has not reached its server back before people, with what they should see now. `did_nothing`:
    it has, and the server itself says that nothing was done. `terms` are other columns: how many have to approve, by
    which rule."""
    untouched = () if did_nothing else (Action.started_at.is_(None),)
    return await move(
        session,
        claim.workspace_id,
        claim.action_id,
        "executing",
        "pending",
        Action.fence == claim.fence,
        *untouched,
        started_at=None,
        preview=preview,
        decision_reason=reason,
        expires_at=expires_at,
        round=round,
        decided_at=None,
        lease_owner=None,
        lease_until=None,
        **terms,
    )


async def _update(session: AsyncSession, claim: Claim, **values: Any) -> bool:
    updated = await session.scalar(
        update(Action)
        .where(
            Action.workspace_id == claim.workspace_id,
            Action.id == claim.action_id,
            Action.state == "executing",
            Action.fence == claim.fence,
        )
        .values(version=Action.version + 1, updated_at=system_now(), **values)
        .returning(Action.id)
        .execution_options(synchronize_session=False)
    )
    return updated is not None
