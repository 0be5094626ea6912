"""keys bound to a profile, a customer and addresses

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("profile_id", sa.String(), nullable=True))
    op.add_column("api_keys", sa.Column("customer", sa.String(), nullable=True))
    op.add_column("api_keys", sa.Column("allowed_addresses", types.JsonColumn(none_as_null=True), nullable=True))
