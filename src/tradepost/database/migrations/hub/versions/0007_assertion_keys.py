"""keys that sign what servers are told of callers

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assertion_keys",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("public", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("signs_from", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("key_version", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_assertion_keys")),
    )
    op.create_index("uq_assertion_keys_number", "assertion_keys", ["workspace_id", "number"], unique=True)
    secure_tables()
