"""conversations with agents, their words in a full-text index: a table of FTS5 on SQLite, a GIN index on PostgreSQL

Revision 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tradepost.database import types
from tradepost.database.migrations.security import is_postgres, secure_tables

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


# The number of a row there is kept here, too: SQLite may number rows anew when it is vacuumed.
_FULL_TEXT = (
    "CREATE VIRTUAL TABLE conversation_search USING fts5(words)",
    """CREATE TRIGGER conversation_texts_added AFTER INSERT ON conversation_texts BEGIN
         UPDATE conversation_texts SET sequence = (SELECT coalesce(max(sequence), 0) + 1 FROM conversation_texts)
           WHERE workspace_id = NEW.workspace_id AND id = NEW.id;
         INSERT INTO conversation_search (rowid, words)
           SELECT sequence, words FROM conversation_texts WHERE workspace_id = NEW.workspace_id AND id = NEW.id;
       END""",
    """CREATE TRIGGER conversation_texts_changed AFTER UPDATE OF words ON conversation_texts BEGIN
         UPDATE conversation_search SET words = NEW.words WHERE rowid = NEW.sequence;
       END""",
    """CREATE TRIGGER conversation_texts_removed AFTER DELETE ON conversation_texts BEGIN
         DELETE FROM conversation_search WHERE rowid = OLD.sequence;
       END""",
)


def upgrade() -> None:
    op.create_table(
        "conversation_settings",
        sa.Column("redact_days", sa.BigInteger(), nullable=True),
        sa.Column("keep_days", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_settings")),
    )
    op.create_table(
        "conversations",
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("running_turn", sa.String(), nullable=True),
        sa.Column("last_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("redacted_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversations")),
    )
    op.create_index(
        "ix_conversations_holder", "conversations", ["workspace_id", "holder", "last_at", "id"], unique=False
    )
    op.create_index("ix_conversations_last", "conversations", ["workspace_id", "last_at", "id"], unique=False)
    op.create_table(
        "conversation_feedback",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_conversation_feedback_score")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_feedback_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_feedback")),
    )
    op.create_index(
        "uq_conversation_feedback_holder", "conversation_feedback", ["workspace_id", "turn_id", "holder"], unique=True
    )
    op.create_table(
        "conversation_steps",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("content", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("messages", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("tool_call_id", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_steps_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_steps")),
    )
    op.create_index(
        "ix_conversation_steps_turn", "conversation_steps", ["workspace_id", "turn_id", "number"], unique=False
    )
    op.create_index(
        "uq_conversation_steps_number", "conversation_steps", ["workspace_id", "conversation_id", "number"], unique=True
    )
    op.create_table(
        "conversation_texts",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_texts_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_texts")),
    )
    op.create_index("ix_conversation_texts_sequence", "conversation_texts", ["sequence"], unique=False)
    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("caller", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("canceled_by", sa.String(), nullable=True),
        sa.Column("started_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("tool_calls", sa.BigInteger(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("findings", types.JsonColumn(none_as_null=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'waiting', 'finished', 'failed', 'stopped')",
            name=op.f("ck_conversation_turns_status"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_turns_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_turns")),
    )
    op.create_index("ix_conversation_turns_due", "conversation_turns", ["status", "lease_until"], unique=False)
    op.create_index("ix_conversation_turns_made", "conversation_turns", ["workspace_id", "created_at"], unique=False)
    op.create_index(
        "uq_conversation_turns_number", "conversation_turns", ["workspace_id", "conversation_id", "number"], unique=True
    )
    op.create_table(
        "conversation_waits",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("tool_call_id", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("result", types.JsonColumn(none_as_null=True), nullable=True),
        sa.Column("ended_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_waits_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_waits")),
    )
    op.create_index("ix_conversation_waits_open", "conversation_waits", ["ended_at", "approval_id"], unique=False)
    op.create_index(
        "uq_conversation_waits_call", "conversation_waits", ["workspace_id", "turn_id", "tool_call_id"], unique=True
    )
    if is_postgres():
        op.create_index("ix_conversation_texts_words", "conversation_texts", ["words"], postgresql_using="gin")
    else:
        for step in _FULL_TEXT:
            op.execute(step)
    secure_tables()
