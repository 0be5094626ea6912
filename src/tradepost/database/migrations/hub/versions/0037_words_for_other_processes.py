"""who watches a conversation in which process, and the words that are being written there

Revision 0037, after 0036.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversation_listeners",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("until", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        _of_conversation("conversation_listeners"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_listeners")),
    )
    op.create_index("ix_conversation_listeners_until", "conversation_listeners", ["until"])
    op.create_table(
        "conversation_words",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("after_step", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        _of_conversation("conversation_words"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_words")),
    )
    op.create_index("ix_conversation_words_place", "conversation_words", ["conversation_id", "turn_id", "place"])
    secure_tables()


def _of_conversation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", "conversation_id"],
        ["conversations.workspace_id", "conversations.id"],
        name=op.f(f"fk_{table}_workspace_id_conversation_id"),
        ondelete="CASCADE",
    )
