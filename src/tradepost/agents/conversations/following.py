"""A conversation as it goes on, for whoever watches: what a model is writing, every step that was kept, and where its
turns stand. Steps are numbered, so who lost their connection goes on with the next one.

The turn may run in another process: its steps come through the database, and the outbox tells when to look.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from sqlalchemy import func, or_, select

from tradepost.agents.conversations.looking import TurnView
from tradepost.agents.conversations.models import OPEN, ConversationStep, ConversationTurn, ConversationWait
from tradepost.agents.conversations.watching import Delta, Watchers
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.protocol.updates import Updates

HEARTBEAT_SECONDS = 15.0
CONFIRM_SECONDS = 1.0  # so long at most somebody watches who was shut out meanwhile
_AT_ONCE = 200  # steps in one look
_BUSY = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for a while."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come: no turn is under way."""


Event = Delta | ConversationStep | TurnView | Beat | End
Confirm = Callable[[Caller], Awaitable[None]]


@dataclass(slots=True)
class _Place:
    """How far a watcher is: the last step, and how the turns stood that it has heard of. `is_behind`: there are more
    steps than one look takes. `is_busy`: a turn is under way."""

    after: int
    heard: dict[str, str] = field(default_factory=dict)
    is_behind: bool = False
    is_busy: bool = True


class Following:
    """Watches conversations for clients. `confirm` raises for one that may not look any more."""

    def __init__(self, database: Database, watchers: Watchers, updates: Updates, confirm: Confirm) -> None:
        self._database = database
        self._watchers = watchers
        self._updates = updates
        self._confirm = confirm

    async def follow(
        self,
        by: Caller,
        conversation_id: str,
        after: int | None,
        *,
        stay: bool = False,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> AsyncGenerator[Event, None]:
        """What follows step number `after`, or without it what follows the last message. Ends when no turn is under
        way any more or, if it is to `stay`, when the process stops. Raises what `confirm` raises; LimitExceeded,
        Unavailable."""
        watcher, topic = self._watchers.add(conversation_id), (by.workspace_id, conversation_id)
        try:
            await self._updates.add(topic, conversation_id, watcher)
            try:
                looked_at = monotonic()
                place = _Place(await self._first(by, conversation_id) if after is None else after)
                while not watcher.is_over:
                    for delta in watcher.taken():
                        yield delta
                    for event in await self._look(by, conversation_id, place):
                        yield event
                    if place.is_behind:
                        continue
                    if not stay and not place.is_busy:
                        yield End()
                        return
                    if not await watcher.stirred(heartbeat_seconds):
                        yield Beat()
                    if monotonic() - looked_at >= CONFIRM_SECONDS:
                        await self._confirm(by)
                        looked_at = monotonic()
            finally:
                self._updates.remove(topic, conversation_id, watcher)
        finally:
            self._watchers.remove(conversation_id, watcher)

    async def _first(self, by: Caller, conversation_id: str) -> int:
        """The last step before the oldest turn that is under way, or before the newest one."""
        turn, step = ConversationTurn, ConversationStep
        of_it = turn.conversation_id == conversation_id
        async with self._database.transaction(by.workspace_id, write=False) as session:
            number = await session.scalar(select(func.min(turn.number)).where(of_it, turn.status.in_(_BUSY)))
            if number is None:
                number = await session.scalar(select(func.max(turn.number)).where(of_it))
            before = select(turn.id).where(of_it, turn.number < (number or 1))
            steps = select(func.max(step.number)).where(step.conversation_id == conversation_id)
            return await session.scalar(steps.where(step.turn_id.in_(before))) or 0

    async def _look(self, by: Caller, conversation_id: str, place: _Place) -> list[Event]:
        """What is new. Turns are looked at before steps: all steps of one that has ended are there then."""
        turn, step, wait = ConversationTurn, ConversationStep, ConversationWait
        async with self._database.transaction(by.workspace_id, write=False) as session:
            of_it = turn.conversation_id == conversation_id
            newest = select(func.max(turn.number)).where(of_it).scalar_subquery()
            concerned = or_(turn.status.in_(OPEN), turn.id.in_(list(place.heard)), turn.number == newest)
            turns = list(await session.scalars(select(turn).where(of_it, concerned).order_by(turn.number)))
            steps = list(
                await session.scalars(
                    select(step)
                    .where(step.conversation_id == conversation_id, step.number > place.after)
                    .order_by(step.number)
                    .limit(_AT_ONCE)
                )
            )
            news = [one for one in turns if place.heard.get(one.id) != one.status]
            waits = list(await session.scalars(select(wait).where(wait.turn_id.in_([one.id for one in news]))))
        place.is_behind = len(steps) == _AT_ONCE
        place.is_busy = any(one.status in _BUSY for one in turns)
        if steps:
            place.after = steps[-1].number
        events: list[Event] = list(steps)
        if not place.is_behind:
            for one in news:
                events.append(TurnView(one, (), tuple(each for each in waits if each.turn_id == one.id), ()))
                place.heard[one.id] = one.status
        return events
