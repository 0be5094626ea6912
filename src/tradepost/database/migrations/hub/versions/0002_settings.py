"""settings of servers and tools; the seconds that a call may take are one of them

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DEFAULT_SECONDS = 60


def upgrade() -> None:
    for table in ("servers", "tool_entries"):
        kind = types.JsonColumn(none_as_null=True)
        op.add_column(table, sa.Column("settings", kind, nullable=False, server_default="{}"))
    seconds = sa.column("timeout_seconds", sa.BigInteger())
    servers = sa.table("servers", seconds, sa.column("settings", types.JsonColumn()))
    connection = op.get_bind()
    others = sa.select(seconds).where(seconds != _DEFAULT_SECONDS).distinct().select_from(servers)
    for value in connection.scalars(others).all():
        connection.execute(sa.update(servers).where(seconds == value).values(settings={"timeout_seconds": value}))
    op.drop_column("servers", "timeout_seconds")
