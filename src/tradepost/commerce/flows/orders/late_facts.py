"""What the lateness of orders is judged from, loaded for many orders at once: parcels with their carriers, last-mile
stops with their drivers, and units that the shelf does not have."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, bindparam, func, select

from tradepost.commerce.flows.orders.shortages import Shortage, find_shortages
from tradepost.commerce.logistics.models import Carrier, Delivery, Driver, Route, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import outstanding_quantity
from tradepost.commerce.store.store import Store
from tradepost.database.lookups import Lookup

ARRIVED = ("delivered", "picked_up")
OVER = ("completed", "canceled")


@dataclass(frozen=True, slots=True)
class ShipmentFact:
    """A parcel and its carrier's name and code, if one is known."""

    shipment: Shipment
    carrier: str | None
    carrier_code: str | None = None

    @property
    def owed(self) -> bool:
        """The customer does not have it yet."""
        return self.shipment.status not in ARRIVED


@dataclass(frozen=True, slots=True)
class StopFact:
    """An open last-mile stop and the driver it is assigned to, by itself or through its route."""

    delivery: Delivery
    driver: Driver | None


@dataclass(frozen=True, slots=True)
class Parcels:
    """The parcels, in their sequence, and the open stops of some orders."""

    shipments: list[ShipmentFact]
    stops: list[StopFact]


@dataclass(slots=True)
class OrderFacts:
    """All of one order. `unshipped_lines` still have units to take from the shelf."""

    shipments: list[ShipmentFact] = field(default_factory=list)
    stops: list[StopFact] = field(default_factory=list)
    unshipped_lines: list[OrderLine] = field(default_factory=list)
    shortages: list[Shortage] = field(default_factory=list)


def _parcels(which: ColumnElement[bool]) -> Lookup:
    return Lookup(
        select(Shipment, Carrier.name, Carrier.code, Delivery, Driver)
        .select_from(Order)
        .outerjoin(Shipment, Shipment.order_id == Order.id)
        .outerjoin(Carrier, Carrier.id == Shipment.carrier_id)
        .outerjoin(Delivery, and_(Delivery.order_id == Order.id, *(Delivery.status != over for over in OVER)))
        .outerjoin(Route, Route.id == Delivery.route_id)
        .outerjoin(Driver, Driver.id == func.coalesce(Delivery.driver_id, Route.driver_id))
        .where(which)
        .order_by(Order.id, Shipment.position, Shipment.id, Delivery.window_from, Delivery.id)
    )


_OF_ONE = _parcels(Order.id == bindparam("order_id"))
_OF_MANY = _parcels(Order.id.in_(bindparam("order_ids", expanding=True)))


async def load_parcels(store: Store, order_ids: Sequence[str]) -> Parcels:
    """The parcels and open stops of these orders, in one query: each order has few of either."""
    if len(order_ids) == 1:
        rows = await store.look_up(_OF_ONE, order_id=order_ids[0])
    else:
        rows = await store.look_up(_OF_MANY, order_ids=list(order_ids))
    shipments: dict[str, ShipmentFact] = {}
    stops: dict[str, StopFact] = {}
    for shipment, carrier, carrier_code, delivery, driver in rows:
        if shipment is not None:
            shipments.setdefault(shipment.id, ShipmentFact(shipment, carrier, carrier_code))
        if delivery is not None:
            stops.setdefault(delivery.id, StopFact(delivery, driver))
    return Parcels(list(shipments.values()), list(stops.values()))


async def load_facts(
    store: Store, orders: Sequence[Order], lines: Sequence[OrderLine] | None, parcels: Parcels | None
) -> dict[str, OrderFacts]:
    """The facts per order id."""
    facts = {order.id: OrderFacts() for order in orders}
    if not facts:
        return facts
    ids = list(facts)
    parcels = parcels or await load_parcels(store, ids)
    for fact in parcels.shipments:
        if fact.shipment.order_id in facts:
            facts[fact.shipment.order_id].shipments.append(fact)
    for stop in parcels.stops:
        if stop.delivery.order_id in facts:
            facts[stop.delivery.order_id].stops.append(stop)
    for line in lines if lines is not None else await _load_unshipped(store, ids):
        if line.order_id in facts and outstanding_quantity(line):
            facts[line.order_id].unshipped_lines.append(line)
    await _add_shortages(store, orders, facts)
    return facts


async def _load_unshipped(store: Store, order_ids: Sequence[str]) -> Sequence[OrderLine]:
    return await store.all(
        select(OrderLine)
        .where(
            OrderLine.order_id.in_(order_ids),
            OrderLine.status != "removed",
            OrderLine.quantity > OrderLine.fulfilled,
            OrderLine.quantity > OrderLine.shipped,
        )
        .order_by(OrderLine.order_id, OrderLine.position)
    )


async def _add_shortages(store: Store, orders: Sequence[Order], facts: dict[str, OrderFacts]) -> None:
    unshipped = {order: facts[order.id].unshipped_lines for order in orders if facts[order.id].unshipped_lines}
    found: dict[str, list[Shortage]] = defaultdict(list)
    if unshipped:
        for shortage in await find_shortages(store, unshipped):
            found[shortage.order_id].append(shortage)
    for order_id, shortages in found.items():
        facts[order_id].shortages = shortages
