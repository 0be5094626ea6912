"""What people thought of answers."""

from sqlalchemy import Select, select

from tradepost.agents.conversations.asked import Reach
from tradepost.agents.conversations.asking import not_there
from tradepost.agents.conversations.models import Conversation, ConversationFeedback, ConversationTurn
from tradepost.agents.conversations.ports import Hub
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id

MAX_WORDS = 4_000  # characters
UP, DOWN = 5, 1  # a thumb as a score


class Judging:
    """Takes feedback: one of each person about each answer, the last one counts."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub

    async def give(
        self, reach: Reach, conversation_id: str, score: int, words: str = "", turn_id: str | None = None
    ) -> ConversationFeedback:
        """Say what an answer was worth, 1 (bad) to 5 (good): that of a turn, or without one the last one. Raises
        NotFound, InvalidArgument, and StateConflict where there is no answer yet."""
        if not 1 <= score <= 5:
            raise InvalidArgument(f"{score} is no score.", hint="Give 1 (bad) to 5 (good).", field="score")
        if len(words) > MAX_WORDS:
            raise InvalidArgument(f"That is more than {MAX_WORDS} characters.", field="words")
        by = reach.by
        async with self._database.transaction(by.workspace_id, write=True) as session:
            conversation = await session.scalar(select(Conversation).where(Conversation.id == conversation_id))
            if conversation is None or not (reach.everything or conversation.holder == reach.holder):
                raise not_there()
            turn = await session.scalar(_judged(conversation_id, turn_id))
            if turn is None and turn_id is not None:
                raise not_there("turn")
            if turn is None or turn.status in ("queued", "running"):
                raise StateConflict("There is no answer yet that could be judged.", hint="Wait for it.")
            mine = ConversationFeedback.turn_id == turn.id, ConversationFeedback.holder == reach.holder
            given = await session.scalar(select(ConversationFeedback).where(*mine))
            if given is None:
                given = ConversationFeedback(
                    id=new_id("fbk"),
                    conversation_id=conversation_id,
                    turn_id=turn.id,
                    holder=reach.holder,
                    user_id=by.user_id,
                )
                session.add(given)
            given.score, given.words = score, words.strip()
            self._hub.note(session, by, "conversation:feedback", conversation_id, {"turn": turn.id, "score": score})
        return given


def _judged(conversation_id: str, turn_id: str | None) -> Select[ConversationTurn]:
    turn = ConversationTurn
    statement = select(turn).where(turn.conversation_id == conversation_id)
    if turn_id is not None:
        return statement.where(turn.id == turn_id)
    return statement.where(turn.status.not_in(("queued", "running"))).order_by(turn.number.desc()).limit(1)
