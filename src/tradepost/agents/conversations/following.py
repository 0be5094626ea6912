"""A conversation as it goes on, for whoever watches: what a model is writing, every step that was kept, and where its
turns stand. Steps are numbered, so who lost their connection goes on with the next one.

The turn may run in another process: its steps come through the database, and the outbox tells when to look; words that
are being written come by themselves (elsewhere).
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, fields
from time import monotonic

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.elsewhere import Hearing
from tradepost.agents.conversations.looking import StepView, TurnView
from tradepost.agents.conversations.models import OPEN, ConversationStep, ConversationTurn, ConversationWait
from tradepost.agents.conversations.watching import Delta
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup, Record
from tradepost.foundation.caller import Caller

HEARTBEAT_SECONDS = 15.0
CONFIRM_SECONDS = 1.0  # so long at most somebody watches who was shut out meanwhile
_AT_ONCE = 50  # steps in one look
_BUSY = ("queued", "running")

# Looked up after every step of every turn that somebody watches: built once.
_of_it = ConversationTurn.conversation_id == bindparam("conversation")
_NEWEST = Lookup(select(func.max(ConversationTurn.number)).where(_of_it))
_OLDEST_BUSY = Lookup(
    select(func.min(ConversationTurn.number)).where(_of_it, or_(*(ConversationTurn.status == one for one in _BUSY)))
)
_BEFORE = Lookup(
    select(func.max(ConversationStep.number))
    .join(
        ConversationTurn,
        (ConversationTurn.workspace_id == ConversationStep.workspace_id)
        & (ConversationTurn.id == ConversationStep.turn_id),
    )
    .where(_of_it, ConversationTurn.number < bindparam("number"))
)
_TURNS = Lookup(
    select(ConversationTurn)
    .where(
        _of_it, or_(*(ConversationTurn.status == one for one in OPEN), ConversationTurn.number >= bindparam("since"))
    )
    .order_by(ConversationTurn.number)
)
_STEPS = Lookup(
    select(*(getattr(ConversationStep, one.name) for one in fields(StepView)))
    .where(ConversationStep.conversation_id == bindparam("conversation"), ConversationStep.number > bindparam("after"))
    .order_by(ConversationStep.number)
    .limit(_AT_ONCE)
)
_WAITS = Lookup(select(ConversationWait).where(ConversationWait.turn_id == bindparam("turn")))


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened for a while."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come: no turn is under way."""


Event = Delta | StepView | TurnView | Beat | End
Confirm = Callable[[Caller], Awaitable[None]]


@dataclass(slots=True)
class _Place:
    """How far a watcher is: the last step, and how the turns stood that it has heard of. `since` is the number of the
    first turn that may still have news. `is_behind`: there are more steps than one look takes. `is_busy`: a turn is
    under way."""

    after: int
    since: int
    heard: dict[str, str] = field(default_factory=dict)
    is_behind: bool = False
    is_busy: bool = True


class Following:
    """Watches conversations for clients. `confirm` raises for one that may not look any more."""

    def __init__(self, database: Database, hearing: Hearing, confirm: Confirm) -> None:
        self._database = database
        self._hearing = hearing
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
        async with self._hearing.watching(by.workspace_id, conversation_id) as watcher:
            looked_at = monotonic()
            place = await self._begin(by, conversation_id, after)
            is_due, early = True, list[Delta]()
            while not watcher.is_over:
                news: list[StepView | TurnView] = []
                waited, said = early, watcher.taken()
                is_due = is_due or any(delta.after > place.after for delta in said)
                if is_due:
                    watcher.is_told = False
                    news = await self._look(by, conversation_id, place)
                    # What another process wrote before it kept these steps.
                    await self._hearing.look_at(by.workspace_id, conversation_id)
                    said += watcher.taken()
                early = [delta for delta in said if delta.after > place.after]  # kept and written since the look
                for event in _in_order([*waited, *(delta for delta in said if delta not in early)], news):
                    yield event
                if early or (is_due and place.is_behind):
                    is_due = True
                    continue
                if is_due and not stay and not place.is_busy:
                    yield End()
                    return
                is_new = await watcher.stirred(heartbeat_seconds)
                is_due = watcher.is_told or not is_new  # words that are being written are in no table
                if not is_new:
                    yield Beat()
                if monotonic() - looked_at >= CONFIRM_SECONDS:
                    await self._confirm(by)
                    looked_at = monotonic()

    async def _begin(self, by: Caller, conversation_id: str, after: int | None) -> _Place:
        """Without `after`, the last step before the oldest turn that is under way, or before the newest one."""
        asked = {"conversation": conversation_id}
        async with self._database.transaction(by.workspace_id, write=False, quick=True) as session:
            newest = (await _NEWEST.rows(session, asked))[0][0] or 1
            if after is None:
                number = (await _OLDEST_BUSY.rows(session, asked))[0][0] or newest
                after = (await _BEFORE.rows(session, {**asked, "number": number}))[0][0] or 0
        return _Place(after, newest)

    async def _look(self, by: Caller, conversation_id: str, place: _Place) -> list[StepView | TurnView]:
        """What is new. Turns are looked at before steps: all steps of one that has ended are there then."""
        asked = {"conversation": conversation_id}
        async with self._database.transaction(by.workspace_id, write=False, quick=True) as session:
            turns = [row[0] for row in await _TURNS.rows(session, {**asked, "since": place.since})]
            steps = [StepView(*row) for row in await _STEPS.rows(session, {**asked, "after": place.after})]
            place.is_behind = len(steps) == _AT_ONCE
            news = [] if place.is_behind else [one for one in turns if place.heard.get(one.id) != one.status]
            told = [await _told(session, one) for one in news]
        place.is_busy = any(one.status in _BUSY for one in turns)
        if steps:
            place.after = steps[-1].number
        if not place.is_behind and turns:
            place.heard.update((one.id, one.status) for one in news)
            place.since = min((one.number for one in turns if one.status in OPEN), default=turns[-1].number)
        return [*steps, *told]


def _in_order(said: list[Delta], news: list[StepView | TurnView]) -> Iterator[Event]:
    """Each step after the words that were written before it, and how turns stand after both."""
    waiting = deque(sorted(said, key=lambda delta: delta.after))
    for one in news:
        number = one.number if isinstance(one, StepView) else None
        while waiting and (number is None or waiting[0].after < number):
            yield waiting.popleft()
        yield one
    yield from waiting


async def _told(session: AsyncSession, turn: Record) -> TurnView:
    waits = tuple(row[0] for row in await _WAITS.rows(session, {"turn": turn.id}))
    return TurnView(turn, (), waits, ())
