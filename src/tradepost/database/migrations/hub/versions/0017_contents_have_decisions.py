"""changed resources and prompts wait beside what was approved, with who approved it, and have a history

Revision 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("resource_entries", "prompt_entries")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("candidate", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("candidate_digest", sa.String(), nullable=True))
        op.add_column(table, sa.Column("approved_by", sa.String(), nullable=True))
        op.add_column(table, sa.Column("approved_at", types.UtcDateTime(timezone=True), nullable=True))
        # What stood there was overwritten by what its server changed it to, which nobody has approved.
        rows = sa.table(table, sa.column("state"))
        op.execute(sa.update(rows).where(rows.c.state == "quarantined").values(state="unapproved"))
    op.add_column("registry_history", sa.Column("kind", sa.String(), server_default="tool", nullable=False))
