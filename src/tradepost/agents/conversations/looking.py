"""Looking at conversations: lists, one with its turns and steps, and search. Everybody finds their own; operators and
admins find all of the workspace, and it is recorded that they looked at somebody else's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.asking import not_there
from tradepost.agents.conversations.models import (
    Conversation,
    ConversationFeedback,
    ConversationStep,
    ConversationText,
    ConversationTurn,
    ConversationWait,
)
from tradepost.agents.conversations.ports import Hub
from tradepost.agents.conversations.words import matching
from tradepost.database.engine import Database
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.pagination import decode_cursor, encode_cursor

Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn, its steps, what it waits for, and what people thought of it."""

    turn: ConversationTurn
    steps: tuple[ConversationStep, ...]
    waits: tuple[ConversationWait, ...]
    feedback: tuple[ConversationFeedback, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as people see it: without what the model was told."""

    number: int
    turn_id: str
    kind: str
    agent: str
    content: dict[str, Any]
    tokens_in: int
    tokens_out: int
    cost_micros: int | None
    latency_ms: float
    tool_call_id: str | None
    request_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations: those with an agent (slug or id), those of one's own alone, those that somebody said
    something in since then, the one that a run of an agent belongs to."""

    agent: str | None = None
    mine: bool = False
    since: datetime | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found, and its conversation."""

    conversation: Conversation
    turn: ConversationTurn


class Looking:
    """Reads, and records who read what was not theirs."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub

    async def list(
        self, reach: Reach, wanted: Wanted, limit: int, cursor: str | None
    ) -> tuple[Sequence[Conversation], str | None]:
        """Conversations, the one that was spoken in last first, and the cursor of the next page. Raises
        InvalidArgument."""
        kind = f"conversations:{reach.holder if wanted.mine or not reach.everything else '*'}:{wanted.agent or ''}"
        statement = select(Conversation).where(*_seen(reach, mine=wanted.mine))
        if wanted.agent is not None:
            statement = statement.where((Conversation.agent == wanted.agent) | (Conversation.agent_id == wanted.agent))
        if wanted.since is not None:
            statement = statement.where(Conversation.last_at >= wanted.since)
        if wanted.run is not None:
            turn = ConversationTurn
            of_run = select(turn.conversation_id).where(turn.run_id == wanted.run)
            statement = statement.where(Conversation.id.in_(of_run))
        statement = _page(statement, kind, cursor, limit, Conversation.last_at, Conversation.id)
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            rows = list(await session.scalars(statement))
        await self._note_reading(reach, rows[:limit], "conversation:listed")
        return rows[:limit], next_cursor(kind, rows, limit, lambda one: (one.last_at, one.id))

    async def get(self, reach: Reach, conversation_id: str, *, tag: str = "conversation:read") -> Conversation:
        """One. Raises NotFound."""
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            found = await session.scalar(select(Conversation).where(Conversation.id == conversation_id, *_seen(reach)))
        if found is None:
            raise not_there()
        await self._note_reading(reach, [found], tag)
        return found

    async def turns(
        self, reach: Reach, conversation_id: str, limit: int, cursor: str | None, turn_id: str | None = None
    ) -> tuple[Sequence[TurnView], str | None]:
        """The turns of a conversation that `get` has found, the first one first, and the cursor of the next page."""
        kind = f"turns:{conversation_id}"
        turn = ConversationTurn
        statement = select(turn).where(turn.conversation_id == conversation_id).order_by(turn.number).limit(limit + 1)
        if turn_id is not None:
            statement = statement.where(turn.id == turn_id)
        after = decode_cursor(kind, cursor, 1)
        if after is not None:
            statement = statement.where(turn.number > _whole(after.values[0]))
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            rows = list(await session.scalars(statement))
            views = await _views(session, rows[:limit])
        return views, encode_cursor(kind, [rows[limit - 1].number]) if len(rows) > limit else None

    async def newest(self, reach: Reach, conversation_id: str, limit: int = 50) -> Sequence[TurnView]:
        """The last turns of a conversation that `get` has found, the first one first."""
        turn = ConversationTurn
        statement = select(turn).where(turn.conversation_id == conversation_id).order_by(turn.number.desc())
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            return await _views(session, list(await session.scalars(statement.limit(limit)))[::-1])

    async def search(
        self, reach: Reach, asked: str, wanted: Wanted, limit: int, cursor: str | None
    ) -> tuple[Sequence[Hit], str | None]:
        """Turns whose message or answer has all these words, the newest first. Raises InvalidArgument."""
        kind = f"found:{reach.holder if wanted.mine or not reach.everything else '*'}:{wanted.agent or ''}:{asked}"
        turn = ConversationTurn
        statement = (
            select(Conversation, turn)
            .join(turn, and_(turn.workspace_id == Conversation.workspace_id, turn.conversation_id == Conversation.id))
            .join(
                ConversationText,
                and_(ConversationText.workspace_id == turn.workspace_id, ConversationText.id == turn.id),
            )
            .where(*_seen(reach, mine=wanted.mine))
        )
        if wanted.agent is not None:
            statement = statement.where((Conversation.agent == wanted.agent) | (Conversation.agent_id == wanted.agent))
        statement = _page(statement, kind, cursor, limit, turn.created_at, turn.id)
        async with self._database.transaction(reach.by.workspace_id, write=False) as session:
            rows = (await session.execute(statement.where(matching(session, asked)))).all()
        hits = [Hit(conversation, found) for conversation, found in rows]
        await self._note_reading(reach, [one.conversation for one in hits[:limit]], "conversation:searched")
        return hits[:limit], next_cursor(kind, hits, limit, lambda one: (one.turn.created_at, one.turn.id))

    async def _note_reading(self, reach: Reach, seen: Sequence[Conversation], tag: str) -> None:
        others = list(dict.fromkeys(one.id for one in seen if one.holder != reach.holder))
        if others:
            async with self._database.transaction(reach.by.workspace_id, write=True) as session:
                self._hub.note(session, reach.by, tag, others[0], {"of_others": others})


def _seen(reach: Reach, *, mine: bool = False) -> list[ColumnElement[bool]]:
    return [] if reach.everything and not mine else [Conversation.holder == reach.holder]


async def _views(session: AsyncSession, turns: Sequence[ConversationTurn]) -> list[TurnView]:
    ids = [turn.id for turn in turns]
    step, wait, said = ConversationStep, ConversationWait, ConversationFeedback
    steps = list(await session.scalars(select(step).where(step.turn_id.in_(ids)).order_by(step.number)))
    waits = list(await session.scalars(select(wait).where(wait.turn_id.in_(ids)).order_by(wait.id)))
    feedback = list(await session.scalars(select(said).where(said.turn_id.in_(ids)).order_by(said.created_at)))
    return [
        TurnView(
            turn,
            tuple(one for one in steps if one.turn_id == turn.id),
            tuple(one for one in waits if one.turn_id == turn.id),
            tuple(one for one in feedback if one.turn_id == turn.id),
        )
        for turn in turns
    ]


def _page(
    statement: Select[*Columns], kind: str, cursor: str | None, limit: int, moment: Any, row_id: Any
) -> Select[*Columns]:
    """The statement from where the cursor ended on, the newest first, with one row more than the page has."""
    after = decode_cursor(kind, cursor, 2)
    if after is not None:
        statement = statement.where(tuple_(moment, row_id) < tuple_(moment_of(after.values[0]), str(after.values[1])))
    return statement.order_by(moment.desc(), row_id.desc()).limit(limit + 1)


def next_cursor(kind: str, rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[datetime, str]]) -> str | None:
    """The cursor behind the last of `limit` rows, where there are more."""
    if len(rows) <= limit:
        return None
    moment, row_id = key(rows[limit - 1])
    return encode_cursor(kind, [to_rfc3339(moment), row_id])


def moment_of(value: object) -> datetime:
    """A moment of a cursor. Raises InvalidArgument."""
    try:
        return from_rfc3339(str(value))
    except (ValueError, OverflowError):
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor") from None


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor")
    return value
