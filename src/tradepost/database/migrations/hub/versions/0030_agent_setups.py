"""how agents work: role, instructions, models, limits, prompts

Revision 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_setups",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("fallback_model", sa.String(), nullable=False),
        sa.Column("limits", types.JsonColumn(), nullable=False),
        sa.Column("prompts", types.JsonColumn(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.CheckConstraint("role IN ('specialist', 'planner', 'shopper')", name=op.f("ck_agent_setups_role")),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_agent_setups")),
    )
    secure_tables()
