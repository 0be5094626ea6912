"""Beginning a conversation, saying something in it, and calling an answer off. All of it changes rows; the serving
process does what follows (worker).

Messages of one conversation are answered one after the other, in the order in which they came. Whoever writes while an
answer waits for an approval need not wait with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import Reach, to_record
from tradepost.agents.conversations.models import OPEN, Conversation, ConversationTurn, ConversationWait
from tradepost.agents.conversations.ports import Cleaning, Hub
from tradepost.agents.conversations.words import index
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, NotFound, StateConflict
from tradepost.foundation.ids import new_id

MAX_MESSAGE = 32_000  # characters
MAX_TITLE = 80
MOST_QUEUED = 20  # messages of one conversation that wait for their answer
STOPPED = "Stopped before it was answered."


@dataclass(slots=True)
class Stirred:
    """Tells this process's own parts of what was committed, so that they need not wait until they look again."""

    work: Callable[[], None] = field(default=lambda: None)
    canceled: Callable[[str], None] = field(default=lambda turn_id: None)


class Asking:
    """What people and programs do to conversations."""

    def __init__(
        self, database: Database, hub: Hub, cleaning: Cleaning, stirred: Stirred, now: Now = system_now
    ) -> None:
        self._database = database
        self._hub = hub
        self._cleaning = cleaning
        self._stirred = stirred
        self._now = now

    async def create(self, reach: Reach, agent: str | None, title: str = "") -> Conversation:
        """A new conversation. Raises NotFound, InvalidArgument."""
        by = reach.by
        async with self._database.transaction(by.workspace_id, write=True) as session:
            named = await self._hub.agent(session, by, agent)
            made = Conversation(
                id=new_id("cnv"),
                agent_id=named.id,
                agent=named.slug,
                holder=reach.holder,
                user_id=by.user_id,
                title=self._title(title),
                last_at=self._now(),
            )
            session.add(made)
        return made

    async def send(self, reach: Reach, conversation_id: str, message: str) -> ConversationTurn:
        """Say something; it is answered after what was said before. Only whose conversation it is speaks in it. Raises
        NotFound, InvalidArgument, LimitExceeded."""
        check_message(message)
        async with self._database.transaction(reach.by.workspace_id, write=True) as session:
            turn = await self.add(session, reach, conversation_id, message)
        self._stirred.work()
        return turn

    async def add(self, session: AsyncSession, reach: Reach, conversation_id: str, message: str) -> ConversationTurn:
        """The same in a transaction of the caller's, who tells those that work of it."""
        by = reach.by
        # The row is locked: two messages at the same moment get their numbers one after the other.
        number = await session.scalar(
            update(Conversation)
            .where(Conversation.id == conversation_id, Conversation.holder == reach.holder)
            .values(turns=Conversation.turns + 1, version=Conversation.version + 1, last_at=self._now())
            .returning(Conversation.turns)
            .execution_options(synchronize_session=False)
        )
        if number is None:
            await self._refuse(session, reach, conversation_id)
        await _require_room(session, conversation_id)
        turn = ConversationTurn(
            id=new_id("trn"),
            conversation_id=conversation_id,
            number=number,
            run_id=new_id("run"),
            request_id=by.request_id,
            message=message,
            caller=to_record(by),
            status="queued",
        )
        session.add(turn)
        if number == 1:
            untitled = Conversation.id == conversation_id, Conversation.title == ""
            await session.execute(update(Conversation).where(*untitled).values(title=self._title(message)))
        await index(session, conversation_id, turn.id, self._cleaning.secrets(message))
        self._hub.publish(session, by, "conversation:message", conversation_id)
        return turn

    async def cancel(self, reach: Reach, conversation_id: str, turn_id: str | None = None) -> int:
        """Call off the answer to a turn, or to all that have none yet. One that runs stops where it is; what it has
        done stays done, and a write that waits for an approval is still there to be approved or rejected. Returns how
        many turns that were. Raises NotFound; StateConflict where the turn named has ended."""
        by, stopped = reach.by, []
        async with self._database.transaction(by.workspace_id, write=True) as session:
            conversation = await session.get(Conversation, (by.workspace_id, conversation_id), with_for_update=True)
            if conversation is None or not (reach.everything or conversation.holder == reach.holder):
                raise not_there()
            if conversation.holder != reach.holder:
                self._hub.note(session, by, "conversation:stopped", conversation_id)
            wanted = select(ConversationTurn).where(ConversationTurn.conversation_id == conversation_id)
            if turn_id is not None:
                wanted = wanted.where(ConversationTurn.id == turn_id)
            turns = list(await session.scalars(wanted.order_by(ConversationTurn.number).with_for_update()))
            if turn_id is not None and not turns:
                raise not_there("turn")
            for turn in turns:
                if turn.status in OPEN and turn.canceled_by is None:
                    await call_off(session, turn, reach.holder, self._now())
                    stopped.append(turn.id)
            if turn_id is not None and not stopped:
                raise StateConflict("This turn has ended: there is nothing to stop.")
            self._hub.publish(session, by, "conversation:stopped", conversation_id)
        for one in stopped:
            self._stirred.canceled(one)
        return len(stopped)

    async def _refuse(self, session: AsyncSession, reach: Reach, conversation_id: str) -> None:
        found = await session.scalar(select(Conversation.id).where(Conversation.id == conversation_id))
        if found is not None and reach.everything:
            raise StateConflict(
                "This is somebody else's conversation: you can read it, not speak in it.",
                hint="Begin one of your own with the same agent.",
            )
        raise not_there()

    def _title(self, text: str) -> str:
        line = " ".join(self._cleaning.secrets(text).split())
        return line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1]}…"


async def call_off(session: AsyncSession, turn: ConversationTurn, by: str, now: datetime) -> None:
    """An open turn is not wanted any more. One that runs ends where it is, as soon as its process hears of it."""
    turn.canceled_by = by
    if turn.status != "running":  # nobody is at it who could end it
        turn.status, turn.answer, turn.finished_at = "stopped", STOPPED, now
        await session.execute(
            update(ConversationWait)
            .where(ConversationWait.turn_id == turn.id, ConversationWait.ended_at.is_(None))
            .values(ended_at=now)
        )


def not_there(what: str = "conversation") -> NotFound:
    """There is none, or not for whoever asks: the same words for both."""
    return NotFound(f"There is no such {what}.", hint=f"List your conversations and take the {what}'s id from there.")


def check_message(message: str) -> None:
    """Raises InvalidArgument for what is no message."""
    if not message.strip():
        raise InvalidArgument("The message is empty.", field="message")
    if len(message) > MAX_MESSAGE:
        raise InvalidArgument(
            f"The message has {len(message)} characters; at most {MAX_MESSAGE} are read.",
            hint="Send less at once.",
            field="message",
        )


async def _require_room(session: AsyncSession, conversation_id: str) -> None:
    queued = await session.scalar(
        select(func.count())
        .select_from(ConversationTurn)
        .where(ConversationTurn.conversation_id == conversation_id, ConversationTurn.status == "queued")
    )
    if (queued or 0) >= MOST_QUEUED:
        raise LimitExceeded(
            f"{MOST_QUEUED} messages of this conversation wait for their answer already.",
            hint="Wait for an answer, or stop what you do not need any more.",
        )
