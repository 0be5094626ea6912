"""sums of its lines and parcels on each order, its times on each line

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from tradepost.database.migrations.security import is_postgres
from tradepost.database.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Table, index, columns behind the workspace: these carry what the figures of a period are made of.
_CHANGED = (
    (
        "orders",
        "ix_orders_placed",
        "placed_at id status warehouse_id currency picked_at total_minor sold_units carrier_ids repeats_sku promised_to "
        "delivered_at undelivered customer_id channel refunded_minor subtotal_minor discount_minor shipping_minor "
        "tax_minor",
    ),
    (
        "orders",
        "ix_orders_promised",
        "promised_to placed_at id status warehouse_id delivered_at undelivered carrier_ids",
    ),
    (
        "order_lines",
        "ix_order_lines_figures",
        "placed_at order_id sku status quantity quantity_scale total_minor refunded_minor product_id position "
        "picked_at",
    ),
)
_LINES = (
    "FROM order_lines l WHERE l.workspace_id = orders.workspace_id AND l.order_id = orders.id AND l.status <> 'removed'"
)
_PARCELS = (
    "FROM shipments s WHERE s.workspace_id = orders.workspace_id AND s.order_id = orders.id "
    "AND s.carrier_id IS NOT NULL"
)


def upgrade() -> None:
    for table, name, _ in _CHANGED:
        op.drop_index(name, table)
    op.drop_index("ix_order_lines_undelivered", "order_lines")
    # The defaults are for the rows that are there, until they are summed up.
    op.add_column("orders", sa.Column("sold_units", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("undelivered", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("orders", sa.Column("repeats_sku", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("orders", sa.Column("carrier_ids", sa.String(), nullable=False, server_default=""))
    op.execute(
        f"""UPDATE orders SET
              sold_units = (SELECT COALESCE(SUM(CASE l.quantity_scale WHEN 0 THEN l.quantity ELSE 1 END), 0) {_LINES}),
              undelivered = EXISTS (SELECT 1 {_LINES} AND l.delivered < l.quantity),
              repeats_sku = (SELECT COUNT(*) > COUNT(DISTINCT l.sku) {_LINES}),
              carrier_ids = COALESCE({_carriers()}, '')"""
    )
    op.add_column("order_lines", sa.Column("placed_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("order_lines", sa.Column("picked_at", UtcDateTime(timezone=True), nullable=True))
    op.execute(
        """UPDATE order_lines SET placed_at = o.placed_at, picked_at = o.picked_at FROM orders o
             WHERE o.workspace_id = order_lines.workspace_id AND o.id = order_lines.order_id"""
    )
    for table, name, columns in _CHANGED:
        op.create_index(name, table, ["workspace_id", *columns.split()], unique=False)


def _carriers() -> str:
    if is_postgres():
        carrier = 'CAST(s.carrier_id AS text) COLLATE "C"'
        return f"(SELECT string_agg(DISTINCT {carrier}, chr(10) ORDER BY {carrier}) {_PARCELS})"
    return f"(SELECT group_concat(carrier_id, char(10)) FROM (SELECT DISTINCT s.carrier_id {_PARCELS} ORDER BY s.carrier_id))"
