"""sessions of a shop's own customers

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shopper_sessions",
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("profile_id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("scopes", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("minted_by", sa.String(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "profile_id"],
            ["profiles.workspace_id", "profiles.id"],
            name=op.f("fk_shopper_sessions_workspace_id_profile_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_shopper_sessions")),
    )
    op.create_index("uq_shopper_sessions_prefix", "shopper_sessions", ["prefix"], unique=True)
    op.create_index("ix_shopper_sessions_expires", "shopper_sessions", ["workspace_id", "expires_at"], unique=False)
    secure_tables()
