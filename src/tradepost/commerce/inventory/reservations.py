"""Units set aside at a stock level: held for an order or for a while, released, used by the order that ships, expired.

The level must be locked. What is held stands in its `reserved` state, so the two always agree.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from tradepost.commerce.inventory.models import Reservation, StockLevel
from tradepost.commerce.inventory.stock import lock_levels, move
from tradepost.commerce.store.store import Store
from tradepost.foundation.ids import new_id

PREFIX = "RSV-"


async def hold(
    store: Store,
    level: StockLevel,
    quantity: int,
    *,
    order_id: str | None,
    reference: str | None,
    expires_at: datetime | None,
    reason: str | None,
) -> Reservation:
    """Set available units aside. `reference` is the number of the order, for the movement. Raises StateConflict where
    fewer are available."""
    number = await store.next_number(PREFIX)
    move(store, level, "available", "reserved", quantity, "reservation", reference or number, reason)
    held = store.add(
        Reservation(
            id=new_id(Reservation.prefix),
            number=number,
            variant_id=level.variant_id,
            sku=level.sku,
            location_id=level.location_id,
            order_id=order_id,
            status="held",
            quantity=quantity,
            expires_at=expires_at,
            reason=reason,
        )
    )
    await store.session.flush()
    return held


async def held_at(store: Store, level: StockLevel, order_id: str | None) -> Sequence[Reservation]:
    """What is held at a level for an order (None: for nobody in particular), the oldest first, locked."""
    owner = Reservation.order_id.is_(None) if order_id is None else Reservation.order_id == order_id
    return await store.lock_all(
        select(Reservation)
        .where(
            Reservation.sku == level.sku,
            Reservation.location_id == level.location_id,
            Reservation.status == "held",
            owner,
        )
        .order_by(Reservation.created_at, Reservation.id)
        .execution_options(populate_existing=True)
    )


def give_up(store: Store, level: StockLevel, held: Iterable[Reservation], quantity: int, why: str) -> list[Reservation]:
    """Put up to `quantity` held units back on sale, the oldest reservations first. Returns those it touched."""
    return _take(store, level, held, quantity, "released", why)


def use(store: Store, level: StockLevel, held: Iterable[Reservation], quantity: int, order_number: str) -> int:
    """Turn up to `quantity` held units into promised ones, as the order they are held for takes them. Returns how
    many."""
    before = level.reserved
    _take(store, level, held, quantity, "used", order_number)
    return before - level.reserved


async def release_order(store: Store, order_id: str, why: str) -> int:
    """Put everything that is held for an order back on sale. Returns the units."""
    seen = await store.all(select(Reservation).where(Reservation.order_id == order_id, Reservation.status == "held"))
    levels = await lock_levels(store, ((row.sku, row.location_id) for row in seen))
    freed = 0
    for level in levels.values():
        held = await held_at(store, level, order_id)
        freed += sum(row.quantity for row in held)
        give_up(store, level, held, sum(row.quantity for row in held), why)
    return freed


async def expire_due(store: Store, *, limit: int = 200, level: StockLevel | None = None) -> int:
    """Put reservations whose time is over back on sale: all of the workspace, or those at one locked level. Returns
    how many ended."""
    due = select(Reservation).where(Reservation.status == "held", Reservation.expires_at <= store.now)
    if level is not None:
        due = due.where(Reservation.sku == level.sku, Reservation.location_id == level.location_id)
    seen = await store.all(due.order_by(Reservation.expires_at, Reservation.id).limit(limit))
    if not seen:
        return 0
    levels = {} if level is not None else await lock_levels(store, ((row.sku, row.location_id) for row in seen))
    again = select(Reservation).where(Reservation.id.in_([row.id for row in seen]), Reservation.status == "held")
    rows = await store.lock_all(again.order_by(Reservation.id).execution_options(populate_existing=True))
    for row in rows:
        place = level if level is not None else levels[row.sku, row.location_id]
        _end(store, place, row, row.quantity, "expired", "its time was over")
    return len(rows)


def _take(
    store: Store, level: StockLevel, held: Iterable[Reservation], quantity: int, ending: str, why: str
) -> list[Reservation]:
    touched = []
    for row in held:
        units = min(row.quantity, quantity)
        if units <= 0:
            break
        _end(store, level, row, units, ending, why)
        quantity -= units
        touched.append(row)
    return touched


def _end(store: Store, level: StockLevel, row: Reservation, units: int, ending: str, why: str) -> None:
    if ending == "used":
        move(store, level, "reserved", "committed", units, "reservation", why)
    else:
        move(store, level, "reserved", "available", units, "release", row.number, why)
    row.quantity -= units
    if not row.quantity:
        row.status = ending
        store.emit(f"reservation:{ending}", row, sku=row.sku)
