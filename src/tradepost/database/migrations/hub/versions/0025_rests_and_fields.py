"""the rest of results that were too long, and which personal data a profile's agents see

Revision 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sealed_pieces",
        sa.Column("principal_kind", sa.String(), nullable=False),
        sa.Column("principal_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("scopes", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("tool_entry_id", sa.String(), nullable=False),
        sa.Column("about", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("of_write", sa.Boolean(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("key_version", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sealed_pieces")),
    )
    op.create_index("ix_sealed_pieces_expires", "sealed_pieces", ["workspace_id", "expires_at"], unique=False)
    op.create_index(
        "ix_sealed_pieces_principal", "sealed_pieces", ["workspace_id", "principal_id", "of_write", "id"], unique=False
    )
    op.add_column(
        "profiles", sa.Column("fields", types.JsonColumn(none_as_null=True), nullable=False, server_default="{}")
    )
    secure_tables()
