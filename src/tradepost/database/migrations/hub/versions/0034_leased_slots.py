"""slots taken from the database, where fewer calls may run at once than there are processes

Revision 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leased_slots",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("ends_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_leased_slots")),
    )
    op.create_index(op.f("ix_leased_slots_key"), "leased_slots", ["key"])
    secure_tables()
