"""lines of a sku whose order is not completed, paid and fulfilled, in an index of their own

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = (
    *("workspace_id", "sku", "placed_at", "order_id", "status"),
    *("order_status", "payment_status", "fulfillment_status", "warehouse_id", "promised_to"),
)
_UNUSUAL = sa.text("order_status <> 'completed' OR payment_status <> 'paid' OR fulfillment_status <> 'fulfilled'")


def upgrade() -> None:
    op.create_index(
        "ix_order_lines_unusual", "order_lines", _COLUMNS, sqlite_where=_UNUSUAL, postgresql_where=_UNUSUAL
    )
