"""what takes a write back, until when, and which action takes back which

Revision 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("actions", sa.Column("undo", types.JsonColumn(none_as_null=True), nullable=True))
    op.add_column("actions", sa.Column("undo_until", types.UtcDateTime(timezone=True), nullable=True))
    op.add_column("actions", sa.Column("undoes", sa.String(), nullable=True))
    op.add_column("actions", sa.Column("undone_by", sa.String(), nullable=True))
