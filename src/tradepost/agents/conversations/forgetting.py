"""What is not kept for ever: personal data is taken out of a conversation when somebody asks for it, or after the days
that a workspace's rule names; whole conversations are deleted after theirs.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asking import not_there
from tradepost.agents.conversations.elsewhere_models import ConversationWords
from tradepost.agents.conversations.handover_models import TAKEN, WAITING, ConversationHandover, ConversationRemark
from tradepost.agents.conversations.models import (
    OPEN,
    ROW_ID,
    Conversation,
    ConversationFeedback,
    ConversationSettings,
    ConversationStep,
    ConversationText,
    ConversationTurn,
    ConversationWait,
)
from tradepost.agents.conversations.ports import Cleaning, Hub
from tradepost.agents.conversations.words import index
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds

LEAST_DAYS, MOST_DAYS = 1, 36_500
PERSONAL, SECRET = "[personal]", "[secret]"
ROUND_SECONDS = 3_600.0
AT_ONCE = 100  # conversations in one transaction

_log = logging.getLogger(__name__)


class Forgetting:
    """Redacts and deletes. `start` and `stop` are for the process that serves."""

    def __init__(self, database: Database, hub: Hub, cleaning: Cleaning, now: Now = system_now) -> None:
        self._database = database
        self._hub = hub
        self._cleaning = cleaning
        self._now = now
        self._rounds = Rounds("conversations' retention", self._round, ROUND_SECONDS)

    async def start(self) -> None:
        """Look now and then what is due."""
        self._rounds.start()

    async def stop(self) -> None:
        """End with the round under way."""
        await self._rounds.stop()

    async def redact(self, by: Caller, conversation_id: str) -> Conversation:
        """Take personal data and secrets out of one conversation for good: out of messages, answers, steps, feedback
        and the search index. What models said goes altogether, so that its turns are not gone on with in detail. Raises
        NotFound; StateConflict while a turn is under way."""
        async with self._database.transaction(by.workspace_id, write=True) as session:
            found = await session.get(Conversation, (by.workspace_id, conversation_id), with_for_update=True)
            if found is None:
                raise not_there()
            under_way = select(ConversationTurn.id).where(
                ConversationTurn.conversation_id == conversation_id, ConversationTurn.status.in_(OPEN)
            )
            if await session.scalar(under_way.limit(1)) is not None:
                raise StateConflict(
                    "A turn of this conversation is under way, or waits for an approval.",
                    hint="Wait for its end, or stop it first.",
                )
            await self._take_out(session, found)
            self._hub.note(session, by, "conversation:redacted", conversation_id)
        return found

    async def rules(self, workspace_id: str) -> ConversationSettings:
        """How long the workspace keeps conversations."""
        async with self._database.transaction(workspace_id, write=False) as session:
            return await _rules(session)

    async def change_rules(self, by: Caller, changed: Mapping[str, int | None]) -> ConversationSettings:
        """Set what is named: `redact_days`, `keep_days`; None is for good. Raises InvalidArgument."""
        for name, days in changed.items():
            if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
                raise InvalidArgument(f"{name} is between {LEAST_DAYS} and {MOST_DAYS} days.", field=name)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            row = await _rules(session)
            before = {name: getattr(row, name) for name in changed}
            if before != dict(changed):
                for name, days in changed.items():
                    setattr(row, name, days)
                session.add(row)
                details = {"before": before, "after": dict(changed)}
                self._hub.note(session, by, "conversations:rules", row.id, details)
            await session.flush()
        return row

    async def forget_due(self) -> None:
        """Do what the rules of all workspaces want done by now."""
        async with self._database.system(write=False) as session:
            limited = or_(ConversationSettings.keep_days.is_not(None), ConversationSettings.redact_days.is_not(None))
            rules = list(await session.scalars(select(ConversationSettings).where(limited)))
        for one in rules:
            by = Caller(one.workspace_id, Principal("system", "retention"), new_id("req"))
            while one.keep_days is not None and await self._delete_some(by, one.keep_days):
                continue
            while one.redact_days is not None and await self._redact_some(by, one.redact_days):
                continue

    async def _round(self) -> None:
        try:
            await self.forget_due()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("old conversations are kept for now: %s", error)

    async def _delete_some(self, by: Caller, days: int) -> bool:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            ids = list(await session.scalars(select(Conversation.id).where(*self._older(days)).limit(AT_ONCE)))
            if not ids:
                return False
            await session.execute(delete(ConversationText).where(ConversationText.conversation_id.in_(ids)))
            said = (ConversationFeedback, ConversationWait, ConversationStep, ConversationRemark)
            for model in (*said, ConversationHandover, ConversationTurn):
                await session.execute(delete(model).where(model.conversation_id.in_(ids)))
            await session.execute(delete(Conversation).where(Conversation.id.in_(ids)))
            self._hub.note(session, by, "conversations:deleted", ROW_ID, {"count": len(ids), "days": days})
        return True

    async def _redact_some(self, by: Caller, days: int) -> bool:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            due = select(Conversation).where(*self._older(days), Conversation.redacted_at.is_(None)).limit(AT_ONCE)
            found = list(await session.scalars(due))
            for one in found:
                await self._take_out(session, one)
            if found:
                details = {"count": len(found), "days": days}
                self._hub.note(session, by, "conversations:redacted", ROW_ID, details)
        return bool(found)

    def _older(self, days: int) -> tuple[Any, ...]:
        """Conversations that nobody has said anything in for so long; one that waits for a person is not over."""
        under_way = select(ConversationTurn.conversation_id).where(ConversationTurn.status.in_(OPEN))
        with_somebody = Conversation.with_person.in_((WAITING, TAKEN))
        return (
            Conversation.last_at < self._now() - timedelta(days=days),
            Conversation.id.not_in(under_way),
            with_somebody.is_not(True),
        )

    async def _take_out(self, session: AsyncSession, conversation: Conversation) -> None:
        cleaned = self._cleaning.cleaned
        of_it = conversation.id
        conversation.title = cleaned(conversation.title)
        conversation.redacted_at = self._now()
        for turn in await session.scalars(select(ConversationTurn).where(ConversationTurn.conversation_id == of_it)):
            turn.message, turn.answer = cleaned(turn.message), cleaned(turn.answer)
            turn.findings = self._value(turn.findings)
            await index(session, of_it, turn.id, turn.message, turn.answer)
        for step in await session.scalars(select(ConversationStep).where(ConversationStep.conversation_id == of_it)):
            step.content, step.messages = self._value(step.content), []
        for wait in await session.scalars(select(ConversationWait).where(ConversationWait.conversation_id == of_it)):
            wait.result = self._value(wait.result)
        asked = select(ConversationHandover).where(ConversationHandover.conversation_id == of_it)
        for handover in await session.scalars(asked):
            handover.reason = cleaned(handover.reason)
        remarks = select(ConversationRemark).where(ConversationRemark.conversation_id == of_it)
        for remark in await session.scalars(remarks):
            remark.text = cleaned(remark.text)
        await session.execute(delete(ConversationWords).where(ConversationWords.conversation_id == of_it))
        said = select(ConversationFeedback).where(ConversationFeedback.conversation_id == of_it)
        for feedback in await session.scalars(said):
            feedback.words = cleaned(feedback.words)

    def _value(self, value: Any) -> Any:
        """JSON without personal data and secrets: fields that hold such by their name, and texts that look like it."""
        if isinstance(value, str):
            return self._cleaning.cleaned(value)
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, dict):
            return {name: self._field(name, one) for name, one in value.items()}
        return value

    def _field(self, name: str, value: Any) -> Any:
        kind = self._cleaning.kind_of(name)
        if kind is None or value is None or isinstance(value, bool):
            return self._value(value)
        return SECRET if kind == "secret" else PERSONAL


async def _rules(session: AsyncSession) -> ConversationSettings:
    row = await session.scalar(select(ConversationSettings).where(ConversationSettings.id == ROW_ID))
    return row if row is not None else ConversationSettings(id=ROW_ID, redact_days=None, keep_days=None)
