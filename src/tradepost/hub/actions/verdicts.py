"""People's answers. Answering only changes the row; the serving process carries approved actions out.

An action is answered by a person once: the move out of `pending` is a compare and set, so of two who approve at the
same moment one is told that the other was first.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User
from tradepost.hub.actions.approvers import approver, person_behind
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.models import Action, ActionState, ActionVerdict
from tradepost.hub.actions.recorded import about
from tradepost.hub.actions.states import move
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.events.publish import publish

MAX_COMMENT_CHARACTERS = 2_000

Answer = Literal["approve", "reject"]


class Verdicts:
    """Takes the answers of named people."""

    def __init__(self, database: Database, audit: AuditWriter, clock: ActionClock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    async def approve(self, by: Caller, action_id: str, comment: str | None = None) -> ActionView:
        """Approve a pending action. With enough approvals it is carried out exactly as it was shown.

        Raises NotFound, ForbiddenScope (no such right), StateConflict (already answered, expired)."""
        return await self._answer(by, action_id, "approve", comment)

    async def reject(self, by: Caller, action_id: str, comment: str | None = None) -> ActionView:
        """Reject a pending action for good. Raises like approve."""
        return await self._answer(by, action_id, "reject", comment)

    async def cancel(self, by: Caller, action_id: str) -> ActionView:
        """Take back an action that is pending, or approved and not yet started. Raises like approve."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await person_behind(session, by)
            action = await _locked(session, action_id)
            user = await approver(session, by, action.profile_id)
            before: ActionState = "approved" if action.state == "approved" else "pending"
            if not await move(session, by.workspace_id, action_id, before, "canceled"):
                raise await _already(session, action)
            self._record(session, action, by, user, "canceled")
            return await view(session, action_id)

    async def _answer(self, by: Caller, action_id: str, answer: Answer, comment: str | None) -> ActionView:
        if comment is not None and len(comment) > MAX_COMMENT_CHARACTERS:
            raise InvalidArgument(f"A comment has at most {MAX_COMMENT_CHARACTERS} characters.", field="comment")
        late: StateConflict | None = None
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await person_behind(session, by)
            action = await _locked(session, action_id)
            user = await approver(session, by, action.profile_id)
            if action.state != "pending":
                raise await _already(session, action)
            now = await self._clock.now(session)
            if action.expires_at is not None and action.expires_at <= now:
                await move(session, by.workspace_id, action_id, "pending", "expired", decided_at=now)
                self._record(session, action, by, user, "expired")
                late = _expired(action.expires_at)
            else:
                await self._take(session, action, by, user, answer, comment, now)
            shown = await view(session, action_id)
        if late is not None:
            raise late
        return shown

    async def _take(
        self,
        session: AsyncSession,
        action: Action,
        by: Caller,
        user: User,
        answer: Answer,
        comment: str | None,
        now: datetime,
    ) -> None:
        if action.approvals_needed > 1 and action.user_id == user.id and answer == "approve":
            raise ForbiddenScope("Whoever asked for this cannot approve it too: it needs other people.")
        said = await session.scalar(_verdicts_of(action).where(ActionVerdict.user_id == user.id))
        if said:
            raise StateConflict(f"{user.name} has approved this already.", hint="Another person has to approve it too.")
        session.add(
            ActionVerdict(
                id=new_id("vrd"),
                action_id=action.id,
                round=action.round,
                user_id=user.id,
                verdict=answer,
                comment=comment,
            )
        )
        await session.flush()
        after: ActionState = "rejected" if answer == "reject" else "approved"
        approvals = await session.scalar(_verdicts_of(action).where(ActionVerdict.verdict == "approve")) or 0
        if answer == "approve" and approvals < action.approvals_needed:
            self._record(session, action, by, user, "seconded")
            return
        if not await move(session, action.workspace_id, action.id, "pending", after, decided_at=now):
            raise await _already(session, action)
        self._record(session, action, by, user, after)

    def _record(self, session: AsyncSession, action: Action, by: Caller, user: User, verb: str) -> None:
        fact = AuditFact.of(
            by,
            "decision",
            f"approval:{verb}",
            **about(action),
            decision=verb,
            approver_id=user.id,
            outcome=verb,
        )
        self._audit.record(session, fact)
        publish(session, action.workspace_id, f"action:{verb}", action.id, actor=user.id, request_id=by.request_id)


def _verdicts_of(action: Action) -> Select[int]:
    return (
        select(func.count())
        .select_from(ActionVerdict)
        .where(ActionVerdict.action_id == action.id, ActionVerdict.round == action.round)
    )


async def _locked(session: AsyncSession, action_id: str) -> Action:
    action = (await session.scalars(select(Action).where(Action.id == action_id).with_for_update())).one_or_none()
    if action is None:
        raise NotFound("There is no approval with that id.", hint="List approvals and take the id from there.")
    return action


async def _already(session: AsyncSession, action: Action) -> StateConflict:
    shown = await view(session, action.id)
    return StateConflict(shown.what_happened(), hint="An action is answered once.", details={"state": shown.state})


def _expired(expires_at: datetime) -> StateConflict:
    return StateConflict(
        f"This approval expired at {to_rfc3339(expires_at)}.",
        hint="The agent has to ask again, with a new idempotency key.",
        details={"state": "expired"},
    )
