"""from which server the words that a run has read came

Revision 0036, after 0035.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_taints", sa.Column("source", sa.String(), server_default="", nullable=False))
