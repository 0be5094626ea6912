"""Tables between the process that runs a turn and those in which somebody watches it. Both are empty while nobody
does."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, scoped_reference


class ConversationListener(HubBase, Scoped):
    """Somebody watches a conversation in the process `process`; counts until `until`, or until the process says again
    that it does."""

    __tablename__ = "conversation_listeners"
    conversation_id: Mapped[str]
    process: Mapped[str]
    until: Mapped[datetime]
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        Index("ix_conversation_listeners_until", "until"),
    )


class ConversationWords(HubBase, Scoped):
    """Words that a model wrote in the turn that the process `process` runs. `place` orders those of a turn, also where
    another process has taken it over; `after_step` is the number of the step that they follow. They are gone when the
    turn has ended: its steps have all of it then."""

    __tablename__ = "conversation_words"
    conversation_id: Mapped[str]
    turn_id: Mapped[str]
    process: Mapped[str]
    place: Mapped[int]
    after_step: Mapped[int]
    agent: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        Index("ix_conversation_words_place", "conversation_id", "turn_id", "place"),
    )
