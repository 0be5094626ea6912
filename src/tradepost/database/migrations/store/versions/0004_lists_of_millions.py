"""Lists that stay as quick as they are: small indexes of what is under way.


Revision 0004, after 0003.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Table, index, columns behind the workspace, and the condition of a partial one.
_NEW = (
    (
        "shipments",
        "ix_shipments_under_way",
        "order_id status eta promised_to last_event_at id",
        "status <> 'delivered'",
    ),
    ("order_lines", "ix_order_lines_to_ship", "order_id sku status quantity fulfilled shipped", "quantity > fulfilled"),
)
_CHANGED = (
    (
        "orders",
        "ix_orders_due",
        "status promised_to id payment_status warehouse_id delivered_at",
        "delivered_at IS NULL",
    ),
    ("orders", "ix_orders_warehouse", "warehouse_id placed_at id", ""),
)


def upgrade() -> None:
    for table, name, _, _ in _CHANGED:
        op.drop_index(name, table)
    for table, name, columns, condition in (*_CHANGED, *_NEW):
        only: dict[str, Any] = {}
        if condition:
            only = {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
        op.create_index(name, table, ["workspace_id", *columns.split()], unique=False, **only)
