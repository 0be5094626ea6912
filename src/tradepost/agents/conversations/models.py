"""Tables of conversations: their turns, every step of them, what they wait for, and what people thought of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, FetchedValue, Index, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

OPEN = ("queued", "running", "waiting")  # turns that have not ended
ROW_ID = "conversations"  # of a workspace's only row of settings


class Conversation(HubBase, Versioned):
    """A conversation of somebody with an agent. `holder` says whose it is (asked.holder_of), `user_id` the person
    behind it where there is one. `turns` and `steps` count what there is; `running_turn` is the only turn that runs.
    `redacted_at`: personal data was taken out then. `with_person` says where it is while the assistant has to keep
    silent: "waiting" for a person, "taken" by one, or "closed"; `remarks` counts what was said meanwhile."""

    __tablename__ = "conversations"
    agent_id: Mapped[str]
    agent: Mapped[str]
    holder: Mapped[str]
    user_id: Mapped[str | None]
    title: Mapped[str]
    turns: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    running_turn: Mapped[str | None]
    last_at: Mapped[datetime]
    redacted_at: Mapped[datetime | None]
    with_person: Mapped[str | None]
    remarks: Mapped[int] = mapped_column(default=0, server_default="0")
    __table_args__ = (
        Index("ix_conversations_last", "workspace_id", "last_at", "id"),
        Index("ix_conversations_holder", "workspace_id", "holder", "last_at", "id"),
    )


class ConversationTurn(HubBase, Versioned):
    """One message and what became of it. `caller` rebuilds who asked. `fence` counts claims: only the holder of the
    newest one keeps steps or ends the turn; `attempts` how often it was begun and broken off. `canceled_by` is who
    wants it to stop. Tokens, cost (millionths of a US dollar) and calls are the sums of its steps; `latency_ms` what it
    took, without waiting for people. `score` and `findings` judge the answer (scoring)."""

    __tablename__ = "conversation_turns"
    conversation_id: Mapped[str]
    number: Mapped[int]
    run_id: Mapped[str]
    request_id: Mapped[str]
    message: Mapped[str] = mapped_column(Text)
    caller: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    status: Mapped[str]
    answer: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    canceled_by: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    tokens_in: Mapped[int] = mapped_column(default=0)
    tokens_out: Mapped[int] = mapped_column(default=0)
    cost_micros: Mapped[int | None]
    tool_calls: Mapped[int] = mapped_column(default=0)
    latency_ms: Mapped[int] = mapped_column(default=0)
    score: Mapped[int | None]
    findings: Mapped[list[dict[str, Any]] | None] = mapped_column(JsonColumn)
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        CheckConstraint("status IN ('queued', 'running', 'waiting', 'finished', 'failed', 'stopped')", name="status"),
        Index("uq_conversation_turns_number", "workspace_id", "conversation_id", "number", unique=True),
        Index("ix_conversation_turns_due", "status", "lease_until"),
        Index("ix_conversation_turns_made", "workspace_id", "created_at"),
    )


class ConversationStep(HubBase, Scoped):
    """One step of a turn, as agents.ports.Step has it. `number` counts the steps of the conversation."""

    __tablename__ = "conversation_steps"
    conversation_id: Mapped[str]
    turn_id: Mapped[str]
    number: Mapped[int]
    kind: Mapped[str]
    agent: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    messages: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn)
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    cost_micros: Mapped[int | None]
    latency_ms: Mapped[float]
    tool_call_id: Mapped[str | None]
    request_id: Mapped[str | None]
    at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        Index("uq_conversation_steps_number", "workspace_id", "conversation_id", "number", unique=True),
        Index("ix_conversation_steps_turn", "workspace_id", "turn_id", "number"),
    )


class ConversationWait(HubBase, Scoped):
    """A call of a turn that waits for a person's approval. `ended_at` is set when that has come to its end, `result` to
    what the call gave then."""

    __tablename__ = "conversation_waits"
    conversation_id: Mapped[str]
    turn_id: Mapped[str]
    agent: Mapped[str]
    tool_call_id: Mapped[str]
    tool: Mapped[str]
    approval_id: Mapped[str]
    result: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        Index("uq_conversation_waits_call", "workspace_id", "turn_id", "tool_call_id", unique=True),
        Index("ix_conversation_waits_open", "ended_at", "approval_id"),
    )


class ConversationFeedback(HubBase, Versioned):
    """What one person thought of the answer of a turn: 1 (bad) to 5 (good), and words."""

    __tablename__ = "conversation_feedback"
    conversation_id: Mapped[str]
    turn_id: Mapped[str]
    holder: Mapped[str]
    user_id: Mapped[str | None]
    score: Mapped[int]
    words: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        Index("uq_conversation_feedback_holder", "workspace_id", "turn_id", "holder", unique=True),
    )


class ConversationText(HubBase, Scoped):
    """The words of a turn that can be searched for (words.py); its id is the turn's. On SQLite a full-text table
    (FTS5) follows it by triggers and `sequence` is the row's number there; on PostgreSQL the
    words have an index (GIN), which the migration makes."""

    __tablename__ = "conversation_texts"
    conversation_id: Mapped[str]
    sequence: Mapped[int | None] = mapped_column(FetchedValue())
    words: Mapped[Any] = mapped_column(Text().with_variant(TSVECTOR(), "postgresql"))
    __table_args__ = (
        scoped_reference("conversation_id", "conversations", ondelete="CASCADE"),
        Index("ix_conversation_texts_sequence", "sequence"),
    )


class ConversationSettings(HubBase, Versioned):
    """How long a workspace keeps conversations: after so many days without a word personal data is taken out, after so
    many they are deleted. None: never."""

    __tablename__ = "conversation_settings"
    redact_days: Mapped[int | None]
    keep_days: Mapped[int | None]
