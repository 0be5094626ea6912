"""switches from one server to another

Revision 0015, after 0013.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server_swaps",
        sa.Column("old_server_id", sa.String(), nullable=False),
        sa.Column("new_server_id", sa.String(), nullable=False),
        sa.Column("moved", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("undone_at", types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_server_swaps")),
    )
    op.create_index(
        "ix_server_swaps_servers", "server_swaps", ["workspace_id", "old_server_id", "new_server_id"], unique=False
    )
    secure_tables()
