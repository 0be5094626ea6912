"""Tables of conversations that a person of the shop has instead of the assistant."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference

WAITING, TAKEN, CLOSED = "waiting", "taken", "closed"  # of a conversation, and of the hand-over itself
GIVEN_BACK = "given_back"
STATES = (WAITING, TAKEN, GIVEN_BACK, CLOSED)


class ConversationHandover(HubBase, Versioned):
    """One hand-over of a conversation, from the wish for a person to its end. `asked_by` is the customer or the
    assistant, `reason` what either said of it, `taken_by` the holder (asked.holder_of) who answers. There is at most
    one of a conversation that has not ended; where it is stands in Conversation.with_person, too."""

    __tablename__ = "conversation_handovers"
    conversation_id: Mapped[str]
    asked_by: Mapped[str]
    reason: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str]
    taken_by: Mapped[str | None]
    taken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        CheckConstraint("state IN ('waiting', 'taken', 'given_back', 'closed')", name="state"),
        CheckConstraint("asked_by IN ('customer', 'assistant')", name="asked_by"),
        Index("ix_conversation_handovers_state", "workspace_id", "state", "created_at", "id"),
        Index("ix_conversation_handovers_conversation", "workspace_id", "conversation_id"),
    )


class ConversationRemark(HubBase, Scoped):
    """What the customer or a person of the shop said while the assistant kept silent. `number` counts the remarks of
    the conversation; each stands after the turn `after_turn`."""

    __tablename__ = "conversation_remarks"
    conversation_id: Mapped[str]
    handover_id: Mapped[str]
    number: Mapped[int]
    after_turn: Mapped[int]
    author: Mapped[str]
    user_id: Mapped[str | None]
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        CheckConstraint("author IN ('customer', 'person')", name="author"),
        Index("uq_conversation_remarks_number", "workspace_id", "conversation_id", "number", unique=True),
    )
