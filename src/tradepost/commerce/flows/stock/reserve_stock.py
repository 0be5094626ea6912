"""Setting stock aside for an order or for a while, and giving it back."""

from datetime import datetime, timedelta
from typing import Annotated, NotRequired

from pydantic import Field
from sqlalchemy import func, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.flows.stock.stock_places import Sku, StockPlace, Warehouse, lock_place
from tradepost.commerce.inventory.models import Reservation
from tradepost.commerce.inventory.reservations import expire_due, give_up, held_at, hold
from tradepost.commerce.inventory.views import LevelView
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.orders.views import outstanding_quantity
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.listing import Moment
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict
from tradepost.foundation.untrusted import clean

LONGEST = timedelta(days=90)
WAITING = ("pending", "open", "on_hold")

Quantity = Annotated[int, Field(ge=1, le=1_000_000, description="Units.", examples=[5])]
ForOrder = Annotated[
    str | None, Field(max_length=200, description="Order id or number the units are for.", examples=["ORD-1001"])
]
Until = Annotated[
    Moment | None,
    Field(description="Without an order: held until then, at most 90 days.", examples=["2026-03-01T12:00:00Z"]),
]
Release = Annotated[bool, Field(description="true: give held units back instead.", examples=[False])]
Why = Annotated[str | None, Field(max_length=300, description="What for.", examples=["Trade fair"])]


class ReservedStock(TypedDict):
    """What is held now, or was given back (`released`: the reservations it came from)."""

    reservation: NotRequired[str]
    released: NotRequired[list[str]]
    sku: str
    warehouse: str
    quantity: int
    order_number: str | None
    ends_at: str | None
    level: LevelView


@write_tool(title="Reserve stock", scope="write:inventory", undo_for=UNDO_FOR)
async def reserve_stock(
    store: Store,
    sku: Sku,
    quantity: Quantity,
    warehouse_id: Warehouse = None,
    order_id: ForOrder = None,
    expires_at: Until = None,
    release: Release = False,
    reason: Why = None,
) -> Answer[ReservedStock]:
    """Set available units of a SKU aside, for an order that still waits for them or until a time. Use to keep stock for
    a customer or an event; release=true gives held units back early. Not to correct counts (adjust_stock) or to move
    stock (transfer_stock). More than is available, or than the order still needs, is refused. Held units are used when
    the order ships, freed when it is canceled or the time is over. Returns the reservation and the level."""
    order = await store.find(Order, order_id, field="order_id") if order_id is not None else None
    if order is not None:
        order = await store.lock(Order, order.id)
    ends = None if expires_at is None else _until(store, expires_at)
    if not release:
        _require_owner(order, ends)
    place = await lock_place(store, sku, warehouse_id)
    await expire_due(store, level=place.level)
    why = clean(reason, 300) if reason else None
    view: ReservedStock = {
        "sku": place.variant.sku,
        "warehouse": place.warehouse.code,
        "quantity": quantity,
        "order_number": order.number if order is not None else None,
        "ends_at": to_rfc3339(ends) if ends is not None else None,
        "level": place.view(store),
    }
    if release:
        view["released"] = await _release(store, place, order, quantity, why)
        verb = "released"
    else:
        view["reservation"] = await _reserve(store, place, order, quantity, ends, why)
        await _offer_release(store, place, order, quantity)
        verb = f"reserved ({view['reservation']})"
    await store.session.flush()
    view["level"] = place.view(store)
    owner = f" for order {order.number}" if order is not None else f" until {view['ends_at']}" if ends else ""
    text = f"{place.amount(quantity)} x {view['sku']} {verb} at {view['warehouse']}{owner}. {place.sentence()}."
    return Answer(view, text)


def _until(store: Store, ends: datetime) -> datetime:
    if not store.now < ends <= store.now + LONGEST:
        raise InvalidArgument(
            f"{to_rfc3339(ends)} is not within the next {LONGEST.days} days.",
            hint=f"It is {to_rfc3339(store.now)} now; name a later time.",
            field="expires_at",
        )
    return ends


def _require_owner(order: Order | None, ends: datetime | None) -> None:
    if (order is None) == (ends is None):
        raise InvalidArgument(
            "Give either order_id or expires_at.",
            hint="An order keeps its units until it ships or is canceled; without one the units need an end.",
        )
    if order is not None and order.status not in WAITING:
        raise not_in_this_state(
            order,
            f"and only {', '.join(WAITING)} orders wait for units",
            ORDER_TRANSITIONS,
            hint="Without an order, units are set aside until expires_at.",
        )


async def _reserve(
    store: Store, place: StockPlace, order: Order | None, quantity: int, ends: datetime | None, why: str | None
) -> str:
    if place.variant.status == "recalled":
        raise StateConflict(
            f"{place.variant.sku} is recalled and cannot be reserved.", hint="Choose another SKU.", field="sku"
        )
    if order is not None:
        await _require_needed(store, place, order, quantity)
    available = place.level.available
    if quantity > available:
        raise LimitExceeded(
            f"{place.warehouse.code} has {place.amount(available)} units of {place.variant.sku} available; "
            f"{place.amount(quantity)} cannot be reserved.",
            hint="Reserve fewer, or look at other warehouses with check_inventory.",
            field="quantity",
            details={"available": available, "wanted": quantity},
        )
    row = await hold(
        store,
        place.level,
        quantity,
        order_id=order.id if order is not None else None,
        reference=order.number if order is not None else None,
        expires_at=ends,
        reason=why,
    )
    store.emit("reservation:held", row, sku=row.sku, warehouse=place.warehouse.code, quantity=quantity)
    return row.number


async def _offer_release(store: Store, place: StockPlace, order: Order | None, quantity: int) -> None:
    """Units held for nobody in particular are released the oldest first: only where there are no others is that the
    reverse."""
    if order is None and len(await held_at(store, place.level, None)) > 1:
        return
    back = {"sku": place.variant.id, "warehouse_id": place.warehouse.id, "quantity": quantity, "release": True}
    if order is not None:
        back["order_id"] = order.id
    said = f"Gives the {place.amount(quantity)} reserved units of {place.variant.sku} back."
    store.reverse("reserve_stock", back, said)


async def _require_needed(store: Store, place: StockPlace, order: Order, quantity: int) -> None:
    """Not more than the order still waits for, over all warehouses."""
    lines = [line for line in await order_lines(store, order) if line.variant_id == place.variant.id]
    needed = sum(outstanding_quantity(line) for line in lines)
    statement = select(func.coalesce(func.sum(Reservation.quantity), 0)).where(
        Reservation.order_id == order.id,
        Reservation.variant_id == place.variant.id,
        Reservation.status == "held",
    )
    held = int((await store.session.execute(statement)).scalar_one())
    if held + quantity > needed:
        raise LimitExceeded(
            f"Order {order.number} waits for {place.amount(needed)} units of {place.variant.sku}, of which "
            f"{place.amount(held)} are reserved; {place.amount(quantity)} more are too many.",
            hint="Reserve at most what is left.",
            field="quantity",
            details={"needed": needed, "reserved": held, "wanted": quantity},
        )


async def _release(store: Store, place: StockPlace, order: Order | None, quantity: int, why: str | None) -> list[str]:
    rows = await held_at(store, place.level, order.id if order is not None else None)
    held = sum(row.quantity for row in rows)
    if quantity > held:
        owner = f"for order {order.number}" if order is not None else "without an order"
        raise LimitExceeded(
            f"{place.amount(held)} units of {place.variant.sku} are held {owner} at {place.warehouse.code}; "
            f"{place.amount(quantity)} cannot be released.",
            hint="Release at most what is held; name the order the units are held for.",
            field="quantity",
            details={"held": held, "wanted": quantity},
        )
    return [row.number for row in give_up(store, place.level, rows, quantity, why or "released")]


TOOLS = (reserve_stock,)
