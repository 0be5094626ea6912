"""the authorization server: clients, requests, approvals, grants, codes, tokens

Revision 0005, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types
from tradepost.database.migrations.security import secure_tables

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    secure_tables()
