"""what the detector found in what runs have read

Revision 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_signals",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_run_signals")),
    )
    op.create_index("ix_run_signals_holder", "run_signals", ["workspace_id", "holder", "until"], unique=False)
    op.create_index("ix_run_signals_until", "run_signals", ["until"], unique=False)
    secure_tables()
