"""What an order's row says in short of its lines and parcels, and its lines of the order, so that the figures of a
period are read from one index each.

It follows from the rows: before a transaction commits, the orders whose lines or parcels it changed are summed up anew.
Only whoever writes past the session (a bulk load) has to ask for it, or bring it along. It is nobody's change: no
version counts it, and a preview does not show it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, event, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from tradepost.database.base import StoreBase
from tradepost.database.scoping import ScopedSession

# Columns of a line, and which of its order they repeat.
COPIED = {
    "placed_at": "placed_at",
    "picked_at": "picked_at",
    "promised_to": "promised_to",
    "warehouse_id": "warehouse_id",
    "order_status": "status",
    "payment_status": "payment_status",
    "fulfillment_status": "fulfillment_status",
}
# What of a row the sums are made of, by table, and how the row names its order.
_SUMMED = {
    "orders": tuple(COPIED.values()),
    "order_lines": ("sku", "quantity", "quantity_scale", "delivered", "status", *COPIED),
    "shipments": ("carrier_id",),
}
_WAITING = "orders_to_sum_up"  # in a session's info
_AT_ONCE = 500


class OrderSums:
    """The columns. `sold_units`: pieces on its lines; a measured line (by weight, by length) counts as one.
    `undelivered`: something of a line has not arrived. `repeats_sku`: a sku stands on more than one line. Removed lines
    do not count. `carrier_ids`: the carriers of its parcels, in order, one per text line."""

    sold_units: Mapped[int] = mapped_column(default=0)
    undelivered: Mapped[bool] = mapped_column(default=False)
    repeats_sku: Mapped[bool] = mapped_column(default=False)
    carrier_ids: Mapped[str] = mapped_column(default="")


class LineSums:
    """The columns: times, place and states of its order. By them the lines of a period stand together, and those of a
    sku tell which orders fit a search."""

    placed_at: Mapped[datetime | None]
    picked_at: Mapped[datetime | None]
    promised_to: Mapped[datetime | None]
    warehouse_id: Mapped[str | None]
    order_status: Mapped[str | None]
    payment_status: Mapped[str | None]
    fulfillment_status: Mapped[str | None]


SUMS = ("sold_units", "undelivered", "repeats_sku", "carrier_ids")


async def sum_up_orders(session: AsyncSession, workspace_id: str, order_ids: Sequence[str]) -> None:
    """Sum up orders that were written past the session, in its transaction."""
    await session.run_sync(lambda found: _sum_up(found.connection(), workspace_id, order_ids))


def note_orders(session: Session, rows: Iterable[Any]) -> None:
    """Sum up the orders of these rows before the transaction commits: for rows that no flush of it writes."""
    for row in rows:
        if row.__tablename__ in _SUMMED:
            waiting = session.info.setdefault(_WAITING, defaultdict(dict))
            order_id = row.id if row.__tablename__ == "orders" else row.order_id
            waiting[row.workspace_id or session.info["workspace_id"]][order_id] = None


@event.listens_for(ScopedSession, "before_flush")
def _note_changes(session: Session, _context: Any, _instances: Any) -> None:
    note_orders(session, (*session.new, *session.deleted, *(row for row in session.dirty if _changes_sums(row))))


@event.listens_for(ScopedSession, "before_commit")
def _keep_sums(session: Session) -> None:
    session.flush()
    for workspace_id, order_ids in session.info.pop(_WAITING, {}).items():
        _sum_up(session.connection(), workspace_id, list(order_ids))


def _changes_sums(row: Any) -> bool:
    columns = _SUMMED.get(row.__tablename__, ())
    return any(inspect(row).attrs[column].history.has_changes() for column in columns)


def _sum_up(connection: Connection, workspace_id: str, order_ids: Sequence[str]) -> None:
    tables = StoreBase.metadata.tables
    orders, order_lines = tables["orders"], tables["order_lines"]
    for start in range(0, len(order_ids), _AT_ONCE):
        ids = order_ids[start : start + _AT_ONCE]
        # Locked before they are looked at: whoever changes another line of the order at the same moment comes after.
        there = select(orders.c.id, *(orders.c[name] for name in (*COPIED.values(), *SUMS))).where(
            orders.c.workspace_id == workspace_id, orders.c.id.in_(ids)
        )
        kept = connection.execute(there.order_by(orders.c.id).with_for_update()).all()
        lines, parcels = (_parts(connection, name, workspace_id, ids) for name in ("order_lines", "shipments"))
        changed, moved = [], []
        for order_id, *of_order in kept:
            copied, before = dict(zip(COPIED, of_order, strict=False)), of_order[len(COPIED) :]
            now = _sums(lines[order_id], parcels[order_id])
            if now != before:
                changed.append({"workspace": workspace_id, "order": order_id, **dict(zip(SUMS, now, strict=True))})
            if any(getattr(line, name) != value for line in lines[order_id] for name, value in copied.items()):
                moved.append({"workspace": workspace_id, "order": order_id, **copied})
        if changed:
            connection.execute(_change(orders, orders.c.id, SUMS), changed)
        if moved:
            connection.execute(_change(order_lines, order_lines.c.order_id, tuple(COPIED)), moved)


def _parts(connection: Connection, table: str, workspace_id: str, order_ids: Sequence[str]) -> Mapping[str, list[Any]]:
    parts = StoreBase.metadata.tables[table]
    statement = select(parts.c.order_id, *(parts.c[name] for name in _SUMMED[table])).where(
        parts.c.workspace_id == workspace_id, parts.c.order_id.in_(order_ids)
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.order_id].append(row)
    return found


def _sums(lines: Iterable[Any], parcels: Iterable[Any]) -> list[Any]:
    """The values of SUMS."""
    sold = [line for line in lines if line.status != "removed"]
    return [
        sum(line.quantity if line.quantity_scale == 0 else 1 for line in sold),
        any(line.delivered < line.quantity for line in sold),
        len({line.sku for line in sold}) < len(sold),
        "\n".join(sorted({parcel.carrier_id for parcel in parcels if parcel.carrier_id is not None})),
    ]


def _change(table: Table, order_id: Any, columns: Sequence[str]) -> Any:
    """Change these columns of an order, or of its lines, and nothing else."""
    return (
        update(table)
        .where(table.c.workspace_id == bindparam("workspace"), order_id == bindparam("order"))
        .values(**{name: bindparam(name) for name in columns}, updated_at=table.c.updated_at)
    )
