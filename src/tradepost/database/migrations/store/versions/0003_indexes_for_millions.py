"""indexes for millions of orders

Revision 0003, after 0002.
"""

from typing import Any

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Table, index, columns behind the workspace, and the condition of a partial one.
_NEW = (
    ("orders", "ix_orders_payment_status", "payment_status placed_at id", ""),
    ("orders", "ix_orders_fulfillment_status", "fulfillment_status placed_at id", ""),
    ("orders", "ix_orders_due", "status promised_to id", ""),
    ("orders", "ix_orders_po_number", "po_number", "po_number IS NOT NULL"),
    ("order_lines", "ix_order_lines_unshipped", "sku", "quantity > fulfilled"),
    ("order_lines", "ix_order_lines_undelivered", "order_id", "delivered < quantity"),
    ("order_lines", "ix_order_lines_figures", "order_id sku status quantity quantity_scale total_minor id", ""),
    ("customers", "ix_customers_first_name", "first_name id", ""),
    ("customers", "ix_customers_company", "company id", "company IS NOT NULL"),
    ("customers", "ix_customers_group", "group_id kind price_list_id", "group_id IS NOT NULL"),
    ("shipments", "ix_shipments_created", "created_at id", ""),
    ("shipments", "ix_shipments_carrier", "carrier_id created_at id", ""),
    ("shipments", "ix_shipments_location", "location_id created_at id", ""),
    ("shipments", "ix_shipments_shipped", "shipped_at created_at id", ""),
    ("deliveries", "ix_deliveries_eta", "eta", "window_from IS NULL"),
    ("deliveries", "ix_deliveries_shipment", "shipment_id", ""),
    ("deliveries", "ix_deliveries_created", "created_at id", ""),
    ("deliveries", "ix_deliveries_status", "status created_at id", ""),
    ("deliveries", "ix_deliveries_driver_created", "driver_id created_at id", ""),
    ("payments", "ix_payments_status", "status created_at id", ""),
    ("payments", "ix_payments_captured", "captured_at created_at id", "captured_at IS NOT NULL"),
    ("payments", "ix_payments_authorized", "authorized_at", "captured_at IS NULL"),
    ("refunds", "ix_refunds_status", "status payment_id", ""),
    ("refunds", "ix_refunds_psp", "psp_reference", "psp_reference IS NOT NULL"),
    ("refunds", "ix_refunds_time", "refunded_at", "refunded_at IS NOT NULL"),
    ("disputes", "ix_disputes_opened", "opened_at id", ""),
    ("disputes", "ix_disputes_order", "order_id", ""),
    ("settlement_lines", "ix_settlement_lines_reference", "reference type", "reference IS NOT NULL"),
    ("returns", "ix_returns_customer", "customer_id requested_at id", ""),
    ("returns", "ix_returns_location", "location_id requested_at id", ""),
    ("returns", "ix_returns_resolution", "resolution requested_at id", ""),
    ("return_lines", "ix_return_lines_reason", "reason return_id", ""),
    ("return_lines", "ix_return_lines_order_line", "order_line_id", ""),
    ("claims", "ix_claims_order", "order_id", ""),
    ("stock_movements", "ix_stock_movements_location", "location_id occurred_at id", ""),
    ("stock_movements", "ix_stock_movements_cause", "cause occurred_at id", ""),
)
# These get other columns behind the first, so that the index alone answers in the order of the list.
_CHANGED = (
    ("orders", "ix_orders_placed", "placed_at id status warehouse_id currency picked_at total_minor"),
    ("orders", "ix_orders_promised", "promised_to placed_at id status warehouse_id delivered_at"),
    ("shipments", "ix_shipments_status", "status created_at id"),
    ("shipments", "ix_shipments_order", "order_id position carrier_id id"),
    ("order_lines", "ix_order_lines_sku", "sku order_id status"),
    ("customers", "ix_customers_name", "last_name first_name id"),
    ("return_lines", "ix_return_lines_sku", "sku return_id"),
)


def upgrade() -> None:
    for table, name, columns in _CHANGED:
        op.drop_index(name, table)
        _create(table, name, columns, "")
    for table, name, columns, condition in _NEW:
        _create(table, name, columns, condition)


def _create(table: str, name: str, columns: str, condition: str) -> None:
    only: dict[str, Any] = {"sqlite_where": text(condition), "postgresql_where": text(condition)} if condition else {}
    op.create_index(name, table, ["workspace_id", *columns.split()], unique=False, **only)
