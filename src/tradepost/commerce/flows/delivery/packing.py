"""Packing: which units of an order go into a parcel, taking them off the shelf, and the parcel itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.delivery.ways import Way
from tradepost.commerce.flows.names import called
from tradepost.commerce.flows.settling.order_units import Taken, UnitPool, UnitsOf, find_variants, named_variants
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.inventory.reservations import held_at, use
from tradepost.commerce.inventory.stock import commit, lock_levels, ship
from tradepost.commerce.logistics.models import Fulfillment, FulfillmentLine, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import outstanding_quantity, units_text
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean


async def units_to_pack(
    store: Store, order: Order, sold: Sequence[OrderLine], wanted: Sequence[UnitsOf] | None
) -> list[Taken]:
    """The units wanted, or all that are left to ship. Raises StateConflict where nothing is."""
    free = {line.id: outstanding_quantity(line) for line in sold}
    if wanted is None:
        units = [Taken(index, line, free[line.id]) for index, line in enumerate(sold) if free[line.id]]
    else:
        variants = await find_variants(store, named_variants(wanted), "lines")
        pool = UnitPool(order, sold, variants, free, "the rest has been shipped")
        units = [one for index, entry in enumerate(wanted) for one in pool.take(index, entry)]
    if not units:
        raise StateConflict(f"Everything of order {order.number} has been shipped.", hint="Nothing is left to pack.")
    return units


@dataclass(frozen=True, slots=True)
class Goods:
    """Units of a variant that leave; `field` names the argument they come from."""

    variant: Variant
    quantity: int
    field: str | None


async def take_from_stock(store: Store, order: Order, place: Location, goods: Sequence[Goods]) -> None:
    """Let the units leave the shelf: those held for the order first, then promised ones, then available ones. Raises
    StateConflict, with the numbers, for what is recalled or not there."""
    for one in goods:
        if one.variant.status == "recalled":
            raise StateConflict(
                f"{one.variant.sku} is recalled and is not shipped.",
                hint="Leave it out, and exchange or cancel it.",
                field=one.field,
            )
    counted = [one for one in goods if one.variant.tracks_stock]
    levels = await lock_levels(store, [(one.variant.sku, place.id) for one in counted])
    for one in counted:
        variant = one.variant
        level = levels.get((variant.sku, place.id))
        reserved = [] if level is None else await held_at(store, level, order.id)
        held = 0 if level is None else level.committed + level.available + sum(row.quantity for row in reserved)
        if level is None or held < one.quantity:
            wants, has = (units_text(count, variant.quantity_scale, variant.unit) for count in (one.quantity, held))
            raise StateConflict(
                f"{called(place)} has {has} units of {variant.sku} to ship; {wants} are wanted.",
                hint="Ship fewer, another warehouse, or transfer stock first.",
                field=one.field,
                details={"sku": variant.sku, "held": held, "wanted": one.quantity},
            )
        use(store, level, reserved, one.quantity, order.number)
        if level.committed < one.quantity:  # an order that was never promised them, or another warehouse's
            commit(store, level, one.quantity - level.committed, order.number)
        ship(store, level, one.quantity, order.number)


async def pack(
    store: Store,
    order: Order,
    place: Location,
    way: Way,
    units: Sequence[Taken],
    tracking_number: str | None,
    *,
    buy_label: bool,
) -> Shipment:
    """The fulfillment with these units, and its parcel."""
    sequence = select(func.coalesce(func.max(Fulfillment.sequence), 0)).where(Fulfillment.order_id == order.id)
    packed = store.add(
        Fulfillment(
            id=new_id(Fulfillment.prefix),
            order_id=order.id,
            sequence=(await store.session.execute(sequence)).scalar_one() + 1,
            status="success",
            location_id=place.id,
        )
    )
    await store.session.flush()
    for position, one in enumerate(units, start=1):
        store.add(
            FulfillmentLine(
                id=new_id(FulfillmentLine.prefix),
                fulfillment_id=packed.id,
                position=position,
                order_line_id=one.line.id,
                variant_id=one.line.variant_id,
                quantity=one.quantity,
            )
        )
    return await add_parcel(store, order, place, way, tracking_number, buy_label=buy_label, fulfillment_id=packed.id)


async def add_parcel(
    store: Store,
    order: Order,
    place: Location,
    way: Way,
    tracking_number: str | None,
    *,
    buy_label: bool,
    fulfillment_id: str | None = None,
) -> Shipment:
    """The parcel itself."""
    position = select(func.coalesce(func.max(Shipment.position), 0)).where(Shipment.order_id == order.id)
    rate = way.service.get("rate_minor") if way.service is not None else None
    shipment = store.add(
        Shipment(
            id=new_id(Shipment.prefix),
            number=await store.next_number("SHP-"),
            order_id=order.id,
            fulfillment_id=fulfillment_id,
            position=(await store.session.execute(position)).scalar_one() + 1,
            location_id=place.id,
            carrier_id=way.carrier.id,
            service_level=str(way.service["code"]) if way.service is not None else None,
            tracking_number=clean(tracking_number, 80) if tracking_number else None,
            status="label_purchased" if buy_label else "confirmed",
            shipped_at=store.now,
            eta=way.eta,
            promised_to=order.promised_to if fulfillment_id is not None else None,
            cost_minor=rate if isinstance(rate, int) else None,
            currency=order.currency,
        )
    )
    await store.session.flush()
    return shipment


def count_shipped(sold: Sequence[OrderLine], units: Sequence[Taken]) -> int:
    """Count the units on their lines. Returns the units of the order that are left to ship."""
    for one in units:
        one.line.fulfilled += one.quantity
        one.line.shipped += one.quantity
        one.line.status = "partial" if outstanding_quantity(one.line) else "fulfilled"
    return sum(outstanding_quantity(line) for line in sold)
