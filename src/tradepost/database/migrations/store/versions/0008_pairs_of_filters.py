"""lists by two filters: what other rows say, on stops, payments and lines of returns

Revision 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from tradepost.database.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DROPPED = (
    ("deliveries", "ix_deliveries_route"),
    ("deliveries", "ix_deliveries_window"),
    ("deliveries", "ix_deliveries_eta"),
    ("deliveries", "ix_deliveries_driver_created"),
    ("claims", "ix_claims_file_by"),
    ("stock_movements", "ix_stock_movements_cause"),
    ("payments", "ix_payments_authorized"),
    ("returns", "ix_returns_status"),
    ("returns", "ix_returns_location"),
    ("returns", "ix_returns_resolution"),
    ("return_lines", "ix_return_lines_sku"),
    ("return_lines", "ix_return_lines_reason"),
)
# Table, index, columns behind the workspace, and the condition of a partial one.
_CREATED = (
    ("deliveries", "ix_deliveries_route", "route_id stop_sequence", "route_id IS NOT NULL"),
    ("deliveries", "ix_deliveries_window", "window_from id number start_location_id route_id status driver_id", ""),
    (
        "deliveries",
        "ix_deliveries_eta",
        "eta id number start_location_id route_id status driver_id",
        "window_from IS NULL",
    ),
    ("deliveries", "ix_deliveries_driver_created", "driver_id created_at id status start_location_id", ""),
    ("deliveries", "ix_deliveries_start", "start_location_id created_at id status", ""),
    (
        "shipments",
        "ix_shipments_moving",
        "created_at id status carrier_id location_id shipped_at",
        "status <> 'delivered'",
    ),
    ("claims", "ix_claims_file_by", "file_by id status side type carrier_id", ""),
    ("stock_movements", "ix_stock_movements_cause", "cause occurred_at id location_id sku", ""),
    (
        "payments",
        "ix_payments_refunded",
        "created_at id refund_states status captured_at authorized_at",
        "refund_states IS NOT NULL",
    ),
    ("returns", "ix_returns_status", "status requested_at id resolution location_id", ""),
    ("returns", "ix_returns_location", "location_id requested_at id status resolution", ""),
    ("returns", "ix_returns_resolution", "resolution requested_at id status location_id", ""),
    (
        "return_lines",
        "ix_return_lines_sku",
        "sku requested_at return_id return_status resolution location_id reason",
        "",
    ),
    (
        "return_lines",
        "ix_return_lines_reason",
        "reason requested_at return_id return_status resolution location_id sku",
        "",
    ),
)
_OF_RETURN = {
    "requested_at": "requested_at",
    "return_status": "status",
    "resolution": "resolution",
    "location_id": "location_id",
}
_TAKEN = (
    "(CASE WHEN captured_at IS NOT NULL THEN captured_at WHEN authorized_at IS NOT NULL THEN authorized_at "
    "ELSE created_at END)"
)


def upgrade() -> None:
    for table, name in _DROPPED:
        op.drop_index(name, table)
    op.add_column("deliveries", sa.Column("start_location_id", sa.String(), nullable=True))
    op.add_column("payments", sa.Column("refund_states", sa.String(), nullable=True))
    for name in _OF_RETURN:
        kind = UtcDateTime(timezone=True) if name == "requested_at" else sa.String()
        op.add_column("return_lines", sa.Column(name, kind, nullable=True))
    op.execute(
        f"""UPDATE deliveries SET start_location_id = COALESCE(
              {_of("deliveries", "route_id", "routes", "location_id")},
              {_of("deliveries", "shipment_id", "shipments", "location_id")},
              {_of("deliveries", "order_id", "orders", "warehouse_id")})"""
    )
    states = " || ".join(_said_of(state) for state in ("pending", "succeeded", "failed", "canceled"))
    op.execute(
        f"""UPDATE payments SET refund_states = NULLIF(TRIM({states}), '')
              WHERE EXISTS (SELECT 1 FROM refunds r
                WHERE r.workspace_id = payments.workspace_id AND r.payment_id = payments.id)"""
    )
    values = ", ".join(f"{name} = r.{of_return}" for name, of_return in _OF_RETURN.items())
    op.execute(
        f"""UPDATE return_lines SET {values} FROM returns r
              WHERE r.workspace_id = return_lines.workspace_id AND r.id = return_lines.return_id"""
    )
    for table, name, columns, condition in _CREATED:
        only: dict[str, Any] = {}
        if condition:
            only = {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
        op.create_index(name, table, ["workspace_id", *columns.split()], unique=False, **only)
    taken: list[Any] = ["workspace_id", "status", sa.text(_TAKEN), "created_at", "id", "captured_at", "authorized_at"]
    op.create_index("ix_payments_taken", "payments", taken, unique=False)
    refunded: list[Any] = ["workspace_id", sa.text(_TAKEN), *"created_at id refund_states status".split()]
    refunded += ["captured_at", "authorized_at"]
    some = sa.text("refund_states IS NOT NULL")
    op.create_index(
        "ix_payments_refunded_taken", "payments", refunded, unique=False, sqlite_where=some, postgresql_where=some
    )


def _of(child: str, reference: str, parent: str, column: str) -> str:
    """A column of the row that the child names."""
    return (
        f"(SELECT p.{column} FROM {parent} p WHERE p.workspace_id = {child}.workspace_id AND p.id = {child}.{reference})"
    )


def _said_of(state: str) -> str:
    return (
        "CASE WHEN EXISTS (SELECT 1 FROM refunds r WHERE r.workspace_id = payments.workspace_id "
        f"AND r.payment_id = payments.id AND r.status = '{state}') THEN '{state} ' ELSE '' END"
    )
