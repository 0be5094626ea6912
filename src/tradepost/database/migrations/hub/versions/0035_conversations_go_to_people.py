"""conversations that are handed over to people of the shop, and what is said in them then

Revision 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("with_person", sa.String(), nullable=True))
    op.add_column("conversations", sa.Column("remarks", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "conversation_handovers",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.Column("taken_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'taken', 'given_back', 'closed')", name=op.f("ck_conversation_handovers_state")
        ),
        sa.CheckConstraint("asked_by IN ('customer', 'assistant')", name=op.f("ck_conversation_handovers_asked_by")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_handovers_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_handovers")),
    )
    op.create_index(
        "ix_conversation_handovers_state", "conversation_handovers", ["workspace_id", "state", "created_at", "id"]
    )
    op.create_index(
        "ix_conversation_handovers_conversation", "conversation_handovers", ["workspace_id", "conversation_id"]
    )
    op.create_table(
        "conversation_remarks",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("handover_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("after_turn", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint("author IN ('customer', 'person')", name=op.f("ck_conversation_remarks_author")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_conversation_remarks_workspace_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_conversation_remarks")),
    )
    op.create_index(
        "uq_conversation_remarks_number",
        "conversation_remarks",
        ["workspace_id", "conversation_id", "number"],
        unique=True,
    )
    secure_tables()
