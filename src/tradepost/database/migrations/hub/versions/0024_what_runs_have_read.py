"""what runs have read that outsiders wrote, and that it was so when an action was asked for

Revision 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_taints",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_run_taints")),
    )
    op.create_index("ix_run_taints_holder", "run_taints", ["workspace_id", "holder", "until"], unique=False)
    op.create_index("ix_run_taints_until", "run_taints", ["until"], unique=False)
    op.add_column("actions", sa.Column("taint", types.JsonColumn(none_as_null=True), nullable=True))
    secure_tables()
