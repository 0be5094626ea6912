"""small indexes of what is seldom: lines of a sku whose order is not completed, paid and fulfilled; and what had its
moment before it was made, with the moment, so that PostgreSQL sees that the index alone has the answer

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LINES = "sku placed_at order_id status order_status payment_status fulfillment_status warehouse_id promised_to"
_UNUSUAL = "order_status <> 'completed' OR payment_status <> 'paid' OR fulfillment_status <> 'fulfilled'"
_TAKEN_EARLY = "captured_at < created_at OR authorized_at < created_at"
_EARLY = (
    ("orders", "ix_orders_promised_early", "placed_at id promised_to", "promised_to < placed_at"),
    ("shipments", "ix_shipments_shipped_early", "created_at id shipped_at", "shipped_at < created_at"),
    ("payments", "ix_payments_taken_early", "created_at id captured_at authorized_at", _TAKEN_EARLY),
)


def upgrade() -> None:
    for table, name, columns, condition in _EARLY:
        op.drop_index(name, table)
        _create(table, name, columns, condition)
    _create("order_lines", "ix_order_lines_unusual", _LINES, _UNUSUAL)


def _create(table: str, name: str, columns: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, ["workspace_id", *columns.split()], sqlite_where=where, postgresql_where=where)
