"""People's answers. Answering only changes the row; the serving process carries approved actions out.

An action is answered by a person once: the move out of `pending` is a compare and set, so of two who approve at the
same moment one is told that the other was first.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.again import whole
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, StateConflict
from tradepost.hub.access.models import User
from tradepost.hub.actions.answering import Freshness, How, check_what_was_seen
from tradepost.hub.actions.approvers import (
    CONFIRMED,
    Right,
    check_not_answered_yet,
    person_behind,
    require_right,
    right_to_approve,
)
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.models import Action, ActionState
from tradepost.hub.actions.settling import Found, settle_unknown
from tradepost.hub.actions.shapes import MOST_AT_ONCE, check_one_shape
from tradepost.hub.actions.states import move
from tradepost.hub.actions.taking import Answer, Taking, already, expired, locked
from tradepost.hub.actions.views import ActionView, view
from tradepost.hub.audit.writer import AuditWriter

MAX_COMMENT_CHARACTERS = 2_000
UNPROVEN = How()


def _nobody_waits() -> None:
    """Where no process of ours carries actions out."""


class Verdicts:
    """Takes the answers of named people. `fresh` says when they have to prove who they are, `approved` is called once
    there is something to carry out."""

    def __init__(
        self,
        database: Database,
        audit: AuditWriter,
        clock: ActionClock,
        fresh: Freshness | None = None,
        approved: Callable[[], None] = _nobody_waits,
    ) -> None:
        self._database = database
        self._clock = clock
        self._fresh = fresh
        self._approved = approved
        self._taking = Taking(audit)

    async def approve(self, by: Caller, action_id: str, comment: str | None = None, how: How = UNPROVEN) -> ActionView:
        """Approve a pending action. With enough approvals it is carried out exactly as it was shown.

        Raises NotFound, ForbiddenScope (no such right), StateConflict (already answered, expired)."""
        return await self._answer(by, action_id, "approve", comment, how)

    async def reject(self, by: Caller, action_id: str, comment: str | None = None, how: How = UNPROVEN) -> ActionView:
        """Reject a pending action for good. Raises like approve."""
        return await self._answer(by, action_id, "reject", comment, how)

    async def answer_group(
        self, by: Caller, answer: Answer, members: Mapping[str, str], comment: str | None, how: How
    ) -> list[ActionView]:
        """One answer to several actions of one agent, tool and shape: exactly those named, each with the fingerprint
        of its arguments. All of them or none. Raises like approve; InvalidArgument, StateConflict for what is no
        group."""
        check_comment(comment)
        if not 1 <= len(members) <= MOST_AT_ONCE:
            raise InvalidArgument(f"One answer is for 1 to {MOST_AT_ONCE} actions.", field="members")
        proven = await self._proven(by, how)

        async def answered() -> list[ActionView]:
            async with self._database.transaction(by.workspace_id, write=True) as session:
                user = await person_behind(session, by)
                actions = [await locked(session, action_id) for action_id in sorted(members)]
                for action in actions:
                    await require_right(session, user, action, await self._clock.now(session))
                check_one_shape(actions, members)
                for action in actions:
                    await self._one(session, action, by, user, answer, comment, how, proven=proven)
                return [await view(session, action_id) for action_id in members]

        shown = await whole(answered)
        self._approved()
        return shown

    async def confirm(self, by: Caller, action_id: str, accepted: bool) -> ActionView:
        """The answer of the person who made the call, where the decision lets them say it themselves. Raises
        ForbiddenScope for whoever is another one, an agent, or nobody; StateConflict."""
        shown = await whole(lambda: self._confirmed(by, action_id, accepted=accepted))
        self._approved()
        return shown

    async def _confirmed(self, by: Caller, action_id: str, *, accepted: bool) -> ActionView:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            action = await locked(session, action_id)
            user = await session.scalar(select(User).where(User.id == by.user_id, User.status == "active"))
            if user is None or user.id != action.user_id or action.approvals_needed != 1:
                raise ForbiddenScope("Only the person who made this call can confirm it.")
            now = await self._clock.now(session)
            if action.approver_role is not None:
                await require_right(session, user, action, now)
            if action.state != "pending":
                raise await already(session, action)
            if action.expires_at is not None and action.expires_at <= now:
                raise expired(action.expires_at)
            right, how = Right(user, user.id), How(way=CONFIRMED)
            answer: Answer = "approve" if accepted else "reject"
            await self._taking.take(session, action, by, right, answer, None, how, now)
            return await view(session, action_id)

    async def cancel(self, by: Caller, action_id: str) -> ActionView:
        """Take back an action that is pending, or approved and not yet started. Raises like approve."""
        return await whole(lambda: self._canceled(by, action_id))

    async def _canceled(self, by: Caller, action_id: str) -> ActionView:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            user = await person_behind(session, by)
            action = await locked(session, action_id)
            await require_right(session, user, action, await self._clock.now(session))
            before: ActionState = "approved" if action.state == "approved" else "pending"
            if not await move(session, by.workspace_id, action_id, before, "canceled"):
                raise await already(session, action)
            self._taking.record(session, action, by, user, "canceled", UNPROVEN)
            return await view(session, action_id)

    async def settle(
        self, by: Caller, action_id: str, found: Found, comment: str | None = None, how: How = UNPROVEN
    ) -> ActionView:
        """Say what became of an action whose outcome is unknown, after having looked where it should have had its
        effect. Raises like approve."""
        check_comment(comment)
        proven = await self._proven(by, how)
        return await whole(lambda: self._settled(by, action_id, found, comment, how, proven=proven))

    async def _settled(
        self, by: Caller, action_id: str, found: Found, comment: str | None, how: How, *, proven: bool
    ) -> ActionView:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            user = await person_behind(session, by)
            action = await locked(session, action_id)
            await require_right(session, user, action, await self._clock.now(session))
            if action.moves_money and not proven and self._fresh is not None:
                await self._fresh.require(session, user)
            await settle_unknown(session, action, found, user, comment)
            self._taking.record(session, action, by, user, f"settled_{found}", how, comment=comment)
            return await view(session, action_id)

    async def _answer(self, by: Caller, action_id: str, answer: Answer, comment: str | None, how: How) -> ActionView:
        check_comment(comment)
        proven = await self._proven(by, how)
        shown, late = await whole(lambda: self._answered(by, action_id, answer, comment, how, proven=proven))
        if late is not None:
            raise late
        self._approved()
        return shown

    async def _answered(
        self, by: Caller, action_id: str, answer: Answer, comment: str | None, how: How, *, proven: bool
    ) -> tuple[ActionView, StateConflict | None]:
        """One transaction. With the refusal of an answer that came too late, which is kept as such."""
        late: StateConflict | None = None
        async with self._database.transaction(by.workspace_id, write=True) as session:
            user = await person_behind(session, by)
            action = await locked(session, action_id)
            now = await self._clock.now(session)
            if action.state == "pending" and action.expires_at is not None and action.expires_at <= now:
                await require_right(session, user, action, now)
                await move(session, by.workspace_id, action_id, "pending", "expired", decided_at=now)
                self._taking.record(session, action, by, user, "expired", how)
                late = expired(action.expires_at)
            else:
                await self._one(session, action, by, user, answer, comment, how, proven=proven)
            return await view(session, action_id), late

    async def _one(
        self,
        session: AsyncSession,
        action: Action,
        by: Caller,
        user: User,
        answer: Answer,
        comment: str | None,
        how: How,
        *,
        proven: bool,
    ) -> None:
        now = await self._clock.now(session)
        rights = await require_right(session, user, action, now)
        if action.state != "pending":
            raise await already(session, action)
        if action.expires_at is not None and action.expires_at <= now:
            raise expired(action.expires_at)
        check_what_was_seen(action, how)
        await check_not_answered_yet(session, action, user)
        right = rights[0]
        if answer == "approve":
            right = await right_to_approve(session, action, rights)
            if action.moves_money and not proven and self._fresh is not None:
                await self._fresh.require(session, user)
        await self._taking.take(session, action, by, right, answer, comment, how, now)

    async def _proven(self, by: Caller, how: How) -> bool:
        """Whether who answers has proved it a moment ago, or with the code they sent."""
        if how.code is not None and self._fresh is not None and by.agent_id is None and by.user_id is not None:
            return await self._fresh.proven(by.workspace_id, by.user_id, how.code)
        return how.proven


def check_comment(comment: str | None) -> None:
    """Raises InvalidArgument for one that is too long."""
    if comment is not None and len(comment) > MAX_COMMENT_CHARACTERS:
        raise InvalidArgument(f"A comment has at most {MAX_COMMENT_CHARACTERS} characters.", field="comment")
