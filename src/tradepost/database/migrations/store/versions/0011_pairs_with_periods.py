"""indexes that answer two filters at once: a state that few orders are in with a promise or a place, a place with
a promise, a sku with either; and columns for what is compared beside a promise or the time of shipping

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LINES = {
    "ix_order_lines_sku_promised": "sku promised_to placed_at order_id status {states} warehouse_id",
    "ix_order_lines_sku_warehouse": "sku warehouse_id placed_at order_id status {states} promised_to",
}
_UNUSUAL = (
    ("status", "payment_status fulfillment_status", "completed"),
    ("payment_status", "status fulfillment_status", "paid"),
    ("fulfillment_status", "status payment_status", "fulfilled"),
)
_STATES = "status payment_status fulfillment_status"
_WIDER = (
    (
        "orders",
        "ix_orders_promised",
        f"promised_to placed_at id {_STATES} warehouse_id delivered_at undelivered carrier_ids",
        None,
    ),
    (
        "orders",
        "ix_orders_due",
        "status promised_to id payment_status warehouse_id delivered_at repeats_sku",
        "delivered_at IS NULL",
    ),
    ("shipments", "ix_shipments_moving", "status created_at id carrier_id location_id shipped_at", "status <> 'delivered'"),
    ("shipments", "ix_shipments_shipped", "shipped_at created_at id carrier_id location_id status", None),
)


def upgrade() -> None:
    for table, name, columns, condition in _WIDER:
        op.drop_index(name, table)
        _create(table, name, columns, condition)
    for state, others, usual in _UNUSUAL:
        condition = f"{state} <> '{usual}'"
        _create("orders", f"ix_orders_{state}_promised", f"{state} promised_to placed_at id {others} warehouse_id", condition)
        _create("orders", f"ix_orders_{state}_place", f"{state} warehouse_id placed_at id {others} promised_to", condition)
    _create("orders", "ix_orders_warehouse_promised", f"warehouse_id promised_to placed_at id {_STATES}", None)
    for name, columns in _LINES.items():
        _create("order_lines", name, columns.format(states="order_status payment_status fulfillment_status"), None)


def _create(table: str, name: str, columns: str, condition: str | None) -> None:
    where = None if condition is None else sa.text(condition)
    op.create_index(name, table, ["workspace_id", *columns.split()], sqlite_where=where, postgresql_where=where)
