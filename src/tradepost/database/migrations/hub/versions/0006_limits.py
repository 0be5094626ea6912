"""limits: what is set for workspaces and agents, and the windows that processes take shares of

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WINDOW = ("started_ms", "ends_ms", "capacity", "wanted", "least", "known_ms", "given", "taken")


def upgrade() -> None:
    op.create_table(
        "limit_settings",
        sa.Column("settings", types.JsonColumn(none_as_null=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_limit_settings")),
    )
    op.create_table(
        "rate_windows",
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _WINDOW),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_rate_windows")),
    )
    op.create_index("ix_rate_windows_ends_ms", "rate_windows", ["ends_ms"])
    secure_tables()
