"""Taking one answer: the verdict, the move of the action, the audit row and the event, in the caller's transaction."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User
from tradepost.hub.actions.answering import How
from tradepost.hub.actions.approvers import Right, approvals_of
from tradepost.hub.actions.models import Action, ActionState, ActionVerdict
from tradepost.hub.actions.recorded import about
from tradepost.hub.actions.states import move
from tradepost.hub.actions.views import view
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.events.publish import publish

Answer = Literal["approve", "reject"]


class Taking:
    """Takes answers whose right was checked."""

    def __init__(self, audit: AuditWriter) -> None:
        self._audit = audit

    async def take(
        self,
        session: AsyncSession,
        action: Action,
        by: Caller,
        right: Right,
        answer: Answer,
        comment: str | None,
        how: How,
        now: datetime,
    ) -> None:
        """Take one. Raises StateConflict where another one was first."""
        session.add(
            ActionVerdict(
                id=new_id("vrd"),
                action_id=action.id,
                round=action.round,
                user_id=right.user.id,
                verdict=answer,
                comment=comment,
                way=how.way,
                on_behalf_of=right.on_behalf_of,
                created_at=now,
            )
        )
        await session.flush()
        after: ActionState = "rejected" if answer == "reject" else "approved"
        if answer == "approve" and len(await approvals_of(session, action)) < action.approvals_needed:
            self.record(session, action, by, right.user, "seconded", how, right.on_behalf_of)
            return
        if not await move(session, action.workspace_id, action.id, "pending", after, decided_at=now):
            raise await already(session, action)
        self.record(session, action, by, right.user, after, how, right.on_behalf_of)

    def record(
        self,
        session: AsyncSession,
        action: Action,
        by: Caller,
        user: User,
        verb: str,
        how: How,
        on_behalf_of: str | None = None,
        comment: str | None = None,
    ) -> None:
        """The audit row and the event of what a person did to an action. `comment` is for what leaves no verdict."""
        more = {"on_behalf_of": on_behalf_of, "comment": comment}
        details = {"way": how.way, **{name: value for name, value in more.items() if value is not None}}
        fact = AuditFact.of(
            by,
            "decision",
            f"approval:{verb}",
            **about(action),
            decision=verb,
            approver_id=user.id,
            outcome=verb,
            details=details,
        )
        self._audit.record(session, fact)
        publish(session, action.workspace_id, f"action:{verb}", action.id, actor=user.id, request_id=by.request_id)


async def locked(session: AsyncSession, action_id: str) -> Action:
    """An action that nobody else moves until the transaction ends. Raises NotFound."""
    action = (await session.scalars(select(Action).where(Action.id == action_id).with_for_update())).one_or_none()
    if action is None:
        raise NotFound("There is no approval with that id.", hint="List approvals and take the id from there.")
    return action


async def already(session: AsyncSession, action: Action) -> StateConflict:
    """What whoever comes too late is told."""
    shown = await view(session, action.id)
    return StateConflict(shown.what_happened(), hint="An action is answered once.", details={"state": shown.state})


def expired(expires_at: datetime) -> StateConflict:
    """What whoever comes after its time is told."""
    return StateConflict(
        f"This approval expired at {to_rfc3339(expires_at)}.",
        hint="The agent has to ask again, with a new idempotency key.",
        details={"state": "expired"},
    )
