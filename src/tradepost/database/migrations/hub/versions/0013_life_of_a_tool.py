"""what became of servers and tools, when to look at them again, rules of a registry, an admin's words for a tool

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assignments", sa.Column("title", sa.String(), nullable=True))
    op.add_column("assignments", sa.Column("description", sa.Text(), nullable=True))
    op.create_table(
        "registry_history",
        sa.Column("server_id", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("definition", sa.Text(), nullable=True),
        sa.Column("details", types.JsonColumn(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("happened_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "what IN ('server', 'definition', 'approved', 'removed', 'noticed')",
            name=op.f("ck_registry_history_what"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "server_id"],
            ["servers.workspace_id", "servers.id"],
            name=op.f("fk_registry_history_workspace_id_server_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_registry_history")),
    )
    op.create_index(
        "uq_registry_history_place", "registry_history", ["workspace_id", "server_id", "place"], unique=True
    )
    op.create_table(
        "server_looks",
        sa.Column("due_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("looked_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "id"],
            ["servers.workspace_id", "servers.id"],
            name=op.f("fk_server_looks_workspace_id_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_server_looks")),
    )
    op.create_table(
        "registry_rules",
        sa.Column("settings", types.JsonColumn(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_registry_rules")),
    )
    secure_tables()
