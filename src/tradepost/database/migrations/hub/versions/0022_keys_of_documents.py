"""what was granted to a client with keys is not for one that shows none

Revision 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("oauth_requests", "oauth_grants"):
        op.add_column(table, sa.Column("needs_key", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_oauth_grants_of_client", "oauth_grants", ["client_id"])
