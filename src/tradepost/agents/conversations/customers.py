"""What a customer of the shop does with the assistant: begin, say something, look back, judge, ask for a person.

A conversation belongs to exactly that customer, whatever session they come with; those of others are not there. While a
person of the shop has it, what the customer says goes to that person.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.asking import Asking, Stirred, not_there
from tradepost.agents.conversations.customer_views import CustomerView, message_of_remark, message_of_turn, view_of
from tradepost.agents.conversations.handover_models import CLOSED
from tradepost.agents.conversations.handovers import add_remark, hand_over, open_handover
from tradepost.agents.conversations.judging import Judging
from tradepost.agents.conversations.looking import Looking, Wanted
from tradepost.agents.conversations.models import Conversation, ConversationFeedback, ConversationTurn
from tradepost.agents.conversations.ports import CustomerLimits, Hub
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, RateLimited, StateConflict

MINUTE, DAY = 60, 86_400  # seconds
CLOSED_WORDS = "This conversation is closed."


class Customers:
    """For callers that are customers of the shop."""

    def __init__(
        self, database: Database, hub: Hub, asking: Asking, looking: Looking, judging: Judging, stirred: Stirred,
        now: Now = system_now,
    ) -> None:  # fmt: skip
        self._database = database
        self._hub = hub
        self._asking = asking
        self._looking = looking
        self._judging = judging
        self._stirred = stirred
        self._now = now

    async def begin(self, by: Caller, message: str | None) -> CustomerView:
        """A new conversation, with its first message where there is one. Raises StateConflict where nobody answers,
        InvalidArgument, RateLimited."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            named = await self._hub.for_customers(session, by)
            limits = await self._hub.customer_limits(session, named.id)
        _check(message, limits)
        await self._count(by, limits)
        made = await self._asking.create(Reach(by), named.slug)
        if message is not None:
            await self._asking.send(Reach(by), made.id, message)
        return await self.view(by, made.id)

    async def send(self, by: Caller, conversation_id: str, message: str) -> CustomerView:
        """Say something, to the assistant or to the person who has the conversation. Returns it with that message at
        least. Raises NotFound, InvalidArgument, StateConflict, RateLimited, LimitExceeded."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            mine = await _mine(session, by, conversation_id)
            limits = await self._hub.customer_limits(session, mine.agent_id)
            _check(message, limits)
            if mine.with_person is None:
                await self._hub.require_on(session, mine.agent_id)
                await _require_tokens(session, conversation_id, limits)
        await self._count(by, limits)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            mine = await _mine(session, by, conversation_id, lock=True)  # it may have been handed over just now
            if mine.with_person == CLOSED:
                raise StateConflict(CLOSED_WORDS, hint="Begin a new one.")
            handover = None if mine.with_person is None else await open_handover(session, mine.id)
            if handover is not None:
                remark = await add_remark(session, mine, handover.id, "customer", by, message, self._now())
                said = [message_of_remark(remark)]
                self._hub.publish(session, by, "conversation:message", mine.id)
            else:
                said = message_of_turn(await self._asking.add(session, Reach(by), mine.id, message))
            view = CustomerView(mine.id, mine.with_person, mine.created_at, mine.last_at, said)
        self._stirred.work()
        return view

    async def list(self, by: Caller, limit: int, cursor: str | None) -> tuple[Sequence[Conversation], str | None]:
        """Their conversations, the one that was spoken in last first. Raises InvalidArgument."""
        return await self._looking.list(Reach(by), Wanted(mine=True), limit, cursor)

    async def view(self, by: Caller, conversation_id: str) -> CustomerView:
        """One, as its customer sees it. Raises NotFound."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            return await view_of(session, await _mine(session, by, conversation_id))

    async def judge(
        self, by: Caller, conversation_id: str, score: int, words: str, turn_id: str | None
    ) -> ConversationFeedback:
        """Say what an answer was worth. Raises NotFound, InvalidArgument, StateConflict."""
        return await self._judging.give(Reach(by), conversation_id, score, words, turn_id)

    async def ask_for_person(self, by: Caller, conversation_id: str, words: str) -> CustomerView:
        """Let a person of the shop take over. Asked again, it stays asked. Raises NotFound, InvalidArgument,
        StateConflict, RateLimited."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            mine = await _mine(session, by, conversation_id)
            limits = await self._hub.customer_limits(session, mine.agent_id)
        await self._count(by, limits)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            mine = await _mine(session, by, conversation_id, lock=True)
            if mine.with_person == CLOSED:
                raise StateConflict(CLOSED_WORDS, hint="Begin a new one.")
            called_off = await hand_over(session, self._hub, by, mine.id, "customer", words, self._now())
        for turn_id in called_off:
            self._stirred.canceled(turn_id)
        return await self.view(by, conversation_id)

    async def _count(self, by: Caller, limits: CustomerLimits) -> None:
        """One more message of this customer. Raises RateLimited."""
        who = Reach(by).holder
        for seconds, limit, words in ((MINUTE, limits.per_minute, "a minute"), (DAY, limits.per_day, "a day")):
            rest = await self._hub.count(by.workspace_id, f"shopper-{seconds}/{who}", seconds, limit)
            if rest is not None:
                raise RateLimited(
                    f"These are too many messages: {limit} in {words} are allowed.",
                    hint=f"Wait {rest:.0f} s and send it again.",
                    retry_after_seconds=rest,
                    details={"limit": limit, "window_seconds": seconds},
                )


async def _mine(session: AsyncSession, by: Caller, conversation_id: str, *, lock: bool = False) -> Conversation:
    """A conversation of this customer. Raises NotFound."""
    statement = select(Conversation).where(Conversation.id == conversation_id, Conversation.holder == Reach(by).holder)
    found: Conversation | None = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise not_there()
    return found


def _check(message: str | None, limits: CustomerLimits) -> None:
    if message is not None and len(message) > limits.characters:
        raise InvalidArgument(
            f"The message has {len(message)} characters; at most {limits.characters} are read.",
            hint="Say it in fewer words.",
            field="message",
            details={"limit": limits.characters},
        )
    if message is not None and not message.strip():
        raise InvalidArgument("The message is empty.", field="message")


async def _require_tokens(session: AsyncSession, conversation_id: str, limits: CustomerLimits) -> None:
    turn = ConversationTurn
    spent = func.coalesce(func.sum(turn.tokens_in + turn.tokens_out), 0)
    used = await session.scalar(select(spent).where(turn.conversation_id == conversation_id))
    if (used or 0) >= limits.tokens:
        raise LimitExceeded(
            "This conversation has become too long for the assistant.",
            hint="Begin a new one, or ask for a person.",
            details={"limit": limits.tokens},
        )
