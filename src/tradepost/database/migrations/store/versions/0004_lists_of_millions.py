"""Lists that stay as quick as they are: names of customers by their parts, and small indexes of what is under way.


Revision 0004, after 0003.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from tradepost.database.migrations.security import is_postgres, secure_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Table, index, columns behind the workspace, and the condition of a partial one.
_NEW = (
    ("shipments", "ix_shipments_under_way", "order_id status eta promised_to last_event_at id", "status <> 'delivered'"),
    ("shipments", "ix_shipments_shipped_early", "created_at id", "shipped_at < created_at"),
    ("orders", "ix_orders_promised_early", "placed_at id", "promised_to < placed_at"),
    ("payments", "ix_payments_taken_early", "created_at id", "captured_at < created_at OR authorized_at < created_at"),
    ("order_lines", "ix_order_lines_to_ship", "order_id sku status quantity fulfilled shipped", "quantity > fulfilled"),
)
_CHANGED = (
    (
        "orders",
        "ix_orders_due",
        "status promised_to id payment_status warehouse_id delivered_at",
        "delivered_at IS NULL",
    ),
    (
        "orders",
        "ix_orders_status",
        "status placed_at id payment_status fulfillment_status warehouse_id promised_to",
        "",
    ),
    (
        "orders",
        "ix_orders_payment_status",
        "payment_status placed_at id status fulfillment_status warehouse_id",
        "",
    ),
    (
        "orders",
        "ix_orders_fulfillment_status",
        "fulfillment_status placed_at id status payment_status warehouse_id",
        "",
    ),
    (
        "orders",
        "ix_orders_warehouse",
        "warehouse_id placed_at id status payment_status fulfillment_status promised_to",
        "",
    ),
    ("shipments", "ix_shipments_carrier", "carrier_id created_at id status location_id", ""),
    ("shipments", "ix_shipments_shipped", "shipped_at created_at id carrier_id location_id", ""),
    ("shipments", "ix_shipments_location", "location_id created_at id status", ""),
    ("stock_movements", "ix_stock_movements_sku", "sku occurred_at id cause location_id", ""),
    ("stock_movements", "ix_stock_movements_location", "location_id occurred_at id cause", ""),
    ("returns", "ix_returns_location", "location_id requested_at id status", ""),
    ("deliveries", "ix_deliveries_status", "status created_at id order_id", ""),
    ("deliveries", "ix_deliveries_driver_created", "driver_id created_at id status", ""),
    ("customers", "ix_customers_name", "last_name first_name id company", ""),
    ("customers", "ix_customers_first_name", "first_name last_name id company", ""),
    ("customers", "ix_customers_company", "company last_name first_name id", "company IS NOT NULL"),
)
_AT_ONCE = 1_000


def upgrade() -> None:
    parts = op.create_table(
        "customer_name_parts",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_customer_name_parts")),
    )
    op.create_index("ix_customer_name_parts_part", "customer_name_parts", ["workspace_id", "part", "value"], unique=False)
    rows = list(_parts_of_all_names())
    for start in range(0, len(rows), _AT_ONCE):
        op.bulk_insert(parts, rows[start : start + _AT_ONCE])
    for table, name, _, _ in _CHANGED:
        op.drop_index(name, table)
    for table, name, columns, condition in (*_CHANGED, *_NEW):
        only: dict[str, Any] = {}
        if condition:
            only = {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
        op.create_index(name, table, ["workspace_id", *columns.split()], unique=False, **only)
    secure_tables()
    _tell_the_planner()


def _parts_of_all_names() -> Iterator[dict[str, str]]:
    """As customers/names.py keeps them: the whole name behind "=", its first letter and its first two, and any three in
    a row, in lower case."""
    ways = (f"SELECT DISTINCT workspace_id, {column} FROM customers" for column in ("first_name", "last_name", "company"))
    for workspace_id, name in op.get_bind().execute(sa.text(" UNION ".join(ways))):
        folded = (name or "").lower()
        parts = {folded[start : start + 3] for start in range(len(folded) - 2)}
        for part in sorted({"=" + folded, folded[:1], folded[:2], *parts} if folded else ()):
            yield {"workspace_id": workspace_id, "id": f"{part}:{name}", "part": part, "value": name}


def _tell_the_planner() -> None:
    """What was known of the old indexes is gone; SQLite knows of them only where a load had it look."""
    if is_postgres():
        op.execute("ANALYZE customer_name_parts")
    elif op.get_bind().execute(sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")).first():
        op.execute("PRAGMA analysis_limit=1000")
        op.execute("ANALYZE")
