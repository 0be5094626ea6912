"""What counts as booked: dated money and goods. A write that would touch the closed time is refused by its rows.

It is read off the flushes of a transaction, whatever flow they come from, so no flow can forget it: a new date must be
open, and what is dated in the closed time keeps its date and its sums. That a refund of today lowers what is left of an
old payment is no change of what was booked: the refund is a booking of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tradepost.commerce.store.books import CLOSED, ClosedBooks, as_closed
from tradepost.commerce.store.rows import label_of


@dataclass(frozen=True, slots=True)
class Booking:
    """A kind of row: the columns that date it, and those that stay as they were booked."""

    dates: tuple[str, ...]
    sums: tuple[str, ...] = ()


BOOKINGS: Mapping[str, Booking] = {
    "orders": Booking(("placed_at", "delivered_at", "canceled_at")),
    "payments": Booking(("captured_at",), ("captured_minor", "currency", "order_id")),
    "refunds": Booking(("refunded_at",), ("amount_minor", "currency", "status", "payment_id")),
    "disputes": Booking(("opened_at",), ("amount_minor", "fee_minor", "currency")),
    "payouts": Booking(("paid_at",), ("gross_minor", "fees_minor", "net_minor", "currency")),
    "settlement_lines": Booking(("occurred_at",), ("gross_minor", "fee_minor", "net_minor", "currency")),
    "invoices": Booking(("issued_at", "paid_at"), ("total_minor", "currency", "customer_id")),
    "claims": Booking(("decided_at",), ("settled_minor", "currency")),
    "stock_movements": Booking(("occurred_at",), ("delta", "on_hand_delta", "sku", "location_id", "state")),
    "transfers": Booking(("shipped_at", "received_at")),
    "purchase_orders": Booking(("received_at",)),
    "shipments": Booking(("shipped_at", "delivered_at")),
    "tracking_events": Booking(("occurred_at",)),
}


def require_open(closed: ClosedBooks, row: Any) -> None:
    """Raise StateConflict where a new row is dated into the closed time."""
    booking = BOOKINGS.get(row.__tablename__)
    for name in booking.dates if booking is not None else ():
        _require_date(closed, row, name, getattr(row, name))


def require_kept(closed: ClosedBooks, row: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise StateConflict where a change dates a row into the closed time, or changes what was booked there. `before`
    and `after`: the columns that change."""
    booking = BOOKINGS.get(row.__tablename__)
    if booking is None:
        return
    for name in booking.dates:
        if name in after:
            if closed.hold(before[name]):
                raise closed.refusal(f"The {label_of(row)} cannot change any more: it was booked on", before[name])
            _require_date(closed, row, name, after[name])
    if any(name in after for name in booking.sums):
        require_untouched(closed, row)


def require_untouched(closed: ClosedBooks, row: Any) -> None:
    """Raise StateConflict where the row stands in the closed time."""
    booking = BOOKINGS.get(row.__tablename__)
    for name in booking.dates if booking is not None else ():
        moment: datetime | None = getattr(row, name)
        if moment is not None and closed.hold(moment):
            raise closed.refusal(f"The {label_of(row)} cannot change any more: it was booked on", moment)


def _require_date(closed: ClosedBooks, row: Any, name: str, moment: datetime | None) -> None:
    if moment is not None and closed.hold(moment):
        raise closed.refusal(f"The {label_of(row)} would be dated ({name})", moment)


def keep_books(session: AsyncSession) -> None:
    """Refuse, from now on, whatever this transaction would flush into the closed time. For tools and imports; what the
    outside world reports of effects under way is a fact and is not held up."""
    event.listen(session.sync_session, "before_flush", _Keeper().on_flush)


class _Keeper:
    """Looks at the flushes of one session. What is closed is asked once, and only where something is booked."""

    def __init__(self) -> None:
        self._asked = False
        self._closed: ClosedBooks | None = None

    def on_flush(self, session: Session, _context: Any, _instances: Any) -> None:
        new, changed, gone = (_booked(rows) for rows in (session.new, session.dirty, session.deleted))
        if not (new or changed or gone):
            return
        if not self._asked:
            self._closed = as_closed(session.scalars(CLOSED).first())
            self._asked = True
        if self._closed is None:
            return
        for row in new:
            require_open(self._closed, row)
        for row in changed:
            require_kept(self._closed, row, *_change(row))
        for row in gone:
            require_untouched(self._closed, row)


def _booked(rows: Iterable[Any]) -> list[Any]:
    return [row for row in rows if row.__tablename__ in BOOKINGS]


def _change(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns that a flush will change, with their values before and after."""
    before, after = {}, {}
    booking = BOOKINGS[row.__tablename__]
    state = inspect(row)
    for name in (*booking.dates, *booking.sums):
        history = state.attrs[name].history
        if history.has_changes():
            before[name] = history.deleted[0] if history.deleted else None
            after[name] = history.added[0] if history.added else None
    return before, after
