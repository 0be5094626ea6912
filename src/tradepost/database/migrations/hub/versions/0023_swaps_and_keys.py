"""what a switch from one server to another added to keys

Revision 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "server_swaps",
        sa.Column("key_scopes", types.JsonColumn(none_as_null=True), nullable=False, server_default="[]"),
    )
