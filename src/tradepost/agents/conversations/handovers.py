"""Handing a conversation of a customer over to a person of the shop, and what the person does with it.

From the wish for a person until it is given back, the assistant keeps silent: nothing that is said becomes a turn, and
turns that wait go on afterwards (claims). There is one record of it, this one; the conversation is the case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.asking import Stirred, call_off, check_message, not_there
from tradepost.agents.conversations.handover_models import (
    CLOSED,
    GIVEN_BACK,
    TAKEN,
    WAITING,
    ConversationHandover,
    ConversationRemark,
)
from tradepost.agents.conversations.looking import moment_of, next_cursor
from tradepost.agents.conversations.models import OPEN, Conversation, ConversationTurn
from tradepost.agents.conversations.ports import Hub
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.pagination import decode_cursor

MAX_REASON = 500
UNENDED = (WAITING, TAKEN)
AskedBy = Literal["customer", "assistant"]


@dataclass(frozen=True, slots=True)
class Handed:
    """A hand-over and the conversation it is about."""

    handover: ConversationHandover
    conversation: Conversation


class Handovers:
    """What people of the shop do with conversations that were handed over. Whoever calls may see them all."""

    def __init__(self, database: Database, hub: Hub, stirred: Stirred, now: Now = system_now) -> None:
        self._database = database
        self._hub = hub
        self._stirred = stirred
        self._now = now

    async def list(
        self, reach: Reach, states: Sequence[str], limit: int, cursor: str | None
    ) -> tuple[Sequence[Handed], str | None]:
        """Those in one of these states, the one that has waited longest first, and the cursor of the next page."""
        kind = f"handovers:{','.join(states)}"
        row = ConversationHandover
        statement = _with_conversation().where(row.state.in_(states)).order_by(row.created_at, row.id).limit(limit + 1)
        after = decode_cursor(kind, cursor, 2)
        if after is not None:
            since = moment_of(after.values[0]), str(after.values[1])
            statement = statement.where(tuple_(row.created_at, row.id) > tuple_(*since))
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            found = [Handed(handover, of) for handover, of in await session.execute(statement)]
        place = next_cursor(kind, found, limit, lambda one: (one.handover.created_at, one.handover.id))
        return found[:limit], place

    async def get(self, reach: Reach, handover_id: str) -> Handed:
        """One, by its id or by that of its conversation. Raises NotFound."""
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            return await _found(session, handover_id)

    async def remarks(self, reach: Reach, conversation_id: str) -> Sequence[ConversationRemark]:
        """What was said while the assistant kept silent, the first first."""
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            return await remarks_of(session, conversation_id)

    async def take(self, reach: Reach, handover_id: str, *, over: bool = False) -> Handed:
        """Answer it oneself from now on; with `over` also where a colleague has it. Raises NotFound, StateConflict."""
        async with self._database.transaction(reach.by.workspace_id, write=True) as session:
            found = await _locked(session, handover_id)
            handover = found.handover
            if handover.state == TAKEN and handover.taken_by != reach.holder and not over:
                raise _with_somebody(handover)
            if handover.state != TAKEN or handover.taken_by != reach.holder:
                before = handover.taken_by
                handover.state, handover.taken_by, handover.taken_at = TAKEN, reach.holder, self._now()
                found.conversation.with_person = TAKEN
                await self._tell(session, reach.by, found, "taken", {"before": before})
        return found

    async def answer(self, reach: Reach, handover_id: str, text: str) -> ConversationRemark:
        """Say something to the customer. Who answers one that still waits takes it with that. Raises NotFound,
        InvalidArgument, StateConflict."""
        check_message(text)
        async with self._database.transaction(reach.by.workspace_id, write=True) as session:
            found = await _locked(session, handover_id)
            handover = found.handover
            if handover.state == WAITING:
                handover.state, handover.taken_by, handover.taken_at = TAKEN, reach.holder, self._now()
                found.conversation.with_person = TAKEN
            elif handover.taken_by != reach.holder:
                raise _with_somebody(handover)
            remark = await add_remark(session, found.conversation, handover.id, "person", reach.by, text, self._now())
            await self._tell(session, reach.by, found, "answered")
        return remark

    async def end(self, reach: Reach, handover_id: str, how: Literal["given_back", "closed"]) -> Handed:
        """Let the assistant go on with it, or close the conversation for good. Raises NotFound, StateConflict."""
        called_off: list[str] = []
        async with self._database.transaction(reach.by.workspace_id, write=True) as session:
            found = await _locked(session, handover_id)
            handover = found.handover
            if handover.state == TAKEN and handover.taken_by != reach.holder:
                raise _with_somebody(handover)
            handover.state, handover.ended_at = how, self._now()
            handover.taken_by = handover.taken_by or reach.holder
            found.conversation.with_person = None if how == GIVEN_BACK else CLOSED
            if how == CLOSED:
                called_off = await _silenced(session, found.conversation.id, reach.holder, self._now(), OPEN)
            await self._tell(session, reach.by, found, how)
        for turn_id in called_off:
            self._stirred.canceled(turn_id)
        self._stirred.work()
        return found

    async def _tell(
        self, session: AsyncSession, by: Caller, found: Handed, what: str, details: dict[str, object] | None = None
    ) -> None:
        said = {"conversation": found.conversation.id, **(details or {})}
        self._hub.note(session, by, f"handover:{what}", found.handover.id, said)
        self._hub.publish(session, by, f"conversation:{what}", found.conversation.id)
        await session.flush()


async def hand_over(
    session: AsyncSession, hub: Hub, by: Caller, conversation_id: str, asked_by: AskedBy, reason: str, now: datetime
) -> list[str]:
    """Let a conversation wait for a person, in a transaction of the caller's; nothing where it does already, or is
    closed. Answers that nobody has begun to give, or that are being given, are called off; returns their turns."""
    conversation = await session.get(Conversation, (by.workspace_id, conversation_id), with_for_update=True)
    if conversation is None or conversation.with_person is not None:
        return []
    handover = ConversationHandover(
        id=new_id("hnd"),
        conversation_id=conversation_id,
        asked_by=asked_by,
        reason=reason.strip()[:MAX_REASON],
        state=WAITING,
    )
    session.add(handover)
    conversation.with_person, conversation.last_at = WAITING, now
    by_whom = f"{by.principal.kind}:{by.principal.id}"
    called_off = await _silenced(session, conversation_id, by_whom, now, ("queued", "running"))
    hub.note(session, by, "handover:asked", handover.id, {"conversation": conversation_id, "asked_by": asked_by})
    hub.publish(session, by, "conversation:handed_over", conversation_id)
    await session.flush()
    return called_off


async def add_remark(
    session: AsyncSession,
    conversation: Conversation,
    handover_id: str,
    author: Literal["customer", "person"],
    by: Caller,
    text: str,
    now: datetime,
) -> ConversationRemark:
    """Keep what somebody said in a conversation that the session has locked."""
    conversation.remarks += 1
    conversation.last_at = now
    remark = ConversationRemark(
        id=new_id("rmk"),
        conversation_id=conversation.id,
        handover_id=handover_id,
        number=conversation.remarks,
        after_turn=conversation.turns,
        author=author,
        user_id=by.user_id,
        text=text,
        at=now,
    )
    session.add(remark)
    await session.flush()
    return remark


async def remarks_of(session: AsyncSession, conversation_id: str) -> list[ConversationRemark]:
    """All remarks of a conversation, the first first."""
    row = ConversationRemark
    return list(await session.scalars(select(row).where(row.conversation_id == conversation_id).order_by(row.number)))


async def open_handover(session: AsyncSession, conversation_id: str) -> ConversationHandover | None:
    """The hand-over of a conversation that has not ended."""
    row = ConversationHandover
    found: ConversationHandover | None = await session.scalar(
        select(row).where(row.conversation_id == conversation_id, row.state.in_(UNENDED))
    )
    return found


async def _silenced(
    session: AsyncSession, conversation_id: str, by: str, now: datetime, statuses: Sequence[str]
) -> list[str]:
    """Call off the turns of a conversation that stand so. One that has asked for a person itself is at its end."""
    turn = ConversationTurn
    wanted = select(turn).where(turn.conversation_id == conversation_id, turn.status.in_(statuses))
    called_off = []
    for one in await session.scalars(wanted.with_for_update()):
        if one.canceled_by is None:
            await call_off(session, one, by, now)
            called_off.append(one.id)
    return called_off


async def _locked(session: AsyncSession, handover_id: str) -> Handed:
    """A hand-over that has not ended, both rows locked: the conversation's first, as everywhere. Raises NotFound,
    StateConflict."""
    found = await _found(session, handover_id)
    await session.execute(select(Conversation.id).where(Conversation.id == found.conversation.id).with_for_update())
    await session.refresh(found.conversation)
    await session.refresh(found.handover)
    if found.handover.state not in UNENDED:
        raise StateConflict("This hand-over has ended.", hint="The conversation is with the assistant, or closed.")
    return found


async def _found(session: AsyncSession, handover_id: str) -> Handed:
    row = ConversationHandover
    newest = _with_conversation().order_by(row.created_at.desc(), row.id.desc()).limit(1)
    named = (row.id == handover_id) | (row.conversation_id == handover_id)
    found = (await session.execute(newest.where(named))).one_or_none()
    if found is None:
        raise not_there("hand-over")
    return Handed(*found)


def _with_conversation() -> Select[ConversationHandover, Conversation]:
    row = ConversationHandover
    return select(row, Conversation).join(
        Conversation,
        (Conversation.workspace_id == row.workspace_id) & (Conversation.id == row.conversation_id),
    )


def _with_somebody(handover: ConversationHandover) -> StateConflict:
    return StateConflict(
        f"{handover.taken_by} has this conversation.",
        hint="Take it over from them first, if they agree.",
        details={"taken_by": handover.taken_by},
    )
