"""what a search with a sku asks of an order, on each of its lines

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COPIED = {
    "promised_to": "promised_to",
    "warehouse_id": "warehouse_id",
    "order_status": "status",
    "payment_status": "payment_status",
    "fulfillment_status": "fulfillment_status",
}


def upgrade() -> None:
    op.drop_index("ix_order_lines_sku", "order_lines")
    for name in _COPIED:
        kind = UtcDateTime(timezone=True) if name == "promised_to" else sa.String()
        op.add_column("order_lines", sa.Column(name, kind, nullable=True))
    values = ", ".join(f"{name} = o.{of_order}" for name, of_order in _COPIED.items())
    op.execute(
        f"""UPDATE order_lines SET {values} FROM orders o
             WHERE o.workspace_id = order_lines.workspace_id AND o.id = order_lines.order_id"""
    )
    columns = ["workspace_id", "sku", "placed_at", "order_id", "status", "order_status", "payment_status"]
    columns += ["fulfillment_status", "warehouse_id", "promised_to"]
    op.create_index("ix_order_lines_sku", "order_lines", columns, unique=False)
